// One person in the strip or the grid: picture or initials, name, and what can be said of them.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import './avatar';
import './quality';
import './video';
import type { FrameState } from './video';
import { icon } from '../icons';
import type { Details } from '../meeting/details';
import type { Person } from '../meeting/state';
import { controls } from '../styles/controls';
import { texts } from '../texts';

const t = texts.screen;

@customElement('lectern-tile')
export class Tile extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        position: relative;
        display: block;
        container-type: inline-size;
        min-width: 0;
        min-height: 0;
        border-radius: var(--r3);
        overflow: hidden;
        background: #1b2521;
        color: #eef4f1;
        --bars-dim: #fff;
        --good: #62d3a8;
        --fair: #ffcf6b;
        --bad: #ff8a7e;
        --quality-hover: rgb(255 255 255 / 16%);
        --focus: #8ff0d0;
      }
      :host([speaking])::after {
        content: '';
        position: absolute;
        inset: 0;
        border-radius: inherit;
        box-shadow: inset 0 0 0 3px #4fd0a5;
        pointer-events: none;
      }
      article,
      lectern-video {
        position: absolute;
        inset: 0;
      }
      .instead {
        position: absolute;
        inset: 0;
        display: grid;
        place-content: center;
        justify-items: center;
        gap: 6px;
        padding: 8px 12px 30px;
        text-align: center;
        font-size: var(--t-xs);
        line-height: 1.35;
        color: #b9c7c0;
        --avatar-size: clamp(38px, 30cqmin, 104px);
      }
      /* Where both do not fit, words say more. */
      @container (max-height: 120px) {
        .said lectern-avatar {
          display: none;
        }
      }
      .over {
        background: rgb(16 24 20 / 78%);
      }
      .box {
        position: absolute;
        inset: 0;
        container-type: size;
      }
      .name {
        position: absolute;
        left: 6px;
        bottom: 6px;
        max-width: calc(100% - 46px);
        display: flex;
        align-items: center;
        gap: 5px;
        height: 26px;
        padding: 0 9px 0 7px;
        border-radius: 8px;
        background: rgb(12 19 16 / 74%);
        font-size: var(--t-xs);
        font-weight: 560;
        white-space: nowrap;
      }
      .name span {
        overflow: hidden;
        text-overflow: ellipsis;
      }
      .name .muted {
        color: #ff9d93;
      }
      .name .icon {
        width: 14px;
        height: 14px;
      }
      lectern-quality {
        position: absolute;
        right: 6px;
        bottom: 6px;
        border-radius: 8px;
        background: rgb(12 19 16 / 74%);
      }
      .hand {
        position: absolute;
        left: 8px;
        top: 8px;
        display: grid;
        place-items: center;
        width: 28px;
        height: 28px;
        border-radius: var(--r-full);
        background: var(--brass);
        color: var(--on-brass);
        font-size: 0.85rem;
      }
      .pin {
        position: absolute;
        right: 6px;
        top: 6px;
        display: grid;
        place-items: center;
        width: 30px;
        height: 30px;
        padding: 0;
        border: 0;
        border-radius: 8px;
        background: rgb(12 19 16 / 74%);
        color: #fff;
        font-size: 0.85rem;
        cursor: pointer;
        opacity: 0;
        transition: opacity var(--fast) var(--ease);
      }
      :host(:hover) .pin,
      .pin:focus-visible,
      .pin[aria-pressed='true'] {
        opacity: 1;
      }
      .pin[aria-pressed='true'] {
        background: var(--brass);
        color: var(--on-brass);
      }
      @media (hover: none) {
        @container (min-width: 190px) {
          .pin {
            opacity: 1;
          }
        }
      }
      @container (max-width: 150px) {
        lectern-quality {
          display: none;
        }
        .name {
          max-width: calc(100% - 12px);
          height: 22px;
          padding: 0 7px 0 5px;
        }
      }
    `,
  ];

  @property({ attribute: false }) person!: Person;
  @property({ type: Boolean }) pinned = false;
  @property({ type: Boolean }) held = false;
  @property({ attribute: false }) details!: (identity: string) => Promise<Details>;
  @state() private frames: FrameState = 'empty';

  protected override willUpdate(): void {
    if (this.person.camera.picture === undefined) this.frames = 'empty';
    this.toggleAttribute('speaking', this.person.speaking);
    this.dataset['identity'] = this.person.identity;
  }

  protected override render(): TemplateResult {
    const { person } = this;
    const { picture } = person.camera;
    return html`<article
      aria-label=${describe(person)}
      data-testid="tile"
      data-camera=${person.camera.status}
    >
      ${
        picture === undefined
          ? nothing
          : html`<lectern-video
            watched
            ?mirrored=${person.self}
            ?held=${this.held}
            .picture=${picture}
            label=${person.name}
            @frames=${(event: CustomEvent<FrameState>) => (this.frames = event.detail)}
          ></lectern-video>`
      }
      ${this.#instead()}
      ${
        person.handRaisedAt === undefined
          ? nothing
          : html`<span class="hand" title=${texts.people.hand}>${icon('hand')}</span>`
      }
      <div class="name">
        ${
          person.microphone === 'on' ? nothing : html`<i class="muted">${icon('microphoneOff')}</i>`
        }
        <span><bdi>${person.name}</bdi>${person.self ? ` (${texts.you})` : ''}</span>
      </div>
      <lectern-quality
        .name=${person.name}
        .quality=${person.quality}
        .read=${() => this.details(person.identity)}
      ></lectern-quality>
      ${this.#pin()}
    </article>`;
  }

  /** What stands where a picture is missing: never just black. */
  #instead(): TemplateResult | typeof nothing {
    const { status } = this.person.camera;
    const reason =
      status === 'paused'
        ? t.paused
        : status === 'unplayable'
          ? t.unplayable
          : status === 'waiting' || (status === 'live' && this.frames === 'empty')
            ? t.waiting
            : status === 'live' && this.frames === 'frozen'
              ? t.frozen
              : undefined;
    if (status === 'live' && reason === undefined) return nothing;
    return html`<div class="box">
      <div
        class="instead ${this.frames === 'empty' ? '' : 'over'} ${reason === undefined ? '' : 'said'}"
        data-testid="placeholder"
      >
        <lectern-avatar .name=${this.person.name}></lectern-avatar>
        ${reason === undefined ? nothing : html`<span>${reason}</span>`}
      </div>
    </div>`;
  }

  #pin(): TemplateResult {
    const label = this.pinned ? t.unpinThis(this.person.name) : t.pinThis(this.person.name);
    return html`<button
      class="pin"
      aria-pressed=${this.pinned ? 'true' : 'false'}
      aria-label=${label}
      title=${label}
      data-testid="pin"
      @click=${() => this.dispatchEvent(new CustomEvent('pin'))}
    >
      ${icon(this.pinned ? 'unpin' : 'pin')}
    </button>`;
  }
}

function describe(person: Person): string {
  const p = texts.people;
  return [
    person.self ? `${person.name} (${texts.you})` : person.name,
    person.microphone === 'on' ? p.unmuted : p.muted,
    person.camera.status === 'off' ? t.cameraOff : p.cameraOn,
    person.handRaisedAt === undefined ? undefined : p.hand,
  ]
    .filter((part) => part !== undefined)
    .join(', ');
}
