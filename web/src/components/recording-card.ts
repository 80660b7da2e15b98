// One recording in the list of its owner: what it is, how it is, and what can be done with it.
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { day, length, longMoment, size, timecode } from '../format';
import { saveFile } from '../download';
import { icon } from '../icons';
import { MediaAddresses } from '../media-addresses';
import {
  filmsOf,
  posterOf,
  type Film,
  type Job,
  type MediaFile,
  type Recording,
} from '../recording';
import { recordingRefusal, type NewFilm, type Recordings } from '../recordings';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { troubles, type TroubleKind } from '../trouble';
import { menuStyles } from './menu-styles';
import './player';
import type { Player } from './player';
import './popover';
import './recording-jobs';
import { recordingStyles } from './recording-styles';
import './recording-title';
import './recording-tracks';
import './thumbnail';

const t = texts.recordings;

/** What is asked in a dialog of the page. */
export type RecordingWish = 'share' | 'film' | 'delete';

@customElement('lectern-recording')
export class RecordingCard extends LitElement {
  static override styles = [controls, menuStyles, recordingStyles];

  @property({ attribute: false }) recording!: Recording;
  @property({ attribute: false }) recordings!: Recordings;
  @state() private playing = false;
  /** The name of the film that was chosen among several. */
  @state() private chosen = '';
  @state() private menuOpen = false;
  @state() private trouble: TroubleKind | undefined;
  @query('.menu-button') private menuButton!: HTMLElement;
  @query('lectern-player') private player!: Player | null;

  #files!: MediaAddresses;
  #filesOf = '';

  protected override willUpdate(_: PropertyValues<this>): void {
    const { id } = this.recording;
    if (id === this.#filesOf) return;
    this.#filesOf = id;
    this.#files = new MediaAddresses(this.recordings.files(id));
  }

  /** Puts the focus back on what opened a dialog. */
  override focus(): void {
    this.menuButton.focus();
  }

  protected override render(): TemplateResult {
    const { recording } = this;
    const films = filmsOf(recording);
    const film = films.find(({ file }) => file.name === this.chosen) ?? films[0];
    return html`<article
      class=${film === undefined ? 'filmless' : ''}
      aria-label=${this.#title()}
      data-testid="recording-card"
      data-recording=${recording.id}
      data-state=${recording.state}
    >
      ${this.#picture(film)}
      <div class="about">
        <lectern-recording-title
          .value=${recording.title}
          .rename=${(title: string) => this.#rename(title)}
        ></lectern-recording-title>
        <p class="meta">${this.#meta()}</p>
        ${this.#chips()} ${this.#lines(film)}
        <lectern-recording-jobs
          .jobs=${recording.jobs}
          ?again=${!recording.unreachable}
          @again=${(event: CustomEvent<Job>) => void this.#again(event.detail)}
        ></lectern-recording-jobs>
        ${this.#buttons(film)}
      </div>
      ${film === undefined || !this.playing ? nothing : this.#player(film, films)}
      ${
        recording.files.some(({ kind }) => kind === 'track')
          ? html`<lectern-recording-tracks
            class="wide"
            .recording=${recording}
            @download=${(event: CustomEvent<MediaFile>) => void this.#download(event.detail)}
          ></lectern-recording-tracks>`
          : nothing
      }
    </article>`;
  }

  #title(): string {
    return this.recording.title || t.untitled;
  }

  #meta(): string {
    const { startedAt, startedBy, durationMs } = this.recording;
    const by = startedBy === '' ? [] : [t.startedBy(startedBy)];
    return [longMoment(startedAt) ?? '', length(durationMs), ...by].join(' · ');
  }

  #picture(film: Film | undefined): TemplateResult {
    const playable = film !== undefined && !this.recording.unreachable;
    return html`<button
      class="picture"
      tabindex="-1"
      aria-hidden="true"
      ?disabled=${!playable}
      @click=${() => this.#play()}
    >
      <lectern-thumbnail
        .file=${film === undefined ? undefined : posterOf(film)}
        .files=${this.#files}
      ></lectern-thumbnail>
      ${playable && !this.playing ? html`<span class="sign">${icon('play')}</span>` : nothing}
      <span class="length">${timecode(film?.file.durationMs ?? this.recording.durationMs)}</span>
    </button>`;
  }

  #chips(): TemplateResult {
    const { state, shares, expiresAt } = this.recording;
    const end = expiresAt === undefined ? undefined : day(expiresAt);
    return html`<div class="chips">
      ${
        state === 'ready'
          ? nothing
          : html`<span class="chip ${state}" data-testid="recording-state">
            ${state === 'recording' ? html`<i aria-hidden="true"></i>` : nothing}${t.states[state]}
          </span>`
      }
      ${
        shares.length === 0
          ? nothing
          : html`<span class="chip shared">${icon('link')} ${t.shared(shares.length)}</span>`
      }
      <span data-testid="recording-expiry">
        ${end === undefined ? t.keptForGood : t.expires(end)}
      </span>
    </div>`;
  }

  /** What is wrong with it, in words. */
  #lines(film: Film | undefined): TemplateResult {
    const { trouble, unreachable, state, jobs } = this.recording;
    const reason = trouble === undefined ? undefined : texts.recorded.reasons[trouble];
    const told = reason !== undefined || jobs.some((job) => job.state === 'failed');
    const filmless = state === 'ready' && film === undefined && !told;
    return html`${
      unreachable
        ? html`<p class="line" data-testid="unreachable">${icon('offline')} ${t.unreachable}</p>`
        : nothing
    }
      ${
        reason === undefined
          ? nothing
          : html`<p class="line bad" data-testid="recording-trouble">
            ${icon('alert')} <span><b>${reason.what}</b> ${reason.after}</span>
          </p>`
      }
      ${filmless ? html`<p class="line">${icon('film')} ${t.noFilm}</p>` : nothing}
      ${
        this.trouble === undefined
          ? nothing
          : html`<p class="line bad" role="alert" data-testid="trouble" data-cause=${this.trouble}>
            ${icon('alert')}
            <span><b>${troubles[this.trouble].title}.</b> ${troubles[this.trouble].body}</span>
          </p>`
      }`;
  }

  #buttons(film: Film | undefined): TemplateResult {
    const title = this.#title();
    const { unreachable, state } = this.recording;
    return html`<div class="buttons">
      ${film === undefined ? nothing : this.#filmButtons(film, title)}
      ${
        state === 'failed'
          ? nothing
          : html`<button
            class="btn"
            aria-label=${t.shareThis(title)}
            ?disabled=${unreachable && film === undefined}
            data-testid="share-recording"
            @click=${() => this.#wish('share')}
          >
            ${icon('passOn')} ${t.share}
          </button>`
      }
      <button
        class="btn icon-only menu-button"
        aria-label=${t.menuOf(title)}
        title=${t.menu}
        aria-haspopup="true"
        aria-expanded=${this.menuOpen ? 'true' : 'false'}
        data-testid="recording-menu"
        @click=${() => (this.menuOpen = !this.menuOpen)}
      >
        ${icon('more')}
      </button>
      <lectern-popover
        .open=${this.menuOpen}
        .anchor=${this.menuButton}
        @closed=${() => (this.menuOpen = false)}
      >
        ${this.menuOpen ? this.#menu() : nothing}
      </lectern-popover>
    </div>`;
  }

  #filmButtons({ file }: Film, title: string): TemplateResult {
    const { unreachable } = this.recording;
    return html`<button
        class="btn ${this.playing ? '' : 'primary'} play"
        aria-label=${this.playing ? `${t.closePlayer}: ${title}` : t.playThis(title)}
        aria-expanded=${this.playing ? 'true' : nothing}
        ?disabled=${unreachable}
        data-testid="play"
        @click=${() => (this.playing ? (this.playing = false) : this.#play())}
      >
        ${icon(this.playing ? 'close' : 'play')} ${this.playing ? t.closePlayer : t.play}
      </button>
      <button
        class="btn"
        aria-label=${t.downloadThis(title, size(file.bytes))}
        title=${size(file.bytes)}
        ?disabled=${unreachable}
        data-testid="download"
        @click=${() => void this.#download(file)}
      >
        ${icon('download')} ${t.download}
      </button>`;
  }

  #menu(): TemplateResult {
    const { state, unreachable } = this.recording;
    const films = state !== 'recording' && state !== 'failed' && !unreachable;
    return html`<div class="menu" tabindex="-1" data-focus>
      <button
        aria-disabled=${films ? nothing : 'true'}
        data-testid="new-film"
        @click=${() => films && this.#wish('film')}
      >
        ${icon('film')} ${texts.film.title}
      </button>
      <button class="danger" data-testid="delete" @click=${() => this.#wish('delete')}>
        ${icon('delete')} ${texts.destroy.menu}
      </button>
    </div>`;
  }

  #player(film: Film, films: readonly Film[]): TemplateResult {
    return html`<div class="wide">
      ${
        films.length < 2
          ? nothing
          : html`<div class="films" role="group" aria-label=${t.films} data-testid="films">
            ${films.map((one) => this.#choice(one, one === film))}
          </div>`
      }
      <lectern-player
        .film=${film}
        .files=${this.#files}
        .heading=${this.#title()}
        begins
      ></lectern-player>
    </div>`;
  }

  #choice({ file, layout, without }: Film, chosen: boolean): TemplateResult {
    const { name } = texts.film.layouts[layout];
    const label = without.length === 0 ? name : `${name}, ${t.without(without.length)}`;
    return html`<button
      class="btn small"
      aria-pressed=${chosen ? 'true' : 'false'}
      @click=${() => (this.chosen = file.name)}
    >
      ${label}
    </button>`;
  }

  #play(): void {
    this.playing = true;
    void this.updateComplete.then(() => this.player?.focus());
  }

  #wish(wish: RecordingWish): void {
    if (this.menuOpen) this.menuButton.focus();
    this.menuOpen = false;
    this.dispatchEvent(new CustomEvent<RecordingWish>('wish', { detail: wish }));
  }

  #download({ name }: MediaFile): Promise<boolean> {
    return this.#attempt(async () => {
      saveFile((await this.#files.address(name, 'download')).url);
    });
  }

  #rename(title: string): Promise<boolean> {
    return this.#attempt(async () => {
      this.#changed(await this.recordings.rename(this.recording.id, title));
    });
  }

  #again({ layout = 'beside', without }: Job): Promise<boolean> {
    const film: NewFilm = { layout, without };
    return this.#attempt(async () => {
      this.#changed(await this.recordings.film(this.recording.id, film));
    });
  }

  #changed(recording: Recording): void {
    this.dispatchEvent(new CustomEvent<Recording>('changed', { detail: recording }));
  }

  async #attempt(action: () => Promise<void>): Promise<boolean> {
    this.trouble = undefined;
    try {
      await action();
      return true;
    } catch (error) {
      console.info('The recording does not do it:', error);
      this.trouble = recordingRefusal(error);
      return false;
    }
  }
}
