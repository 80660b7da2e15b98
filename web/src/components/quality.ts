// The bars of a person's connection, and the details behind them.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import './bars';
import './popover';
import type { Popover } from './popover';
import { bitrate, milliseconds, ratio } from '../format';
import type { Details, TrackFigures } from '../meeting/details';
import type { Quality } from '../meeting/quality';
import { controls } from '../styles/controls';
import { texts } from '../texts';

const t = texts.quality;

/** Rates need two readings; a second apart they are steady enough to read. */
const PERIOD_MS = 1_000;

@customElement('lectern-quality')
export class QualityDetails extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: inline-flex;
      }
      .bars {
        display: grid;
        place-items: center;
        width: 28px;
        height: 26px;
        padding: 0;
        border: 0;
        border-radius: 8px;
        background: none;
        cursor: pointer;
      }
      .bars:hover {
        background: var(--quality-hover, var(--surface-2));
      }
      .panel {
        width: 300px;
        font-size: var(--t-sm);
      }
      h3 {
        font-size: var(--t-md);
        display: flex;
        justify-content: space-between;
        align-items: baseline;
        gap: var(--s3);
      }
      h3 span {
        font-weight: 400;
        color: var(--ink-2);
        font-size: var(--t-sm);
        letter-spacing: 0;
      }
      dl {
        display: grid;
        grid-template-columns: auto 1fr;
        gap: 3px var(--s4);
        margin: var(--s2) 0 0;
      }
      dt {
        color: var(--ink-3);
      }
      dd {
        margin: 0;
        text-align: right;
      }
      h4 {
        margin: var(--s3) 0 0;
        padding-top: var(--s3);
        border-top: 1px solid var(--line);
        font-size: var(--t-sm);
        font-weight: 620;
        display: flex;
        justify-content: space-between;
        gap: var(--s2);
      }
      h4 span {
        font-weight: 400;
        color: var(--ink-3);
      }
      .limited {
        color: var(--brass-ink);
        margin-top: 4px;
      }
      .none {
        margin-top: var(--s3);
        color: var(--ink-3);
      }
    `,
  ];

  @property() name = '';
  @property() quality: Quality = 'unknown';
  @property({ attribute: false }) read!: () => Promise<Details>;
  @state() private open = false;
  @state() private details: Details | undefined;
  @query('.bars') private button!: HTMLElement;

  #timer: ReturnType<typeof setInterval> | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#close();
  }

  protected override render(): TemplateResult {
    const word = t.names[this.quality];
    return html`<button
        class="bars"
        aria-label="${t.label(this.name)}: ${word}. ${t.details}"
        aria-expanded=${this.open ? 'true' : 'false'}
        title="${t.label(this.name)}: ${word}"
        data-testid="quality"
        @click=${() => (this.open ? this.#close() : this.#open())}
      >
        <lectern-bars .quality=${this.quality}></lectern-bars>
      </button>
      <lectern-popover .open=${this.open} .anchor=${this.button} @closed=${() => this.#close()}>
        ${this.open ? this.#panel() : nothing}
      </lectern-popover>`;
  }

  #panel(): TemplateResult {
    const { details } = this;
    return html`<div
      class="panel"
      role="dialog"
      aria-label="${t.details}: ${this.name}"
      tabindex="0"
      data-focus
      data-testid="quality-details"
    >
      <h3>${this.name} <span>${t.names[this.quality]}</span></h3>
      ${details === undefined ? html`<p class="none">${t.measuring}</p>` : this.#figures(details)}
    </div>`;
  }

  #figures(details: Details): TemplateResult {
    const { path } = details;
    const route = path && (path.relayed ? t.relayed(path.protocol) : t.direct(path.protocol));
    return html`<dl>
        ${row(t.roundTrip, details.roundTripMs, milliseconds)} ${row(t.path, route, String)}
        ${row(t.security, details.cipher, cipherName)}
      </dl>
      ${details.tracks.length === 0 ? html`<p class="none">${t.none}</p>` : nothing}
      ${details.tracks.map((track) => this.#track(track))}`;
  }

  #track(track: TrackFigures): TemplateResult {
    const { width, height, fps, limited } = track;
    const size = width === undefined ? undefined : `${width} × ${height} · ${fps ?? 0} fps`;
    return html`<h4>${t.rows[track.row]} <span>${track.sent ? t.sent : t.received}</span></h4>
      <dl data-testid="figures-${track.row}">
        ${row(t.size, size, String)} ${row(t.bitrate, track.bitrate, bitrate)}
        ${row(t.loss, track.lossRatio, ratio)} ${row(t.codec, track.codec, String)}
      </dl>
      ${limited === undefined ? nothing : html`<p class="limited">${t.limited[limited]}</p>`}`;
  }

  #open(): void {
    this.open = true;
    this.details = undefined;
    void this.#measure();
    this.#timer = setInterval(() => void this.#measure(), PERIOD_MS);
  }

  #close(): void {
    clearInterval(this.#timer);
    this.open = false;
  }

  async #measure(): Promise<void> {
    this.details = await this.read();
    await this.updateComplete;
    this.renderRoot.querySelector<Popover>('lectern-popover')?.place();
  }
}

function row<T>(
  name: string,
  value: T | undefined,
  format: (value: T) => string,
): TemplateResult | typeof nothing {
  if (value === undefined) return nothing;
  return html`<dt>${name}</dt>
    <dd>${format(value)}</dd>`;
}

/** `AEAD_AES_128_GCM` → `AES 128 GCM`. */
function cipherName(name: string): string {
  return name.replace(/^(SRTP_)?(AEAD_)?/, '').replaceAll('_', ' ');
}
