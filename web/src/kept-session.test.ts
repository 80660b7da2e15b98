import { beforeEach, expect, test, vi } from 'vitest';

const storage = new Map<string, string>();
vi.stubGlobal('sessionStorage', {
  getItem: (key: string) => storage.get(key) ?? null,
  setItem: (key: string, value: string) => void storage.set(key, value),
});
const fetched = vi.fn();
vi.stubGlobal('fetch', fetched);
const { dropSession, keepSession, keptSession } = await import('./kept-session');
const { Pass } = await import('./pass');

const way = { by: 'link', secret: 'secret' } as const;
const kept = { token: 't', name: 'Vera', microphone: true, camera: false, sharing: true };
const HOUR_MS = 3_600_000;

beforeEach(() => storage.clear());

test('a reload finds the session of the same link', () => {
  keepSession(way, kept, 0);
  expect(keptSession(way, HOUR_MS)).toEqual(kept);
  expect(keptSession({ by: 'link', secret: 'other' }, HOUR_MS)).toBeUndefined();
  expect(keptSession({ by: 'owner', meetingId: 'secret', ownerKey: '' }, 0)).toBeUndefined();
});

test('one that is too old or was dropped is none', () => {
  keepSession(way, kept, 0);
  expect(keptSession(way, 12 * HOUR_MS + 1)).toBeUndefined();
  dropSession();
  expect(keptSession(way, 0)).toBeUndefined();
});

test.each(['', '{', 'null', '[]', '{"way":"link secret","at":0,"token":5}'])(
  'what is odd is none: %s',
  (text) => {
    storage.set('lectern.session', text);
    expect(keptSession(way, 0)).toBeUndefined();
  },
);

test('a pass keeps the newest token, until it is dropped', async () => {
  const session = {
    token: 't',
    url: '/rtc',
    role: 'viewer',
    identity: 'vera',
    meeting: { id: 'RM_1', name: 'Review' },
    admission: { state: 'admitted' },
  } as const;
  const pass = new Pass(way, session, 'Vera');
  pass.refreshed('newer');
  pass.remember({ microphone: true, camera: false, sharing: true });
  expect(keptSession(way)).toEqual({ ...kept, token: 'newer' });
  pass.drop();
  pass.refreshed('newest');
  expect(keptSession(way)).toBeUndefined();
  fetched.mockResolvedValue(new Response(JSON.stringify({ ...session, token: 'renewed' })));
  await pass.renew();
  expect(keptSession(way)).toMatchObject({ token: 'renewed' });
});
