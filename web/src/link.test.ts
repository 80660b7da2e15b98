import { beforeEach, describe, expect, test, vi } from 'vitest';

const storage = new Map<string, string>();
const local = new Map<string, string>();
vi.stubGlobal('sessionStorage', {
  getItem: (key: string) => storage.get(key) ?? null,
  setItem: (key: string, value: string) => void storage.set(key, value),
});

vi.stubGlobal('localStorage', {
  getItem: (key: string) => local.get(key) ?? null,
  setItem: (key: string, value: string) => void local.set(key, value),
});

const { currentWay, followReplaced, keepGood, keepOwnWay, keepSecret, ownLink, refusalOf } =
  await import('./link');
const { secretOf, takeWay } = await import('./link');
const { forget, keepOwnership } = await import('./owned');

const SECRET = 'q83vEjRWeJASNFZ4kBI0VniQEjRWeJAS';

beforeEach(() => storage.clear());

function visit(hash: string) {
  let replaced: string | undefined;
  const history = { replaceState: (_: unknown, __: string, url: string) => (replaced = url) };
  const location = { hash, pathname: '/j', search: '' };
  const way = takeWay(location as Location, history as unknown as History);
  return { secret: way?.by === 'link' ? way.secret : undefined, way, replaced };
}

describe('the secret', () => {
  test('leaves the address bar, and is there after a reload', () => {
    expect(visit(`#${SECRET}`)).toMatchObject({ secret: SECRET, replaced: '/j' });
    expect(visit('')).toMatchObject({ secret: SECRET, replaced: undefined });
    expect(ownLink('https://meet.example')).toBe(`https://meet.example/j#${SECRET}`);
  });
  test('a newer link goes before the kept one', () => {
    visit(`#${SECRET}`);
    expect(visit('#anotherSecret123').secret).toBe('anotherSecret123');
  });
  test('a broken link does not open the kept one', () => {
    visit(`#${SECRET}`);
    expect(visit('#short').secret).toBeUndefined();
  });
  test.each([
    '',
    '#',
    '#short',
    `#${'x'.repeat(5000)}`,
    '#with space in it',
    '#<script>alert(1)</script>',
  ])('%s is none', (hash) => {
    expect(secretOf(hash)).toBeUndefined();
  });
  test('is found in a pasted link', () => {
    expect(secretOf(`  https://meet.example/j#${SECRET} `)).toBe(SECRET);
  });
});

describe('a refused link', () => {
  test('nobody here ever saw it work', () => {
    expect(refusalOf(SECRET, 0)).toBe('link-invalid');
    keepGood('other', '2026-01-01T00:00:00Z');
    expect(refusalOf(SECRET, 0)).toBe('link-invalid');
  });
  test('its time is over, or it was withdrawn', () => {
    keepGood(SECRET, '2026-01-01T00:00:00Z');
    expect(refusalOf(SECRET, Date.UTC(2026, 0, 2))).toBe('link-expired');
    expect(refusalOf(SECRET, Date.UTC(2025, 0, 1))).toBe('link-revoked');
  });
});

describe('the host', () => {
  const link = { id: 'l', url: 'https://m.example/j#presenterOld', expiresAt: 'e' };
  const owned = {
    meetingId: 'a',
    meetingName: 'A',
    ownerKey: 'k',
    expiresAt: '2999-01-01T00:00:00Z',
    presenter: link,
    viewer: link,
  };
  const way = { by: 'owner', meetingId: 'a', ownerKey: 'k' };

  test('comes back by the key, until a link or the person says otherwise', () => {
    keepOwnership(owned);
    keepOwnWay('a');
    expect(visit('').way).toEqual(way);
    expect(ownLink('https://meet.example')).toBeUndefined();
    forget('a');
    expect(visit('').way).toBeUndefined();
    keepOwnership(owned);
    expect(visit(`#${SECRET}`).secret).toBe(SECRET);
    expect(visit('').secret).toBe(SECRET);
  });
});

describe('a replaced link', () => {
  const way = { by: 'link', secret: 'presenterOld' } as const;
  test('is the one by which this tab comes in again', () => {
    keepSecret('presenterOld');
    followReplaced('https://m.example/j#presenterOld', 'https://m.example/j#presenterNew');
    expect(currentWay(way)).toEqual({ by: 'link', secret: 'presenterNew' });
  });
  test('leaves alone who came in by another', () => {
    keepSecret('presenterOld');
    followReplaced('https://m.example/j#viewerOld123', 'https://m.example/j#viewerNew123');
    expect(currentWay(way)).toEqual(way);
  });
});
