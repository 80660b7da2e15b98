// Full screen, and the rest of the pointer after which everything that lies over the picture goes.
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { enterFullscreen, leaveFullscreen } from '../meeting/presence';

/** Long enough to reach for a button, short enough not to be in the way of the picture. */
const REST_MS = 3_000;

export interface ImmersionHost extends ReactiveControllerHost, HTMLElement {
  immersive: boolean;
  resting: boolean;
}

export class Immersion implements ReactiveController {
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly host: ImmersionHost) {
    host.addController(this);
  }

  hostConnected(): void {
    document.addEventListener('fullscreenchange', this.#changed);
    this.host.addEventListener('pointermove', this.#moved);
    this.host.addEventListener('pointerdown', this.#moved);
    this.#moved();
  }

  hostDisconnected(): void {
    document.removeEventListener('fullscreenchange', this.#changed);
    this.host.removeEventListener('pointermove', this.#moved);
    this.host.removeEventListener('pointerdown', this.#moved);
    clearTimeout(this.#timer);
    void leaveFullscreen();
  }

  async toggle(): Promise<void> {
    this.host.immersive = !this.host.immersive;
    this.#moved();
    // Where the browser has no full screen, the page at least gives all its room.
    if (this.host.immersive) await enterFullscreen(this.host);
    else await leaveFullscreen();
  }

  readonly #changed = (): void => {
    if (document.fullscreenElement === null) this.host.immersive = false;
  };

  readonly #moved = (): void => {
    this.host.resting = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.host.resting = true), REST_MS);
  };
}
