import { expect, test } from 'vitest';
import { begun, tell } from './news';
import { initialState } from './state';

test('coming and going is shown', () => {
  expect(tell({ is: 'joined', identity: 'ada', name: 'Ada' })).toMatchObject({
    text: 'Ada joined',
    shown: true,
  });
});

test('what others switch off is told apart from own doings', () => {
  const told = [true, false].map((byOther) => tell({ is: 'camera', on: false, byOther }));
  expect(told.map(({ urgent }) => urgent)).toEqual([true, false]);
  expect(told[0]?.text).not.toBe(told[1]?.text);
});

test('a lost connection interrupts', () => {
  expect(tell({ is: 'reconnecting' })).toMatchObject({ urgent: true, shown: false });
  expect(tell({ is: 'reconnected' })).toMatchObject({ urgent: true });
});

test('own doings are spoken, not shown', () => {
  expect(tell({ is: 'hand', name: 'Ada', self: true, raised: true }).shown).toBe(false);
  expect(tell({ is: 'hand', name: 'Ada', self: false, raised: true }).shown).toBe(true);
  expect(tell({ is: 'microphone', on: false, byOther: true })).toMatchObject({ urgent: true });
});

test('a long message is cut for the ear', () => {
  const told = tell({ is: 'message', name: 'Ada', text: 'x'.repeat(2000) });
  expect(told.text.length).toBeLessThan(220);
});

test('what the banner begins to say is told once', () => {
  const poor = { ...initialState, poorNetwork: true };
  expect(begun(initialState, poor)).toHaveLength(1);
  expect(begun(poor, { ...poor, unread: 1 })).toEqual([]);
  expect(begun(poor, initialState)).toEqual([]);
});

test('trouble interrupts, unless it was the own choice', () => {
  const urgent = (['camera-denied', 'share-cancelled'] as const).map(
    (trouble) => begun(initialState, { ...initialState, trouble })[0]?.urgent,
  );
  expect(urgent).toEqual([true, false]);
});

test('a name from right to left does not turn the sentence around', () => {
  const told = tell({ is: 'joined', identity: 'a', name: 'דנה' });
  expect(told.text).toBe('\u2068דנה\u2069 joined');
});

test('a new role is said in plain words', () => {
  const role = (before: 'viewer' | 'owner', to: 'viewer' | 'presenter') =>
    tell({ is: 'role', before, role: to }).text;
  expect(role('viewer', 'presenter')).toBe('You present now');
  expect(role('owner', 'viewer')).toBe('You are a viewer now');
});

test('a recording interrupts, its end does not', () => {
  expect(tell({ is: 'recording-started', name: 'Ada', found: false })).toEqual({
    text: 'Ada records this meeting now',
    shown: true,
    urgent: true,
  });
  expect(tell({ is: 'recording-started', name: '', found: true }).text).toBe(
    'This meeting is being recorded',
  );
  expect(tell({ is: 'recording-stopped', byItself: true })).toMatchObject({ urgent: false });
});

test('presenters are told why a recording stopped by itself', () => {
  const recording = { id: 'RC_1', by: 'Ada', since: 1 };
  const before = { ...initialState, role: 'presenter', recording } as const;
  const broken = { ...before, recording: { ...recording, trouble: 'recorder_lost' } } as const;
  expect(begun(before, broken)).toMatchObject([{ urgent: true, shown: false }]);
  expect(begun(before, broken)[0]?.text).toContain(
    'does not answer any more. It goes on by itself',
  );
  expect(begun(broken, broken)).toEqual([]);
  expect(begun({ ...before, role: 'viewer' }, { ...broken, role: 'viewer' })).toEqual([]);
});
