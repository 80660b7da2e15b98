// A picture in a video element. It tells when the first frame is there and when no more come.
import { css, html, LitElement, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, query } from 'lit/decorators.js';
import type { Picture } from '../meeting/state';
import type { Size } from '../zoom';

/** `empty`: no frame yet. `flowing`: frames come. `frozen`: they came, and stopped. */
export type FrameState = 'empty' | 'flowing' | 'frozen';

/** Cameras send several frames a second: so long without one is not normal. */
const FROZEN_AFTER_MS = 5_000;

@customElement('lectern-video')
export class VideoPicture extends LitElement {
  static override styles = css`
    :host {
      display: block;
      overflow: hidden;
    }
    video {
      display: block;
      width: 100%;
      height: 100%;
      object-fit: cover;
    }
    :host([fit='contain']) video {
      object-fit: contain;
    }
    :host([mirrored]) video {
      transform: scaleX(-1);
    }
  `;

  @property({ attribute: false }) picture: Picture | undefined;
  @property({ type: Boolean, reflect: true }) mirrored = false;
  @property({ reflect: true }) fit: 'cover' | 'contain' = 'cover';
  /** Screens may stand still for minutes: only cameras are watched for frozen pictures. */
  @property({ type: Boolean }) watched = false;
  @property() label = '';

  @query('video') private video!: HTMLVideoElement;

  #attached: Picture | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #frames = 0;
  #lastFrameAt = 0;
  /** Nothing is told yet: who shows a picture anew must not believe that the former one flows. */
  #state: FrameState | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) this.#attach();
    this.#timer = setInterval(() => this.#watch(), 1_000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#timer);
    this.#detach();
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has('picture')) this.#attach();
  }

  protected override render(): TemplateResult {
    return html`<video
      playsinline
      autoplay
      .muted=${true}
      aria-label=${this.label}
      @loadeddata=${() => this.#tell('flowing')}
      @emptied=${() => this.#tell('empty')}
      @resize=${() => this.#size()}
    ></video>`;
  }

  #attach(): void {
    if (this.#attached === this.picture) return;
    this.#detach();
    this.#attached = this.picture;
    this.#frames = 0;
    this.#lastFrameAt = performance.now();
    this.#tell('empty');
    this.picture?.attach(this.video);
  }

  #detach(): void {
    if (this.#attached !== undefined) this.#attached.detach(this.video);
    this.#attached = undefined;
  }

  #size(): void {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (width === 0) return;
    this.dispatchEvent(new CustomEvent<Size>('picture-size', { detail: { width, height } }));
  }

  #watch(): void {
    const frames = this.video.getVideoPlaybackQuality().totalVideoFrames;
    const now = performance.now();
    // A page in the background is not painted, so nothing can be said about its frames.
    if (frames !== this.#frames || document.hidden) this.#lastFrameAt = now;
    if (frames !== this.#frames) this.#tell('flowing');
    this.#frames = frames;
    const frozen = this.watched && now - this.#lastFrameAt > FROZEN_AFTER_MS;
    if (frozen && this.#state === 'flowing') this.#tell('frozen');
  }

  #tell(state: FrameState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.dispatchEvent(new CustomEvent<FrameState>('frames', { detail: state }));
  }
}
