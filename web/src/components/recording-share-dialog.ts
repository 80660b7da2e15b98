// The links by which a recording is watched: make one, copy it, and end those that are there.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { announce } from '../announce';
import './copy';
import './dialog';
import { longMoment } from '../format';
import { icon } from '../icons';
import { filmsOf, type Recording, type RecordingShare } from '../recording';
import { recordingRefusal, type MadeShare, type Recordings } from '../recordings';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { troubles, type TroubleKind } from '../trouble';

const t = texts.shares;

const DAY_S = 24 * 3_600;

/** For how many days a link may be good; the first that is offered is the usual one. */
const LIVES_DAYS = [7, 1, 30, 90, 365] as const;

@customElement('lectern-recording-share-dialog')
export class RecordingShareDialog extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        --dialog-width: 540px;
      }
      .lead {
        color: var(--ink-2);
      }
      form {
        display: grid;
        gap: var(--s3);
        margin-top: var(--s4);
      }
      .row {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: var(--s3);
        align-items: end;
      }
      .row .btn {
        min-height: 46px;
      }
      .made {
        margin-top: var(--s4);
        padding: var(--s4);
        border-radius: var(--r2);
        background: var(--primary-soft);
      }
      .made .hint {
        margin-top: var(--s2);
        color: var(--ink-2);
      }
      h3 {
        margin: var(--s5) 0 var(--s2);
        font-size: var(--t-md);
      }
      ul {
        display: grid;
        gap: var(--s2);
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: flex;
        align-items: center;
        gap: var(--s3);
        min-height: 48px;
        padding: 4px 8px 4px var(--s3);
        border: 1px solid var(--line);
        border-radius: var(--r2);
      }
      li .icon {
        color: var(--ink-3);
      }
      li p {
        flex: 1;
        line-height: 1.3;
      }
      li small {
        display: block;
        font-size: var(--t-xs);
        color: var(--ink-3);
      }
      .note {
        margin-top: var(--s3);
        color: var(--brass-ink);
        font-size: var(--t-sm);
      }
      @media (max-width: 480px) {
        .row {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ];

  /** None while it is closed. */
  @property({ attribute: false }) recording: Recording | undefined;
  @property({ attribute: false }) recordings!: Recordings;
  @state() private made: MadeShare | undefined;
  /** What is asked of the server: `make`, or the id of a link that is to end. */
  @state() private busy = '';
  @state() private trouble: TroubleKind | undefined;
  @query('select') private life!: HTMLSelectElement;
  @query('#download') private download!: HTMLInputElement;

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    const before = changed.get('recording') as Recording | undefined;
    if (!changed.has('recording') || before?.id === this.recording?.id) return;
    this.made = undefined;
    this.trouble = undefined;
  }

  protected override render(): TemplateResult {
    const { recording } = this;
    return html`<lectern-dialog
      heading=${t.title}
      .open=${recording !== undefined}
      @closed=${() => this.dispatchEvent(new CustomEvent('closed'))}
    >
      ${recording === undefined ? nothing : this.#body(recording)}
    </lectern-dialog>`;
  }

  #body(recording: Recording): TemplateResult {
    return html`<p class="lead">${t.lead}</p>
      ${
        filmsOf(recording).length === 0
          ? html`<p class="note" data-testid="share-nothing">${t.noFilm}</p>`
          : nothing
      }
      ${this.#form(recording)} ${this.made === undefined ? nothing : this.#made(this.made)}
      ${
        this.trouble === undefined
          ? nothing
          : html`<p class="note error" role="alert" data-testid="trouble" data-cause=${this.trouble}>
            <b>${troubles[this.trouble].title}.</b> ${troubles[this.trouble].body}
          </p>`
      }
      <h3>${t.list}</h3>
      ${
        recording.shares.length === 0
          ? html`<p class="hint">${t.none}</p>`
          : html`<ul data-testid="shares">
            ${repeat(
              recording.shares,
              ({ id }) => id,
              (share) => this.#share(recording, share),
            )}
          </ul>`
      }`;
  }

  #form(recording: Recording): TemplateResult {
    return html`<form @submit=${(event: Event) => void this.#make(event, recording)}>
      <label class="check">
        <input type="checkbox" id="download" data-testid="share-download" /> ${t.download}
      </label>
      <div class="row">
        <div class="field">
          <label for="life">${t.lives}</label>
          <select id="life" data-testid="share-life">
            ${LIVES_DAYS.map((days) => html`<option value=${days}>${t.days(days)}</option>`)}
          </select>
        </div>
        <button
          class="btn primary"
          aria-disabled=${this.busy === '' ? nothing : 'true'}
          data-testid="share-make"
        >
          ${icon('link')} ${t.make}
        </button>
      </div>
    </form>`;
  }

  #made({ url, expiresAt }: MadeShare): TemplateResult {
    return html`<div class="made" data-testid="share-made">
      <lectern-copy .value=${url} label=${t.link} primary></lectern-copy>
      <p class="hint">${t.until(longMoment(expiresAt) ?? '')}. ${t.once}</p>
    </div>`;
  }

  #share(recording: Recording, share: RecordingShare): TemplateResult {
    const when = longMoment(share.expiresAt) ?? '';
    return html`<li data-testid="share" data-share=${share.id}>
      ${icon(share.download ? 'download' : 'eye')}
      <p>${t.until(when)} <small>${share.download ? t.downloads : t.plays}</small></p>
      <button
        class="btn small"
        aria-label=${t.endThis(when)}
        aria-disabled=${this.busy === '' ? nothing : 'true'}
        data-testid="share-end"
        @click=${() => void this.#end(recording, share)}
      >
        ${t.end}
      </button>
    </li>`;
  }

  async #make(event: Event, recording: Recording): Promise<void> {
    event.preventDefault();
    const wished = {
      expiresInS: Number(this.life.value) * DAY_S,
      download: this.download.checked,
    };
    await this.#ask('make', async () => {
      const made = await this.recordings.share(recording.id, wished);
      this.made = made;
      const { id, expiresAt, download } = made;
      this.#changed((shares) => [...shares, { id, expiresAt, download }]);
      announce(`${t.link}. ${t.once}`);
    });
  }

  async #end(recording: Recording, { id }: RecordingShare): Promise<void> {
    await this.#ask(id, async () => {
      await this.recordings.endShare(recording.id, id);
      if (this.made?.id === id) this.made = undefined;
      this.#changed((shares) => shares.filter((share) => share.id !== id));
      announce(t.ended);
    });
  }

  /** Of the recording as it is now: it may have changed while the server was asked. */
  #changed(by: (shares: RecordingShare[]) => RecordingShare[]): void {
    if (this.recording === undefined) return;
    const detail = { ...this.recording, shares: by(this.recording.shares) };
    this.dispatchEvent(new CustomEvent<Recording>('changed', { detail }));
  }

  async #ask(what: string, action: () => Promise<void>): Promise<void> {
    if (this.busy !== '') return;
    this.busy = what;
    this.trouble = undefined;
    try {
      await action();
    } catch (error) {
      console.info('The links stay as they are:', error);
      this.trouble = recordingRefusal(error);
    }
    this.busy = '';
  }
}
