// The layout of the frame counter: how a number becomes black and white blocks, and back.
// Runs in the page that is shared and in the pages that watch; installs `frameCounter`.
(() => {
  'use strict';

  const COLUMNS = 8;
  const COUNTER_BITS = 20;
  const CHECKSUM_BITS = 12;

  /** A first row that never changes: a place where it is not found holds no counter. */
  const HEADER = [1, 0, 1, 0, 1, 1, 0, 0];
  const ROWS = 1 + (COUNTER_BITS + CHECKSUM_BITS) / COLUMNS;

  /** The blocks lie in the upper left corner, over this share of the picture's width and height. */
  const SHARE = { width: 512 / 1280, height: 320 / 720 };

  /** Blocks whose grey differs by less than this are too blurred to be read. */
  const CONTRAST = 60;

  function checksum(counter) {
    return Math.imul(counter + 1, 0x9e3779b1) >>> (32 - CHECKSUM_BITS);
  }

  /** The blocks of a number, row by row: 1 is white. */
  function encode(counter) {
    const blocks = [...HEADER];
    for (let bit = COUNTER_BITS - 1; bit >= 0; bit--) blocks.push((counter >> bit) & 1);
    const sum = checksum(counter);
    for (let bit = CHECKSUM_BITS - 1; bit >= 0; bit--) blocks.push((sum >> bit) & 1);
    return blocks;
  }

  /** The number that blocks of grey (0 to 255) stand for, or null. */
  function decode(greys) {
    const low = Math.min(...greys);
    const high = Math.max(...greys);
    if (high - low < CONTRAST) return null;
    const threshold = (low + high) / 2;
    const blocks = greys.map((grey) => (grey > threshold ? 1 : 0));
    if (HEADER.some((block, at) => blocks[at] !== block)) return null;
    const number = (from, count) =>
      blocks.slice(from, from + count).reduce((value, bit) => value * 2 + bit, 0);
    const counter = number(HEADER.length, COUNTER_BITS);
    const sum = number(HEADER.length + COUNTER_BITS, CHECKSUM_BITS);
    return sum === checksum(counter) ? counter : null;
  }

  globalThis.frameCounter = { COLUMNS, ROWS, SHARE, encode, decode };
})();
