// A recording behind a link: its film, and nothing else. The link's secret stays in the fragment of
// the address, which browsers send nowhere.
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import '../components/player';
import { saveFile } from '../download';
import { length, longMoment, size } from '../format';
import { ApiError } from '../http';
import { icon, type IconName } from '../icons';
import { MediaAddresses } from '../media-addresses';
import { filmsOf, type Film, type SharedRecording } from '../recording';
import { openShared, recordingRefusal, sharedFiles } from '../recordings';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { troubles, type TroubleKind } from '../trouble';
import { pageHeader, pageStyles } from './page';

const t = texts.shared;

/** A film that is still made is looked for so often. */
const LOOK_MS = 15_000;

type Step =
  | { is: 'opening' }
  | { is: 'shown'; recording: SharedRecording }
  | { is: 'missing' }
  | { is: 'ended' }
  | { is: 'failed'; trouble: TroubleKind; retryAfterS: number };

@customElement('lectern-shared-recording')
export class SharedRecordingPage extends LitElement {
  static override styles = [
    controls,
    pageStyles,
    css`
      main {
        width: 100%;
        max-width: 1120px;
        margin: 0 auto;
        align-content: start;
        gap: var(--s4);
        grid-template-columns: minmax(0, 1fr);
      }
      main.quiet {
        align-content: center;
        justify-items: center;
        text-align: center;
      }
      h1 {
        font-size: clamp(1.5rem, 3vw, 2.1rem);
        font-weight: 700;
        letter-spacing: -0.028em;
        overflow-wrap: anywhere;
      }
      h1:focus-visible {
        outline: none;
      }
      .meta {
        margin-top: 4px;
        color: var(--ink-2);
      }
      .foot {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        justify-content: space-between;
        gap: var(--s3);
      }
      .films {
        display: flex;
        flex-wrap: wrap;
        gap: 6px;
      }
      .films .btn {
        width: auto;
      }
      .sign {
        display: grid;
        place-items: center;
        width: 72px;
        height: 72px;
        border-radius: 22px;
        font-size: 1.6rem;
        background: var(--brass-soft);
        color: var(--brass-ink);
      }
      .quiet .lead {
        max-width: 28em;
      }
      .not-yet {
        display: grid;
        justify-items: center;
        gap: var(--s3);
        padding: clamp(32px, 10vh, 96px) var(--s4);
        border-radius: var(--r3);
        background: var(--surface-2);
        text-align: center;
      }
      .not-yet h2 {
        font-size: var(--t-xl);
      }
      .not-yet p {
        max-width: 28em;
        color: var(--ink-2);
      }
      @media (max-width: 480px) {
        .btn {
          width: 100%;
        }
      }
    `,
  ];

  /** None where the link is not complete. */
  @property({ attribute: false }) secret: string | undefined;
  @state() private step: Step = { is: 'opening' };
  @state() private downloadTrouble: TroubleKind | undefined;

  /** The name of the film that was chosen among several. */
  @state() private chosen = '';

  #files!: MediaAddresses;
  #told: Step['is'] = 'opening';
  #timer: ReturnType<typeof setTimeout> | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('secret')) return;
    this.downloadTrouble = undefined;
    if (this.secret === undefined) return void (this.step = { is: 'missing' });
    this.#files = new MediaAddresses(sharedFiles(this.secret));
    void this.#open();
  }

  protected override updated(): void {
    if (this.step.is === this.#told) return;
    this.#told = this.step.is;
    this.renderRoot.querySelector('h1')?.focus();
  }

  protected override render(): TemplateResult {
    const { step } = this;
    if (step.is === 'shown') return this.#shown(step.recording);
    document.title = `${t.title} · ${texts.product}`;
    return html`${pageHeader()}
      <main class="quiet" data-testid="shared" data-step=${step.is}>${this.#quiet(step)}</main>`;
  }

  #quiet(step: Exclude<Step, { is: 'shown' }>): TemplateResult {
    switch (step.is) {
      case 'opening':
        return html`<p class="lead" role="status" data-testid="loading">
          <span class="spin">${icon('loading')}</span> ${t.opening}
        </p>`;
      case 'missing':
        return this.#say('link', t.missing, t.missingBody);
      case 'ended':
        return this.#say('link', t.ended, t.endedBody);
      case 'failed': {
        const { title, body } = troubles[step.trouble];
        const wait = step.retryAfterS > 0 ? texts.prejoin.blocked(step.retryAfterS) : body;
        const sign = step.trouble === 'server-unreachable' ? 'offline' : 'alert';
        return this.#say(
          sign,
          title,
          wait,
          html`<button class="btn primary big" data-testid="again" @click=${() => void this.#open()}>
            ${icon('reload')} ${texts.tryAgain}
          </button>`,
        );
      }
    }
  }

  #say(
    sign: IconName,
    title: string,
    body: string,
    action: TemplateResult | typeof nothing = nothing,
  ): TemplateResult {
    return html`<div class="sign">${icon(sign)}</div>
      <h1 tabindex="-1">${title}</h1>
      <p class="lead">${body}</p>
      ${action}`;
  }

  #shown(recording: SharedRecording): TemplateResult {
    const title = recording.title || texts.recordings.untitled;
    const films = filmsOf(recording);
    const film = films.find(({ file }) => file.name === this.chosen) ?? films[0];
    const when = longMoment(recording.startedAt) ?? '';
    const expires = longMoment(recording.expiresAt);
    document.title = `${title} · ${texts.product}`;
    return html`${pageHeader()}
      <main data-testid="shared" data-step="shown">
        <div>
          <h1 tabindex="-1" dir="auto">${title}</h1>
          <p class="meta">${when} · ${length(recording.durationMs)}</p>
        </div>
        ${
          film === undefined
            ? html`<div class="not-yet" role="status" data-testid="not-yet">
              <div class="sign">${icon('clock')}</div>
              <h2>${t.notYet}</h2>
              <p>${t.notYetBody}</p>
            </div>`
            : html`${this.#choices(films, film)}
              <lectern-player
                .film=${film}
                .files=${this.#files}
                .heading=${title}
              ></lectern-player>`
        }
        <div class="foot">
          <p class="hint">${expires === undefined ? '' : t.expires(expires)}</p>
          ${film !== undefined && recording.download ? this.#download(film) : nothing}
        </div>
        ${
          this.downloadTrouble === undefined
            ? nothing
            : html`<p class="error" role="alert">
              <b>${troubles[this.downloadTrouble].title}.</b> ${troubles[this.downloadTrouble].body}
            </p>`
        }
      </main>`;
  }

  /** What each shows, only its owner knows. */
  #choices(films: readonly Film[], shown: Film): TemplateResult | typeof nothing {
    if (films.length < 2) return nothing;
    return html`<div class="films" role="group" aria-label=${texts.recordings.films}>
      ${films.map(
        (film, index) =>
          html`<button
            class="btn small"
            aria-pressed=${film === shown ? 'true' : 'false'}
            @click=${() => (this.chosen = film.file.name)}
          >
            ${t.film(index + 1)}
          </button>`,
      )}
    </div>`;
  }

  #download({ file }: Film): TemplateResult {
    return html`<button class="btn" data-testid="download" @click=${() => void this.#save(file.name)}>
      ${icon('download')} ${t.download} <span class="figures">(${size(file.bytes)})</span>
    </button>`;
  }

  async #save(name: string): Promise<void> {
    this.downloadTrouble = undefined;
    try {
      saveFile((await this.#files.address(name, 'download')).url);
    } catch (error) {
      console.info('The film does not come:', error);
      this.downloadTrouble = recordingRefusal(error);
    }
  }

  async #open(): Promise<void> {
    const { secret } = this;
    if (secret === undefined) return;
    clearTimeout(this.#timer);
    this.step = { is: 'opening' };
    await this.#look(secret);
  }

  async #look(secret: string): Promise<void> {
    try {
      const recording = await openShared(secret);
      // A newer link may have come while this one was looked up.
      if (secret !== this.secret) return;
      this.step = { is: 'shown', recording };
      if (filmsOf(recording).length > 0 || !this.isConnected) return;
      this.#timer = setTimeout(() => void this.#look(secret), LOOK_MS);
    } catch (error) {
      console.info('The recording does not open:', error);
      if (secret === this.secret) this.step = failureOf(error);
    }
  }
}

function failureOf(error: unknown): Step {
  if (!(error instanceof ApiError))
    return { is: 'failed', trouble: 'server-error', retryAfterS: 0 };
  // The server gives one answer to links that never were, are over, and were ended.
  if (error.status === 404 || error.status === 410) return { is: 'ended' };
  const trouble = recordingRefusal(error);
  return { is: 'failed', trouble, retryAfterS: error.retryAfterS ?? 0 };
}
