import { describe, expect, test } from 'vitest';
import {
  captureOptions,
  defaultShareOptions,
  isShareOptions,
  publishOptions,
  shareTrouble,
} from './sharing';

function failure(name: string, message = ''): Error {
  return Object.assign(new Error(message), { name });
}

describe('what went wrong with a share', () => {
  test.each([
    [failure('NotAllowedError', 'Permission denied'), 4000, 'share-cancelled'],
    [failure('NotAllowedError', 'Permission denied'), 20, 'share-denied'],
    [failure('NotAllowedError', 'Permission denied by system'), 4000, 'share-denied'],
    [failure('NotAllowedError', 'disallowed by permissions policy'), 4000, 'share-denied'],
    [failure('AbortError'), 500, 'share-cancelled'],
    [failure('NotReadableError'), 500, 'share-failed'],
    [failure('DeviceUnsupportedError'), 1, 'share-unsupported'],
    [failure('PublishTrackError'), 900, 'publish-refused'],
    ['something else', 100, 'share-failed'],
  ] as const)('%s after %i ms is %s', (error, elapsedMs, trouble) => {
    expect(shareTrouble(error, elapsedMs)).toBe(trouble);
  });
});

describe('options', () => {
  test('reach the browser', () => {
    const capture = captureOptions({ sound: false, lines: 1440, frameRate: 30, content: 'motion' });
    expect(capture).toMatchObject({
      audio: false,
      systemAudio: 'exclude',
      contentHint: 'motion',
      resolution: { width: 2560, height: 1440, frameRate: 30 },
    });
  });
  test('text keeps its resolution when the network is full', () => {
    expect(publishOptions(defaultShareOptions).degradationPreference).toBe('maintain-resolution');
  });
  test('text has a second layer that is slower, not smaller; motion one that is smaller', () => {
    const [slow] = publishOptions(defaultShareOptions).screenShareSimulcastLayers ?? [];
    expect(slow).toMatchObject({ encoding: { maxBitrate: 500_000, maxFramerate: 5 } });
    expect(slow!.width).toBeGreaterThanOrEqual(7680);
    expect(slow!.height).toBeGreaterThanOrEqual(4320);
    const motion = publishOptions({ ...defaultShareOptions, content: 'motion' });
    expect(motion.screenShareSimulcastLayers).toBeUndefined();
  });
  test('the bitrate follows size and rate, within limits', () => {
    const rate = (lines: 720 | 1080 | 2160, frameRate: 5 | 15 | 60): number =>
      publishOptions({ sound: true, lines, frameRate, content: 'detail' }).screenShareEncoding!
        .maxBitrate;
    expect(rate(720, 5)).toBe(1_200_000);
    expect(rate(1080, 15)).toBeGreaterThan(2_000_000);
    expect(rate(1080, 15)).toBeLessThan(3_000_000);
    expect(rate(2160, 60)).toBe(12_000_000);
  });
  test('remembered ones are checked', () => {
    expect(isShareOptions(defaultShareOptions)).toBe(true);
    expect(isShareOptions({ ...defaultShareOptions, lines: 999 })).toBe(false);
    expect(isShareOptions(null)).toBe(false);
    expect(isShareOptions('x')).toBe(false);
  });
});
