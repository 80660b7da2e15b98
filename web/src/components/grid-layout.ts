// How to fill a box with equal tiles so that they are as large as can be.
import type { Size } from '../zoom';

export interface GridLayout {
  columns: number;
  tile: Size;
}

/** Tiles may be wide like a film or square, but no further: faces would be cut off. */
const WIDEST = 16 / 9;
const NARROWEST = 1;

export function gridOf(count: number, box: Size, gap: number): GridLayout {
  let best: GridLayout = { columns: 1, tile: { width: 0, height: 0 } };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const tile = within(
      (box.width - gap * (columns - 1)) / columns,
      (box.height - gap * (rows - 1)) / rows,
    );
    if (tile.width * tile.height > best.tile.width * best.tile.height) best = { columns, tile };
  }
  return best;
}

function within(width: number, height: number): Size {
  if (width <= 0 || height <= 0) return { width: 0, height: 0 };
  return {
    width: Math.floor(Math.min(width, height * WIDEST)),
    height: Math.floor(Math.min(height, width / NARROWEST)),
  };
}
