import { expect, test } from 'vitest';
import { changes } from './changes';
import type { Person, Share } from './state';

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
const none = { people: [], shares: [] };

test('the first look tells of nobody: they were there before', () => {
  expect(changes(none, { people: [me, ada], shares: [share('ada')] })).toEqual([]);
});

test('people who come and go are told of, oneself is not', () => {
  const before = { people: [me, ada], shares: [] };
  const after = { people: [me, person('bob')], shares: [] };
  expect(changes(before, after)).toEqual([
    { is: 'left', name: 'ADA' },
    { is: 'joined', name: 'BOB' },
  ]);
});

test('a connection that comes back to the same people tells nothing', () => {
  const before = { people: [me, ada], shares: [share('ada', 'old'), share('me', 'old too')] };
  const after = { people: [me, person('ada')], shares: [share('ada', 'new'), share('me', 'new')] };
  expect(changes(before, after)).toEqual([]);
});

test('coming and going is not told in a crowd, nor when a crowd goes', () => {
  const crowd = Array.from({ length: 40 }, (_, index) => person(`p${index}`));
  const before = { people: [me, ...crowd], shares: [] };
  expect(changes(before, { people: [me, ...crowd, ada], shares: [] })).toEqual([]);
  expect(changes(before, { people: [me], shares: [] })).toEqual([]);
});

test('shares and hands are told of, own ones too', () => {
  const before = { people: [me, ada], shares: [share('ada')] };
  const after = {
    people: [person('me', { self: true, handRaisedAt: 1 }), person('ada', { handRaisedAt: 2 })],
    shares: [share('me')],
  };
  expect(changes(before, after)).toEqual([
    { is: 'share-ended', name: 'ADA', self: false },
    { is: 'share-started', name: 'ME', self: true },
    { is: 'hand', name: 'ME', self: true, raised: true },
    { is: 'hand', name: 'ADA', self: false, raised: true },
  ]);
  expect(changes(after, { people: [me, ada], shares: [share('me')] })).toMatchObject([
    { is: 'hand', raised: false },
    { is: 'hand', raised: false },
  ]);
});
