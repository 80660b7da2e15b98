import { beforeEach, expect, test, vi } from 'vitest';
import { ApiError } from './http';
import { openShared, recordingRefusal, Recordings, sharedFiles } from './recordings';

const asked: string[] = [];
let answers: { status?: number; body?: unknown }[] = [];

vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
  const { authorization = '' } = init.headers as Record<string, string>;
  asked.push([init.method, path, authorization, init.body].filter(Boolean).join(' '));
  const { status = 200, body } = answers.shift() ?? { status: 204 };
  return new Response(body === undefined ? null : JSON.stringify(body), { status });
});

const view = {
  id: 'RC_1',
  title: 'Review',
  started_at: '2026-11-23T14:00:00Z',
  started_by: 'Ada',
  duration_ms: 60_000,
  expires_at: null,
  state: 'ready',
  trouble: null,
  unreachable: false,
  jobs: [],
  files: [],
  people: [],
  shares: [],
};
const address = { url: '/api/v1/media/token', expires_at: '2026-11-23T15:00:00Z' };
const recordings = new Recordings('RM/1', 'key');

beforeEach(() => {
  asked.length = 0;
  answers = [];
});

test('each wish of an owner is one request with the key', async () => {
  const bodies = [
    { recordings: [view], more: true },
    view,
    view,
    undefined,
    view,
    { id: 'SH_1', url: 'https://m.example/recording#s', expires_at: 'soon', download: true },
    undefined,
    address,
  ];
  answers = bodies.map((body) => ({ status: body === undefined ? 204 : 200, body }));
  const page = await recordings.page('2026-11-23T14:00:00+01:00');
  await recordings.one('RC_1');
  await recordings.rename('RC_1', 'New');
  await recordings.destroy('RC_1');
  await recordings.film('RC_1', { layout: 'grid', without: ['PA_1'] });
  const made = await recordings.share('RC_1', { expiresInS: 60, download: true });
  await recordings.endShare('RC_1', 'SH_1');
  const { url } = await recordings.files('RC_1').address('film.mp4', 'download');
  expect(page).toMatchObject({ more: true, recordings: [{ id: 'RC_1' }] });
  expect(made.url).toContain('#s');
  expect(url).toBe(address.url);
  const root = '/api/v1/meetings/RM%2F1/recordings';
  expect(asked).toEqual([
    `GET ${root}?before=2026-11-23T14%3A00%3A00%2B01%3A00 Bearer key`,
    `GET ${root}/RC_1 Bearer key`,
    `PATCH ${root}/RC_1 Bearer key {"title":"New"}`,
    `DELETE ${root}/RC_1 Bearer key`,
    `POST ${root}/RC_1/films Bearer key {"layout":"grid","without":["PA_1"]}`,
    `POST ${root}/RC_1/shares Bearer key {"expires_in_s":60,"download":true}`,
    `DELETE ${root}/RC_1/shares/SH_1 Bearer key`,
    `POST ${root}/RC_1/files/film.mp4 Bearer key {"download":true}`,
  ]);
});

test('the secret of a shared recording travels in bodies alone', async () => {
  answers = [
    {
      body: {
        title: 'Review',
        started_at: view.started_at,
        duration_ms: 1,
        download: true,
        expires_at: view.started_at,
        files: [],
      },
    },
    { body: address },
  ];
  await openShared('secret');
  await sharedFiles('secret').address('film.mp4', 'play');
  expect(asked).toEqual([
    'POST /api/v1/shared-recordings {"secret":"secret"}',
    'POST /api/v1/shared-recordings/files/film.mp4 {"secret":"secret","download":false}',
  ]);
});

test.each(['https://elsewhere.example/x', '//elsewhere.example/x', 'javascript:alert(1)', '/j'])(
  'a film comes from our own server and nowhere else: %s',
  async (url) => {
    answers = [{ body: { ...address, url } }];
    await expect(recordings.files('RC_1').address('f', 'play')).rejects.toBeInstanceOf(ApiError);
  },
);

test.each([
  [new ApiError('not_found', 404, ''), 'recording-gone'],
  [new ApiError('limit_reached', 409, ''), 'recording-limit'],
  [new ApiError('invalid', 422, ''), 'title-refused'],
  [new ApiError('too_many_requests', 429, ''), 'too-many-tries'],
  [new ApiError('no_recorder', 503, ''), 'recorder-missing'],
  [new ApiError('unreachable', 0, ''), 'server-unreachable'],
  [new TypeError('surprise'), 'server-error'],
])('%s is %s', (error, trouble) => expect(recordingRefusal(error)).toBe(trouble));
