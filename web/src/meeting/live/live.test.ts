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
import { ApiError } from '../../http';
import type { Session } from '../../session';
import type { News } from '../news';

vi.hoisted(() => {
  Object.assign(globalThis, {
    window: { addEventListener: () => undefined, removeEventListener: () => undefined },
    navigator: {},
    document: {
      hidden: false,
      addEventListener: () => undefined,
      removeEventListener: () => undefined,
    },
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
  attributes: Record<string, string> = {};
  permissions = { canPublish: true };
  readonly unpublishTrack = vi.fn(async () => undefined);
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
  readonly engine = new EventEmitter();
  metadata: string | undefined;
  readonly connect = vi.fn(async () => void (this.state = ConnectionState.Connected));
  readonly disconnect = vi.fn(async () => {
    this.state = ConnectionState.Disconnected;
    this.emit(RoomEvent.Disconnected, DisconnectReason.CLIENT_INITIATED);
  });
}

const rooms: FakeRoom[] = [];
const session: Session = {
  token: 'token',
  url: '/rtc',
  role: 'presenter',
  identity: 'me',
  meeting: { id: 'RM_1', name: 'Review' },
  admission: { state: 'admitted' },
};

/** Renewals that fail do so in this order; then they succeed. */
let refusals: unknown[] = [];

function meeting(options: { devices?: Promise<FakeTrack[]>; tracks?: FakeTrack[] } = {}) {
  const devices = options.devices ?? Promise.resolve(options.tracks ?? []);
  const pass = {
    session,
    renew: vi.fn(async () => {
      if (refusals.length > 0) throw refusals.shift();
      return session;
    }),
    refreshed: vi.fn(),
    remember: vi.fn(),
  };
  const made = new LiveMeeting({
    pass,
    devices: devices.then((tracks) => ({ tracks: tracks as unknown as LocalTrack[] })),
    meetingName: 'Review',
    role: 'presenter',
  });
  const news: News[] = [];
  made.news.listen((item) => news.push(item));
  return { made, news, pass };
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

let room: FakeRoom;
beforeEach(() => {
  refusals = [];
  room = new FakeRoom();
  rooms.push(room);
});

test('whoever comes into a recording is told before anything is sent', async () => {
  room.metadata = JSON.stringify({ recording: { id: 'RC_1', by: 'Ada', since: 1 } });
  const { made } = meeting({ tracks: [new FakeTrack('audio')] });
  const order: string[] = [];
  made.news.listen(({ is }) => order.push(is));
  room.localParticipant.publishTrack.mockImplementation(async () => void order.push('published'));
  await made.connect();
  expect(order.indexOf('recording-started')).toBeGreaterThanOrEqual(0);
  expect(order.indexOf('published')).toBeGreaterThan(order.indexOf('recording-started'));
  await made.leave();
  expect(made.state.value.recording).toBeUndefined();
});

describe('leaving', () => {
  test('on the way in stops the entry', async () => {
    let give!: (tracks: FakeTrack[]) => void;
    const tracks = [new FakeTrack('audio')];
    const { made } = meeting({ devices: new Promise((resolve) => (give = resolve)) });
    const entry = made.connect();
    await made.leave();
    give(tracks);
    await entry;
    expect(room.disconnect).toHaveBeenCalled();
    expect(tracks[0]!.stop).toHaveBeenCalled();
    expect(made.state.value.phase).toEqual({ is: 'ended', ending: 'left' });
  });

  test('because the person goes to another page', async () => {
    const { made } = meeting();
    await made.connect();
    await room.disconnect();
    expect(made.state.value.phase).toEqual({ is: 'ended', ending: 'left' });
  });
});

describe('what nobody wished for', () => {
  async function lost(reason: DisconnectReason | undefined, hidden = false) {
    const { made, news, pass } = meeting();
    await made.connect();
    await made.setMicrophone(true);
    news.length = 0;
    rooms.push(new FakeRoom());
    vi.stubGlobal('document', { ...document, hidden });
    room.emit(RoomEvent.Disconnected, reason);
    await settled();
    vi.stubGlobal('document', { ...document, hidden: false });
    return { made, news, pass, next: rooms.at(-1)! };
  }

  test.each([
    ['a connection that was given up', undefined, false],
    ['a server that restarts', DisconnectReason.SERVER_SHUTDOWN, false],
    ['a hidden page that was frozen', DisconnectReason.CLIENT_INITIATED, true],
  ])('is got back: %s', async (_, reason, hidden) => {
    const { made, news, pass, next } = await lost(reason, hidden);
    expect(pass.renew).toHaveBeenCalledOnce();
    expect(next.connect).toHaveBeenCalledOnce();
    expect(next.localParticipant.setMicrophoneEnabled).toHaveBeenCalledWith(true);
    expect(made.state.value.phase).toEqual({ is: 'live' });
    expect(news.map(({ is }) => is)).toEqual(['reconnecting', 'reconnected', 'microphone']);
  });

  test('ends for good when the person was removed meanwhile', async () => {
    refusals = [new ApiError('removed', 403, '')];
    const { made, next } = await lost(undefined);
    expect(next.connect).not.toHaveBeenCalled();
    expect(made.state.value.phase).toEqual({ is: 'ended', ending: 'removed' });
  });

  test('is tried again when the server is away for a moment', async () => {
    refusals = [new ApiError('unreachable', 0, '')];
    const { made } = await lost(undefined);
    expect(made.state.value.phase).toMatchObject({ is: 'reconnecting' });
    await expect.poll(() => made.state.value.phase).toEqual({ is: 'live' });
  });

  test('takes a share with it, and says so', async () => {
    const { made } = meeting();
    await made.connect();
    made.state.set({ sharing: 'live' });
    rooms.push(new FakeRoom());
    room.emit(RoomEvent.Disconnected, undefined);
    await settled();
    expect(made.state.value).toMatchObject({ shareLost: true, sharing: 'no' });
  });
});

test.each([
  [DisconnectReason.PARTICIPANT_REMOVED, 'removed'],
  [DisconnectReason.ROOM_DELETED, 'meeting-ended'],
  [DisconnectReason.DUPLICATE_IDENTITY, 'duplicate'],
])('reason %s is the end', async (reason, ending) => {
  const { made, pass } = meeting();
  await made.connect();
  room.emit(RoomEvent.Disconnected, reason);
  await settled();
  expect(made.state.value.phase).toEqual({ is: 'ended', ending });
  expect(pass.renew).not.toHaveBeenCalled();
});

describe('the server says', () => {
  const waiting = [{ identity: 'vera', name: 'Vera', message: 'hello', since: 1 }];

  test('who waits, and whether a host is here', async () => {
    const { made, news } = meeting();
    await made.connect();
    room.metadata = JSON.stringify({ locked: true, lobby: true, pin: false, host: false, waiting });
    room.emit(RoomEvent.RoomMetadataChanged, room.metadata);
    await settled();
    expect(made.state.value).toMatchObject({
      door: { locked: true, lobby: true, pin: false },
      host: false,
      waiting,
    });
    expect(news.map(({ is }) => is)).toContain('knock');
  });

  test('a new role, and with it what may be sent', async () => {
    const { made, news } = meeting();
    const track = new FakeTrack('audio');
    room.localParticipant.attributes = { 'lectern.role': 'presenter' };
    room.localParticipant.trackPublications.set(Track.Source.Microphone, { track, isMuted: false });
    await made.connect();
    room.localParticipant.attributes = { 'lectern.role': 'viewer' };
    room.localParticipant.permissions = { canPublish: false };
    room.emit(RoomEvent.ParticipantPermissionsChanged, undefined, room.localParticipant);
    await settled();
    expect(made.state.value.role).toBe('viewer');
    expect(news).toContainEqual({ is: 'role', before: 'presenter', role: 'viewer' });
    expect(room.localParticipant.unpublishTrack).toHaveBeenCalledWith(track, true);
  });

  test('a fresh token', async () => {
    const { made, pass } = meeting();
    await made.connect();
    room.engine.emit('tokenRefreshed', 'newer');
    expect(pass.refreshed).toHaveBeenCalledWith('newer');
  });

  test('that a presenter stopped the share, not that the person did', async () => {
    const { made, news } = meeting();
    await made.connect();
    const publish = (trackSid: string) =>
      room.localParticipant.emit(ParticipantEvent.LocalTrackPublished, {
        source: Track.Source.ScreenShare,
        trackSid,
      });
    publish('TR_1');
    room.localParticipant.emit(ParticipantEvent.LocalTrackUnpublished, { trackSid: 'TR_1' });
    await settled();
    room.engine.emit('localTrackUnpublished', { trackSid: 'TR_1' });
    expect(news).not.toContainEqual({ is: 'share-stopped' });
    publish('TR_2');
    room.localParticipant.emit(ParticipantEvent.LocalTrackUnpublished, { trackSid: 'TR_2' });
    room.engine.emit('localTrackUnpublished', { trackSid: 'TR_2' });
    expect(news).toContainEqual({ is: 'share-stopped' });
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
    // That somebody left is told when nobody came back for a while.
    expect(news.slice(2)).toMatchObject([{ is: 'share-ended', self: true }]);
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
