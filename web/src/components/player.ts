// Plays a film in the page, with pictures of its moments to jump to. Its address runs out after an
// hour: a longer film goes on where it was by a new one.
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { timecode } from '../format';
import { icon } from '../icons';
import { posterOf, type Film } from '../recording';
import { recordingRefusal, type MediaSource } from '../recordings';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { troubles } from '../trouble';
import './thumbnail';

const t = texts.player;

/** A film that breaks again so soon breaks by itself, not because its address ran out. */
const RENEWED_AGAIN_MS = 30_000;

interface Renewing extends MediaSource {
  /** A new address in the place of one that works no longer. */
  renewed(file: string): ReturnType<MediaSource['address']>;
}

@customElement('lectern-player')
export class Player extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: block;
      }
      .frame {
        position: relative;
        display: grid;
        place-items: center;
        aspect-ratio: 16 / 9;
        max-height: min(68dvh, 820px);
        width: 100%;
        border-radius: var(--r2);
        overflow: hidden;
        background: #0a0f0d;
        color: #e9f1ed;
      }
      video {
        width: 100%;
        height: 100%;
        object-fit: contain;
      }
      video:focus-visible {
        outline-offset: -3px;
      }
      .frame p {
        display: flex;
        align-items: center;
        gap: var(--s2);
        padding: var(--s4);
        max-width: 32em;
      }
      .failed {
        display: grid;
        justify-items: center;
        text-align: center;
        padding: var(--s4);
      }
      .failed .btn {
        color: #e9f1ed;
        background: rgb(255 255 255 / 12%);
        border-color: rgb(255 255 255 / 30%);
      }
      .spin {
        display: inline-block;
        animation: spin 0.9s linear infinite;
      }
      ul {
        display: flex;
        gap: var(--s2);
        margin: var(--s3) 0 0;
        padding: 2px;
        list-style: none;
        overflow-x: auto;
      }
      li button {
        display: grid;
        gap: 4px;
        width: 128px;
        padding: 4px;
        border: 0;
        border-radius: 14px;
        background: none;
        font-size: var(--t-xs);
        color: var(--ink-2);
        cursor: pointer;
      }
      li button:hover {
        background: var(--surface-2);
        color: var(--ink);
      }
      @keyframes spin {
        to {
          transform: rotate(360deg);
        }
      }
    `,
  ];

  @property({ attribute: false }) film!: Film;
  @property({ attribute: false }) files!: Renewing;
  @property() heading = '';
  /** Plays as soon as it can: the person pressed a button for it. */
  @property({ type: Boolean }) begins = false;
  @state() private url = '';
  @state() private poster = '';
  @state() private failure: { title: string; body: string } | undefined;
  @query('video') private video!: HTMLVideoElement | null;

  /** Where it goes on once the new address is there. */
  #goesOn: { at: number; plays: boolean } | undefined;
  #renewedAt = -Infinity;
  #wantsFocus = false;
  /** How it played last: whatever breaks it may take that down. */
  #played = { at: 0, plays: false };

  protected override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get('film');
    if (!changed.has('film') || before?.file.name === this.film.file.name) return;
    // Another film of the same recording goes on at the same moment.
    if (this.video !== null) this.#goesOn = { ...this.#played };
    void this.#open();
  }

  protected override render(): TemplateResult {
    return html`<div class="frame">${this.#frame()}</div>
      ${this.film.thumbnails.length < 2 ? nothing : this.#moments()}`;
  }

  protected override updated(): void {
    if (!this.#wantsFocus || this.video === null) return;
    this.#wantsFocus = false;
    this.video.focus();
  }

  /** As soon as there is a film to hold. */
  override focus(): void {
    this.#wantsFocus = true;
    this.requestUpdate();
  }

  #frame(): TemplateResult {
    if (this.failure !== undefined) return this.#failed(this.failure);
    if (this.url === '') {
      return html`<p role="status" data-testid="player-opening">
        <span class="spin">${icon('loading')}</span> ${t.opening}
      </p>`;
    }
    return html`<video
      controls
      playsinline
      preload="metadata"
      tabindex="0"
      src=${this.url}
      poster=${this.poster === '' ? nothing : this.poster}
      aria-label=${t.label(this.heading)}
      data-testid="player"
      @loadedmetadata=${() => this.#loaded()}
      @timeupdate=${() => this.#note()}
      @seeking=${() => this.#note()}
      @play=${() => (this.#played.plays = true)}
      @pause=${() => (this.#played.plays = false)}
      @error=${() => void this.#broke()}
    ></video>`;
  }

  #failed({ title, body }: { title: string; body: string }): TemplateResult {
    return html`<div class="failed" role="alert" data-testid="player-failed">
      <p>${icon('alert')} <b>${title}</b></p>
      <p>${body}</p>
      <button class="btn small" data-testid="player-again" @click=${() => void this.#open()}>
        ${icon('reload')} ${texts.tryAgain}
      </button>
    </div>`;
  }

  #moments(): TemplateResult {
    return html`<ul aria-label=${t.moments} data-testid="moments">
      ${this.film.thumbnails.map(
        (thumbnail) =>
          html`<li>
            <button
              aria-label=${t.momentAt(timecode(thumbnail.atMs))}
              @click=${() => this.#jump(thumbnail.atMs)}
            >
              <lectern-thumbnail .file=${thumbnail} .files=${this.files}></lectern-thumbnail>
              ${timecode(thumbnail.atMs)}
            </button>
          </li>`,
      )}
    </ul>`;
  }

  async #open(): Promise<void> {
    const { name } = this.film.file;
    this.url = '';
    this.failure = undefined;
    this.#renewedAt = -Infinity;
    this.#goesOn ??= { at: 0, plays: this.begins };
    void this.#showPoster(name);
    await this.#point(name, () => this.files.address(name, 'play'));
  }

  /** Puts an address in, unless another film was chosen meanwhile. */
  async #point(name: string, address: () => ReturnType<MediaSource['address']>): Promise<void> {
    try {
      const { url } = await address();
      if (name === this.film.file.name) this.url = url;
    } catch (error) {
      console.info('The film does not open:', error);
      if (name === this.film.file.name) this.failure = troubles[recordingRefusal(error)];
    }
  }

  async #showPoster(name: string): Promise<void> {
    this.poster = '';
    const picture = posterOf(this.film);
    if (picture === undefined) return;
    try {
      const { url } = await this.files.address(picture.name, 'play');
      if (name === this.film.file.name) this.poster = url;
    } catch (error) {
      console.info('The film begins without a picture:', error);
    }
  }

  #loaded(): void {
    const { video } = this;
    const goesOn = this.#goesOn;
    this.#goesOn = undefined;
    if (video === null || goesOn === undefined) return;
    if (goesOn.at > 0) video.currentTime = goesOn.at;
    if (goesOn.plays) this.#play(video);
  }

  #note(): void {
    const { video } = this;
    if (video !== null && video.readyState > 0) this.#played.at = video.currentTime;
  }

  #jump(ms: number): void {
    const { video } = this;
    if (video === null) return;
    video.currentTime = ms / 1_000;
    this.#play(video);
  }

  #play(video: HTMLVideoElement): void {
    video.play().catch((error: unknown) => console.info('The film waits for a press:', error));
  }

  async #broke(): Promise<void> {
    const { video } = this;
    const { name, contentType } = this.film.file;
    if (video === null || this.url === '') return;
    console.info('The film stops:', video.error?.message);
    if (video.canPlayType(contentType) === '') {
      this.failure = { title: t.unplayable, body: t.unplayableBody };
      return;
    }
    if (performance.now() - this.#renewedAt < RENEWED_AGAIN_MS) {
      this.failure = { title: t.failed, body: troubles['server-error'].body };
      return;
    }
    this.#renewedAt = performance.now();
    this.#goesOn = { ...this.#played };
    await this.#point(name, () => this.files.renewed(name));
  }
}
