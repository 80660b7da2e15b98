// Pointers on a picture: one moves it, two pinch it, a quick second press asks for one to one.
import type { Point } from '../zoom';

export interface GestureHandlers {
  move(dx: number, dy: number): void;
  /** The point is measured from the centre of the element. */
  zoom(factor: number, point: Point): void;
}

export class Gestures {
  readonly #pointers = new Map<number, Point>();

  constructor(
    private readonly element: () => HTMLElement,
    private readonly handlers: GestureHandlers,
  ) {}

  get active(): boolean {
    return this.#pointers.size > 0;
  }

  readonly down = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    this.#pointers.set(event.pointerId, at(event));
    this.element().setPointerCapture(event.pointerId);
  };

  readonly move = (event: PointerEvent): void => {
    const before = this.#pointers.get(event.pointerId);
    if (before === undefined) return;
    const now = at(event);
    const other = this.#other(event.pointerId);
    this.#pointers.set(event.pointerId, now);
    if (other === undefined) {
      this.handlers.move(now.x - before.x, now.y - before.y);
      return;
    }
    const factor = distance(now, other) / Math.max(1, distance(before, other));
    this.handlers.zoom(factor, this.fromCentre(middle(now, other)));
    const moved = { x: (now.x - before.x) / 2, y: (now.y - before.y) / 2 };
    this.handlers.move(moved.x, moved.y);
  };

  readonly up = (event: PointerEvent): void => {
    this.#pointers.delete(event.pointerId);
  };

  fromCentre(point: Point): Point {
    const { left, top, width, height } = this.element().getBoundingClientRect();
    return { x: point.x - left - width / 2, y: point.y - top - height / 2 };
  }

  #other(id: number): Point | undefined {
    for (const [other, point] of this.#pointers) if (other !== id) return point;
    return undefined;
  }
}

const at = (event: PointerEvent): Point => ({ x: event.clientX, y: event.clientY });

const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);

const middle = (a: Point, b: Point): Point => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });
