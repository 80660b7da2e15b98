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
      position: relative;
      overflow: hidden;
    }
    video {
      display: block;
      width: 100%;
      height: 100%;
      object-fit: cover;
    }
    canvas {
      position: absolute;
      inset: 0;
      width: 100%;
      height: 100%;
      object-fit: cover;
    }
    canvas[hidden] {
      display: none;
    }
    :host([fit='contain']) :is(video, canvas) {
      object-fit: contain;
    }
    :host([mirrored]) :is(video, canvas) {
      transform: scaleX(-1);
    }
  `;

  @property({ attribute: false }) picture: Picture | undefined;
  @property({ type: Boolean, reflect: true }) mirrored = false;
  @property({ reflect: true }) fit: 'cover' | 'contain' = 'cover';
  /** Screens may stand still for minutes: only cameras are watched for frozen pictures. */
  @property({ type: Boolean }) watched = false;
  /** The connection is away: what is seen now stays, even when the picture is taken down. */
  @property({ type: Boolean }) held = false;
  @property() label = '';

  @query('canvas') private still!: HTMLCanvasElement;
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
    if (changed.has('held') && this.held) this.#keepStill();
  }

  protected override render(): TemplateResult {
    return html`<video
      playsinline
      autoplay
      .muted=${true}
      aria-label=${this.label}
      @loadeddata=${() => this.#tell('flowing')}
      @emptied=${() => this.#emptied()}
      @resize=${() => this.#size()}
    ></video><canvas hidden width="0"></canvas>`;
  }

  #keepStill(): void {
    const { videoWidth, videoHeight } = this.video;
    Object.assign(this.still, { width: videoWidth, height: videoHeight });
    if (videoWidth > 0) this.still.getContext('2d')?.drawImage(this.video, 0, 0);
  }

  #emptied(): void {
    const keeps = this.held && this.still.width > 0;
    this.still.hidden = !keeps;
    this.#tell(keeps ? 'frozen' : 'empty');
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
    // The count begins again when the picture is taken down: only more frames are new ones.
    if (frames > this.#frames) this.#tell('flowing');
    this.#frames = frames;
    const frozen = this.watched && now - this.#lastFrameAt > FROZEN_AFTER_MS;
    if (frozen && this.#state === 'flowing') this.#tell('frozen');
  }

  #tell(state: FrameState): void {
    if (state === this.#state) return;
    this.#state = state;
    if (state !== 'frozen') this.still.hidden = true;
    this.dispatchEvent(new CustomEvent<FrameState>('frames', { detail: state }));
  }
}
