// What everybody should know about the connection, and what failed: one line each, above the stage.
// Screen readers are told of them by the stage: text that comes together with its region is not
// read, and neither is what lies behind a dialog.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { icon } from '../icons';
import { brokenText, isCalm } from '../meeting/news';
import { isRecorded, presents, type MeetingState } from '../meeting/state';
import type { RecordingTrouble } from '../recording';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { troubles } from '../trouble';

const t = texts.banner;

@customElement('lectern-banner')
export class Banner extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: grid;
        gap: 6px;
      }
      :host([hidden]) {
        display: none;
      }
      .line {
        display: flex;
        align-items: center;
        gap: var(--s3);
        min-height: 42px;
        padding: 6px 8px 6px 14px;
        border-radius: 12px;
        font-size: var(--t-sm);
        line-height: 1.4;
        background: var(--surface-2);
      }
      .line p {
        flex: 1;
      }
      .line.warn {
        background: var(--brass-soft);
        color: var(--brass-ink);
      }
      .line.bad {
        background: var(--danger-soft);
        color: var(--danger-ink);
      }
      .line .btn.quiet {
        color: inherit;
      }
      .line .btn.quiet:hover {
        background: color-mix(in srgb, currentColor 12%, transparent);
      }
      @media (max-width: 560px) {
        .line:has(.btn:not(.icon-only)) {
          flex-wrap: wrap;
        }
        .line:has(.btn:not(.icon-only)) p {
          flex: 1 1 calc(100% - 60px);
        }
        .line .btn:not(.icon-only) {
          flex: 1;
        }
      }
      .spin {
        animation: spin 0.9s linear infinite;
      }
      .attempt {
        font-variant-numeric: tabular-nums;
        opacity: 0.85;
        margin-right: 8px;
      }
      @keyframes spin {
        to {
          transform: rotate(360deg);
        }
      }
    `,
  ];

  @property({ attribute: false }) state!: MeetingState;
  /** The recording whose trouble was read. */
  @state() private closedRecording = '';

  protected override willUpdate(): void {
    const { phase, poorNetwork, offline, audioBlocked, trouble, shareLost } = this.state;
    const calm = !poorNetwork && !offline && !audioBlocked && trouble === undefined;
    const broken = this.#brokenRecording() !== undefined;
    this.hidden =
      phase.is !== 'reconnecting' && calm && !shareLost && !broken && !hostless(this.state);
  }

  protected override render(): TemplateResult {
    return html`${this.#connection()} ${this.#sound()} ${this.#host()} ${this.#share()}
    ${this.#recording()} ${this.#trouble()}`;
  }

  #connection(): TemplateResult | typeof nothing {
    const { phase, poorNetwork, offline } = this.state;
    if (phase.is === 'reconnecting') {
      return html`<div class="line ${offline ? 'bad' : 'warn'}" data-testid="banner-reconnecting">
        <span class="spin">${icon('loading')}</span>
        <p>${offline ? t.offline : t.reconnecting}</p>
        <span class="attempt">${t.attempt(phase.attempt)}</span>
      </div>`;
    }
    if (offline) {
      return html`<div class="line bad" data-testid="banner-offline">
        ${icon('offline')}
        <p>${t.offline}</p>
      </div>`;
    }
    if (!poorNetwork) return nothing;
    return html`<div class="line warn" data-testid="banner-poor">
      ${icon('alert')}
      <p>${t.poor}</p>
    </div>`;
  }

  #sound(): TemplateResult | typeof nothing {
    if (!this.state.audioBlocked) return nothing;
    return html`<div class="line warn" data-testid="banner-audio">
      ${icon('speaker')}
      <p>${texts.stage.startAudioBody}</p>
      <button
        class="btn brass small"
        data-testid="start-audio"
        @click=${() => this.dispatchEvent(new CustomEvent('start-audio'))}
      >
        ${texts.stage.startAudio}
      </button>
    </div>`;
  }

  #host(): TemplateResult | typeof nothing {
    if (!hostless(this.state)) return nothing;
    return html`<div class="line" data-testid="banner-no-host">
      ${icon('people')}
      <p>${t.noHost}</p>
    </div>`;
  }

  /** Browsers start a share only at a click. */
  #share(): TemplateResult | typeof nothing {
    if (!this.state.shareLost) return nothing;
    return html`<div class="line warn" data-testid="banner-share-lost">
      ${icon('screenOff')}
      <p>${t.shareLost}</p>
      <button
        class="btn brass small"
        data-testid="share-again"
        @click=${() => this.dispatchEvent(new CustomEvent('share-again'))}
      >
        ${t.shareAgain}
      </button>
      <button
        class="btn quiet icon-only small"
        aria-label="${texts.close}: ${t.shareAgain}"
        data-testid="dismiss-share-lost"
        @click=${() => this.dispatchEvent(new CustomEvent('dismiss-share-lost'))}
      >
        ${icon('close')}
      </button>
    </div>`;
  }

  /** Whoever presents can do something about it. */
  #brokenRecording(): { id: string; trouble: RecordingTrouble } | undefined {
    const { recording, role } = this.state;
    if (recording?.trouble === undefined || !presents(role)) return undefined;
    if (recording.id === this.closedRecording) return undefined;
    return { id: recording.id, trouble: recording.trouble };
  }

  #recording(): TemplateResult | typeof nothing {
    const broken = this.#brokenRecording();
    if (broken === undefined) return nothing;
    const [title, body] = brokenText(broken.trouble);
    return html`<div class="line bad" data-testid="banner-recording">
      ${icon('recordOff')}
      <p><b>${title}</b> ${body}</p>
      <button
        class="btn danger small"
        data-testid="record-again"
        @click=${() => this.dispatchEvent(new CustomEvent('record-again'))}
      >
        ${isRecorded(this.state) ? texts.stage.recordStop : texts.recorded.again}
      </button>
      <button
        class="btn quiet icon-only small"
        aria-label="${texts.close}: ${title}"
        data-testid="dismiss-recording"
        @click=${() => (this.closedRecording = broken.id)}
      >
        ${icon('close')}
      </button>
    </div>`;
  }

  #trouble(): TemplateResult | typeof nothing {
    const { trouble } = this.state;
    if (trouble === undefined) return nothing;
    return html`<div
      class="line ${isCalm(trouble) ? '' : 'bad'}"
      data-testid="trouble"
      data-cause=${trouble}
    >
      ${icon('alert')}
      <p><b>${troubles[trouble].title}.</b> ${troubles[trouble].body}</p>
      <button
        class="btn quiet icon-only small"
        aria-label=${texts.close}
        data-testid="dismiss-trouble"
        @click=${() => this.dispatchEvent(new CustomEvent('dismiss'))}
      >
        ${icon('close')}
      </button>
    </div>`;
  }
}

/** While nothing can be known of it, nothing is said of it. */
function hostless({ phase, host }: MeetingState): boolean {
  return phase.is === 'live' && !host;
}
