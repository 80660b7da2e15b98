// Asks before leaving; a shared screen goes with the person.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import './dialog';
import { controls } from '../styles/controls';
import { texts } from '../texts';

const t = texts.leave;

@customElement('lectern-leave-dialog')
export class LeaveDialog extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        --dialog-width: 420px;
      }
      p {
        color: var(--ink-2);
      }
      .buttons {
        display: flex;
        justify-content: flex-end;
        gap: var(--s3);
        margin-top: var(--s5);
      }
      @media (max-width: 640px) {
        .buttons .btn {
          flex: 1;
          min-height: 48px;
        }
      }
    `,
  ];

  @property({ type: Boolean }) open = false;
  @property({ type: Boolean }) sharing = false;

  protected override render(): TemplateResult {
    return html`<lectern-dialog
      heading=${t.title}
      .open=${this.open}
      @closed=${() => this.dispatchEvent(new CustomEvent('closed'))}
    >
      ${
        this.open
          ? html`<p>${this.sharing ? t.sharingBody : t.body}</p>
            <div class="buttons">
              <button
                class="btn"
                data-testid="stay"
                @click=${() => this.dispatchEvent(new CustomEvent('closed'))}
              >
                ${t.stay}
              </button>
              <button
                class="btn danger"
                data-focus
                data-testid="leave-confirm"
                @click=${() => this.dispatchEvent(new CustomEvent('leave'))}
              >
                ${t.confirm}
              </button>
            </div>`
          : nothing
      }
    </lectern-dialog>`;
  }
}
