// Devices and colours, changed during a meeting.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import './device-select';
import './dialog';
import './theme-switch';
import { canChooseSpeaker, refreshDevices, type DeviceKind } from '../devices/list';
import { presents } from '../meeting/state';
import { recall, remember } from '../remembered';
import type { Role } from '../session';
import { controls } from '../styles/controls';
import { texts } from '../texts';

const t = texts.settings;

export interface DeviceChosen {
  kind: DeviceKind;
  id: string;
}

@customElement('lectern-settings-dialog')
export class SettingsDialog extends LitElement {
  static override styles = [
    controls,
    css`
      h3 {
        font-size: var(--t-sm);
        color: var(--ink-3);
        font-weight: 600;
        margin-bottom: var(--s3);
      }
      section + section {
        margin-top: var(--s5);
        padding-top: var(--s5);
        border-top: 1px solid var(--line);
      }
      .devices {
        display: grid;
        gap: var(--s4);
      }
      .row {
        display: flex;
        align-items: center;
        justify-content: space-between;
      }
    `,
  ];

  @property({ type: Boolean }) open = false;
  @property() holder: Role = 'viewer';
  @state() private chosen = {
    microphone: recall('microphone').id,
    camera: recall('camera').id,
    speaker: recall('speaker'),
  };

  protected override updated(changed: Map<PropertyKey, unknown>): void {
    if (changed.has('open') && this.open) void refreshDevices();
  }

  protected override render(): TemplateResult {
    return html`<lectern-dialog
      heading=${t.title}
      .open=${this.open}
      @closed=${() => this.dispatchEvent(new CustomEvent('closed'))}
    >
      ${
        this.open
          ? html`<section>
              <h3>${t.devices}</h3>
              <div class="devices">${this.#devices()}</div>
            </section>
            <section>
              <h3>${t.look}</h3>
              <div class="row">
                <span>${t.theme}</span>
                <lectern-theme-switch></lectern-theme-switch>
              </div>
            </section>`
          : nothing
      }
    </lectern-dialog>`;
  }

  #devices(): TemplateResult {
    const presenter = presents(this.holder);
    return html`${presenter ? this.#select('microphone') : html`<p>${t.viewerDevices}</p>`}
    ${presenter ? this.#select('camera') : nothing}
    ${canChooseSpeaker() ? this.#select('speaker') : nothing}`;
  }

  #select(kind: DeviceKind): TemplateResult {
    return html`<lectern-device-select
      kind=${kind}
      .value=${this.chosen[kind]}
      @chosen=${(event: CustomEvent<string>) => this.#choose(kind, event.detail)}
    ></lectern-device-select>`;
  }

  #choose(kind: DeviceKind, id: string): void {
    this.chosen = { ...this.chosen, [kind]: id };
    if (kind === 'speaker') remember('speaker', id);
    else remember(kind, { on: recall(kind).on, id });
    this.dispatchEvent(new CustomEvent<DeviceChosen>('device', { detail: { kind, id } }));
  }
}
