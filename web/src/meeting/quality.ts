// How good a connection is, in five words: from the server's verdict and from own measurements.

export type Quality = 'unknown' | 'lost' | 'poor' | 'fair' | 'good' | 'excellent';

/** What was measured over a few seconds. Ratios are 0 to 1, times in milliseconds. */
export interface Measurement {
  lossRatio?: number;
  roundTripMs?: number;
  jitterMs?: number;
}

/**
 * Limits of each step, from where people begin to notice: speech with concealment bears about 2 %
 * of loss unheard and breaks at 10 %; talk gets stilted above 300 ms there and back.
 */
const STEPS: readonly { quality: Quality; loss: number; roundTrip: number; jitter: number }[] = [
  { quality: 'excellent', loss: 0.01, roundTrip: 150, jitter: 20 },
  { quality: 'good', loss: 0.03, roundTrip: 300, jitter: 40 },
  { quality: 'fair', loss: 0.08, roundTrip: 600, jitter: 90 },
];

export function qualityOf(measured: Measurement): Quality {
  if (measured.lossRatio === undefined && measured.roundTripMs === undefined) return 'unknown';
  const step = STEPS.find(
    ({ loss, roundTrip, jitter }) =>
      (measured.lossRatio ?? 0) <= loss &&
      (measured.roundTripMs ?? 0) <= roundTrip &&
      (measured.jitterMs ?? 0) <= jitter,
  );
  return step?.quality ?? 'poor';
}

const ORDER: readonly Quality[] = ['lost', 'poor', 'fair', 'good', 'excellent'];

/** The worse of two verdicts; one that is unknown does not count. */
export function worse(a: Quality, b: Quality): Quality {
  if (a === 'unknown') return b;
  if (b === 'unknown') return a;
  return ORDER[Math.min(ORDER.indexOf(a), ORDER.indexOf(b))] ?? 'unknown';
}

/** How many of four bars are lit. */
export function barsOf(quality: Quality): number {
  return Math.max(0, ORDER.indexOf(quality));
}

/**
 * Says when to warn of a poor network: after two bad measurements in a row, until three good ones
 * in a row, so that the warning does not flicker.
 */
export class PoorNetwork {
  #bad = 0;
  #good = 0;
  #warns = false;

  observe(quality: Quality): boolean {
    if (quality === 'unknown') return this.#warns;
    const bad = quality === 'poor' || quality === 'lost';
    this.#bad = bad ? this.#bad + 1 : 0;
    this.#good = bad ? 0 : this.#good + 1;
    if (this.#bad >= 2) this.#warns = true;
    if (this.#good >= 3) this.#warns = false;
    return this.#warns;
  }
}
