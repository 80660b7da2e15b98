// Measurements for the details of a connection, from the browser's statistics (W3C webrtc-stats).

export type TrackRow = 'screen' | 'screenSound' | 'camera' | 'microphone';

export interface TrackFigures {
  row: TrackRow;
  sent: boolean;
  /** Bits a second. */
  bitrate?: number;
  /** 0 to 1. */
  lossRatio?: number;
  jitterMs?: number;
  width?: number;
  height?: number;
  fps?: number;
  codec?: string;
  limited?: 'bandwidth' | 'cpu';
}

export interface Details {
  roundTripMs?: number;
  path?: { protocol: string; relayed: boolean };
  cipher?: string;
  tracks: TrackFigures[];
}

/** The counters of a track at one moment; two of them make a rate. */
export interface Sample {
  atMs: number;
  bytes: number;
  packets: number;
  lost: number;
}

type Stat = Record<string, unknown> & { id: string; type: string; timestamp: number };
export type StatsReport = ReadonlyMap<string, unknown>;

export interface TrackReading {
  figures: TrackFigures;
  sample: Sample;
}

/** Reads one track's report; rates need the sample of an earlier reading. */
export function readTrack(
  row: TrackRow,
  sent: boolean,
  report: StatsReport,
  before: Sample | undefined,
): TrackReading {
  const flows = ofType(report, sent ? 'outbound-rtp' : 'inbound-rtp');
  const main = flows.reduce<Stat | undefined>(
    (best, flow) => (number(flow, 'frameWidth') >= number(best, 'frameWidth') ? flow : best),
    undefined,
  );
  // A sender learns of loss from the reports of its receiver.
  const losses = sent ? ofType(report, 'remote-inbound-rtp') : flows;
  const sample: Sample = {
    atMs: main?.timestamp ?? 0,
    bytes: sum(flows, sent ? 'bytesSent' : 'bytesReceived'),
    packets: sum(flows, sent ? 'packetsSent' : 'packetsReceived'),
    lost: sum(losses, 'packetsLost'),
  };
  const figures: TrackFigures = { row, sent, ...rates(sample, before, sent) };
  if (main === undefined) return { figures, sample };

  const jitter = optional(losses[0], 'jitter');
  if (jitter !== undefined) figures.jitterMs = jitter * 1000;
  const width = optional(main, 'frameWidth');
  const height = optional(main, 'frameHeight');
  if (width !== undefined && height !== undefined) Object.assign(figures, { width, height });
  const fps = optional(main, 'framesPerSecond');
  if (fps !== undefined) figures.fps = Math.round(fps);
  const codec = codecOf(report, main);
  if (codec !== undefined) figures.codec = codec;
  const limited = main['qualityLimitationReason'];
  if (limited === 'bandwidth' || limited === 'cpu') figures.limited = limited;
  return { figures, sample };
}

/** Reads what a report says of the transport: round trip, path and encryption. */
export function readTransport(report: StatsReport): Omit<Details, 'tracks'> {
  const transport = ofType(report, 'transport')[0];
  const pairs = ofType(report, 'candidate-pair');
  const selected = transport?.['selectedCandidatePairId'];
  const pair =
    pairs.find((candidate) => candidate.id === selected) ??
    pairs.find(
      (candidate) => candidate['nominated'] === true && candidate['state'] === 'succeeded',
    );
  const details: Omit<Details, 'tracks'> = {};
  const roundTrip = optional(pair, 'currentRoundTripTime');
  if (roundTrip !== undefined) details.roundTripMs = roundTrip * 1000;
  const local = report.get(String(pair?.['localCandidateId'])) as Stat | undefined;
  if (local !== undefined) {
    const protocol = String(local['relayProtocol'] ?? local['protocol'] ?? '').toUpperCase();
    details.path = { protocol, relayed: local['candidateType'] === 'relay' };
  }
  const cipher = transport?.['srtpCipher'];
  if (typeof cipher === 'string') details.cipher = cipher;
  return details;
}

function rates(
  now: Sample,
  before: Sample | undefined,
  sent: boolean,
): Pick<TrackFigures, 'bitrate' | 'lossRatio'> {
  const elapsedMs = before === undefined ? 0 : now.atMs - before.atMs;
  // Counters begin again when a track is replaced: such a pair says nothing.
  if (before === undefined || elapsedMs <= 0 || now.bytes < before.bytes) return {};
  const lost = Math.max(0, now.lost - before.lost);
  const packets = Math.max(0, now.packets - before.packets);
  // Lost packets are among those sent, but not among those received.
  const all = sent ? packets : packets + lost;
  return {
    bitrate: ((now.bytes - before.bytes) * 8000) / elapsedMs,
    ...(all > 0 ? { lossRatio: Math.min(1, lost / all) } : {}),
  };
}

function codecOf(report: StatsReport, flow: Stat): string | undefined {
  const codec = report.get(String(flow['codecId'])) as Stat | undefined;
  const mime = codec?.['mimeType'];
  return typeof mime === 'string' ? mime.replace(/^(audio|video)\//, '') : undefined;
}

function ofType(report: StatsReport, type: string): Stat[] {
  return [...report.values()].filter((stat): stat is Stat => (stat as Stat).type === type);
}

function optional(stat: Stat | undefined, name: string): number | undefined {
  const value = stat?.[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function number(stat: Stat | undefined, name: string): number {
  return optional(stat, name) ?? 0;
}

function sum(stats: readonly Stat[], name: string): number {
  return stats.reduce((total, stat) => total + number(stat, name), 0);
}
