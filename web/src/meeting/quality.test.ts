import { describe, expect, test } from 'vitest';
import { barsOf, PoorNetwork, qualityOf, worse } from './quality';

describe('quality', () => {
  test.each([
    [{}, 'unknown'],
    [{ lossRatio: 0, roundTripMs: 30 }, 'excellent'],
    [{ lossRatio: 0.02, roundTripMs: 30 }, 'good'],
    [{ lossRatio: 0.001, roundTripMs: 250 }, 'good'],
    [{ lossRatio: 0.05, roundTripMs: 100 }, 'fair'],
    [{ lossRatio: 0.2, roundTripMs: 100 }, 'poor'],
    [{ roundTripMs: 2000 }, 'poor'],
    [{ lossRatio: 0, roundTripMs: 30, jitterMs: 60 }, 'fair'],
  ] as const)('%o is %s', (measured, quality) => {
    expect(qualityOf(measured)).toBe(quality);
  });
  test('the worse verdict wins, an unknown one says nothing', () => {
    expect(worse('good', 'poor')).toBe('poor');
    expect(worse('unknown', 'good')).toBe('good');
    expect(worse('lost', 'excellent')).toBe('lost');
    expect(worse('unknown', 'unknown')).toBe('unknown');
  });
  test('bars', () => {
    expect((['unknown', 'lost', 'poor', 'fair', 'good', 'excellent'] as const).map(barsOf)).toEqual(
      [0, 0, 1, 2, 3, 4],
    );
  });
});

describe('the warning of a poor network', () => {
  test('does not flicker', () => {
    const network = new PoorNetwork();
    const seen = (
      [
        'poor',
        'good',
        'poor',
        'lost',
        'good',
        'unknown',
        'good',
        'poor',
        'good',
        'good',
        'good',
      ] as const
    ).map((quality) => network.observe(quality));
    expect(seen).toEqual([false, false, false, true, true, true, true, true, true, true, false]);
  });
});
