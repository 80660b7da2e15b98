// Asks before leaving; a shared screen goes with the person. Owners may end the meeting instead.
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import './dialog';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { confirmStyles } from './confirm-styles';

const t = texts.leave;

@customElement('lectern-leave-dialog')
export class LeaveDialog extends LitElement {
  static override styles = [
    controls,
    confirmStyles,
    css`
      .end {
        margin-top: var(--s5);
        padding-top: var(--s4);
        border-top: 1px solid var(--line);
      }
      .end .btn {
        color: var(--danger-ink);
      }
      .end .btn.danger {
        color: var(--on-danger);
      }
      .end .buttons {
        margin-top: var(--s3);
      }
      @media (max-width: 640px) {
        .end > .btn {
          width: 100%;
          min-height: 48px;
        }
      }
    `,
  ];

  @property({ type: Boolean }) open = false;
  @property({ type: Boolean }) sharing = false;
  /** May end the meeting for everybody. */
  @property({ type: Boolean }) owner = false;
  @state() private ending = false;

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('open') && !this.open) this.ending = false;
  }

  protected override render(): TemplateResult {
    return html`<lectern-dialog
      heading=${t.title}
      .open=${this.open}
      @closed=${() => this.dispatchEvent(new CustomEvent('closed'))}
    >
      ${this.open ? this.#body() : nothing}
    </lectern-dialog>`;
  }

  #body(): TemplateResult {
    const tell = (what: string) => () => this.dispatchEvent(new CustomEvent(what));
    return html`<p>${this.sharing ? t.sharingBody : this.owner ? t.ownerBody : t.body}</p>
      <div class="buttons">
        <button class="btn" data-testid="stay" @click=${tell('closed')}>${t.stay}</button>
        <button
          class="btn danger"
          data-focus
          data-testid="leave-confirm"
          @click=${tell('leave')}
        >
          ${t.confirm}
        </button>
      </div>
      ${this.owner ? this.#end() : nothing}`;
  }

  #end(): TemplateResult {
    if (!this.ending) {
      return html`<div class="end">
        <button class="btn" data-testid="end-meeting" @click=${() => (this.ending = true)}>
          ${t.end}
        </button>
      </div>`;
    }
    return html`<div class="end" role="group" aria-label=${t.end}>
      <p role="alert">${t.endAsk}</p>
      <div class="buttons">
        <button class="btn danger" data-testid="end-confirm" @click=${() => this.#ended()}>
          ${t.endConfirm}
        </button>
      </div>
    </div>`;
  }

  #ended(): void {
    this.dispatchEvent(new CustomEvent('end'));
  }
}
