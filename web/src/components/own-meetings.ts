// The meetings that were made in this browser, and the way back into each as its host.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { day, moment } from '../format';
import { icon } from '../icons';
import { forget, ownMeetings, ownPastMeetings, recordingsPath, type Ownership } from '../owned';
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
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: var(--s2);
        padding: var(--s2) var(--s2) var(--s2) var(--s4);
        border: 1px solid var(--line);
        border-radius: var(--r2);
        background: var(--surface);
      }
      .name {
        flex: 1 1 0;
        min-width: 0;
      }
      summary {
        display: inline-flex;
        align-items: center;
        gap: 6px;
        min-height: 32px;
        padding-right: 8px;
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
      details {
        margin-top: var(--s3);
      }
      details[open] summary .icon {
        transform: rotate(180deg);
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
        flex: 1 0 100%;
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
        .name {
          flex-basis: 100%;
        }
        .go {
          flex: 1;
        }
        .ask p {
          flex-basis: 100%;
        }
      }
    `,
  ];

  @state() private meetings = ownMeetings();
  @state() private past = ownPastMeetings();
  @state() private asking = '';

  protected override render(): TemplateResult | typeof nothing {
    if (this.meetings.length + this.past.length === 0) return nothing;
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
      ${this.past.length === 0 ? nothing : this.#past()}
    </section>`;
  }

  /** Nobody comes in any more; what was recorded is still there. */
  #past(): TemplateResult {
    return html`<details data-testid="past-meetings">
      <summary>${icon('down')} ${t.past(this.past.length)}</summary>
      <ul>
        ${repeat(
          this.past,
          ({ meetingId }) => meetingId,
          (owned) => this.#pastMeeting(owned),
        )}
      </ul>
    </details>`;
  }

  #pastMeeting(owned: Ownership): TemplateResult {
    const name = owned.meetingName || texts.created.untitled;
    const over = day(owned.expiresAt);
    return html`<li class="past" data-testid="past-meeting" data-meeting=${owned.meetingId}>
      <div class="name">
        <b dir="auto">${name}</b>
        ${over === undefined ? nothing : html`<span class="until">${t.overSince(over)}</span>`}
      </div>
      ${this.#recordings(owned, name, 'go')} ${this.#forgetButton(owned, name)}
      ${this.asking === owned.meetingId ? this.#ask(owned) : nothing}
    </li>`;
  }

  #recordings({ meetingId }: Ownership, name: string, look = ''): TemplateResult {
    return html`<a
      class="btn small ${look}"
      href=${recordingsPath(meetingId)}
      aria-label=${texts.recordings.openOf(name)}
      title=${texts.recordings.open}
      data-testid="to-recordings"
    >
      ${icon('film')} ${look === 'go' ? texts.recordings.open : nothing}
    </a>`;
  }

  #forgetButton({ meetingId }: Ownership, name: string): TemplateResult {
    return html`<button
      class="btn quiet icon-only small"
      aria-label=${t.forgetThis(name)}
      title=${t.forget}
      aria-expanded=${this.asking === meetingId ? 'true' : 'false'}
      data-testid="forget"
      @click=${() => (this.asking = this.asking === meetingId ? '' : meetingId)}
    >
      ${icon('close')}
    </button>`;
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
      ${owned.recorded === true ? this.#recordings(owned, name, 'icon-only') : nothing}
      <button
        class="btn small go"
        aria-label=${t.goTo(name)}
        data-testid="go-to-meeting"
        @click=${() => this.dispatchEvent(new CustomEvent<Ownership>('own', { detail: owned }))}
      >
        ${t.go}
      </button>
      ${this.#forgetButton(owned, name)}
      ${this.asking === meetingId ? this.#ask(owned) : nothing}
    </li>`;
  }

  #ask({ meetingId, recorded }: Ownership): TemplateResult {
    return html`<div class="ask" role="group" aria-label=${t.forget}>
      <p>${recorded === true ? t.forgetRecorded : t.forgetAsk}</p>
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
    this.past = ownPastMeetings();
    this.asking = '';
  }
}
