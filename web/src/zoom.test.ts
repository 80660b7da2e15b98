import { describe, expect, test } from 'vitest';
import {
  clamp,
  FIT,
  fitScale,
  isFit,
  keepScale,
  naturalSize,
  oneToOne,
  pan,
  percent,
  readWheel,
  shownSize,
  zoomAt,
  type Point,
  type Zoom,
} from './zoom';

const screen = { width: 1920, height: 1080 };
const frame = { width: 960, height: 700 };

/** Where a point of the picture (from its centre, in its own pixels) is shown. */
function shownAt(zoom: Zoom, point: Point): Point {
  const factor = fitScale(screen, frame) * zoom.scale;
  return { x: zoom.x + point.x * factor, y: zoom.y + point.y * factor };
}

describe('fit', () => {
  test('the tighter side decides', () => {
    expect(fitScale(screen, frame)).toBeCloseTo(0.5);
    expect(fitScale(screen, { width: 4000, height: 270 })).toBeCloseTo(0.25);
  });
  test('a picture without a size is left alone', () => {
    expect(fitScale({ width: 0, height: 0 }, frame)).toBe(1);
  });
  test('shows the whole picture', () => {
    expect(shownSize(FIT, screen, frame)).toEqual({ width: 960, height: 540 });
    expect(percent(FIT, screen, frame, 1)).toBe(50);
    expect(percent(FIT, screen, frame, 2)).toBe(100);
  });
});

describe('zoom', () => {
  test('keeps the point under the pointer in its place', () => {
    const pointer = { x: 200, y: -100 };
    const before = { x: 400, y: -200 };
    const zoomed = zoomAt(FIT, 3, pointer, screen, frame, 1);
    expect(shownAt(FIT, before)).toEqual(pointer);
    expect(shownAt(zoomed, before).x).toBeCloseTo(pointer.x);
    expect(shownAt(zoomed, before).y).toBeCloseTo(pointer.y);
  });
  test('stops at the limits', () => {
    expect(zoomAt(FIT, 1000, { x: 0, y: 0 }, screen, frame, 1).scale).toBe(12);
    expect(zoomAt(FIT, 0.01, { x: 0, y: 0 }, screen, frame, 1).scale).toBe(1);
  });
  test('a picture smaller than the window may shrink to one to one', () => {
    const small = { width: 480, height: 270 };
    const view = zoomAt(FIT, 0.01, { x: 0, y: 0 }, small, frame, 1);
    expect(shownSize(view, small, frame).width).toBeCloseTo(480);
  });
  test('out and in again ends where it began, in the middle', () => {
    const there = zoomAt(FIT, 4, { x: 300, y: 120 }, screen, frame, 1);
    const back = zoomAt(there, 1 / 4, { x: -50, y: 9 }, screen, frame, 1);
    expect(isFit(back)).toBe(true);
  });
  test('one to one counts pixels of the display', () => {
    const view = oneToOne(screen, frame, 2);
    expect(shownSize(view, screen, frame).width).toBeCloseTo(960);
    expect(percent(view, screen, frame, 2)).toBe(100);
  });
});

describe('pan', () => {
  test('stops at the edge of the picture', () => {
    const zoomed = zoomAt(FIT, 2, { x: 0, y: 0 }, screen, frame, 1);
    expect(pan(zoomed, 5000, 5000, screen, frame)).toMatchObject({ x: 480, y: 190 });
    expect(pan(zoomed, -5000, -5000, screen, frame)).toMatchObject({ x: -480, y: -190 });
  });
  test('does nothing where the whole picture is visible', () => {
    expect(pan(FIT, 100, 100, screen, frame)).toMatchObject({ x: 0, y: 0 });
  });
  test('a smaller window pulls the picture back in', () => {
    const corner = { scale: 3, x: 960, y: 460 };
    const { x, y } = clamp(corner, screen, { width: 480, height: 300 });
    expect([x, y]).toEqual([480, 255]);
  });
});

describe('change', () => {
  const wider = { width: 1400, height: 700 };
  test('one to one stays one to one in another window', () => {
    const view = oneToOne(screen, frame, 1);
    const kept = keepScale(view, { picture: screen, frame }, { picture: screen, frame: wider });
    expect(percent(kept, screen, wider, 1)).toBe(100);
  });
  test('what fits goes on to fit', () => {
    expect(keepScale(FIT, { picture: screen, frame }, { picture: screen, frame: wider })).toEqual(
      FIT,
    );
  });
  test('a smaller layer is measured by what is published', () => {
    expect(naturalSize({ width: 640, height: 360 }, screen)).toEqual(screen);
    expect(naturalSize({ width: 640, height: 358 }, screen)).toEqual(screen);
    expect(naturalSize({ width: 640, height: 480 }, screen)).toEqual({ width: 640, height: 480 });
    expect(naturalSize(screen, { width: 640, height: 360 })).toEqual(screen);
    expect(naturalSize(screen, undefined)).toEqual(screen);
  });
});

describe('wheel', () => {
  const turn = { deltaX: 0, deltaY: 0, deltaMode: 0, ctrlKey: false, metaKey: false };
  test('a mouse wheel zooms', () => {
    expect(readWheel({ ...turn, deltaY: -100 }, true)).toHaveProperty('zoom');
    const out = readWheel({ ...turn, deltaY: 3, deltaMode: 1 }, true);
    expect('zoom' in out && out.zoom).toBeLessThan(1);
  });
  test('a pinch zooms, with many small steps', () => {
    const pinch = readWheel({ ...turn, deltaY: -4.5, ctrlKey: true }, false);
    expect('zoom' in pinch && pinch.zoom).toBeCloseTo(1.046, 2);
  });
  test('two fingers move a picture that is zoomed', () => {
    expect(readWheel({ ...turn, deltaX: 3, deltaY: 8 }, true)).toEqual({ pan: { x: -3, y: -8 } });
  });
});
