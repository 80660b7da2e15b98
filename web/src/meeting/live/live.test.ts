import {
  ConnectionState,
  DisconnectReason,
  ParticipantEvent,
  RoomEvent,
  Track,
  TrackEvent,
  type LocalTrack,
} from 'livekit-client';
import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { Ticket } from '../../api';
import type { News } from '../news';

vi.hoisted(() => {
  Object.assign(globalThis, {
    window: { addEventListener: () => undefined },
    navigator: {},
    document: { hidden: false },
    location: { href: 'https://meet.example.org/j' },
  });
});
vi.mock('./room', () => ({ makeRoom: () => rooms.at(-1) }));
vi.mock('./sound', () => ({
  Sound: class {
    close = vi.fn();
  },
}));
const { LiveMeeting } = await import('./live');

/** The few members of the library's participant that a meeting uses. */
class FakeParticipant extends EventEmitter {
  readonly attributes = {};
  readonly trackPublications = new Map<string, { track?: FakeTrack; isMuted: boolean }>();
  readonly setMicrophoneEnabled = vi.fn(async () => undefined);
  readonly setScreenShareEnabled = vi.fn(async (_on: boolean) => undefined);
  readonly publishTrack = vi.fn(async (_track: LocalTrack) => undefined);

  constructor(readonly identity: string) {
    super();
  }

  getTrackPublication(source: Track.Source): unknown {
    return this.trackPublications.get(source);
  }
}

class FakeTrack extends EventEmitter {
  readonly mediaStreamTrack = {};
  readonly stop = vi.fn();

  constructor(readonly kind: 'audio' | 'video') {
    super();
  }
}

class FakeRoom extends EventEmitter {
  state = ConnectionState.Disconnected;
  readonly localParticipant = new FakeParticipant('me');
  readonly remoteParticipants = new Map<string, FakeParticipant>();
  readonly registerTextStreamHandler = vi.fn();
  readonly connect = vi.fn(async () => void (this.state = ConnectionState.Connected));
  readonly disconnect = vi.fn(async () => {
    this.state = ConnectionState.Disconnected;
    this.emit(RoomEvent.Disconnected, DisconnectReason.CLIENT_INITIATED);
  });
}

const rooms: FakeRoom[] = [];
const ticket: Ticket = {
  token: 'token',
  url: '/rtc',
  role: 'presenter',
  identity: 'me',
  meeting: { id: 'RM_1', name: 'Review' },
};

function meeting(options: { ticket?: Promise<Ticket>; tracks?: FakeTrack[] } = {}) {
  const made = new LiveMeeting({
    ticket: () => options.ticket ?? Promise.resolve(ticket),
    devices: Promise.resolve({ tracks: (options.tracks ?? []) as unknown as LocalTrack[] }),
    meetingName: 'Review',
    role: 'presenter',
  });
  const news: News[] = [];
  made.news.listen((item) => news.push(item));
  return { made, news };
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

let room: FakeRoom;
beforeEach(() => {
  room = new FakeRoom();
  rooms.push(room);
});

describe('leaving', () => {
  test('on the way in stops the entry', async () => {
    let give!: (ticket: Ticket) => void;
    const tracks = [new FakeTrack('audio')];
    const { made } = meeting({ ticket: new Promise((resolve) => (give = resolve)), tracks });
    const entry = made.connect();
    await made.leave();
    give(ticket);
    await entry;
    expect(room.connect).not.toHaveBeenCalled();
    expect(tracks[0]!.stop).toHaveBeenCalled();
    expect(made.state.value.phase).toEqual({ is: 'ended', ending: 'left' });
  });

  test.each([
    ['the person goes to another page', false, 'left'],
    ['the browser froze a hidden page', true, 'connection-lost'],
  ])('when %s', async (_, hidden, ending) => {
    const { made } = meeting();
    await made.connect();
    vi.stubGlobal('document', { hidden });
    await room.disconnect();
    expect(made.state.value.phase).toEqual({ is: 'ended', ending });
  });
});

test('a room that was left has no say in the next one', async () => {
  const { made } = meeting();
  await made.connect();
  await made.leave();
  rooms.push(new FakeRoom());
  await made.rejoin();
  room.emit(RoomEvent.Reconnecting);
  room.emit(RoomEvent.Disconnected);
  expect(made.state.value.phase).toEqual({ is: 'live' });
});

describe('while the connection is restored', () => {
  async function restored() {
    const { made, news } = meeting();
    room.remoteParticipants.set('ada', new FakeParticipant('ada'));
    room.localParticipant.trackPublications.set(Track.Source.ScreenShare, { isMuted: false });
    await made.connect();
    news.length = 0;
    room.emit(RoomEvent.Reconnecting);
    room.remoteParticipants.clear();
    room.localParticipant.trackPublications.clear();
    room.emit(RoomEvent.ParticipantDisconnected);
    room.emit(RoomEvent.LocalTrackUnpublished);
    await settled();
    return { made, news };
  }

  test('what was seen stays, and nobody is said to come or go', async () => {
    const { made, news } = await restored();
    expect(made.state.value.people.map(({ identity }) => identity)).toEqual(['me', 'ada']);
    expect(made.state.value).toMatchObject({ sharing: 'live', shares: [{ self: true }] });
    room.remoteParticipants.set('ada', new FakeParticipant('ada'));
    room.localParticipant.trackPublications.set(Track.Source.ScreenShare, { isMuted: false });
    room.emit(RoomEvent.Reconnected);
    await settled();
    expect(made.state.value).toMatchObject({ sharing: 'live', shares: [{ self: true }] });
    expect(news.map(({ is }) => is)).toEqual(['reconnecting', 'reconnected']);
  });

  test('who really went is told afterwards', async () => {
    const { made, news } = await restored();
    room.emit(RoomEvent.Reconnected);
    await settled();
    expect(made.state.value.people.map(({ identity }) => identity)).toEqual(['me']);
    expect(news.slice(2)).toMatchObject([
      { is: 'share-ended', self: true },
      { is: 'left', name: 'ada' },
    ]);
  });

  test('the end of the own share shows at once', async () => {
    const { made } = await restored();
    await made.stopShare();
    expect(made.state.value).toMatchObject({ sharing: 'no', shares: [] });
    expect(made.state.value.people.map(({ identity }) => identity)).toEqual(['me', 'ada']);
  });
});

test('a preview that cannot be sent captures no longer', async () => {
  const tracks = [new FakeTrack('audio'), new FakeTrack('video')];
  room.localParticipant.publishTrack.mockImplementation(async (track) => {
    if (track.kind === 'video') throw new Error('refused');
  });
  const { made } = meeting({ tracks });
  await made.connect();
  expect(tracks.map(({ stop }) => stop.mock.calls.length)).toEqual([0, 1]);
  expect(made.state.value).toMatchObject({ trouble: 'publish-refused', cameraBusy: false });
});

test('a preview is sent although the connection is being restored', async () => {
  const tracks = [new FakeTrack('audio')];
  room.connect.mockImplementation(async () => void (room.state = ConnectionState.Reconnecting));
  await meeting({ tracks }).made.connect();
  expect(room.localParticipant.publishTrack).toHaveBeenCalledWith(tracks[0]);
  expect(tracks[0]!.stop).not.toHaveBeenCalled();
});

describe('a microphone that goes off', () => {
  async function muted(how: (track: FakeTrack) => void) {
    const track = new FakeTrack('audio');
    const { made, news } = meeting({ tracks: [track] });
    await made.connect();
    news.length = 0;
    const publication = { source: Track.Source.Microphone, track };
    room.localParticipant.emit(ParticipantEvent.LocalTrackPublished, publication);
    how(track);
    room.localParticipant.emit(ParticipantEvent.TrackMuted, publication);
    await settled();
    return { news, trouble: made.state.value.trouble };
  }

  test('by a presenter is told as such', async () => {
    const { news, trouble } = await muted(() => undefined);
    expect(news).toEqual([{ is: 'microphone', on: false, byOther: true }]);
    expect(trouble).toBeUndefined();
  });

  test('because it was unplugged is told as missing', async () => {
    const { news, trouble } = await muted((track) => track.emit(TrackEvent.Ended));
    expect(news).toEqual([]);
    expect(trouble).toBe('microphone-missing');
  });
});

test('sharing without a connection says so, and opens no picker', async () => {
  const { made } = meeting();
  await made.connect();
  room.emit(RoomEvent.Reconnecting);
  await made.startShare({ sound: true, lines: 1080, frameRate: 15, content: 'detail' });
  expect(made.state.value.trouble).toBe('share-unconnected');
  expect(room.localParticipant.setScreenShareEnabled).not.toHaveBeenCalled();
});

test('a share that does not end is told of', async () => {
  const { made } = meeting();
  await made.connect();
  room.localParticipant.setScreenShareEnabled.mockRejectedValue(new Error('no answer'));
  await made.stopShare();
  expect(made.state.value.trouble).toBe('share-stop-failed');
});
