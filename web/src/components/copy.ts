// A link to copy: its text, and a button that says when it is done.
import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { announce } from '../announce';
import { icon } from '../icons';
import { controls } from '../styles/controls';
import { texts } from '../texts';

const SHOWN_MS = 2_500;

@customElement('lectern-copy')
export class Copy extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: block;
      }
      .row {
        display: flex;
        gap: var(--s2);
      }
      input[type='text'] {
        flex: 1;
        min-width: 0;
        min-height: 42px;
        font-family: var(--mono);
        font-size: var(--t-sm);
        color: var(--ink-2);
        background: var(--surface-2);
        border-color: transparent;
        text-overflow: ellipsis;
      }
      .btn {
        min-width: 104px;
      }
      .hint,
      .error {
        margin-top: var(--s2);
      }
    `,
  ];

  @property() value = '';
  @property() label = '';
  @property({ type: Boolean }) primary = false;
  /** Copies the link without showing its secret. */
  @property({ type: Boolean }) hides = false;
  @query('input') private field!: HTMLInputElement;
  @state() private done: 'no' | 'yes' | 'failed' = 'no';

  protected override render(): TemplateResult {
    const copied = this.done === 'yes';
    const failed = this.hides ? texts.copyFailedHidden : texts.copyFailed;
    return html`<div class="row">
        <input
          type="text"
          readonly
          .value=${this.hides ? hidden(this.value) : this.value}
          aria-label=${this.label}
          data-testid="link"
          @focus=${() => this.field.select()}
        />
        <button
          class="btn ${this.primary ? 'primary' : ''}"
          data-testid="copy"
          aria-label="${copied ? texts.copied : texts.copy}: ${this.label}"
          @click=${() => this.#copy()}
        >
          ${icon(copied ? 'check' : 'copy')} ${copied ? texts.copied : texts.copy}
        </button>
      </div>
      ${this.hides ? html`<p class="hint">${texts.invite.hidden}</p>` : ''}
      ${this.done === 'failed' ? html`<p class="error" role="alert">${failed}</p>` : ''}`;
  }

  async #copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.value);
      this.done = 'yes';
      announce(texts.copied);
    } catch (error) {
      console.info('The clipboard is closed:', error);
      this.done = 'failed';
      this.field.focus();
    }
    setTimeout(() => (this.done = 'no'), SHOWN_MS);
  }
}

/** The secret is what comes after the #. */
function hidden(link: string): string {
  return link.replace(/#.*$/, '#••••••••');
}
