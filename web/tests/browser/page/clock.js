// One clock for all pages of a machine: milliseconds since 1970, finer than a millisecond.
// A browser's own time origin may be off by milliseconds, so it is measured against `Date`.
(() => {
  'use strict';

  const SAMPLES = 4;

  /** What must be added to `timeOrigin + now()`: seen at the moment in which `Date.now()` ticks. */
  function offset() {
    let least = Infinity;
    for (let sample = 0; sample < SAMPLES; sample++) {
      const before = Date.now();
      while (Date.now() === before);
      const at = Date.now();
      least = Math.min(least, performance.timeOrigin + performance.now() - at);
    }
    return -least;
  }

  const add = performance.timeOrigin + offset();

  /** Milliseconds since 1970. */
  globalThis.machineTime = () => add + performance.now();
})();
