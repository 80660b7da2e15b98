// A page for what went wrong, or for the end: one cause, one text, what to do next.
import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { icon, type IconName } from '../icons';
import type { Ending } from '../meeting/state';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { troubles } from '../trouble';
import { pageHeader, pageStyles } from './page';

const icons: Partial<Record<Ending, IconName>> = {
  left: 'leave',
  'meeting-ended': 'leave',
  'server-unreachable': 'offline',
  'connection-lost': 'offline',
  'media-blocked': 'offline',
  'link-missing': 'link',
  'link-invalid': 'link',
  'link-expired': 'link',
  'link-revoked': 'link',
  'room-full': 'people',
  locked: 'lock',
  refused: 'leave',
  duplicate: 'tabs',
};

@customElement('lectern-trouble')
export class TroublePage extends LitElement {
  static override styles = [
    controls,
    pageStyles,
    css`
      main {
        width: 100%;
        max-width: 560px;
        margin: 0 auto;
        text-align: center;
      }
      .sign {
        display: grid;
        place-items: center;
        width: 72px;
        height: 72px;
        margin: 0 auto var(--s5);
        border-radius: 22px;
        font-size: 1.6rem;
        background: var(--brass-soft);
        color: var(--brass-ink);
      }
      :host([cause='left']) .sign,
      :host([cause='meeting-ended']) .sign {
        background: var(--primary-soft);
        color: var(--primary-ink);
      }
      h1 {
        font-size: var(--t-2xl);
        margin-bottom: var(--s3);
      }
      h1:focus-visible {
        outline: none;
      }
      .lead {
        max-width: 28em;
        margin: 0 auto var(--s5);
      }
      blockquote {
        max-width: 28em;
        margin: 0 auto var(--s5);
        padding: var(--s3) var(--s4);
        border-radius: var(--r2);
        background: var(--surface-2);
        color: var(--ink-2);
        text-align: start;
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      .buttons {
        display: flex;
        justify-content: center;
        gap: var(--s3);
        flex-wrap: wrap;
      }
      @media (max-width: 480px) {
        .buttons .btn {
          width: 100%;
        }
      }
    `,
  ];

  @property({ reflect: true }) cause: Ending = 'server-error';
  /** The text of the button that tries again; none when trying again is of no use. */
  @property() again = '';
  /** Where the recordings of the meeting are, for whoever holds their key. */
  @property() recordings = '';
  /** What a host said; empty when nothing. */
  @property() message = '';

  protected override firstUpdated(): void {
    this.renderRoot.querySelector('h1')?.focus();
  }

  protected override render(): TemplateResult {
    const { title, body } =
      this.cause === 'left'
        ? { title: texts.ended.leftTitle, body: texts.ended.leftBody }
        : troubles[this.cause];
    document.title = `${title} · ${texts.product}`;
    return html`${pageHeader()}
      <main>
        <div data-testid="ending" data-cause=${this.cause}>
          <div class="sign">${icon(icons[this.cause] ?? 'alert')}</div>
          <h1 tabindex="-1">${title}</h1>
          <p class="lead">${body}</p>
          ${
            this.message === ''
              ? ''
              : html`<blockquote dir="auto" data-testid="host-message">${this.message}</blockquote>`
          }
          <div class="buttons">
            ${
              this.again === ''
                ? ''
                : html`<button class="btn primary big" data-testid="again" @click=${() => this.#again()}>
                  ${icon('reload')} ${this.again}
                </button>`
            }
            ${
              this.recordings === ''
                ? ''
                : html`<a class="btn big" href=${this.recordings} data-testid="to-recordings">
                  ${icon('film')} ${texts.recordings.open}
                </a>`
            }
            <a class="btn big" href="/" data-testid="to-start">${texts.backToStart}</a>
          </div>
        </div>
      </main>`;
  }

  #again(): void {
    this.dispatchEvent(new CustomEvent('again'));
  }
}
