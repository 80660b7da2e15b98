import { describe, expect, test } from 'vitest';
import { changes } from './changes';
import { initialState, type MeetingState, type Person, type Share } from './state';

function person(identity: string, change: Partial<Person> = {}): Person {
  return {
    identity,
    name: identity.toUpperCase(),
    self: false,
    role: 'presenter',
    microphone: 'muted',
    speaking: false,
    camera: { status: 'off' },
    sharing: false,
    quality: 'good',
    ...change,
  };
}

function share(identity: string, id = `TR_${identity}`): Share {
  return {
    id,
    identity,
    name: identity.toUpperCase(),
    self: identity === 'me',
    withSound: false,
    view: { status: 'live' },
  };
}

const me = person('me', { self: true });
const ada = person('ada');
const seen = (change: Partial<MeetingState>): MeetingState => ({ ...initialState, ...change });
const none = seen({});

test('the first look tells of nobody: they were there before', () => {
  expect(changes(none, seen({ people: [me, ada], shares: [share('ada')] }))).toEqual([]);
});

test('people who come and go are told of, oneself is not', () => {
  const before = seen({ people: [me, ada], shares: [] });
  const after = seen({ people: [me, person('bob')], shares: [] });
  expect(changes(before, after)).toEqual([
    { is: 'left', identity: 'ada', name: 'ADA' },
    { is: 'joined', identity: 'bob', name: 'BOB' },
  ]);
});

test('a connection that comes back to the same people tells nothing', () => {
  const before = seen({ people: [me, ada], shares: [share('ada', 'old'), share('me', 'old too')] });
  const after = seen({
    people: [me, person('ada')],
    shares: [share('ada', 'new'), share('me', 'new')],
  });
  expect(changes(before, after)).toEqual([]);
});

test('coming and going is not told in a crowd, nor when a crowd goes', () => {
  const crowd = Array.from({ length: 40 }, (_, index) => person(`p${index}`));
  const before = seen({ people: [me, ...crowd], shares: [] });
  expect(changes(before, seen({ people: [me, ...crowd, ada], shares: [] }))).toEqual([]);
  expect(changes(before, seen({ people: [me], shares: [] }))).toEqual([]);
});

test('shares and hands are told of, own ones too', () => {
  const before = seen({ people: [me, ada], shares: [share('ada')] });
  const after = seen({
    people: [person('me', { self: true, handRaisedAt: 1 }), person('ada', { handRaisedAt: 2 })],
    shares: [share('me')],
  });
  expect(changes(before, after)).toEqual([
    { is: 'share-ended', name: 'ADA', self: false },
    { is: 'share-started', name: 'ME', self: true },
    { is: 'hand', name: 'ME', self: true, raised: true },
    { is: 'hand', name: 'ADA', self: false, raised: true },
  ]);
  expect(changes(after, seen({ people: [me, ada], shares: [share('me')] }))).toMatchObject([
    { is: 'hand', raised: false },
    { is: 'hand', raised: false },
  ]);
});

describe('those who wait', () => {
  const waiting = (identity: string) => ({ identity, name: identity, message: '', since: 0 });
  const before = seen({ people: [me], role: 'presenter', waiting: [waiting('vera')] });

  test('are told of once, all who come together in one line', () => {
    const after = { ...before, waiting: ['vera', 'bob', 'eve'].map(waiting) };
    expect(changes(before, after)).toEqual([
      { is: 'knock', identity: 'bob', name: 'bob', others: 1 },
    ]);
    expect(changes(after, before)).toEqual([]);
  });
  test('are told of to a host who comes in later', () => {
    expect(changes(none, before)).toMatchObject([{ is: 'knock', identity: 'vera' }]);
  });
});

test('a new role, a host that goes and a changed door are told of', () => {
  const before = seen({ people: [me], role: 'viewer' });
  const door = { locked: true, lobby: false, pin: false };
  const after: MeetingState = { ...before, role: 'presenter', host: false, door };
  expect(changes(before, after)).toEqual([
    { is: 'role', before: 'viewer', role: 'presenter' },
    { is: 'host', here: false },
    { is: 'door', what: 'locked', on: true },
  ]);
});

describe('a recording', () => {
  const people = [me, ada];
  const recording = { id: 'RC_1', by: 'Ada', since: 1 };
  const on = seen({ people, recording });
  const off = seen({ people });

  test('is news to whoever comes into it, too', () => {
    expect(changes(none, on)).toEqual([{ is: 'recording-started', name: 'Ada', found: true }]);
    expect(changes(off, on)).toEqual([{ is: 'recording-started', name: 'Ada', found: false }]);
    expect(changes(on, on)).toEqual([]);
  });

  test('that takes the place of another is a new one', () => {
    const another = seen({ people, recording: { ...recording, id: 'RC_2' } });
    expect(changes(on, another)).toHaveLength(1);
  });

  test('that ends is told of; why it broke, presenters read elsewhere', () => {
    expect(changes(on, off)).toEqual([{ is: 'recording-stopped', byItself: false }]);
    const broken = seen({ people, recording: { ...recording, trouble: 'disk_full' } });
    expect(changes(on, broken)).toEqual([{ is: 'recording-stopped', byItself: true }]);
    const presenter = { ...broken, role: 'presenter' } as const;
    expect(changes({ ...on, role: 'presenter' }, presenter)).toEqual([]);
    expect(changes(broken, off)).toEqual([]);
    expect(changes(none, broken)).toEqual([]);
  });

  test('that waits for a recorder is still one, and goes on', () => {
    const waiting = seen({ people, recording: { ...recording, trouble: 'recorder_lost' } });
    expect(changes(on, waiting)).toEqual([{ is: 'recording-interrupted', on: true }]);
    expect(changes(waiting, on)).toEqual([{ is: 'recording-interrupted', on: false }]);
    expect(changes(none, waiting)).toMatchObject([{ is: 'recording-started', found: true }]);
    expect(changes(waiting, off)).toEqual([{ is: 'recording-stopped', byItself: false }]);
  });
});
