import { describe, expect, test } from 'vitest';
import { readTrack, readTransport, type StatsReport } from './details';

function report(stats: Record<string, unknown>[]): StatsReport {
  return new Map(stats.map((stat) => [stat['id'] as string, stat]));
}

const inbound = (at: number, bytes: number, packets: number, lost: number): StatsReport =>
  report([
    { id: 'C', type: 'codec', timestamp: at, mimeType: 'video/VP8' },
    {
      id: 'I',
      type: 'inbound-rtp',
      timestamp: at,
      codecId: 'C',
      bytesReceived: bytes,
      packetsReceived: packets,
      packetsLost: lost,
      frameWidth: 1280,
      frameHeight: 720,
      framesPerSecond: 29.7,
      jitter: 0.012,
    },
  ]);

describe('a received track', () => {
  test('rates come from two readings', () => {
    const first = readTrack('screen', false, inbound(1000, 100_000, 100, 4), undefined);
    expect(first.figures).toEqual({
      row: 'screen',
      sent: false,
      jitterMs: 12,
      width: 1280,
      height: 720,
      fps: 30,
      codec: 'VP8',
    });
    const second = readTrack('screen', false, inbound(3000, 350_000, 290, 14), first.sample);
    expect(second.figures.bitrate).toBe(1_000_000);
    expect(second.figures.lossRatio).toBeCloseTo(10 / 200);
  });
  test('counters that begin again give no rate', () => {
    const first = readTrack('screen', false, inbound(1000, 100_000, 100, 4), undefined);
    const second = readTrack('screen', false, inbound(2000, 50, 1, 0), first.sample);
    expect(second.figures.bitrate).toBeUndefined();
    expect(second.figures.lossRatio).toBeUndefined();
  });
  test('an empty report is no error', () => {
    const { figures } = readTrack('microphone', false, report([]), undefined);
    expect(figures).toEqual({ row: 'microphone', sent: false });
  });
});

describe('a sent track', () => {
  const layers = (at: number, bytes: number, packets: number, lost: number): StatsReport =>
    report([
      {
        id: 'q',
        type: 'outbound-rtp',
        timestamp: at,
        bytesSent: bytes,
        packetsSent: packets,
        frameWidth: 480,
        frameHeight: 270,
      },
      {
        id: 'f',
        type: 'outbound-rtp',
        timestamp: at,
        bytesSent: 4 * bytes,
        packetsSent: 4 * packets,
        frameWidth: 1920,
        frameHeight: 1080,
        framesPerSecond: 15,
        qualityLimitationReason: 'cpu',
      },
      { id: 'r', type: 'remote-inbound-rtp', timestamp: at, packetsLost: lost },
    ]);
  test('all layers count, the largest gives the size', () => {
    const first = readTrack('screen', true, layers(0, 1000, 10, 0), undefined);
    const second = readTrack('screen', true, layers(1000, 26_000, 30, 5), first.sample);
    expect(second.figures).toMatchObject({ width: 1920, height: 1080, fps: 15, limited: 'cpu' });
    expect(second.figures.bitrate).toBe(1_000_000);
    expect(second.figures.lossRatio).toBeCloseTo(0.05);
  });
});

test('the transport tells round trip, path and cipher', () => {
  const stats = report([
    {
      id: 'T',
      type: 'transport',
      timestamp: 0,
      selectedCandidatePairId: 'P2',
      srtpCipher: 'AEAD_AES_128_GCM',
    },
    { id: 'P1', type: 'candidate-pair', timestamp: 0, state: 'failed' },
    {
      id: 'P2',
      type: 'candidate-pair',
      timestamp: 0,
      localCandidateId: 'L',
      currentRoundTripTime: 0.041,
    },
    { id: 'L', type: 'local-candidate', timestamp: 0, candidateType: 'host', protocol: 'udp' },
  ]);
  expect(readTransport(stats)).toEqual({
    roundTripMs: 41,
    path: { protocol: 'UDP', relayed: false },
    cipher: 'AEAD_AES_128_GCM',
  });
  expect(readTransport(report([]))).toEqual({});
});
