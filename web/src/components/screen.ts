// A shared screen: as large as it goes, with zoom and pan. The picture is laid out at the size at
// which it is shown, so that the adaptive stream asks the server for just that much detail.
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { styleMap } from 'lit/directives/style-map.js';
import './video';
import type { FrameState } from './video';
import { Gestures } from './gestures';
import { screenStyles } from './screen-styles';
import { icon } from '../icons';
import type { Share } from '../meeting/state';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { announce } from '../announce';
import {
  FIT,
  isFit,
  keepScale,
  naturalSize,
  oneToOne,
  pan,
  percent,
  readWheel,
  shownSize,
  STEP,
  zoomAt,
  type Point,
  type Size,
} from '../zoom';

const t = texts.screen;

/** One press of an arrow key, in CSS pixels. */
const ARROW_STEP = 60;

/** What the keys and buttons of a screen do. */
export type ZoomAction = 'zoomIn' | 'zoomOut' | 'fit' | 'oneToOne';

const CENTRE: Point = { x: 0, y: 0 };

@customElement('lectern-screen')
export class Screen extends LitElement {
  static override styles = [controls, screenStyles];

  @property({ attribute: false }) share!: Share;
  @property({ type: Boolean }) pinned = false;
  /** Shown as large as the display: the button says how to get back. */
  @property({ type: Boolean, reflect: true }) immersive = false;
  /** Nobody moves the pointer: the tools may go. */
  @property({ type: Boolean, reflect: true }) resting = false;
  @property({ type: Boolean }) held = false;
  @query('.window') private frame!: HTMLElement;
  @state() private zoom = FIT;
  @state() private received: Size = { width: 1920, height: 1080 };
  @state() private box: Size = { width: 0, height: 0 };
  @state() private frames: FrameState = 'empty';

  readonly #observer = new ResizeObserver(([entry]) => {
    const { width, height } = entry!.contentRect;
    this.box = { width, height };
  });
  #shown: { picture: Size; frame: Size } = { picture: this.received, frame: this.box };

  readonly #gestures = new Gestures(() => this.frame, {
    move: (dx, dy) => (this.zoom = pan(this.zoom, dx, dy, this.picture, this.box)),
    zoom: (factor, point) => this.#zoomBy(factor, point),
  });

  readonly #wheel = {
    handleEvent: (event: WheelEvent): void => this.#wheeled(event),
    passive: false,
  };

  /** Does what a shortcut or a button asks for. */
  act(action: ZoomAction): void {
    if (action === 'zoomIn') this.#zoomBy(STEP, CENTRE);
    if (action === 'zoomOut') this.#zoomBy(1 / STEP, CENTRE);
    if (action === 'fit') this.zoom = FIT;
    if (action === 'oneToOne') this.zoom = oneToOne(this.picture, this.box, devicePixelRatio);
    announce(t.zoomed(this.#percent()));
  }

  protected override firstUpdated(): void {
    this.#observer.observe(this.frame);
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get('share') as Share | undefined;
    if (before !== undefined && before.id !== this.share.id) this.zoom = FIT;
    if (this.share.view.picture === undefined) this.frames = 'empty';
    const shown = { picture: this.picture, frame: this.box };
    const same = (a: Size, b: Size): boolean => a.width === b.width && a.height === b.height;
    const { picture, frame } = this.#shown;
    if (same(picture, shown.picture) && same(frame, shown.frame)) return;
    this.zoom = keepScale(this.zoom, this.#shown, shown);
    this.#shown = shown;
  }

  private get picture(): Size {
    return naturalSize(this.received, this.share.size);
  }

  protected override render(): TemplateResult {
    const { share } = this;
    const zoomed = !isFit(this.zoom);
    return html`<div
        class="window ${zoomed ? 'zoomed' : ''}"
        tabindex="0"
        role="group"
        aria-label=${t.label(share.name)}
        aria-describedby="help"
        data-testid="screen"
        data-share=${share.id}
        data-zoom=${this.zoom.scale.toFixed(3)}
        @pointerdown=${this.#gestures.down}
        @pointermove=${this.#gestures.move}
        @pointerup=${this.#gestures.up}
        @pointercancel=${this.#gestures.up}
        @wheel=${this.#wheel}
        @dblclick=${(event: MouseEvent) => this.#doubleClicked(event)}
        @keydown=${(event: KeyboardEvent) => this.#key(event)}
      >
        ${this.#picture()} ${this.#instead()}
        <span id="help" class="visually-hidden">${t.help}</span>
      </div>
      <div class="tools">${this.#label()} ${this.#toolbar()}</div>`;
  }

  #picture(): TemplateResult | typeof nothing {
    const { picture } = this.share.view;
    if (picture === undefined) return nothing;
    const { width, height } = shownSize(this.zoom, this.picture, this.box);
    const style = {
      width: `${width}px`,
      height: `${height}px`,
      transform: `translate(calc(-50% + ${this.zoom.x}px), calc(-50% + ${this.zoom.y}px))`,
    };
    return html`<lectern-video
      class="picture"
      fit="contain"
      style=${styleMap(style)}
      ?held=${this.held}
      .picture=${picture}
      label=${t.label(this.share.name)}
      @picture-size=${(event: CustomEvent<Size>) => (this.received = event.detail)}
      @frames=${(event: CustomEvent<FrameState>) => (this.frames = event.detail)}
    ></lectern-video>`;
  }

  #instead(): TemplateResult | typeof nothing {
    const { status } = this.share.view;
    if (status === 'live' && this.frames !== 'empty') return nothing;
    const waits = status !== 'paused' && status !== 'unplayable';
    const reason = waits ? t.waiting : t[status];
    // The last picture is still worth reading: what is said goes below it.
    const over = this.frames === 'empty' ? '' : 'over';
    return html`<div class="instead ${over}" data-testid="placeholder">
      <span class="sign ${waits ? 'pulse' : ''}"
        >${icon(status === 'paused' ? 'offline' : 'screen')}</span
      >
      <p>${reason}</p>
    </div>`;
  }

  #label(): TemplateResult {
    const label = this.pinned ? t.unpinThis(this.share.name) : t.pinThis(this.share.name);
    return html`<div class="label">
      <span class="who">
        ${icon('screen')}
        <span><b><bdi>${this.share.name}</bdi></b> ${t.shares}</span>
        ${
          this.share.withSound
            ? html`<span title=${t.withSound}>${icon('speaker')}<span class="visually-hidden">${t.withSound}</span></span>`
            : nothing
        }
      </span>
      <button
        aria-pressed=${this.pinned ? 'true' : 'false'}
        aria-label=${label}
        title=${label}
        data-testid="pin-share"
        @click=${() => this.dispatchEvent(new CustomEvent('pin'))}
      >
        ${icon(this.pinned ? 'unpin' : 'pin')}
      </button>
    </div>`;
  }

  #toolbar(): TemplateResult {
    const button = (action: ZoomAction, label: string, content: unknown): TemplateResult =>
      html`<button
        aria-label=${label}
        title=${label}
        data-testid=${action}
        @click=${() => this.act(action)}
      >
        ${content}
      </button>`;
    const full = this.immersive ? texts.stage.fullscreenExit : texts.stage.fullscreen;
    return html`<div class="toolbar" role="toolbar" aria-label=${t.label(this.share.name)}>
      ${button('zoomOut', t.zoomOut, icon('minus'))}
      <output class="percent figures" aria-label=${t.zoomed(this.#percent())}
        >${t.percent(this.#percent())}</output
      >
      ${button('zoomIn', t.zoomIn, icon('plus'))}
      <i></i>
      ${button('fit', t.fitLabel, html`<b>${t.fit}</b>`)}
      ${button('oneToOne', t.oneToOneLabel, html`<b>${t.oneToOne}</b>`)}
      <i></i>
      <button
        aria-label=${full}
        title=${full}
        data-testid="fullscreen"
        @click=${() => this.dispatchEvent(new CustomEvent('fullscreen'))}
      >
        ${icon(this.immersive ? 'fullscreenExit' : 'fullscreen')}
      </button>
    </div>`;
  }

  #percent(): number {
    return percent(this.zoom, this.picture, this.box, devicePixelRatio);
  }

  #zoomBy(factor: number, point: Point): void {
    this.zoom = zoomAt(this.zoom, factor, point, this.picture, this.box, devicePixelRatio);
  }

  #wheeled(event: WheelEvent): void {
    event.preventDefault();
    const wheel = readWheel(event, !isFit(this.zoom));
    const point = this.#gestures.fromCentre({ x: event.clientX, y: event.clientY });
    if ('zoom' in wheel) this.#zoomBy(wheel.zoom, point);
    else this.zoom = pan(this.zoom, wheel.pan.x, wheel.pan.y, this.picture, this.box);
  }

  #doubleClicked(event: MouseEvent): void {
    if (!isFit(this.zoom)) return this.act('fit');
    const point = this.#gestures.fromCentre({ x: event.clientX, y: event.clientY });
    const target = oneToOne(this.picture, this.box, devicePixelRatio).scale;
    this.#zoomBy(target > 1.1 ? target : 2, point);
  }

  #key(event: KeyboardEvent): void {
    const steps: Record<string, Point> = {
      ArrowLeft: { x: ARROW_STEP, y: 0 },
      ArrowRight: { x: -ARROW_STEP, y: 0 },
      ArrowUp: { x: 0, y: ARROW_STEP },
      ArrowDown: { x: 0, y: -ARROW_STEP },
    };
    const step = steps[event.key];
    if (step === undefined || isFit(this.zoom)) return;
    event.preventDefault();
    this.zoom = pan(this.zoom, step.x, step.y, this.picture, this.box);
  }
}
