import { beforeEach, expect, test, vi } from 'vitest';

const local = new Map<string, string>();
vi.stubGlobal('localStorage', {
  getItem: (key: string) => local.get(key) ?? null,
  setItem: (key: string, value: string) => void local.set(key, value),
});

const { createdHere, forget, keepCreated, keepOwnership, keepReplaced, MOST_MEETINGS } =
  await import('./owned');
const { keepRecorded, MOST_RECORDED, ownership, ownMeetings, ownPastMeetings } =
  await import('./owned');

const link = (id: string) => ({
  id,
  url: `https://m.example/j#${id}`,
  expiresAt: '2999-01-01T00:00:00Z',
});

const owned = (meetingId: string, expiresAt = '2999-01-01T00:00:00Z') => ({
  meetingId,
  meetingName: `Meeting ${meetingId}`,
  ownerKey: `key ${meetingId}`,
  expiresAt,
  presenter: link('presenterOld'),
  viewer: link('viewerOld'),
});

beforeEach(() => local.clear());

test('a host finds the own meetings again, the newest first', () => {
  keepOwnership(owned('a'));
  keepOwnership(owned('b'));
  keepOwnership(owned('a'));
  expect(ownMeetings().map(({ meetingId }) => meetingId)).toEqual(['a', 'b']);
  expect(ownership('b')?.ownerKey).toBe('key b');
  forget('b');
  expect(ownership('b')).toBeUndefined();
});

test('the list is bounded, and meetings that are over go', () => {
  for (let index = 0; index < MOST_MEETINGS + 5; index += 1) keepOwnership(owned(`m${index}`));
  expect(ownMeetings()).toHaveLength(MOST_MEETINGS);
  expect(ownMeetings()[0]?.meetingId).toBe(`m${MOST_MEETINGS + 4}`);
  expect(ownMeetings(Date.parse('2999-01-02T00:00:00Z'))).toEqual([]);
});

test.each([
  'no JSON',
  '{}',
  '[1, null, "x", {}]',
  JSON.stringify([{ ...owned('a'), viewer: { ...link('v'), url: 'javascript:alert(1)' } }]),
  JSON.stringify([{ ...owned('a'), ownerKey: 'k'.repeat(5_000) }]),
  JSON.stringify([{ ...owned('a'), expiresAt: 'never' }]),
])('what somebody else wrote is not believed: %s', (text) => {
  local.set('lectern.meetings', text);
  expect(ownMeetings()).toEqual([]);
});

test('a replaced link is kept in the place of the old one', () => {
  keepOwnership(owned('a'));
  keepReplaced(owned('a'), 'viewer', link('viewerNew'));
  expect(ownership('a')).toMatchObject({
    viewer: { id: 'viewerNew' },
    presenter: { id: 'presenterOld' },
  });
});

const END = Date.parse('2999-01-01T00:00:00Z');
const DAYS = 24 * 3_600_000;

test('the key of a recorded meeting outlives the meeting, and others a while', () => {
  keepOwnership(owned('a'));
  keepOwnership(owned('b'));
  keepOwnership(owned('c'));
  keepRecorded('a');
  keepRecorded('c', false);
  const past = (now: number): string[] => ownPastMeetings(now).map(({ meetingId }) => meetingId);
  expect(past(END - 1)).toEqual([]);
  expect(past(END + DAYS)).toEqual(['b', 'a']);
  expect(past(END + 31 * DAYS)).toEqual(['a']);
  expect(ownMeetings(END + DAYS)).toEqual([]);
  keepRecorded('a', false);
  expect(past(END + DAYS)).toEqual(['b']);
  keepRecorded('nobody');
  expect(ownership('nobody')).toBeUndefined();
});

test('recorded meetings do not give way to newer ones', () => {
  keepOwnership(owned('old'));
  keepRecorded('old');
  for (let index = 0; index < MOST_MEETINGS + 5; index += 1) keepOwnership(owned(`m${index}`));
  expect(ownMeetings()).toHaveLength(MOST_MEETINGS + 1);
  expect(ownership('old')?.recorded).toBe(true);
  for (let index = 0; index < MOST_RECORDED; index += 1) {
    keepOwnership(owned(`r${index}`));
    keepRecorded(`r${index}`);
  }
  expect(ownership('old')).toBeUndefined();
});

test('a tab knows which meeting was made in it', () => {
  keepOwnership(owned('a'));
  keepOwnership(owned('b'));
  keepCreated('a');
  expect(createdHere()?.meetingId).toBe('a');
});
