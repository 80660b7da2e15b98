// Zoom and pan of a picture inside a window: plain geometry in CSS pixels.

export interface Size {
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

/** `scale` 1 fits the picture to the window; `x`, `y` move its centre away from the window's. */
export interface Zoom extends Point {
  scale: number;
}

export const FIT: Zoom = { scale: 1, x: 0, y: 0 };

/** Beyond this, single pixels fill the window and orientation is lost. */
const MAX_SCALE = 12;

/** One press of a key or button. */
export const STEP = 1.25;

/** CSS pixels per pixel of the picture when it fits the window. */
export function fitScale(picture: Size, frame: Size): number {
  if (picture.width <= 0 || picture.height <= 0) return 1;
  return Math.min(frame.width / picture.width, frame.height / picture.height);
}

/** Shapes that differ by more are another window, not rounding of a smaller layer. */
const SAME_SHAPE = 0.02;

/**
 * The size that counts as one to one. What is received may be a smaller layer of what is published;
 * measured by the smaller one, "one to one" would never ask for the whole.
 */
export function naturalSize(received: Size, published: Size | undefined): Size {
  if (published === undefined || published.width <= received.width) return received;
  const shapes = received.width / received.height / (published.width / published.height);
  // A shared window that was resized has another shape than at first: only the new one counts.
  return Math.abs(shapes - 1) < SAME_SHAPE ? published : received;
}

/** After the window or the picture changed: what was zoomed keeps the size of its pixels. */
export function keepScale(
  zoom: Zoom,
  before: { picture: Size; frame: Size },
  after: { picture: Size; frame: Size },
): Zoom {
  const known = before.frame.width > 0 && after.frame.width > 0;
  if (!known || isFit(zoom)) return FIT;
  const ratio = fitScale(before.picture, before.frame) / fitScale(after.picture, after.frame);
  return clamp({ ...zoom, scale: zoom.scale * ratio }, after.picture, after.frame);
}

/** The size at which the picture is laid out. */
export function shownSize(zoom: Zoom, picture: Size, frame: Size): Size {
  const factor = fitScale(picture, frame) * zoom.scale;
  return { width: picture.width * factor, height: picture.height * factor };
}

/** Zooms by a factor so that the point under the pointer (from the window's centre) stays put. */
export function zoomAt(
  zoom: Zoom,
  factor: number,
  point: Point,
  picture: Size,
  frame: Size,
  pixelRatio: number,
): Zoom {
  const least = leastScale(picture, frame, pixelRatio);
  const scale = Math.min(MAX_SCALE, Math.max(least, zoom.scale * factor));
  const ratio = scale / zoom.scale;
  const moved = {
    scale,
    x: point.x - (point.x - zoom.x) * ratio,
    y: point.y - (point.y - zoom.y) * ratio,
  };
  return clamp(moved, picture, frame);
}

export function pan(zoom: Zoom, dx: number, dy: number, picture: Size, frame: Size): Zoom {
  return clamp({ ...zoom, x: zoom.x + dx, y: zoom.y + dy }, picture, frame);
}

/** One pixel of the picture on one pixel of the display. */
export function oneToOne(picture: Size, frame: Size, pixelRatio: number): Zoom {
  return { scale: 1 / (fitScale(picture, frame) * pixelRatio), x: 0, y: 0 };
}

/** Keeps the picture over the window: an edge of it never leaves a gap that was not there. */
export function clamp(zoom: Zoom, picture: Size, frame: Size): Zoom {
  const shown = shownSize(zoom, picture, frame);
  const roomX = Math.max(0, (shown.width - frame.width) / 2);
  const roomY = Math.max(0, (shown.height - frame.height) / 2);
  return { scale: zoom.scale, x: between(zoom.x, roomX), y: between(zoom.y, roomY) };
}

/** How large a pixel of the picture is shown, in percent of a pixel of the display. */
export function percent(zoom: Zoom, picture: Size, frame: Size, pixelRatio: number): number {
  return Math.round(fitScale(picture, frame) * zoom.scale * pixelRatio * 100);
}

export function isFit(zoom: Zoom): boolean {
  return Math.abs(zoom.scale - 1) < 0.005 && zoom.x === 0 && zoom.y === 0;
}

/** What a turn of the wheel means. */
export type Wheel = { zoom: number } | { pan: Point };

/**
 * A mouse wheel and a pinch on a touchpad (which arrives with the control key) zoom; two fingers
 * on a touchpad move the picture once it is zoomed.
 */
export function readWheel(
  event: Pick<WheelEvent, 'deltaX' | 'deltaY' | 'deltaMode' | 'ctrlKey' | 'metaKey'>,
  zoomed: boolean,
): Wheel {
  const lines = event.deltaMode !== 0;
  const deltaY = event.deltaY * (lines ? 33 : 1);
  if (event.ctrlKey || event.metaKey) {
    // A pinch sends many small steps, a wheel with the control key few large ones.
    return { zoom: Math.exp(-Math.max(-50, Math.min(50, deltaY)) * 0.01) };
  }
  const isWheel = lines || (event.deltaX === 0 && Math.abs(event.deltaY) >= 50);
  if (isWheel || !zoomed) return { zoom: Math.exp(-Math.max(-120, Math.min(120, deltaY)) * 0.002) };
  return { pan: { x: -event.deltaX, y: -event.deltaY } };
}

/** Small pictures may be shown at one to one, which is smaller than the window. */
function leastScale(picture: Size, frame: Size, pixelRatio: number): number {
  return Math.min(1, oneToOne(picture, frame, pixelRatio).scale);
}

function between(value: number, room: number): number {
  return Math.min(room, Math.max(-room, value));
}
