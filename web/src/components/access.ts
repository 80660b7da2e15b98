// Who may come in: the lock, the lobby, and for owners the PIN.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { live } from 'lit/directives/live.js';
import { icon } from '../icons';
import { initialState, type Door } from '../meeting/state';
import type { AccessChange, Act } from '../moderation';
import { NEW_PIN, NEW_PIN_DIGITS, type Role } from '../session';
import { controls } from '../styles/controls';
import { texts } from '../texts';

const t = texts.access;

@customElement('lectern-access')
export class AccessSettings extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: block;
        flex: none;
        max-height: 70%;
        overflow-y: auto;
        border-top: 1px solid var(--line);
      }
      summary {
        display: flex;
        align-items: center;
        gap: var(--s2);
        min-height: 48px;
        padding: 0 var(--s4);
        font-weight: 580;
        list-style: none;
        cursor: pointer;
      }
      summary:focus-visible {
        outline-offset: -2px;
      }
      summary::-webkit-details-marker {
        display: none;
      }
      summary span {
        flex: 1;
      }
      summary .icon {
        color: var(--ink-3);
      }
      details[open] summary .icon:last-child {
        transform: rotate(180deg);
      }
      .body {
        display: grid;
        gap: var(--s3);
        padding: 0 var(--s4) calc(var(--s4) + env(safe-area-inset-bottom));
      }
      .row {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        align-items: center;
        gap: 2px var(--s3);
      }
      label.row {
        cursor: pointer;
      }
      .row b {
        font-weight: 560;
      }
      .row .hint {
        grid-column: 1;
        font-size: var(--t-xs);
      }
      .row input,
      .row .btn {
        grid-area: 1 / 2 / 3 / 3;
      }
      input[type='checkbox'] {
        appearance: none;
        width: 42px;
        height: 24px;
        margin: 0;
        border-radius: 12px;
        background: var(--line-strong);
        transition: background var(--fast) var(--ease);
        cursor: pointer;
      }
      input[type='checkbox']::after {
        content: '';
        display: block;
        width: 18px;
        height: 18px;
        margin: 3px;
        border-radius: 9px;
        background: #fff;
        transition: transform var(--fast) var(--ease);
      }
      input[type='checkbox']:checked {
        background: var(--primary);
      }
      input[type='checkbox']:checked::after {
        transform: translateX(18px);
      }
      form {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: var(--s2);
      }
      form .error,
      form .link {
        grid-column: 1 / -1;
        justify-self: start;
      }
      form .error:empty {
        display: none;
      }
    `,
  ];

  @property({ attribute: false }) door: Door = initialState.door;
  @property() own: Role = 'presenter';
  @property({ attribute: false }) act!: (act: Act) => Promise<boolean>;
  @state() private editing = false;
  @state() private pinWrong = false;
  @query('form input') private pinField!: HTMLInputElement;

  protected override render(): TemplateResult {
    const { locked, lobby } = this.door;
    return html`<details data-testid="access">
      <summary>${icon(locked ? 'lock' : 'door')} <span>${t.title}</span> ${icon('down')}</summary>
      <div class="body">
        ${this.#switch('locked', locked, t.lock, t.lockHint)}
        ${this.#switch('lobby', lobby, t.lobby, t.lobbyHint)} ${this.#pin()}
      </div>
    </details>`;
  }

  #switch(what: 'locked' | 'lobby', on: boolean, label: string, hint: string): TemplateResult {
    return html`<label class="row">
      <b>${label}</b>
      <span class="hint" id="${what}-hint">${hint}</span>
      <input
        type="checkbox"
        role="switch"
        aria-label=${label}
        aria-describedby="${what}-hint"
        data-testid="access-${what}"
        .checked=${live(on)}
        @change=${() => void this.#change({ [what]: !on })}
      />
    </label>`;
  }

  #pin(): TemplateResult {
    const { pin } = this.door;
    const owner = this.own === 'owner';
    return html`<div class="row">
        <b>${t.pin}</b>
        <span class="hint" data-testid="pin-state">${pin ? t.pinOn : t.pinOff}</span>
        ${
          owner
            ? html`<button
                class="btn small"
                aria-expanded=${this.editing ? 'true' : 'false'}
                data-testid="pin-edit"
                @click=${() => this.#edit()}
              >
                ${pin ? t.pinChange : t.pinSet}
              </button>`
            : nothing
        }
      </div>
      ${owner && this.editing ? this.#form(pin) : nothing}`;
  }

  #form(set: boolean): TemplateResult {
    return html`<form @submit=${(event: Event) => this.#save(event)} novalidate>
      <input
        type="text"
        inputmode="numeric"
        autocomplete="off"
        maxlength=${NEW_PIN_DIGITS}
        aria-label=${t.pinLabel}
        placeholder=${t.pinLabel}
        aria-invalid=${this.pinWrong ? 'true' : 'false'}
        aria-describedby="pin-error"
        data-testid="access-pin"
        @input=${() => (this.pinWrong = false)}
      />
      <button class="btn primary" data-testid="pin-save">${t.pinSave}</button>
      <p class="error" id="pin-error" role="alert">${this.pinWrong ? t.pinShape : ''}</p>
      ${
        set
          ? html`<button
              type="button"
              class="link"
              data-testid="pin-remove"
              @click=${() => this.#set(null)}
            >
              ${t.pinRemove}
            </button>`
          : nothing
      }
    </form>`;
  }

  #edit(): void {
    this.editing = !this.editing;
    this.pinWrong = false;
    void this.updateComplete.then(() => this.pinField?.focus());
  }

  #save(event: Event): void {
    event.preventDefault();
    const pin = this.pinField.value.trim();
    this.pinWrong = !NEW_PIN.test(pin);
    if (this.pinWrong) return this.pinField.focus();
    this.#set(pin);
  }

  #set(pin: string | null): void {
    this.editing = false;
    void this.#change({ pin });
  }

  async #change(change: AccessChange): Promise<void> {
    await this.act({ is: 'access', change });
    // What the server refused goes back to what it was.
    this.requestUpdate();
  }
}
