// The start page: make a meeting and share, or come in by a pasted link.
import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';
import { createMeeting, troubleOf, type CreatedMeeting } from '../api';
import '../components/hero';
import '../components/own-meetings';
import { icon } from '../icons';
import { secretOf } from '../link';
import { canShare } from '../meeting/sharing';
import type { Ownership } from '../owned';
import { NEW_PIN, NEW_PIN_DIGITS } from '../session';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { troubles, type TroubleKind } from '../trouble';
import { pageHeader, pageStyles } from './page';

const t = texts.start;

/** What most people want; the API takes any number of days. */
const KEEP_DAYS = [1, 7, 30, 90, 365] as const;

@customElement('lectern-start')
export class StartPage extends LitElement {
  static override styles = [
    controls,
    pageStyles,
    css`
      main {
        grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
        gap: clamp(32px, 6vw, 104px);
        width: 100%;
        max-width: 1320px;
        margin: 0 auto;
      }
      h1 {
        font-size: clamp(2.25rem, 4.4vw, 3.75rem);
        font-weight: 720;
        letter-spacing: -0.035em;
        line-height: 1.02;
        margin-bottom: var(--s4);
      }
      .lead {
        max-width: 32em;
        margin-bottom: var(--s6);
      }
      form {
        max-width: 480px;
      }
      form.create {
        display: grid;
        gap: var(--s4);
      }
      summary {
        display: inline-flex;
        align-items: center;
        gap: 6px;
        padding: 4px 8px 4px 0;
        border-radius: 8px;
        color: var(--ink-2);
        font-size: var(--t-sm);
        font-weight: 560;
        list-style: none;
        cursor: pointer;
      }
      summary::-webkit-details-marker {
        display: none;
      }
      details[open] summary .icon {
        transform: rotate(180deg);
      }
      .options {
        display: grid;
        gap: var(--s4);
        padding-top: var(--s3);
      }
      ul {
        list-style: none;
        margin: var(--s5) 0 0;
        padding: 0;
        display: grid;
        gap: 6px;
        color: var(--ink-2);
        font-size: var(--t-sm);
      }
      li {
        display: flex;
        gap: var(--s2);
        align-items: flex-start;
      }
      li .icon {
        color: var(--good);
        margin-top: 2px;
        stroke-width: 2.6;
      }
      .join {
        margin-top: var(--s6);
        padding-top: var(--s5);
        border-top: 1px solid var(--line);
      }
      .row {
        display: flex;
        gap: var(--s2);
      }
      .row input {
        min-width: 0;
      }
      .row .btn {
        min-height: 46px;
      }
      .error {
        margin-top: var(--s2);
      }
      @media (max-width: 900px) {
        main {
          grid-template-columns: 1fr;
          align-items: start;
        }
        lectern-hero {
          order: -1;
          max-width: 380px;
          margin: 0 auto;
          width: 82%;
        }
        .create .btn {
          width: 100%;
        }
        form {
          max-width: none;
        }
      }
    `,
  ];

  @query('#name') private nameField!: HTMLInputElement;
  @query('details') private optionsBox!: HTMLDetailsElement;
  @query('#pin') private pinField!: HTMLInputElement;
  @query('#lobby') private lobbyField!: HTMLInputElement;
  @query('#keep') private keepField!: HTMLSelectElement;
  @query('#link') private linkField!: HTMLInputElement;
  @state() private busy = false;
  @state() private trouble: TroubleKind | undefined;
  @state() private pinWrong = false;
  @state() private linkInvalid = false;

  protected override render(): TemplateResult {
    return html`${pageHeader()}
      <main>
        <div>
          <h1>${t.headline}</h1>
          <p class="lead">${t.lead}</p>
          ${this.#createForm()}
          <ul>
            ${t.points.map((point) => html`<li>${icon('check')} ${point}</li>`)}
          </ul>
          <lectern-own-meetings
            @own=${(event: CustomEvent<Ownership>) =>
              this.dispatchEvent(new CustomEvent<Ownership>('own', { detail: event.detail }))}
          ></lectern-own-meetings>
          ${this.#joinForm()}
        </div>
        <lectern-hero></lectern-hero>
      </main>`;
  }

  #createForm(): TemplateResult {
    return html`<form class="create" @submit=${(event: Event) => void this.#create(event)}>
      <div class="field">
        <label for="name">${t.nameLabel}</label>
        <input
          id="name"
          type="text"
          maxlength="64"
          autocomplete="off"
          data-testid="meeting-name"
          placeholder=${t.namePlaceholder}
          aria-describedby="name-hint"
        />
        <p class="hint" id="name-hint">${t.nameHint}</p>
      </div>
      ${this.#options()}
      <button class="btn primary big" data-testid="create" ?disabled=${this.busy}>
        ${icon('share')} ${this.busy ? t.creating : t.share}
      </button>
      ${canShare() ? '' : html`<p class="hint" data-testid="cannot-share">${t.cannotShare}</p>`}
      ${this.trouble === undefined ? '' : this.#failure(this.trouble)}
    </form>`;
  }

  /** Who may come in; most meetings need nothing of it. */
  #options(): TemplateResult {
    return html`<details data-testid="options">
      <summary>${icon('down')} ${t.options}</summary>
      <div class="options">
        <div class="field">
          <label for="pin">${t.pin}</label>
          <input
            id="pin"
            type="text"
            inputmode="numeric"
            autocomplete="off"
            maxlength=${NEW_PIN_DIGITS}
            data-testid="new-pin"
            aria-invalid=${this.pinWrong ? 'true' : 'false'}
            aria-describedby="pin-hint"
            @input=${() => (this.pinWrong = false)}
          />
          <p class=${this.pinWrong ? 'error' : 'hint'} id="pin-hint">
            ${this.pinWrong ? t.pinShape : t.pinHint}
          </p>
        </div>
        <label class="check">
          <input type="checkbox" id="lobby" data-testid="new-lobby" /> ${t.lobby}
        </label>
        <div class="field">
          <label for="keep">${texts.keepFor.label}</label>
          <select id="keep" data-testid="new-keep">
            <option value="">${texts.keepFor.usual}</option>
            ${KEEP_DAYS.map(
              (days) => html`<option value=${days}>${texts.keepFor.after(days)}</option>`,
            )}
          </select>
        </div>
      </div>
    </details>`;
  }

  #failure(kind: TroubleKind): TemplateResult {
    const { title, body } = troubles[kind];
    return html`<p class="error" role="alert" data-testid="trouble"><b>${title}.</b> ${body}</p>`;
  }

  #joinForm(): TemplateResult {
    return html`<form class="join" @submit=${(event: Event) => this.#join(event)} novalidate>
      <div class="field">
        <label for="link">${t.haveLink}</label>
        <div class="row">
          <input
            id="link"
            type="text"
            inputmode="url"
            autocomplete="off"
            data-testid="paste-link"
            placeholder=${t.linkPlaceholder}
            aria-invalid=${this.linkInvalid ? 'true' : 'false'}
            aria-describedby="link-error"
          />
          <button class="btn" data-testid="join-link">${t.join} ${icon('forward')}</button>
        </div>
      </div>
      <p class="error" id="link-error" role="alert">${this.linkInvalid ? t.linkInvalid : ''}</p>
    </form>`;
  }

  async #create(event: Event): Promise<void> {
    event.preventDefault();
    if (this.busy) return;
    const name = this.nameField.value.trim();
    const pin = this.pinField.value.trim();
    this.pinWrong = pin !== '' && !NEW_PIN.test(pin);
    if (this.pinWrong) {
      this.optionsBox.open = true;
      return this.pinField.focus();
    }
    this.busy = true;
    this.trouble = undefined;
    try {
      const keep = this.keepField.value;
      const detail = await createMeeting({
        name,
        pin,
        lobby: this.lobbyField.checked,
        ...(keep === '' ? {} : { keepRecordingsDays: Number(keep) }),
      });
      this.dispatchEvent(new CustomEvent<CreatedMeeting>('created', { detail }));
    } catch (error) {
      this.trouble = troubleOf(error);
    }
    this.busy = false;
  }

  #join(event: Event): void {
    event.preventDefault();
    const secret = secretOf(this.linkField.value);
    this.linkInvalid = secret === undefined;
    if (secret === undefined) return this.linkField.focus();
    this.dispatchEvent(new CustomEvent<string>('join', { detail: secret }));
  }
}
