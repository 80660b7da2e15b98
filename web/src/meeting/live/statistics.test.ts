import { Track, type Participant, type Room } from 'livekit-client';
import { expect, test } from 'vitest';
import { Statistics } from './statistics';

const report = new Map(
  [
    { id: 'T', type: 'transport', timestamp: 1, selectedCandidatePairId: 'P', srtpCipher: 'AES' },
    { id: 'P', type: 'candidate-pair', timestamp: 1, currentRoundTripTime: 0.04 },
  ].map((stat) => [stat.id, stat]),
);

function participant(...sources: Track.Source[]): Participant {
  const track = { getRTCStatsReport: () => Promise.resolve(report) };
  const publications = sources.map((source) => ({ source, track, trackSid: source }));
  return {
    trackPublications: new Map(publications.map((one) => [one.trackSid, one])),
  } as unknown as Participant;
}

function room(people: Record<string, Participant>): Room {
  const { me, ...others } = people;
  return {
    localParticipant: me,
    remoteParticipants: new Map(Object.entries(others)),
    getParticipantByIdentity: (identity: string) => people[identity],
  } as unknown as Room;
}

test('who sends nothing learns of the own way to the server', async () => {
  const people = { me: participant(), vera: participant(), ada: participant(Track.Source.Camera) };
  const statistics = new Statistics(room(people));
  expect(await statistics.details('me')).toEqual({ roundTripMs: 40, cipher: 'AES', tracks: [] });
  expect(await statistics.details('vera')).toEqual({ tracks: [] });
  expect((await statistics.details('ada')).tracks).toHaveLength(1);
});
