import { expect, test } from 'vitest';
import { gridOf } from './grid-layout';

test.each([
  [1, { width: 1600, height: 900 }, 1],
  [2, { width: 1600, height: 700 }, 2],
  [2, { width: 380, height: 700 }, 1],
  [4, { width: 1600, height: 900 }, 2],
  [9, { width: 1600, height: 900 }, 3],
])('%i people in %o stand in %i columns', (count, box, columns) => {
  expect(gridOf(count, box, 12).columns).toBe(columns);
});

test('all tiles fit into the box', () => {
  for (let count = 1; count <= 12; count += 1) {
    for (const box of [
      { width: 1400, height: 760 },
      { width: 380, height: 640 },
    ]) {
      const { columns, tile } = gridOf(count, box, 12);
      const rows = Math.ceil(count / columns);
      expect(columns * tile.width + (columns - 1) * 12).toBeLessThanOrEqual(box.width);
      expect(rows * tile.height + (rows - 1) * 12).toBeLessThanOrEqual(box.height);
    }
  }
});

test('a box without room gives tiles without size', () => {
  expect(gridOf(3, { width: 0, height: 0 }, 12).tile).toEqual({ width: 0, height: 0 });
});
