// The chat: what was written, and a field to write in.
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { clock } from '../format';
import { icon } from '../icons';
import { MAX_CHARACTERS, segments, type Message } from '../meeting/chat';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { panelStyles } from './panel-styles';

const t = texts.chat;

/** Messages of one person within this time stand under one name. */
const TOGETHER_MS = 180_000;

/** So close to the end counts as reading along. */
const AT_END_PX = 60;

@customElement('lectern-chat-panel')
export class ChatPanel extends LitElement {
  static override styles = [
    controls,
    panelStyles,
    css`
      ol {
        flex: 1;
        margin: 0;
        padding: var(--s2) var(--s4) var(--s4);
        overflow-y: auto;
        overscroll-behavior: contain;
        list-style: none;
        display: flex;
        flex-direction: column;
        font-size: var(--t-md);
      }
      li {
        margin-top: 4px;
      }
      li:first-child {
        margin-top: auto;
      }
      li.first {
        margin-top: var(--s4);
      }
      li.first:first-child {
        margin-top: auto;
      }
      .from {
        display: flex;
        gap: var(--s2);
        align-items: baseline;
        margin-bottom: 3px;
        font-size: var(--t-sm);
      }
      .from b {
        font-weight: 620;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .from time {
        color: var(--ink-3);
        font-size: var(--t-xs);
        flex: none;
      }
      .text {
        width: fit-content;
        max-width: 100%;
        padding: 7px 12px;
        border-radius: 4px 14px 14px;
        background: var(--surface-2);
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      li.self .text {
        background: var(--primary-soft);
      }
      a {
        color: var(--primary-ink);
        text-underline-offset: 2px;
      }
      .empty {
        flex: 1;
        display: grid;
        place-content: center;
        justify-items: center;
        gap: var(--s3);
        padding: var(--s5);
        text-align: center;
        color: var(--ink-3);
        font-size: var(--t-sm);
      }
      .empty .icon {
        width: 30px;
        height: 30px;
        color: var(--line-strong);
      }
      form {
        display: grid;
        grid-template-columns: 1fr auto;
        gap: var(--s2);
        align-items: end;
        padding: var(--s3) var(--s4) calc(var(--s4) + env(safe-area-inset-bottom));
        border-top: 1px solid var(--line);
      }
      textarea {
        display: block;
        min-height: 44px;
        max-height: 140px;
        padding: 10px 14px;
        resize: none;
        field-sizing: content;
      }
      form .btn {
        width: 44px;
        min-height: 44px;
        padding: 0;
      }
      form .error {
        grid-column: 1 / -1;
      }
    `,
  ];

  @property({ attribute: false }) messages: readonly Message[] = [];
  /** Sends; false when that failed, and the text stays in the field. */
  @property({ attribute: false }) send!: (text: string) => Promise<boolean>;
  @query('ol') private list!: HTMLElement | null;
  @query('textarea') private field!: HTMLTextAreaElement;
  @state() private failed = false;
  @state() private busy = false;

  #reading = true;

  override focus(): void {
    void this.updateComplete.then(() => this.field.focus());
  }

  protected override firstUpdated(): void {
    this.#toEnd();
  }

  protected override willUpdate(): void {
    const { list } = this;
    this.#reading =
      list === null || list.scrollHeight - list.scrollTop - list.clientHeight < AT_END_PX;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has('messages') && (this.#reading || this.messages.at(-1)?.self)) this.#toEnd();
  }

  protected override render(): TemplateResult {
    return html`<header>
        <h2>${t.title}</h2>
        <button
          class="btn quiet icon-only"
          aria-label="${texts.close}: ${t.title}"
          data-testid="close-panel"
          @click=${() => this.dispatchEvent(new CustomEvent('close'))}
        >
          ${icon('close')}
        </button>
      </header>
      ${
        this.messages.length === 0
          ? html`<div class="empty">${icon('chat')}<p>${t.empty}</p></div>`
          : html`<ol tabindex="0" aria-label=${t.log} data-testid="messages">
            ${repeat(
              this.messages,
              ({ id }) => id,
              (message, index) => this.#message(message, this.messages[index - 1]),
            )}
          </ol>`
      }
      ${this.#form()}`;
  }

  #message(message: Message, before: Message | undefined): TemplateResult {
    const first =
      before?.identity !== message.identity || message.at - (before?.at ?? 0) > TOGETHER_MS;
    const name = message.self ? `${message.name} (${texts.you})` : message.name;
    return html`<li class="${first ? 'first' : ''} ${message.self ? 'self' : ''}" data-testid="message">
      ${
        first
          ? html`<div class="from">
            <b dir="auto">${name}</b><time>${clock(message.at)}</time>
          </div>`
          : html`<span class="visually-hidden">${t.from(name, clock(message.at))}</span>`
      }
      <div class="text" dir="auto">${segments(message.text).map(({ text, href }) =>
        href === undefined
          ? text
          : html`<a href=${href} target="_blank" rel="noopener noreferrer nofollow">${text}</a>`,
      )}</div>
    </li>`;
  }

  #form(): TemplateResult {
    return html`<form @submit=${(event: Event) => void this.#submit(event)}>
      <textarea
        rows="1"
        maxlength=${MAX_CHARACTERS}
        placeholder=${t.placeholder}
        aria-label=${t.placeholder}
        data-testid="chat-field"
        enterkeyhint="send"
        @keydown=${(event: KeyboardEvent) => this.#key(event)}
      ></textarea>
      <button class="btn primary" aria-label=${t.send} data-testid="chat-send" ?disabled=${this.busy}>
        ${icon('send')}
      </button>
      ${this.failed ? html`<p class="error" role="alert">${t.failed}</p>` : nothing}
    </form>`;
  }

  #key(event: KeyboardEvent): void {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void this.#submit(event);
  }

  async #submit(event: Event): Promise<void> {
    event.preventDefault();
    const text = this.field.value;
    if (text.trim() === '' || this.busy) return;
    this.busy = true;
    // What is typed while the message is on its way is the next one, or goes on with a failed one.
    this.field.value = '';
    const sent = await this.send(text);
    this.busy = false;
    this.failed = !sent;
    if (!sent) this.field.value = text + this.field.value;
    this.field.focus();
  }

  #toEnd(): void {
    this.list?.scrollTo({ top: this.list.scrollHeight });
  }
}
