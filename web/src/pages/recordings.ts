// The recordings of a meeting, for whoever made it: the key to them lies in this browser.
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { announce } from '../announce';
import '../components/destroy-dialog';
import '../components/film-dialog';
import type { RecordingWish } from '../components/recording-card';
import '../components/recording-card';
import '../components/recording-share-dialog';
import { icon, type IconName } from '../icons';
import { keepRecorded, ownership, type Ownership } from '../owned';
import type { Recording } from '../recording';
import { RecordingList, type Listed } from '../recording-list';
import { Recordings, type NewFilm } from '../recordings';
import { Watch } from '../store';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { troubles, type TroubleKind } from '../trouble';
import { pageHeader, pageStyles } from './page';

const t = texts.recordings;

/** The key opens nothing: trying again does not help. */
const REFUSED: readonly TroubleKind[] = ['token-refused', 'not-permitted', 'recording-gone'];

@customElement('lectern-recordings')
export class RecordingsPage extends LitElement {
  static override styles = [
    controls,
    pageStyles,
    css`
      main {
        width: 100%;
        max-width: 1040px;
        margin: 0 auto;
        align-content: start;
        gap: var(--s4);
        grid-template-columns: minmax(0, 1fr);
      }
      .head {
        display: flex;
        align-items: flex-end;
        gap: var(--s4);
        margin-bottom: var(--s2);
      }
      .head div {
        flex: 1;
        min-width: 0;
      }
      .of {
        color: var(--ink-2);
        font-weight: 600;
        overflow-wrap: anywhere;
      }
      h1 {
        font-size: clamp(1.7rem, 3.4vw, 2.25rem);
        font-weight: 700;
        letter-spacing: -0.028em;
      }
      h1:focus-visible {
        outline: none;
      }
      ul {
        display: grid;
        gap: var(--s4);
        margin: 0;
        padding: 0;
        list-style: none;
      }
      .count {
        color: var(--ink-3);
        font-size: var(--t-sm);
      }
      .state {
        display: grid;
        justify-items: center;
        gap: var(--s3);
        padding: clamp(32px, 9vh, 96px) 0;
        text-align: center;
      }
      .state h2 {
        font-size: var(--t-xl);
      }
      .state p {
        max-width: 30em;
        color: var(--ink-2);
      }
      .sign {
        display: grid;
        place-items: center;
        width: 64px;
        height: 64px;
        border-radius: 20px;
        background: var(--primary-soft);
        color: var(--primary-ink);
        font-size: 1.4rem;
      }
      .sign.bad {
        background: var(--brass-soft);
        color: var(--brass-ink);
      }
      .stale {
        display: flex;
        gap: var(--s2);
        padding: var(--s3) var(--s4);
        border-radius: var(--r2);
        background: var(--brass-soft);
        color: var(--brass-ink);
        font-size: var(--t-sm);
      }
      .more {
        display: grid;
        justify-items: center;
        gap: var(--s2);
        padding-top: var(--s2);
      }
      @media (max-width: 640px) {
        .state .btn,
        .more .btn {
          width: 100%;
        }
      }
    `,
  ];

  @property() meetingId = '';
  @state() private owned: Ownership | undefined;
  @state() private dialog: { wish: RecordingWish; id: string } | undefined;

  readonly #watch = new Watch(this);
  #recordings!: Recordings;
  #list: RecordingList | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener('visibilitychange', this.#seen);
    this.#seen();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener('visibilitychange', this.#seen);
    this.#list?.watch(false);
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('meetingId')) return this.#remember();
    this.#list?.watch(false);
    this.owned = ownership(this.meetingId);
    this.dialog = undefined;
    this.#list = undefined;
    if (this.owned !== undefined) {
      this.#recordings = new Recordings(this.meetingId, this.owned.ownerKey);
      this.#list = new RecordingList(this.#recordings);
      void this.#list.load();
      this.#seen();
    }
    this.#watch.watch(this.#list?.state);
  }

  protected override firstUpdated(): void {
    this.renderRoot.querySelector('h1')?.focus();
  }

  protected override render(): TemplateResult {
    const name = this.owned?.meetingName || texts.created.untitled;
    const title = this.owned === undefined ? t.title : t.of(name);
    document.title = `${title} · ${texts.product}`;
    return html`${pageHeader()}
      <main data-testid="recordings" data-phase=${this.#list?.state.value.phase ?? 'no-key'}>
        <div class="head">
          <div>
            ${this.owned === undefined ? nothing : html`<p class="of" dir="auto">${name}</p>`}
            <h1 tabindex="-1">${t.title}</h1>
          </div>
          ${this.#list?.state.value.phase === 'ready' ? this.#reload(this.#list) : nothing}
        </div>
        ${
          this.#list === undefined
            ? this.#say('lock', t.noKey, t.noKeyBody, this.#toStart())
            : this.#body(this.#list, this.#list.state.value)
        }
      </main>
      ${this.#dialogs()}`;
  }

  #body(list: RecordingList, listed: Listed): TemplateResult {
    switch (listed.phase) {
      case 'loading':
        return html`<div class="state">
          <p role="status" data-testid="loading">
            <span class="spin">${icon('loading')}</span> ${t.loading}
          </p>
        </div>`;
      case 'failed':
        return this.#failed(list, listed.failure ?? 'server-error');
      case 'ready':
        return listed.recordings.length === 0
          ? html`${this.#stale(listed)} ${this.#say('film', t.empty, t.emptyBody)}`
          : this.#shown(list, listed);
    }
  }

  #failed(list: RecordingList, failure: TroubleKind): TemplateResult {
    if (REFUSED.includes(failure)) {
      return this.#say('lock', t.refused, t.refusedBody, this.#toStart());
    }
    const { title, body } = troubles[failure];
    const again = html`<button
      class="btn primary big"
      data-testid="again"
      @click=${() => void list.load()}
    >
      ${icon('reload')} ${texts.tryAgain}
    </button>`;
    return this.#say(failure === 'server-unreachable' ? 'offline' : 'alert', title, body, again);
  }

  #say(
    sign: IconName,
    title: string,
    body: string,
    action: TemplateResult | typeof nothing = nothing,
  ): TemplateResult {
    return html`<div class="state" data-testid="state">
      <div class="sign ${sign === 'film' ? '' : 'bad'}">${icon(sign)}</div>
      <h2>${title}</h2>
      <p>${body}</p>
      ${action}
    </div>`;
  }

  #toStart(): TemplateResult {
    return html`<a class="btn big" href="/" data-testid="to-start">${texts.backToStart}</a>`;
  }

  #reload(list: RecordingList): TemplateResult {
    return html`<button
      class="btn icon-only"
      aria-label=${t.reload}
      title=${t.reload}
      data-testid="reload"
      @click=${() => void list.load()}
    >
      ${icon('reload')}
    </button>`;
  }

  #stale({ stale }: Listed): TemplateResult | typeof nothing {
    if (!stale) return nothing;
    return html`<p class="stale" role="status" data-testid="stale">${icon('offline')} ${t.stale}</p>`;
  }

  #shown(list: RecordingList, listed: Listed): TemplateResult {
    const { recordings, more } = listed;
    return html`${this.#stale(listed)}
      <p class="count figures">${t.count(recordings.length, more)}</p>
      <ul>
        ${repeat(
          recordings,
          ({ id }) => id,
          (recording) =>
            html`<li>
              <lectern-recording
                .recording=${recording}
                .recordings=${this.#recordings}
                @changed=${(event: CustomEvent<Recording>) => list.put(event.detail)}
                @wish=${(event: CustomEvent<RecordingWish>) =>
                  (this.dialog = { wish: event.detail, id: recording.id })}
              ></lectern-recording>
            </li>`,
        )}
      </ul>
      ${more ? this.#more(list, listed) : nothing}`;
  }

  #more(list: RecordingList, { loadingMore, moreFailure }: Listed): TemplateResult {
    return html`<div class="more">
      ${
        moreFailure === undefined
          ? nothing
          : html`<p class="error" role="alert">
            <b>${troubles[moreFailure].title}.</b> ${troubles[moreFailure].body}
          </p>`
      }
      <button
        class="btn"
        aria-disabled=${loadingMore ? 'true' : nothing}
        data-testid="more"
        @click=${() => void list.loadMore()}
      >
        ${loadingMore ? t.moreLoading : t.more}
      </button>
    </div>`;
  }

  #dialogs(): TemplateResult | typeof nothing {
    const list = this.#list;
    if (list === undefined) return nothing;
    const { wish, id } = this.dialog ?? {};
    const recording = list.state.value.recordings.find((one) => one.id === id);
    const closed = (): void => this.#closed();
    return html`<lectern-recording-share-dialog
        .recording=${wish === 'share' ? recording : undefined}
        .recordings=${this.#recordings}
        @closed=${closed}
        @changed=${(event: CustomEvent<Recording>) => list.put(event.detail)}
      ></lectern-recording-share-dialog>
      <lectern-film-dialog
        .recording=${wish === 'film' ? recording : undefined}
        .make=${(film: NewFilm) => this.#film(list, film)}
        @closed=${closed}
      ></lectern-film-dialog>
      <lectern-destroy-dialog
        .recording=${wish === 'delete' ? recording : undefined}
        .destroy=${(gone: Recording) => this.#destroy(list, gone)}
        @closed=${closed}
      ></lectern-destroy-dialog>`;
  }

  async #film(list: RecordingList, film: NewFilm): Promise<void> {
    const id = this.dialog?.id;
    if (id === undefined) return;
    list.put(await this.#recordings.film(id, film));
    this.#closed();
  }

  async #destroy(list: RecordingList, { id, title }: Recording): Promise<void> {
    await this.#recordings.destroy(id);
    this.dialog = undefined;
    list.drop(id);
    // What is said while a dialog is open goes with it.
    setTimeout(() => {
      announce(texts.destroy.done(title || t.untitled));
      this.renderRoot.querySelector('h1')?.focus();
    });
  }

  #closed(): void {
    this.dialog = undefined;
  }

  /** The key to recordings must not go with the meeting. */
  #remember(): void {
    const listed = this.#list?.state.value;
    if (listed?.phase !== 'ready' || listed.stale) return;
    keepRecorded(this.meetingId, listed.recordings.length > 0);
  }

  readonly #seen = (): void => this.#list?.watch(document.visibilityState === 'visible');
}
