import { beforeEach, describe, expect, test, vi } from 'vitest';
import { troubleOf } from './api';
import { ApiError } from './http';
import { changeAccess, moderate, requestOf, type Act } from './moderation';
import { openFreshSession, pollSession, renewSession, takeEntry, type Way } from './session';

interface Asked {
  method: string;
  path: string;
  token: string | undefined;
  body: unknown;
}

const asked: Asked[] = [];
let answers: { status: number; body?: unknown; headers?: Record<string, string> }[] = [];

vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
  const headers = init.headers as Record<string, string>;
  asked.push({
    method: init.method!,
    path,
    token: headers['authorization']?.replace('Bearer ', ''),
    body: init.body === undefined ? undefined : JSON.parse(init.body as string),
  });
  const { status, body, headers: told = {} } = answers.shift() ?? { status: 204 };
  return new Response(body === undefined ? null : JSON.stringify(body), { status, headers: told });
});

const link: Way = { by: 'link', secret: 'secret' };
const entry = {
  entry_token: 'entry',
  role: 'viewer',
  meeting: { id: 'RM_1', name: 'Review\u202e' },
  link_expires_at: '2027-01-31T18:00:00Z',
  expires_at: '2027-01-31T18:00:00Z',
  pin_required: true,
  lobby: true,
  locked: false,
};
const session = {
  token: 'token',
  url: '/rtc',
  role: 'viewer',
  identity: 'vera',
  meeting: { id: 'RM_1', name: 'Review' },
  admission: { state: 'waiting', position: 2, waiting: 3, message: 'hello' },
};
const problem = (status: number, code: string, headers?: Record<string, string>) => ({
  status,
  body: { code },
  ...(headers === undefined ? {} : { headers }),
});

beforeEach(() => {
  asked.length = 0;
  answers = [];
});

test('a recording is told of at the door, where the server does', async () => {
  answers = [{ status: 200, body: { ...entry, recording: { by: 'Ada\u202e', since: 1 } } }];
  expect((await takeEntry(link)).recordedBy).toBe('Ada');
  for (const recording of [null, false, {}, { by: 'Ada', trouble: 'disk_full' }]) {
    answers = [{ status: 200, body: { ...entry, recording } }];
    expect((await takeEntry(link)).recordedBy).toBeUndefined();
  }
});

describe('an entry', () => {
  test('is got for a link', async () => {
    answers = [{ status: 200, body: entry }];
    expect(await takeEntry(link)).toEqual({
      token: 'entry',
      role: 'viewer',
      meeting: { id: 'RM_1', name: 'Review' },
      expiresAt: '2027-01-31T18:00:00Z',
      pinRequired: true,
      lobby: true,
      locked: false,
    });
    expect(asked).toMatchObject([{ path: '/api/v1/entries', body: { link: 'secret' } }]);
  });
  test('is got for an owner by the key', async () => {
    answers = [{ status: 200, body: { ...entry, role: 'owner' } }];
    const taken = await takeEntry({ by: 'owner', meetingId: 'RM/1', ownerKey: 'key' });
    expect(taken.role).toBe('owner');
    expect(asked).toMatchObject([{ path: '/api/v1/meetings/RM%2F1/entries', token: 'key' }]);
    expect(asked[0]!.body).toBeUndefined();
  });
  test('of an unknown role is not believed', async () => {
    answers = [{ status: 200, body: { ...entry, role: 'admin' } }];
    await expect(takeEntry(link)).rejects.toMatchObject({ code: 'bad_answer' });
  });
});

describe('a session', () => {
  const opened = async () => {
    answers.unshift({ status: 200, body: entry });
    return openFreshSession(link, await takeEntry(link), { name: 'Vera', pin: '1234' });
  };
  test('is opened by the entry', async () => {
    answers = [{ status: 201, body: session }];
    expect(await opened()).toMatchObject({
      token: 'token',
      admission: { state: 'waiting', position: 2, waiting: 3, message: 'hello' },
    });
    expect(asked[1]).toMatchObject({
      path: '/api/v1/sessions',
      token: 'entry',
      body: { name: 'Vera', pin: '1234' },
    });
  });
  test.each(['token_expired', 'token_invalid'])(
    'takes a new entry in silence after %s',
    async (code) => {
      answers = [
        problem(401, code),
        { status: 200, body: { ...entry, entry_token: 'newer' } },
        { status: 201, body: session },
      ];
      expect(await opened()).toMatchObject({ token: 'token' });
      expect(asked.map(({ token }) => token)).toEqual([undefined, 'entry', undefined, 'newer']);
    },
  );
  test.each([
    ['pin_wrong', 403, 'pin-wrong'],
    ['locked', 403, 'locked'],
    ['removed', 403, 'removed'],
    ['link_invalid', 404, 'link-invalid'],
    ['invalid', 422, 'name-refused'],
  ])('is refused with %s once', async (code, status, trouble) => {
    answers = [problem(status, code)];
    const error: unknown = await opened().catch((refused: unknown) => refused);
    expect(troubleOf(error)).toBe(trouble);
    expect(asked).toHaveLength(2);
  });
  test('of somebody who tries too often says how long to wait', async () => {
    answers = [problem(429, 'too_many_requests', { 'retry-after': '90' })];
    await expect(opened()).rejects.toMatchObject({ retryAfterS: 90 });
    answers = [problem(429, 'too_many_requests')];
    await expect(opened()).rejects.toMatchObject({ retryAfterS: 60 });
  });
  test('is renewed, and polled while it waits', async () => {
    const admission = { state: 'admitted' };
    answers = [
      { status: 200, body: { ...session, admission } },
      { status: 200, body: { admission, role: 'viewer', token: 'newer' } },
    ];
    expect(await renewSession('old')).toMatchObject({ admission });
    expect(await pollSession('old', 25)).toEqual({ admission, token: 'newer' });
    expect(asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /api/v1/sessions/renew',
      'GET /api/v1/sessions/current?wait_s=25',
    ]);
  });
});

describe('moderating', () => {
  const who = { identity: 'vera/1' };
  test.each<[Act, string, unknown]>([
    [{ is: 'admit', ...who }, 'POST /lobby/vera%2F1/admit', undefined],
    [{ is: 'admit-all' }, 'POST /lobby/admit', undefined],
    [
      { is: 'refuse', ...who, message: 'later' },
      'POST /lobby/vera%2F1/refuse',
      { message: 'later' },
    ],
    [{ is: 'refuse', ...who, message: '' }, 'POST /lobby/vera%2F1/refuse', {}],
    [{ is: 'mute', ...who }, 'POST /people/vera%2F1/mute', {}],
    [{ is: 'mute-all' }, 'POST /mute', undefined],
    [{ is: 'stop-share', ...who }, 'POST /people/vera%2F1/stop-share', undefined],
    [{ is: 'role', ...who, role: 'viewer' }, 'PUT /people/vera%2F1/role', { role: 'viewer' }],
    [{ is: 'hand-over', ...who }, 'POST /people/vera%2F1/hand-over', undefined],
    [{ is: 'remove', ...who, lobby: false }, 'DELETE /people/vera%2F1', undefined],
    [{ is: 'access', change: { pin: null } }, 'PATCH /access', { pin: null }],
    [{ is: 'record', on: true }, 'POST /recording', undefined],
    [{ is: 'record', on: false }, 'DELETE /recording', undefined],
    [{ is: 'end' }, 'POST /end', undefined],
  ])('%j', (act, request, body) => {
    const { method, path, ...rest } = requestOf(act, 'RM_1');
    expect(`${method} ${path.replace('/api/v1/meetings/RM_1', '')}`).toBe(request);
    expect(rest.body).toEqual(body);
  });
  test('closes the door before somebody is removed', async () => {
    answers = [{ status: 200, body: {} }, { status: 204 }];
    await moderate('RM_1', 'token', { is: 'remove', identity: 'vera', lobby: true });
    expect(asked.map(({ method, body }) => [method, body])).toEqual([
      ['PATCH', { lobby: true }],
      ['DELETE', undefined],
    ]);
  });
  test('gives who may come in', async () => {
    answers = [{ status: 200, body: { locked: true, lobby: false, pin_set: true } }];
    expect(await changeAccess('RM_1', 'token', { locked: true })).toEqual({
      locked: true,
      lobby: false,
      pinSet: true,
    });
  });
});

test('an answer that is no JSON is an error of its own', async () => {
  vi.stubGlobal('fetch', async () => new Response('<html>', { status: 502 }));
  await expect(takeEntry(link)).rejects.toEqual(
    expect.objectContaining<Partial<ApiError>>({ code: 'unreachable', status: 502 }),
  );
});
