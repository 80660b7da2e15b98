import { expect, test } from 'vitest';
import { bitrate, milliseconds, moment, ratio } from './format';

test('figures', () => {
  expect(bitrate(1_840_000)).toBe('1.8 Mbit/s');
  expect(bitrate(38_400)).toBe('38 kbit/s');
  expect(ratio(0)).toBe('0 %');
  expect(ratio(0.0042)).toBe('0.4 %');
  expect(ratio(0.21)).toBe('21 %');
  expect(milliseconds(37.6)).toBe('38 ms');
});

test('a time that is none is not shown', () => {
  expect(moment('soon')).toBeUndefined();
  expect(moment('2026-11-22T20:00:00Z')).toContain('November');
});
