// How others will see and hear a presenter: the camera's picture, both switches, the level meter.
import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import './avatar';
import './meter';
import './video';
import type { InputKind, LocalDevices } from '../devices/local';
import { icon } from '../icons';
import { pictureOf } from '../meeting/live/picture';
import { Watch } from '../store';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { troubles } from '../trouble';

const t = texts.prejoin;

@customElement('lectern-preview')
export class Preview extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: grid;
        gap: var(--s3);
      }
      .frame {
        position: relative;
        aspect-ratio: 16 / 10;
        border-radius: var(--r4);
        overflow: hidden;
        background: #17211d;
        color: #e9f1ed;
        box-shadow: var(--shadow-2);
      }
      lectern-video {
        position: absolute;
        inset: 0;
      }
      .off {
        position: absolute;
        inset: 0 0 64px;
        display: grid;
        place-content: center;
        justify-items: center;
        gap: var(--s3);
        padding: var(--s4);
        text-align: center;
        color: #b4c2bb;
        font-size: var(--t-sm);
        --avatar-size: 88px;
      }
      .switches {
        position: absolute;
        inset: auto 0 var(--s4);
        display: flex;
        justify-content: center;
        gap: var(--s3);
      }
      .switch {
        display: grid;
        place-items: center;
        width: 52px;
        height: 52px;
        border: 1px solid rgb(255 255 255 / 16%);
        border-radius: var(--r-full);
        background: rgb(20 30 26 / 72%);
        backdrop-filter: blur(10px);
        color: #fff;
        font-size: 1.1rem;
        cursor: pointer;
      }
      .switch:hover {
        background: rgb(44 58 52 / 86%);
      }
      .switch[aria-pressed='false'] {
        background: #b5271d;
        border-color: transparent;
      }
      .switch:focus-visible {
        outline: 2px solid #fff;
        outline-offset: 3px;
      }
      .sound {
        display: grid;
        grid-template-columns: auto 1fr;
        gap: var(--s3);
        align-items: center;
        padding: 0 2px;
        color: var(--ink-3);
        font-size: var(--t-sm);
      }
      .trouble {
        display: grid;
        grid-template-columns: auto 1fr;
        gap: var(--s3);
        padding: var(--s3) var(--s4);
        border-radius: var(--r2);
        background: var(--danger-soft);
        color: var(--danger-ink);
        font-size: var(--t-sm);
      }
      .trouble .icon {
        margin-top: 1px;
      }
    `,
  ];

  @property({ attribute: false }) local!: LocalDevices;
  @property() name = '';

  readonly #watch = new Watch(this);

  protected override willUpdate(): void {
    this.#watch.watch(this.local.state);
  }

  protected override render(): TemplateResult {
    const { camera, microphone, cameraTrack, microphoneTrack } = this.local.state.value;
    return html`<div class="frame">
        ${
          cameraTrack === undefined
            ? html`<div class="off">
              <lectern-avatar .name=${this.name}></lectern-avatar>
              <span>${camera.status === 'starting' ? t.cameraStarting : t.cameraIsOff}</span>
            </div>`
            : html`<lectern-video
              mirrored
              label=${t.preview}
              data-testid="preview"
              .picture=${pictureOf(cameraTrack)}
            ></lectern-video>`
        }
        <div class="switches">
          ${this.#switch('microphone', microphone.status !== 'off')}
          ${this.#switch('camera', camera.status !== 'off')}
        </div>
      </div>
      <div class="sound">
        ${icon(microphone.status === 'off' ? 'microphoneOff' : 'microphone')}
        ${
          microphoneTrack === undefined
            ? html`<span>${t.microphoneIsOff}</span>`
            : html`<lectern-meter
              data-testid="level"
              title=${t.speakUp}
              .track=${microphoneTrack.mediaStreamTrack}
            ></lectern-meter>`
        }
      </div>
      ${[microphone.trouble, camera.trouble].map((trouble) =>
        trouble === undefined
          ? ''
          : html`<div class="trouble" role="alert" data-testid="trouble" data-cause=${trouble}>
              ${icon('alert')}
              <span><b>${troubles[trouble].title}.</b> ${troubles[trouble].body}</span>
            </div>`,
      )}`;
  }

  #switch(kind: InputKind, on: boolean): TemplateResult {
    const label =
      kind === 'microphone'
        ? on
          ? t.microphoneOff
          : t.microphoneOn
        : on
          ? t.cameraOff
          : t.cameraOn;
    const picture = kind === 'microphone' ? 'microphone' : 'camera';
    return html`<button
      type="button"
      class="switch"
      aria-pressed=${on ? 'true' : 'false'}
      aria-label=${label}
      title=${label}
      data-testid="toggle-${kind}"
      @click=${() => void this.local.set(kind, !on)}
    >
      ${icon(on ? picture : `${picture}Off`)}
    </button>`;
  }
}
