import { beforeEach, expect, test, vi } from 'vitest';

const local = new Map<string, string>();
vi.stubGlobal('localStorage', {
  getItem: (key: string) => local.get(key) ?? null,
  setItem: (key: string, value: string) => void local.set(key, value),
});

const { createdHere, forget, keepCreated, keepOwnership, keepReplaced, MOST_MEETINGS } =
  await import('./owned');
const { ownership, ownMeetings } = await import('./owned');

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

test('a tab knows which meeting was made in it', () => {
  keepOwnership(owned('a'));
  keepOwnership(owned('b'));
  keepCreated('a');
  expect(createdHere()?.meetingId).toBe('a');
});
