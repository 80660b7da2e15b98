// What a presenter decides before the browser asks which screen.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import './dialog';
import { icon, type IconName } from '../icons';
import { canShare, frameRates, resolutions, type ShareOptions } from '../meeting/sharing';
import { recall, remember } from '../remembered';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { troubles } from '../trouble';

const t = texts.share;

@customElement('lectern-share-dialog')
export class ShareDialog extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        --dialog-width: 520px;
      }
      form {
        display: grid;
        gap: var(--s4);
      }
      .lead {
        color: var(--ink-2);
      }
      fieldset {
        margin: 0;
        padding: 0;
        border: 0;
      }
      legend {
        padding: 0;
        margin-bottom: 6px;
      }
      .cards {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: var(--s3);
      }
      .card {
        display: grid;
        gap: 4px;
        align-content: start;
        padding: var(--s3) var(--s4);
        border: 1px solid var(--line-strong);
        border-radius: var(--r3);
        cursor: pointer;
        transition: background var(--fast) var(--ease);
      }
      .card:hover {
        background: var(--surface-2);
      }
      .card:has(:checked) {
        border-color: var(--primary);
        background: var(--primary-soft);
        box-shadow: inset 0 0 0 1px var(--primary);
      }
      .card:has(:focus-visible) {
        outline: 2px solid var(--focus);
        outline-offset: 2px;
      }
      .card b {
        display: flex;
        align-items: center;
        gap: var(--s2);
        font-weight: 620;
      }
      .card small {
        color: var(--ink-2);
        font-size: var(--t-sm);
        line-height: 1.4;
      }
      .pair {
        display: grid;
        grid-template-columns: 1fr 1fr;
        gap: var(--s3);
      }
      .sound {
        display: grid;
        grid-template-columns: 1fr auto;
        gap: 0 var(--s4);
        align-items: center;
        cursor: pointer;
      }
      .sound small {
        color: var(--ink-3);
        font-size: var(--t-sm);
        grid-row: 2;
      }
      .toggle {
        appearance: none;
        grid-row: 1 / 3;
        grid-column: 2;
        position: relative;
        width: 46px;
        height: 28px;
        margin: 0;
        border-radius: 14px;
        background: var(--line-strong);
        cursor: pointer;
        transition: background var(--fast) var(--ease);
      }
      .toggle::after {
        content: '';
        position: absolute;
        left: 3px;
        top: 3px;
        width: 22px;
        height: 22px;
        border-radius: 50%;
        background: #fff;
        transition: transform var(--fast) var(--ease);
      }
      .toggle:checked {
        background: var(--primary);
      }
      .toggle:checked::after {
        transform: translateX(18px);
      }
      @media (max-width: 480px) {
        .cards,
        .pair {
          grid-template-columns: 1fr;
        }
      }
    `,
  ];

  @property({ type: Boolean }) open = false;
  /** No connection yet, or none just now: what is captured would reach nobody. */
  @property({ type: Boolean }) waiting = false;
  @state() private options: ShareOptions = recall('share');

  protected override render(): TemplateResult {
    const unsupported = troubles['share-unsupported'];
    return html`<lectern-dialog
      heading=${canShare() ? t.title : unsupported.title}
      .open=${this.open}
      @closed=${() => this.dispatchEvent(new CustomEvent('closed'))}
    >
      ${!this.open ? nothing : canShare() ? this.#form(this.options) : html`<p class="lead">${unsupported.body}</p>`}
    </lectern-dialog>`;
  }

  #form(options: ShareOptions): TemplateResult {
    return html`<form @submit=${(event: Event) => this.#choose(event)} data-testid="share-options">
      <p class="lead">${t.lead}</p>
      <fieldset>
        <legend class="label">${t.content}</legend>
        <div class="cards">
          ${this.#card('detail', 'screen', t.detail, t.detailHint)}
          ${this.#card('motion', 'camera', t.motion, t.motionHint)}
        </div>
      </fieldset>
      <div class="pair">
        <div class="field">
          <label for="lines">${t.resolution}</label>
          <select
            id="lines"
            data-testid="share-resolution"
            @change=${(event: Event) => this.#set({ lines: numberOf(event) as ShareOptions['lines'] })}
          >
            ${resolutions.map(
              (lines) =>
                html`<option value=${lines} ?selected=${lines === options.lines}>
                  ${t.resolutions[lines]}
                </option>`,
            )}
          </select>
        </div>
        <div class="field">
          <label for="rate">${t.frameRate}</label>
          <select
            id="rate"
            data-testid="share-rate"
            @change=${(event: Event) =>
              this.#set({ frameRate: numberOf(event) as ShareOptions['frameRate'] })}
          >
            ${frameRates.map(
              (rate) =>
                html`<option value=${rate} ?selected=${rate === options.frameRate}>
                  ${t.fps(rate)}
                </option>`,
            )}
          </select>
        </div>
      </div>
      <label class="sound">
        <span>${t.sound}</span>
        <small>${t.soundHint}</small>
        <input
          class="toggle"
          type="checkbox"
          role="switch"
          data-testid="share-sound"
          .checked=${options.sound}
          @change=${(event: Event) =>
            this.#set({ sound: (event.target as HTMLInputElement).checked })}
        />
      </label>
      <button
        class="btn primary big"
        aria-disabled=${this.waiting ? 'true' : nothing}
        data-testid="share-choose"
        data-focus
      >
        ${icon('share')} ${this.waiting ? t.waiting : t.choose}
      </button>
    </form>`;
  }

  #card(
    content: ShareOptions['content'],
    picture: IconName,
    title: string,
    hint: string,
  ): TemplateResult {
    return html`<label class="card">
      <input
        class="visually-hidden"
        type="radio"
        name="content"
        data-testid="share-${content}"
        .checked=${this.options.content === content}
        @change=${() => this.#contentChosen(content)}
      />
      <b>${icon(picture)} ${title}</b>
      <small>${hint}</small>
    </label>`;
  }

  /** Movement wants more pictures, text fewer: the frame rate follows until it is chosen again. */
  #contentChosen(content: ShareOptions['content']): void {
    this.#set({ content, frameRate: content === 'motion' ? 30 : 15 });
  }

  #set(change: Partial<ShareOptions>): void {
    this.options = { ...this.options, ...change };
    remember('share', this.options);
  }

  #choose(event: Event): void {
    event.preventDefault();
    if (this.waiting) return;
    // Still inside the click: browsers open the picker only then.
    this.dispatchEvent(new CustomEvent<ShareOptions>('share', { detail: this.options }));
  }
}

function numberOf(event: Event): number {
  return Number((event.target as HTMLSelectElement).value);
}
