// The choice of a camera, microphone or speaker.
import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { devices, type DeviceKind } from '../devices/list';
import { Watch } from '../store';
import { controls } from '../styles/controls';
import { texts } from '../texts';

const t = texts.prejoin;
const titles: Record<DeviceKind, string> = {
  microphone: t.microphone,
  camera: t.camera,
  speaker: t.speaker,
};

@customElement('lectern-device-select')
export class DeviceSelect extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: block;
        min-width: 0;
      }
    `,
  ];

  @property() kind: DeviceKind = 'microphone';
  /** The chosen device; empty for the system's default. */
  @property() value = '';

  readonly #watch = new Watch(this);

  override connectedCallback(): void {
    super.connectedCallback();
    this.#watch.watch(devices);
  }

  protected override render(): TemplateResult {
    const list = devices.value[this.kind];
    const known = list.some(({ id }) => id === this.value);
    return html`<div class="field">
      <label for="device">${titles[this.kind]}</label>
      <select
        id="device"
        data-testid="device-${this.kind}"
        @change=${(event: Event) => this.#chosen(event.target as HTMLSelectElement)}
      >
        <option value="" ?selected=${!known}>${t.systemDefault}</option>
        ${list.map(
          ({ id, label }) =>
            html`<option value=${id} ?selected=${id === this.value}>${label}</option>`,
        )}
      </select>
    </div>`;
  }

  #chosen(select: HTMLSelectElement): void {
    this.dispatchEvent(new CustomEvent<string>('chosen', { detail: select.value }));
  }
}
