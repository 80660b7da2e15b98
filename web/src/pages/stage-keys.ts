// The keyboard of a meeting: shortcuts, and the space bar that opens the microphone while held.
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { actionOf, placeOf, type Action } from '../shortcuts';

export interface KeyHandlers {
  act(action: Exclude<Action, 'talk'>): void;
  talk(on: boolean): void;
  /** Escape, when nothing else took it. */
  escape(): void;
}

export class StageKeys implements ReactiveController {
  #talking = false;

  constructor(
    host: ReactiveControllerHost,
    private readonly handlers: KeyHandlers,
  ) {
    host.addController(this);
  }

  hostConnected(): void {
    window.addEventListener('keydown', this.#down);
    window.addEventListener('keyup', this.#up);
    window.addEventListener('blur', this.#hush);
  }

  hostDisconnected(): void {
    this.#hush();
    window.removeEventListener('keydown', this.#down);
    window.removeEventListener('keyup', this.#up);
    window.removeEventListener('blur', this.#hush);
  }

  readonly #down = (event: KeyboardEvent): void => {
    if (event.defaultPrevented) return;
    const place = placeOf(event.composedPath());
    if (event.key === 'Escape' && place !== 'dialog') return this.handlers.escape();
    const action = actionOf(event, place);
    if (action === undefined) {
      // Held down, the space bar would scroll the page.
      if (this.#talking && event.key === ' ') event.preventDefault();
      return;
    }
    event.preventDefault();
    if (action !== 'talk') return this.handlers.act(action);
    this.#talking = true;
    this.handlers.talk(true);
  };

  readonly #up = (event: KeyboardEvent): void => {
    if (event.key === ' ') this.#hush();
  };

  readonly #hush = (): void => {
    if (!this.#talking) return;
    this.#talking = false;
    this.handlers.talk(false);
  };
}
