// Who waits in the lobby: each is admitted or refused, with a word where it helps.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import './avatar';
import { icon } from '../icons';
import type { Waiting } from '../meeting/state';
import type { Act } from '../moderation';
import { MESSAGE_CHARACTERS } from '../session';
import { controls } from '../styles/controls';
import { texts } from '../texts';

const t = texts.waiting;

/** More are admitted together, not one by one. */
const SHOWN = 50;

@customElement('lectern-waiting')
export class WaitingList extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: block;
        margin: 0 var(--s3) var(--s3);
        padding: var(--s3);
        border-radius: var(--r3);
        background: var(--brass-soft);
      }
      header {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: var(--s2);
        min-height: 32px;
        color: var(--brass-ink);
      }
      h3 {
        font-size: var(--t-sm);
      }
      ul {
        /* Room for the outline of what has the focus. */
        margin: 0 -4px;
        padding: 0 4px;
        list-style: none;
        max-height: min(280px, 36vh);
        overflow-y: auto;
      }
      li {
        display: grid;
        grid-template-columns: auto minmax(0, 1fr) auto auto;
        align-items: center;
        gap: var(--s1) var(--s2);
        padding: var(--s2) 0;
      }
      .who {
        min-width: 0;
      }
      b {
        display: block;
        font-weight: 580;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .said {
        grid-column: 1 / -1;
        font-size: var(--t-sm);
        color: var(--ink-2);
        overflow-wrap: anywhere;
        white-space: pre-wrap;
      }
      form {
        grid-column: 1 / -1;
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: var(--s2);
      }
      form input[type='text'] {
        min-height: 36px;
        font-size: var(--t-sm);
      }
      form .btn {
        min-height: 36px;
      }
    `,
  ];

  @property({ attribute: false }) waiting: readonly Waiting[] = [];
  @property({ attribute: false }) act!: (act: Act) => Promise<boolean>;
  /** Who is being refused: a word to them may be typed. */
  @state() private refusing = '';
  @query('form input') private reason!: HTMLInputElement | null;

  protected override render(): TemplateResult | typeof nothing {
    const { waiting } = this;
    if (waiting.length === 0) return nothing;
    return html`<header>
        <h3>${t.title} · <span class="figures">${waiting.length}</span></h3>
        ${
          waiting.length < 2
            ? nothing
            : html`<button
                class="btn small"
                data-testid="admit-all"
                @click=${() => void this.act({ is: 'admit-all' })}
              >
                ${t.admitAll}
              </button>`
        }
      </header>
      <ul aria-label=${t.title} data-testid="waiting">
        ${repeat(
          waiting.slice(0, SHOWN),
          ({ identity }) => identity,
          (one) => this.#one(one),
        )}
      </ul>
      ${waiting.length > SHOWN ? html`<p class="hint">${texts.people.more(waiting.length - SHOWN)}</p>` : nothing}`;
  }

  #one({ identity, name, message }: Waiting): TemplateResult {
    const refusing = this.refusing === identity;
    return html`<li data-testid="waiting-person" data-identity=${identity}>
      <lectern-avatar .name=${name}></lectern-avatar>
      <div class="who"><b dir="auto">${name}</b></div>
      <button
        class="btn primary small"
        aria-label=${t.admitThis(name)}
        data-testid="admit"
        @click=${() => void this.act({ is: 'admit', identity })}
      >
        ${t.admit}
      </button>
      <button
        class="btn quiet icon-only small"
        aria-label=${t.refuseThis(name)}
        title=${t.refuse}
        aria-expanded=${refusing ? 'true' : 'false'}
        data-testid="refuse"
        @click=${() => this.#ask(refusing ? '' : identity)}
      >
        ${icon('close')}
      </button>
      ${message === '' ? nothing : html`<p class="said" dir="auto">${message}</p>`}
      ${refusing ? this.#refusal(identity) : nothing}
    </li>`;
  }

  #refusal(identity: string): TemplateResult {
    return html`<form @submit=${(event: Event) => this.#refuse(event, identity)}>
      <input
        type="text"
        dir="auto"
        maxlength=${MESSAGE_CHARACTERS}
        aria-label=${t.reason}
        placeholder="${t.reason} (${t.reasonPlaceholder.toLowerCase()})"
        autocomplete="off"
        data-testid="refuse-message"
      />
      <button class="btn danger small" data-testid="refuse-confirm">${t.send}</button>
    </form>`;
  }

  #ask(identity: string): void {
    this.refusing = identity;
    void this.updateComplete.then(() => this.reason?.focus());
  }

  #refuse(event: Event, identity: string): void {
    event.preventDefault();
    const message = this.reason?.value.trim() ?? '';
    this.refusing = '';
    void this.act({ is: 'refuse', identity, message });
  }
}
