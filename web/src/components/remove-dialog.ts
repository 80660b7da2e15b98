// Asks before somebody is removed: they cannot come back.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, query } from 'lit/decorators.js';
import './dialog';
import type { Person } from '../meeting/state';
import type { Act } from '../moderation';
import { isolated } from '../plain';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { confirmStyles } from './confirm-styles';

const t = texts.remove;

@customElement('lectern-remove-dialog')
export class RemoveDialog extends LitElement {
  static override styles = [
    controls,
    confirmStyles,
    css`
      .check {
        margin-top: var(--s4);
      }
    `,
  ];

  @property({ attribute: false }) person: Person | undefined;
  /** The lobby is on already: there is nothing to offer. */
  @property({ type: Boolean }) lobby = false;
  @query('input') private lobbyField!: HTMLInputElement | null;

  protected override render(): TemplateResult {
    const { person } = this;
    return html`<lectern-dialog
      heading=${t.title(isolated(person?.name ?? ''))}
      .open=${person !== undefined}
      @closed=${() => this.#close()}
    >
      ${person === undefined ? nothing : this.#body(person)}
    </lectern-dialog>`;
  }

  #body(person: Person): TemplateResult {
    return html`<p>${t.body}</p>
      ${
        this.lobby
          ? nothing
          : html`<label class="check">
              <input type="checkbox" data-testid="remove-lobby" /> ${t.lobby}
            </label>`
      }
      <div class="buttons">
        <button class="btn" data-focus data-testid="remove-cancel" @click=${() => this.#close()}>
          ${t.cancel}
        </button>
        <button
          class="btn danger"
          data-testid="remove-confirm"
          @click=${() => this.#remove(person)}
        >
          ${t.confirm}
        </button>
      </div>`;
  }

  #remove({ identity }: Person): void {
    const lobby = this.lobbyField?.checked ?? false;
    const detail: Act = { is: 'remove', identity, lobby };
    this.dispatchEvent(new CustomEvent<Act>('act', { detail }));
    this.#close();
  }

  #close(): void {
    this.dispatchEvent(new CustomEvent('closed'));
  }
}
