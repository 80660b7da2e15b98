// Recordings that were made up, and a server that keeps them: it answers on the spot and notes what it
// was asked for.
import type { Page, Route } from 'playwright-core';
import { FILM_S, type Media } from './film';
import { problem, type Given } from './server';

export const MEETING = 'RM_1';
export const SHARED_SECRET = 'wXyZ0123456789abcdefghijklmnopqr';

/** The server gives so many at once. */
const PAGE = 100;

/** As the API has it. */
export type View = Record<string, unknown> & { id: string; title: string; started_at: string };

const film = (job: string, change: object = {}) => ({
  name: `film-${job}.mp4`,
  kind: 'film',
  content_type: 'video/mp4',
  bytes: 734_003_200,
  duration_ms: FILM_S * 1_000,
  width: 1920,
  height: 1080,
  job,
  ...change,
});

const thumbnails = (job: string) =>
  [0, 4_000, 9_000].map((at_ms, index) => ({
    name: `thumbnail-${job}-${index}.jpg`,
    kind: 'thumbnail',
    content_type: 'image/jpeg',
    bytes: 40_000,
    duration_ms: 0,
    width: 640,
    height: 360,
    job,
    at_ms,
  }));

const track = (participant: string, number: number, picture: boolean) => ({
  name: `track-TR_${participant}${number}-0.${picture ? 'mp4' : 'webm'}`,
  kind: 'track',
  content_type: picture ? 'video/mp4' : 'audio/webm',
  bytes: picture ? 210_000_000 : 8_400_000,
  duration_ms: 4_331_000,
  width: picture ? 1920 : 0,
  height: picture ? 1080 : 0,
  track: `TR_${participant}${number}`,
  participant,
  offset_ms: number * 61_000,
});

export const job = (id: string, change: object = {}) => ({
  id,
  kind: 'film',
  layout: 'beside',
  without: [],
  state: 'done',
  progress: 1,
  ...change,
});

const people = [
  { participant: 'PA_1', name: 'Ada Lovelace' },
  { participant: 'PA_2', name: 'Grace Hopper' },
  { participant: 'PA_3', name: 'دانا شرف الدين' },
  {
    participant: 'PA_4',
    name: 'Mx. Wolfeschlegelsteinhausenbergerdorffvoralternwarengewissenhaft',
  },
];

/** One that is ready, unless said otherwise. */
export function view(id: string, change: object = {}): View {
  return {
    id,
    title: 'Third quarter review',
    started_at: '2026-11-23T14:00:00Z',
    started_by: 'Ada Lovelace',
    duration_ms: 4_331_000,
    expires_at: '2027-02-21T14:00:00Z',
    state: 'ready',
    trouble: null,
    unreachable: false,
    jobs: [job(`JB_${id}`), job(`JT_${id}`, { kind: 'tracks', layout: undefined })],
    files: [
      film(`JB_${id}`),
      ...thumbnails(`JB_${id}`),
      track('PA_1', 0, true),
      track('PA_1', 1, false),
      track('PA_2', 2, false),
      track('PA_3', 3, true),
    ],
    people,
    shares: [],
    ...change,
  };
}

/** Each state once. */
export function manyKinds(): View[] {
  return [
    view('RC_1', {
      title: 'Stand-up',
      started_at: '2026-11-27T09:30:00Z',
      started_by: 'Grace Hopper',
      duration_ms: 754_000,
      state: 'recording',
      jobs: [],
      files: [],
      expires_at: null,
    }),
    view('RC_2', {
      title: 'Design of the second hall',
      started_at: '2026-11-26T15:00:00Z',
      state: 'processing',
      jobs: [
        job('JT_2', { kind: 'tracks', layout: undefined, state: 'running', progress: 0.82 }),
        job('JB_2', { state: 'running', progress: 0.37 }),
        job('JC_2', { layout: 'screen', state: 'waiting', progress: 0 }),
      ],
      files: [],
    }),
    view('RC_3', {
      jobs: [job('JB_RC_3'), job('JC_3', { layout: 'screen', without: ['PA_2'] })],
      files: [...(view('RC_3')['files'] as object[]), film('JC_3')],
      shares: [
        { id: 'SH_1', expires_at: '2026-12-04T10:00:00Z', download: true },
        { id: 'SH_2', expires_at: '2027-01-03T10:00:00Z', download: false },
      ],
    }),
    view('RC_4', {
      title: `Answers to the questions of everybody who wrote to us since the spring, read aloud one by one ${'and so on '.repeat(2)}`,
      started_at: '2026-11-20T08:00:00Z',
      started_by: people[3]!.name,
      expires_at: null,
    }),
    view('RC_5', {
      title: 'مراجعة الربع الثالث (نهائي)',
      started_at: '2026-11-19T08:00:00Z',
      started_by: people[2]!.name,
      trouble: 'disk_full',
    }),
    view('RC_6', { title: 'Kept far away', started_at: '2026-11-18T08:00:00Z', unreachable: true }),
    view('RC_7', {
      title: 'Rehearsal',
      started_at: '2026-11-17T08:00:00Z',
      duration_ms: 42_000,
      jobs: [
        job('JB_7', {
          state: 'failed',
          reason: 'The film maker ran out of memory. Give the recorder more, then try again.',
        }),
      ],
      files: [track('PA_1', 0, true)],
    }),
    view('RC_8', {
      title: '',
      started_at: '2026-11-16T08:00:00Z',
      duration_ms: 0,
      state: 'failed',
      trouble: 'recorder_lost',
      jobs: [],
      files: [],
      people: [],
    }),
  ];
}

export function manyRecordings(count: number): View[] {
  const first = Date.parse('2026-11-23T14:00:00Z');
  return Array.from({ length: count }, (_, index) =>
    view(`RC_m${index}`, {
      title: `Stand-up ${count - index}`,
      started_at: new Date(first - index * 86_400_000).toISOString(),
      duration_ms: 600_000 + index * 1_000,
    }),
  );
}

export class FakeRecordings {
  readonly calls: string[] = [];
  /** Set to make every call fail. */
  refusal: Given | 'none' | undefined;
  #next = 1;

  constructor(
    public recordings: View[],
    private readonly media: Media,
  ) {}

  /** Answers the page, which then holds the key of the meeting. */
  async serve(page: Page, change: object = {}): Promise<void> {
    await page.route('**/api/v1/meetings/**', (route) => this.#meeting(route));
    await page.route('**/api/v1/shared-recordings**', (route) => this.#shared(route));
    await page.route('**/api/v1/shared-recordings/**', (route) => this.#shared(route));
    await page.route('**/api/v1/media/**', (route) => this.#media(route));
    await page.addInitScript(
      (owned) => {
        localStorage['lectern.meetings'] ??= JSON.stringify(owned);
      },
      [owned(change)],
    );
  }

  get(id: string): View {
    return this.recordings.find((one) => one.id === id)!;
  }

  change(id: string, by: object): void {
    this.recordings = this.recordings.map((one) => (one.id === id ? { ...one, ...by } : one));
  }

  async #meeting(route: Route): Promise<void> {
    const request = route.request();
    const url = new URL(request.url());
    const [recording = '', what = '', which = ''] = url.pathname.split('/').slice(6);
    const method = request.method();
    const body = request.postDataJSON() as Record<string, unknown> | null;
    const said = body === null ? '' : ` ${JSON.stringify(body)}`;
    this.calls.push(
      `${method} ${url.pathname.slice('/api/v1/meetings'.length)}${url.search}${said}`,
    );
    if (request.headers()['authorization'] !== 'Bearer key') {
      return give(route, problem(401, 'unauthorized'));
    }
    if (this.refusal !== undefined) return give(route, this.refusal);
    if (recording === '') return give(route, this.#page(url.searchParams.get('before')));
    if (!this.recordings.some(({ id }) => id === recording)) {
      return give(route, problem(404, 'not_found'));
    }
    const name = decodeURIComponent(which);
    if (what === 'files') return give(route, { body: address(name, body?.['download'] === true) });
    if (what === 'shares') return give(route, this.#share(recording, method, name, body));
    if (what === 'films') this.#film(recording, body);
    else if (method === 'PATCH') this.change(recording, { title: body?.['title'] });
    else if (method === 'DELETE') {
      this.recordings = this.recordings.filter(({ id }) => id !== recording);
      return give(route, { status: 204 });
    }
    return give(route, { status: what === 'films' ? 202 : 200, body: this.get(recording) });
  }

  #page(before: string | null): Given {
    const until = before === null ? Infinity : Date.parse(before);
    const left = this.recordings.filter(({ started_at }) => Date.parse(started_at) < until);
    return { body: { recordings: left.slice(0, PAGE), more: left.length > PAGE } };
  }

  #film(recording: string, film: object | null): void {
    const { jobs } = this.get(recording);
    const made = job(`JN_${(this.#next += 1)}`, { ...film, state: 'running', progress: 0.05 });
    this.change(recording, { jobs: [...(jobs as object[]), made], state: 'processing' });
  }

  #share(
    recording: string,
    method: string,
    which: string,
    body: Record<string, unknown> | null,
  ): Given {
    const shares = this.get(recording)['shares'] as { id: string }[];
    if (method === 'DELETE') {
      this.change(recording, { shares: shares.filter(({ id }) => id !== which) });
      return { status: 204 };
    }
    const expires_at = '2026-12-04T16:45:00Z';
    const share = { id: `SH_n${(this.#next += 1)}`, expires_at, download: body?.['download'] };
    this.change(recording, { shares: [...shares, share] });
    const url = `https://meet.example.org/recording#${SHARED_SECRET}`;
    return { status: 201, body: { ...share, url } };
  }

  async #shared(route: Route): Promise<void> {
    const request = route.request();
    const { pathname } = new URL(request.url());
    const body = request.postDataJSON() as Record<string, unknown>;
    this.calls.push(
      `${request.method()} ${pathname.slice('/api/v1'.length)} ${JSON.stringify(body)}`,
    );
    if (this.refusal !== undefined) return give(route, this.refusal);
    const file = pathname.split('/').slice(5)[0];
    if (file !== undefined) return give(route, { body: address(file, body['download'] === true) });
    const [recording] = this.recordings;
    if (body['secret'] !== SHARED_SECRET || recording === undefined) {
      return give(route, problem(404, 'link_invalid'));
    }
    const { title, started_at, duration_ms } = recording;
    const files = (recording['files'] as { kind: string }[]).filter(({ kind }) => kind !== 'track');
    const { download = true } = recording as { download?: boolean };
    const expires_at = '2026-12-04T16:45:00Z';
    return give(route, { body: { title, started_at, duration_ms, download, expires_at, files } });
  }

  /** Parts of files, as players ask for them (RFC 9110 section 14). */
  async #media(route: Route): Promise<void> {
    const token = decodeURIComponent(route.request().url().split('/').at(-1)!);
    this.calls.push(`GET media ${token}`);
    if (token.startsWith('gone')) return give(route, problem(404, 'not_found'));
    const picture = /thumbnail-.*-(\d)\.jpg/.exec(token);
    const bytes = picture === null ? this.media.film : this.media.thumbnails[Number(picture[1])]!;
    const headers: Record<string, string> = { 'accept-ranges': 'bytes' };
    const contentType = picture === null ? 'video/mp4' : 'image/jpeg';
    if (token.startsWith('save')) headers['content-disposition'] = 'attachment; filename=film.mp4';
    const [, from, to] = /bytes=(\d+)-(\d*)/.exec(route.request().headers()['range'] ?? '') ?? [];
    if (from === undefined) return route.fulfill({ contentType, headers, body: bytes });
    const last = to === '' || to === undefined ? bytes.length - 1 : Number(to);
    headers['content-range'] = `bytes ${from}-${last}/${bytes.length}`;
    const body = bytes.subarray(Number(from), last + 1);
    return route.fulfill({ status: 206, contentType, headers, body });
  }
}

/** What the browser of the owner keeps of the meeting. */
export function owned(change: object = {}): object {
  const expiresAt = '2027-01-31T18:00:00Z';
  const link = (id: string) => ({ id, url: `https://meet.example.org/j#${id}`, expiresAt });
  return {
    meetingId: MEETING,
    meetingName: 'Third quarter review',
    ownerKey: 'key',
    expiresAt,
    presenter: link('presenterSecret'),
    viewer: link('viewerSecret'),
    ...change,
  };
}

let addresses = 0;

/** Each time another one. */
function address(name: string, download: boolean): object {
  const file = download ? `save-${name}` : `play-${name}.${(addresses += 1)}`;
  const url = `/api/v1/media/${file}`;
  return { url, expires_at: new Date(Date.now() + 3_600_000).toISOString() };
}

async function give(route: Route, given: Given | 'none'): Promise<void> {
  if (given === 'none') return route.abort();
  const { status = 200, headers = {}, body } = given;
  if (status === 204) return route.fulfill({ status });
  await route.fulfill({ status, headers, contentType: 'application/json', json: body });
}
