// What a presenter chooses before sharing, what that means for the browser, and what can go wrong.
import type { ScreenShareCaptureOptions, TrackPublishOptions, VideoPreset } from 'livekit-client';
import type { TroubleKind } from '../trouble';

export const resolutions = [720, 1080, 1440, 2160, 0] as const;
export const frameRates = [5, 15, 30, 60] as const;

export interface ShareOptions {
  sound: boolean;
  /** Lines at most; 0 for as large as the screen is. */
  lines: (typeof resolutions)[number];
  frameRate: (typeof frameRates)[number];
  content: 'detail' | 'motion';
}

export const defaultShareOptions: ShareOptions = {
  sound: true,
  lines: 1080,
  frameRate: 15,
  content: 'detail',
};

export function isShareOptions(value: unknown): value is ShareOptions {
  const options = value as ShareOptions | null;
  return (
    typeof options?.sound === 'boolean' &&
    resolutions.includes(options.lines) &&
    frameRates.includes(options.frameRate) &&
    (options.content === 'detail' || options.content === 'motion')
  );
}

/** The largest screen that browsers capture whole: 8K. */
const LARGEST_LINES = 4320;

export function captureOptions(options: ShareOptions): ScreenShareCaptureOptions {
  const lines = options.lines === 0 ? LARGEST_LINES : options.lines;
  return {
    // Processing meant for voices spoils music and films. The own meeting's sound stays out.
    audio: options.sound && {
      autoGainControl: false,
      echoCancellation: false,
      noiseSuppression: false,
      restrictOwnAudio: true,
    },
    resolution: {
      width: Math.round((lines * 16) / 9),
      height: lines,
      frameRate: options.frameRate,
    },
    contentHint: options.content,
    systemAudio: options.sound ? 'include' : 'exclude',
    surfaceSwitching: 'include',
  };
}

/** Bits per pixel and picture that keep text crisp (VP8); motion needs less sharpness per picture. */
const BITS = { detail: 0.08, motion: 0.06 };

/** A picture that fails at this rate would fail at any: the floor for small and slow shares. */
const LEAST_BITRATE = 1_200_000;

/** More would starve the viewers' lines before it shows. */
const MOST_BITRATE = 12_000_000;

/**
 * What viewers on a slow line get of text: all of its pixels, but fewer pictures, as letters of half
 * the size are not read. At 800 kbit/s it leaves room for voices and repair. The library divides the
 * size of the screen by that of a layer: larger than any screen means no division.
 */
const SLOW_TEXT = ((): VideoPreset => {
  const size = { width: Math.round((LARGEST_LINES * 16) / 9), height: LARGEST_LINES };
  return { ...size, resolution: size, encoding: { maxBitrate: 500_000, maxFramerate: 5 } };
})();

export function publishOptions(options: ShareOptions): TrackPublishOptions {
  const lines = options.lines === 0 ? 2160 : options.lines;
  const pixels = lines * Math.round((lines * 16) / 9);
  const wanted = pixels * options.frameRate * BITS[options.content];
  const screenShareEncoding = {
    maxBitrate: Math.round(Math.min(MOST_BITRATE, Math.max(LEAST_BITRATE, wanted))),
    maxFramerate: options.frameRate,
  };
  if (options.content === 'motion') {
    return { screenShareEncoding, degradationPreference: 'balanced' };
  }
  return {
    screenShareEncoding,
    screenShareSimulcastLayers: [SLOW_TEXT],
    degradationPreference: 'maintain-resolution',
  };
}

/**
 * Nobody reads a picker and closes it faster: such a refusal came from a rule, not from a person. A
 * busy computer takes a part of this time to refuse.
 */
const FASTEST_PERSON_MS = 600;

/** Tells a closed picker from a refusal; browsers use the same error for both. */
export function shareTrouble(error: unknown, elapsedMs: number): TroubleKind {
  const { name, message } = error instanceof Error ? error : { name: '', message: String(error) };
  switch (name) {
    case 'NotAllowedError':
    case 'PermissionDeniedError':
      if (/by system|policy|not allowed by the system/i.test(message)) return 'share-denied';
      return elapsedMs < FASTEST_PERSON_MS ? 'share-denied' : 'share-cancelled';
    case 'AbortError':
      return 'share-cancelled';
    case 'DeviceUnsupportedError':
    case 'NotSupportedError':
    case 'TypeError':
      return 'share-unsupported';
    case 'PublishTrackError':
    case 'NegotiationError':
    case 'ConnectionError':
      return 'publish-refused';
    default:
      return 'share-failed';
  }
}

/** Phones and tablets cannot capture their screen in any browser. */
export function canShare(): boolean {
  return typeof navigator.mediaDevices?.getDisplayMedia === 'function';
}
