// What a person types at the door: a name, the PIN where one is set, a word to the hosts.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { icon } from '../icons';
import { recall, remember } from '../remembered';
import {
  MESSAGE_CHARACTERS,
  NAME_CHARACTERS,
  PIN,
  PIN_DIGITS,
  type Entry,
  type Introduction,
} from '../session';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { troubles, type TroubleKind } from '../trouble';

const t = texts.prejoin;

/** Failures after which the person may try again right here. */
const failures = [
  'pin-wrong',
  'too-many-tries',
  'name-refused',
  'server-unreachable',
  'server-error',
] as const satisfies TroubleKind[];

export interface SetupFailure {
  trouble: (typeof failures)[number];
  /** With too many tries: how long to wait. */
  retryAfterS: number | undefined;
}

export function isSetupFailure(trouble: TroubleKind): trouble is SetupFailure['trouble'] {
  return (failures as readonly TroubleKind[]).includes(trouble);
}

@customElement('lectern-join-form')
export class JoinForm extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: block;
      }
      form {
        display: grid;
        gap: var(--s4);
      }
      .pin input {
        letter-spacing: 0.18em;
        font-variant-numeric: tabular-nums;
      }
      .pin input::placeholder {
        letter-spacing: normal;
      }
      .error:empty {
        display: none;
      }
      .wait {
        padding: var(--s3) var(--s4);
        border-radius: var(--r2);
        background: var(--danger-soft);
      }
      @media (max-width: 480px) {
        .btn.primary {
          width: 100%;
        }
      }
    `,
  ];

  @property({ attribute: false }) entry!: Entry;
  @property({ type: Boolean }) busy = false;
  @property({ attribute: false }) failure: SetupFailure | undefined;
  @query('#name') private nameField!: HTMLInputElement;
  @query('#pin') private pinField!: HTMLInputElement | null;
  @query('#message') private messageField!: HTMLInputElement | null;
  @state() private name = recall('name');
  @state() private nameMissing = false;
  @state() private pinError = '';
  /** Seconds until a new try is allowed. */
  @state() private blockedS = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#timer);
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has('failure')) this.#failed(this.failure);
  }

  protected override firstUpdated(): void {
    if (this.name === '') this.nameField.focus();
    else this.pinField?.focus();
  }

  protected override render(): TemplateResult {
    const waits = this.busy || this.blockedS > 0;
    return html`<form @submit=${(event: Event) => this.#submit(event)} novalidate>
      ${this.#nameField()} ${this.entry.pinRequired ? this.#pin() : nothing}
      ${this.entry.lobby && this.entry.role === 'viewer' ? this.#message() : nothing}
      <slot></slot>
      ${this.#trouble()}
      <button
        class="btn primary big"
        data-testid="join"
        aria-disabled=${waits ? 'true' : nothing}
      >
        ${this.busy ? t.joining : t.join} ${icon('forward')}
      </button>
    </form>`;
  }

  #nameField(): TemplateResult {
    const refused = this.failure?.trouble === 'name-refused';
    const error = this.nameMissing ? t.nameMissing : refused ? troubles['name-refused'].body : '';
    return html`<div class="field">
      <label for="name">${t.name}</label>
      <input
        id="name"
        type="text"
        dir="auto"
        autocomplete="name"
        maxlength=${NAME_CHARACTERS}
        placeholder=${t.namePlaceholder}
        data-testid="name"
        .value=${this.name}
        aria-invalid=${error === '' ? 'false' : 'true'}
        aria-describedby="name-error"
        @input=${() => this.#named()}
      />
      <p class="error" id="name-error" role="alert" data-testid="name-error">${error}</p>
    </div>`;
  }

  #pin(): TemplateResult {
    return html`<div class="field pin">
      <label for="pin">${t.pin}</label>
      <input
        id="pin"
        type="text"
        inputmode="numeric"
        autocomplete="off"
        maxlength=${PIN_DIGITS}
        placeholder=${t.pinPlaceholder}
        data-testid="pin"
        aria-invalid=${this.pinError === '' ? 'false' : 'true'}
        aria-describedby="pin-error"
        @input=${() => (this.pinError = '')}
      />
      <p class="error" id="pin-error" role="alert" data-testid="pin-error">${this.pinError}</p>
    </div>`;
  }

  #message(): TemplateResult {
    return html`<div class="field">
      <label for="message">${t.message}</label>
      <input
        id="message"
        type="text"
        dir="auto"
        autocomplete="off"
        maxlength=${MESSAGE_CHARACTERS}
        placeholder=${t.messagePlaceholder}
        aria-describedby="message-hint"
        data-testid="knock-message"
      />
      <p class="hint" id="message-hint">${t.lobbyHint}</p>
    </div>`;
  }

  #trouble(): TemplateResult | typeof nothing {
    if (this.blockedS > 0) {
      return html`<p class="error wait" role="alert" data-testid="blocked">
        <b>${troubles['too-many-tries'].title}.</b>
        <span aria-hidden="true">${t.blocked(this.blockedS)}</span>
        <span class="visually-hidden">${t.blocked(this.failure?.retryAfterS ?? 0)}</span>
      </p>`;
    }
    const trouble = this.failure?.trouble;
    if (trouble !== 'server-error' && trouble !== 'server-unreachable') return nothing;
    return html`<p class="error wait" role="alert" data-testid="trouble" data-cause=${trouble}>
      <b>${troubles[trouble].title}.</b> ${troubles[trouble].body}
    </p>`;
  }

  #failed(failure: SetupFailure | undefined): void {
    if (failure === undefined) return;
    if (failure.trouble === 'pin-wrong') {
      this.pinError = t.pinWrong;
      void this.updateComplete.then(() => this.pinField?.select());
    }
    if (failure.trouble === 'name-refused') this.nameField.focus();
    if (failure.trouble === 'too-many-tries') this.#block(failure.retryAfterS ?? 0);
  }

  #block(seconds: number): void {
    clearInterval(this.#timer);
    const until = Date.now() + seconds * 1_000;
    const count = (): void => {
      this.blockedS = Math.max(0, Math.ceil((until - Date.now()) / 1_000));
      if (this.blockedS === 0) clearInterval(this.#timer);
    };
    this.#timer = setInterval(count, 1_000);
    count();
  }

  #named(): void {
    this.name = this.nameField.value;
    if (this.name.trim() !== '') this.nameMissing = false;
    this.dispatchEvent(new CustomEvent<string>('named', { detail: this.name }));
  }

  #submit(event: Event): void {
    event.preventDefault();
    if (this.busy || this.blockedS > 0) return;
    const name = this.name.trim();
    const pin = this.pinField?.value.trim() ?? '';
    const message = this.messageField?.value.trim() ?? '';
    this.nameMissing = name === '';
    if (this.nameMissing) return this.nameField.focus();
    if (this.entry.pinRequired && !PIN.test(pin)) {
      this.pinError = t.pinShape;
      return this.pinField?.focus();
    }
    this.pinError = '';
    remember('name', name);
    const detail: Introduction = {
      name,
      ...(pin === '' ? {} : { pin }),
      ...(message === '' ? {} : { message }),
    };
    this.dispatchEvent(new CustomEvent<Introduction>('join', { detail }));
  }
}
