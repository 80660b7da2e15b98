import { Track, type Participant, type Room, type TrackPublication } from 'livekit-client';
import { describe, expect, test } from 'vitest';
import type { Share } from '../state';
import { inOrder, peopleOf, sharesOf } from './roster';

type Fake = Partial<Record<keyof Participant, unknown>> & {
  tracks?: Partial<Record<Track.Source, Partial<TrackPublication>>>;
};

/** The few members of the library's participant that the roster reads. */
function participant(identity: string, change: Fake = {}): Participant {
  const { tracks = {}, ...rest } = change;
  return {
    identity,
    name: identity.toUpperCase(),
    attributes: {},
    isSpeaking: false,
    connectionQuality: 'good',
    getTrackPublication: (source: Track.Source) => tracks[source],
    ...rest,
  } as unknown as Participant;
}

function room(local: Participant, ...remote: Participant[]): Room {
  return {
    localParticipant: local,
    remoteParticipants: new Map(remote.map((one) => [one.identity, one])),
  } as unknown as Room;
}

const video = { sid: 'TR_v', streamState: 'active' };

describe('people', () => {
  test('self is first, others by the time of joining', () => {
    const late = participant('late', { joinedAt: new Date(2000) });
    const early = participant('early', { joinedAt: new Date(1000) });
    const people = peopleOf(room(participant('me'), late, early), 'fair');
    expect(people.map(({ identity }) => identity)).toEqual(['me', 'early', 'late']);
    expect(people[0]).toMatchObject({ self: true, quality: 'fair' });
    expect(people[1]).toMatchObject({ self: false, quality: 'good' });
  });
  test('the role is the word of the server, else the permission', () => {
    const people = peopleOf(
      room(
        participant('a', { attributes: { 'lectern.role': 'owner' } }),
        participant('b', {
          attributes: { 'lectern.role': 'viewer' },
          permissions: { canPublish: true },
        }),
        participant('c', { permissions: { canPublish: false } }),
        participant('d', { permissions: { canPublish: true } }),
      ),
      'unknown',
    );
    expect(people.map(({ role }) => role)).toEqual(['owner', 'viewer', 'viewer', 'presenter']);
  });
  test('a hand is a time, and nothing else', () => {
    const hand = (value: string): number | undefined =>
      peopleOf(room(participant('a', { attributes: { hand: value } })), 'good')[0]?.handRaisedAt;
    expect(hand('1700000000000')).toBe(1_700_000_000_000);
    expect(hand('')).toBeUndefined();
    expect(hand('<b>')).toBeUndefined();
    expect(hand('-1')).toBeUndefined();
  });
  test('who has no name is called by the identity', () => {
    expect(peopleOf(room(participant('id', { name: '' })), 'good')[0]?.name).toBe('id');
  });
  test.each([
    [undefined, 'off'],
    [{ isMuted: true, track: video }, 'off'],
    [{ isMuted: false }, 'waiting'],
    [{ isMuted: false, track: { ...video, streamState: 'paused' } }, 'paused'],
    [{ isMuted: false, track: video }, 'live'],
  ])('a camera that is %o is %s', (publication, status) => {
    const tracks =
      publication === undefined ? {} : { camera: publication as Partial<TrackPublication> };
    const [me] = peopleOf(room(participant('a', { tracks })), 'good');
    expect(me?.camera.status).toBe(status);
  });
  test('a microphone is on, muted or not there', () => {
    const microphone = (publication?: Partial<TrackPublication>): string | undefined =>
      peopleOf(
        room(participant('a', { tracks: publication ? { microphone: publication } : {} })),
        'good',
      )[0]?.microphone;
    expect(microphone()).toBe('none');
    expect(microphone({ isMuted: true })).toBe('muted');
    expect(microphone({ isMuted: false })).toBe('on');
  });
});

describe('shares', () => {
  const sharing = (identity: string, sound = false): Participant =>
    participant(identity, {
      tracks: {
        screen_share: {
          trackSid: `TR_${identity}`,
          isMuted: false,
          track: video,
        } as Partial<TrackPublication>,
        ...(sound ? { screen_share_audio: {} } : {}),
      },
    });
  test('of others and of oneself', () => {
    const shares = sharesOf(room(sharing('me'), sharing('other', true)));
    expect(shares).toMatchObject([
      { id: 'TR_other', self: false, withSound: true },
      { id: 'TR_me', self: true, withSound: false },
    ]);
  });
  test('keep the order in which they were first seen', () => {
    const share = (id: string): Share => ({
      id,
      identity: id,
      name: id,
      self: false,
      withSound: false,
      view: { status: 'live' },
    });
    const before = [share('b'), share('a')];
    const now = inOrder([share('a'), share('c'), share('b')], before);
    expect(now.map(({ id }) => id)).toEqual(['b', 'a', 'c']);
  });
});
