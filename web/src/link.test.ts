import { beforeEach, describe, expect, test, vi } from 'vitest';

const storage = new Map<string, string>();
vi.stubGlobal('sessionStorage', {
  getItem: (key: string) => storage.get(key) ?? null,
  setItem: (key: string, value: string) => void storage.set(key, value),
});

const {
  currentSecret,
  keepSecret,
  keepGood,
  keepOwnership,
  keepReplaced,
  ownership,
  ownLink,
  refusalOf,
  secretOf,
  takeSecret,
} = await import('./link');

const SECRET = 'q83vEjRWeJASNFZ4kBI0VniQEjRWeJAS';

beforeEach(() => storage.clear());

function visit(hash: string): { secret: string | undefined; replaced: string | undefined } {
  let replaced: string | undefined;
  const history = { replaceState: (_: unknown, __: string, url: string) => (replaced = url) };
  const location = { hash, pathname: '/j', search: '' };
  const secret = takeSecret(location as Location, history as unknown as History);
  return { secret, replaced };
}

describe('the secret', () => {
  test('leaves the address bar, and is there after a reload', () => {
    expect(visit(`#${SECRET}`)).toEqual({ secret: SECRET, replaced: '/j' });
    expect(visit('')).toEqual({ secret: SECRET, replaced: undefined });
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

test('ownership belongs to one meeting', () => {
  const link = { id: 'l', url: 'u', expiresAt: 'e' };
  keepOwnership({ meetingId: 'a', meetingName: 'A', ownerKey: 'k', presenter: link, viewer: link });
  expect(ownership('a')?.ownerKey).toBe('k');
  expect(ownership('b')).toBeUndefined();
});

describe('a replaced link', () => {
  const link = (secret: string) => ({
    id: secret,
    url: `https://m.example/j#${secret}`,
    expiresAt: 'e',
  });
  const owned = {
    meetingId: 'a',
    meetingName: 'A',
    ownerKey: 'k',
    presenter: link('presenterOld'),
    viewer: link('viewerOld'),
  };
  test('is the one by which its owner comes in again', () => {
    keepSecret('presenterOld');
    keepReplaced(owned, 'presenter', link('presenterNew'));
    expect(currentSecret()).toBe('presenterNew');
    expect(ownership('a')?.presenter.id).toBe('presenterNew');
    expect(ownership('a')?.viewer.id).toBe('viewerOld');
  });
  test('leaves alone who came in by another', () => {
    keepSecret('presenterOld');
    keepReplaced(owned, 'viewer', link('viewerNew'));
    expect(currentSecret()).toBe('presenterOld');
  });
});
