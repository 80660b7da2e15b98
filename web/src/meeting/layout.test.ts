import { describe, expect, test } from 'vitest';
import { focusOf, keepPin, stripOf } from './layout';
import { handsOf, initialState, type MeetingState, type Person, type Share } from './state';

function person(identity: string, change: Partial<Person> = {}): Person {
  return {
    identity,
    name: identity,
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

const viewer = (identity: string): Person =>
  person(identity, { role: 'viewer', microphone: 'none' });

function share(id: string, self = false): Share {
  return { id, identity: id, name: id, self, withSound: false, view: { status: 'live' } };
}

const state = (change: Partial<MeetingState>): MeetingState => ({ ...initialState, ...change });

describe('the stage', () => {
  test('is empty while there is nothing to see', () => {
    expect(focusOf(state({ people: [viewer('v'), person('p')] }), undefined)).toEqual({
      is: 'empty',
    });
  });
  test('shows faces while nothing is shared', () => {
    const seen = person('p', { camera: { status: 'live' } });
    const focus = focusOf(state({ people: [viewer('v'), seen, person('q')] }), undefined);
    expect(focus).toMatchObject({ is: 'grid', people: [{ identity: 'p' }, { identity: 'q' }] });
  });
  test('switches to the newest share, and back when it ends', () => {
    const two = state({ shares: [share('first'), share('second')] });
    expect(focusOf(two, undefined)).toMatchObject({ share: { id: 'second' } });
    const one = state({ shares: [share('first')] });
    expect(focusOf(one, undefined)).toMatchObject({ share: { id: 'first' } });
  });
  test("others' screens go before the own one", () => {
    const both = state({ shares: [share('theirs'), share('mine', true)] });
    expect(focusOf(both, undefined)).toMatchObject({ share: { id: 'theirs' } });
  });
  test('a pin holds until what it holds is gone', () => {
    const pin = { share: 'first' };
    const two = state({ shares: [share('first'), share('second')] });
    expect(focusOf(two, pin)).toMatchObject({ share: { id: 'first' } });
    const gone = state({ shares: [share('second')] });
    expect(focusOf(gone, pin)).toMatchObject({ share: { id: 'second' } });
    expect(keepPin(gone, pin)).toBeUndefined();
    expect(keepPin(two, pin)).toBe(pin);
  });
  test('a person can be pinned over a share', () => {
    const both = state({ people: [person('p')], shares: [share('s')] });
    expect(focusOf(both, { person: 'p' })).toMatchObject({ is: 'person' });
  });
});

describe('the strip', () => {
  const people = [viewer('v'), person('p'), person('q')];
  test('has those who can speak, not the viewers', () => {
    const now = state({ people, shares: [share('s')] });
    expect(stripOf(now, focusOf(now, undefined)).shown.map(({ identity }) => identity)).toEqual([
      'p',
      'q',
    ]);
  });
  test('leaves out who is on the stage', () => {
    const now = state({ people });
    expect(
      stripOf(now, focusOf(now, { person: 'p' })).shown.map(({ identity }) => identity),
    ).toEqual(['q']);
  });
  test('is bounded, and speakers come first in a crowd', () => {
    const crowd = Array.from({ length: 40 }, (_, index) => person(`p${index}`));
    crowd[33] = person('speaker', { speaking: true });
    const now = state({ people: crowd, shares: [share('s')] });
    const { shown, hidden } = stripOf(now, focusOf(now, undefined));
    expect(shown).toHaveLength(24);
    expect(hidden).toBe(16);
    expect(shown[0]?.identity).toBe('speaker');
  });
});

test('hands are in the order in which they went up', () => {
  const people = [
    person('a', { handRaisedAt: 20 }),
    person('b'),
    person('c', { handRaisedAt: 10 }),
  ];
  expect(handsOf(people).map(({ identity }) => identity)).toEqual(['c', 'a']);
});
