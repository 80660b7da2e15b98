import { expect, test } from 'vitest';
import {
  bitrate,
  day,
  length,
  longMoment,
  milliseconds,
  moment,
  ratio,
  size,
  timecode,
} from './format';

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

test('a day that may be years away has its year', () => {
  expect(day('2027-01-31T12:00:00Z')).toBe('January 31, 2027');
  expect(day('')).toBeUndefined();
  expect(longMoment('2027-01-31T12:00:00Z')).toContain('2027');
  expect(longMoment('later')).toBeUndefined();
});

test.each([
  [400, '0 s'],
  [59_400, '59 s'],
  [61_000, '1 min'],
  [3_599_000, '1 h'],
  [4_331_000, '1 h 12 min'],
  [36_000_000, '10 h'],
])('%s ms last %s', (ms, words) => expect(length(ms)).toBe(words));

test.each([
  [0, '0:00'],
  [59_999, '0:59'],
  [754_000, '12:34'],
  [4_331_000, '1:12:11'],
])('%s ms into a film are %s', (ms, words) => expect(timecode(ms)).toBe(words));

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1.0 kB'],
  [734_003_200, '734 MB'],
  [1_340_000_000, '1.3 GB'],
  [5e15, '5000 TB'],
])('%s bytes are %s', (bytes, words) => expect(size(bytes)).toBe(words));
