import { expect, test } from 'vitest';
import { loudness } from './level';
import { deviceTrouble } from './trouble';

test.each([
  ['NotAllowedError', 'camera-denied'],
  ['NotFoundError', 'camera-missing'],
  ['OverconstrainedError', 'camera-missing'],
  ['NotReadableError', 'camera-busy'],
  ['AbortError', 'camera-busy'],
  ['WeirdError', 'camera-failed'],
])('%s is %s', (name, trouble) => {
  expect(deviceTrouble('camera', Object.assign(new Error(), { name }))).toBe(trouble);
});

test('silence is 0, full scale is 1, and quiet speech is in between', () => {
  const tone = (amplitude: number): Float32Array =>
    Float32Array.from({ length: 1024 }, (_, index) => amplitude * Math.sin(index / 3));
  expect(loudness(tone(0))).toBe(0);
  expect(loudness(tone(1))).toBeGreaterThan(0.9);
  expect(loudness(tone(0.02))).toBeGreaterThan(0.2);
  expect(loudness(tone(0.02))).toBeLessThan(0.6);
});
