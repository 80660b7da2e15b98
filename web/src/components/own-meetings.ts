// The meetings that were made in this browser, and the way back into each as its host.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { moment } from '../format';
import { icon } from '../icons';
import { forget, ownMeetings, type Ownership } from '../owned';
import { controls } from '../styles/controls';
import { texts } from '../texts';

const t = texts.start;

@customElement('lectern-own-meetings')
export class OwnMeetings extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: block;
      }
      section {
        max-width: 480px;
        margin-top: var(--s6);
        padding-top: var(--s5);
        border-top: 1px solid var(--line);
      }
      h2 {
        font-size: var(--t-lg);
      }
      ul {
        list-style: none;
        margin: var(--s3) 0 0;
        padding: 0;
        display: grid;
        gap: var(--s2);
        max-height: 320px;
        overflow-y: auto;
      }
      li {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto auto;
        align-items: center;
        gap: var(--s2);
        padding: var(--s2) var(--s2) var(--s2) var(--s4);
        border: 1px solid var(--line);
        border-radius: var(--r2);
        background: var(--surface);
      }
      b {
        display: block;
        font-weight: 580;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .until {
        font-size: var(--t-xs);
        color: var(--ink-3);
      }
      .ask {
        grid-column: 1 / -1;
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--s2);
        font-size: var(--t-sm);
        color: var(--brass-ink);
      }
      .ask p {
        flex: 1 1 200px;
      }
      @media (max-width: 900px) {
        section {
          max-width: none;
        }
      }
      @media (max-width: 480px) {
        li {
          grid-template-columns: minmax(0, 1fr) auto;
        }
        .name {
          grid-column: 1 / -1;
        }
        .go {
          justify-self: stretch;
        }
        .ask p {
          flex-basis: 100%;
        }
      }
    `,
  ];

  @state() private meetings = ownMeetings();
  @state() private asking = '';

  protected override render(): TemplateResult | typeof nothing {
    if (this.meetings.length === 0) return nothing;
    return html`<section aria-labelledby="mine" data-testid="own-meetings">
      <h2 id="mine">${t.mine}</h2>
      <p class="hint">${t.mineHint}</p>
      <ul>
        ${repeat(
          this.meetings,
          ({ meetingId }) => meetingId,
          (owned) => this.#meeting(owned),
        )}
      </ul>
    </section>`;
  }

  #meeting(owned: Ownership): TemplateResult {
    const { meetingId } = owned;
    const name = owned.meetingName || texts.created.untitled;
    const until = moment(owned.expiresAt);
    return html`<li data-testid="own-meeting" data-meeting=${meetingId}>
      <div class="name">
        <b dir="auto">${name}</b>
        ${until === undefined ? nothing : html`<span class="until">${t.until(until)}</span>`}
      </div>
      <button
        class="btn small go"
        aria-label=${t.goTo(name)}
        data-testid="go-to-meeting"
        @click=${() => this.dispatchEvent(new CustomEvent<Ownership>('own', { detail: owned }))}
      >
        ${t.go}
      </button>
      <button
        class="btn quiet icon-only small"
        aria-label=${t.forgetThis(name)}
        title=${t.forget}
        aria-expanded=${this.asking === meetingId ? 'true' : 'false'}
        data-testid="forget"
        @click=${() => (this.asking = this.asking === meetingId ? '' : meetingId)}
      >
        ${icon('close')}
      </button>
      ${this.asking === meetingId ? this.#ask(meetingId) : nothing}
    </li>`;
  }

  #ask(meetingId: string): TemplateResult {
    return html`<div class="ask" role="group" aria-label=${t.forget}>
      <p>${t.forgetAsk}</p>
      <button class="btn small" @click=${() => (this.asking = '')}>${texts.invite.replaceNo}</button>
      <button
        class="btn brass small"
        data-testid="forget-confirm"
        @click=${() => this.#forget(meetingId)}
      >
        ${t.forget}
      </button>
    </div>`;
  }

  #forget(meetingId: string): void {
    forget(meetingId);
    this.meetings = ownMeetings();
    this.asking = '';
  }
}
