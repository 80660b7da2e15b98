// Measures what flows from and to the people of a room.
import { Track, type Participant, type Room } from 'livekit-client';
import {
  readTrack,
  readTransport,
  type Details,
  type Sample,
  type StatsReport,
  type TrackFigures,
  type TrackRow,
} from '../details';
import type { Measurement } from '../quality';

const rows: Partial<Record<Track.Source, TrackRow>> = {
  [Track.Source.ScreenShare]: 'screen',
  [Track.Source.ScreenShareAudio]: 'screenSound',
  [Track.Source.Camera]: 'camera',
  [Track.Source.Microphone]: 'microphone',
};

/** Tracks measured for the own verdict: enough to see the network, cheap in a big room. */
const SAMPLED_TRACKS = 6;

export class Statistics {
  readonly #samples = new Map<string, Sample>();

  constructor(private readonly room: Room) {}

  async details(identity: string): Promise<Details> {
    const participant = this.room.getParticipantByIdentity(identity);
    if (participant === undefined) return { tracks: [] };
    const sent = participant === this.room.localParticipant;
    const details: Details = { tracks: [] };
    for (const { row, sid, report } of await reportsOf(participant)) {
      Object.assign(details, readTransport(report));
      details.tracks.push(this.#read(`${sid} details`, row, sent, report));
    }
    // Who sends nothing has a way to the server all the same: that of what comes in.
    if (sent && details.tracks.length === 0) Object.assign(details, await this.#incoming());
    return details;
  }

  async #incoming(): Promise<Omit<Details, 'tracks'>> {
    for (const other of this.room.remoteParticipants.values()) {
      const [first] = await reportsOf(other);
      if (first !== undefined) return readTransport(first.report);
    }
    return {};
  }

  /** What the own connection is like, over the time since the last call. */
  async own(): Promise<Measurement> {
    const people = [...this.room.remoteParticipants.values(), this.room.localParticipant];
    const measured: Measurement = {};
    let left = SAMPLED_TRACKS;
    for (const participant of people) {
      if (left <= 0) break;
      const sent = participant === this.room.localParticipant;
      for (const { row, sid, report } of await reportsOf(participant)) {
        left -= 1;
        const { roundTripMs } = readTransport(report);
        const { lossRatio, jitterMs } = this.#read(`${sid} own`, row, sent, report);
        raise(measured, 'roundTripMs', roundTripMs);
        raise(measured, 'lossRatio', lossRatio);
        // A screen that stands still has no rhythm to measure.
        if (row === 'microphone') raise(measured, 'jitterMs', jitterMs);
      }
    }
    return measured;
  }

  #read(key: string, row: TrackRow, sent: boolean, report: StatsReport): TrackFigures {
    const { figures, sample } = readTrack(row, sent, report, this.#samples.get(key));
    this.#samples.set(key, sample);
    return figures;
  }
}

interface Report {
  row: TrackRow;
  sid: string;
  report: StatsReport;
}

async function reportsOf(participant: Participant): Promise<Report[]> {
  const publications = [...participant.trackPublications.values()];
  const reports = publications.map(async ({ source, track, trackSid, isMuted }) => {
    const row = rows[source];
    if (row === undefined || track === undefined || isMuted) return [];
    const report = await statsOf(track);
    return report === undefined ? [] : [{ row, sid: trackSid, report }];
  });
  return (await Promise.all(reports)).flat();
}

async function statsOf(track: Track): Promise<StatsReport | undefined> {
  if (!('getRTCStatsReport' in track)) return undefined;
  const read = track.getRTCStatsReport as () => Promise<RTCStatsReport | undefined>;
  return (await read.call(track)) as StatsReport | undefined;
}

function raise(measured: Measurement, name: keyof Measurement, value: number | undefined): void {
  if (value !== undefined) measured[name] = Math.max(measured[name] ?? 0, value);
}
