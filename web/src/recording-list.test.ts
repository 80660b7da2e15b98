import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ApiError } from './http';
import type { Recording } from './recording';
import { LOOK_MS, RecordingList, type ListSource } from './recording-list';

const DAY_MS = 86_400_000;

/** The higher the number, the later it began. */
function one(number: number, change: Partial<Recording> = {}): Recording {
  return {
    id: `RC_${number}`,
    title: `Number ${number}`,
    startedAt: new Date(Date.UTC(2026, 10, 1) + number * DAY_MS).toISOString(),
    startedBy: 'Ada',
    durationMs: 1_000,
    state: 'ready',
    unreachable: false,
    jobs: [],
    files: [],
    people: [],
    shares: [],
    ...change,
  };
}

/** A server that keeps them, and gives so many at once. */
class Kept implements ListSource {
  asked: string[] = [];
  failure: unknown;

  constructor(
    public recordings: Recording[],
    private readonly page_ = 2,
  ) {}

  async page(before?: string) {
    this.asked.push(`page ${before ?? ''}`.trim());
    if (this.failure !== undefined) throw this.failure;
    const left = this.recordings.filter(
      ({ startedAt }) => before === undefined || startedAt < before,
    );
    return { recordings: left.slice(0, this.page_), more: left.length > this.page_ };
  }

  async one(id: string) {
    this.asked.push(id);
    if (this.failure !== undefined) throw this.failure;
    const found = this.recordings.find((recording) => recording.id === id);
    if (found === undefined) throw new ApiError('not_found', 404, '');
    return found;
  }
}

const shown = (list: RecordingList): string[] =>
  list.state.value.recordings.map(({ id, title }) => `${id} ${title}`);
const ids = (list: RecordingList): string[] => list.state.value.recordings.map(({ id }) => id);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('older ones come when they are asked for', async () => {
  const list = new RecordingList(new Kept([one(5), one(4), one(3), one(2), one(1)]));
  expect(list.state.value.phase).toBe('loading');
  await list.load();
  expect(ids(list)).toEqual(['RC_5', 'RC_4']);
  await list.loadMore();
  await list.loadMore();
  expect(ids(list)).toEqual(['RC_5', 'RC_4', 'RC_3', 'RC_2', 'RC_1']);
  expect(list.state.value.more).toBe(false);
});

test('a second look brings what is new, takes what is gone, and keeps what is older', async () => {
  const server = new Kept([one(4), one(3), one(2), one(1)]);
  const list = new RecordingList(server);
  await list.load();
  await list.loadMore();
  server.recordings = [one(5), one(3), one(2), one(1)];
  await list.load();
  expect(ids(list)).toEqual(['RC_5', 'RC_3', 'RC_2', 'RC_1']);
  expect(list.state.value.more).toBe(false);
  server.recordings = [one(5)];
  await list.load();
  expect(ids(list)).toEqual(['RC_5']);
});

test('what is under way is looked at as long as somebody sees it, and nothing else', async () => {
  const server = new Kept([one(2, { state: 'processing' }), one(1)]);
  const list = new RecordingList(server);
  await list.load();
  await vi.advanceTimersByTimeAsync(3 * LOOK_MS);
  expect(server.asked).toEqual(['page']);
  list.watch(true);
  await vi.advanceTimersByTimeAsync(2 * LOOK_MS + 10);
  expect(server.asked).toEqual(['page', 'page', 'RC_2', 'RC_2']);
  server.recordings = [one(2, { title: 'Done' }), one(1)];
  await vi.advanceTimersByTimeAsync(10 * LOOK_MS);
  expect(server.asked).toHaveLength(5);
  expect(shown(list)[0]).toBe('RC_2 Done');
  list.watch(false);
});

test('a page that nobody sees rests', async () => {
  const server = new Kept([one(1, { state: 'recording' })]);
  const list = new RecordingList(server);
  await list.load();
  list.watch(true);
  await vi.advanceTimersByTimeAsync(LOOK_MS + 10);
  list.watch(false);
  const before = server.asked.length;
  await vi.advanceTimersByTimeAsync(10 * LOOK_MS);
  expect(server.asked).toHaveLength(before);
});

test('many under way are looked at by turns', async () => {
  const server = new Kept(
    [6, 5, 4, 3, 2, 1].map((number) => one(number, { state: 'processing' })),
    10,
  );
  const list = new RecordingList(server);
  await list.load();
  list.watch(true);
  await vi.advanceTimersByTimeAsync(3 * LOOK_MS + 10);
  list.watch(false);
  const looks = server.asked.filter((what) => what !== 'page');
  expect(looks).toHaveLength(12);
  expect(new Set(looks).size).toBe(6);
});

test('a server that is away is asked less and less, and what was shown stays', async () => {
  const server = new Kept([one(1, { state: 'processing' })]);
  const list = new RecordingList(server);
  await list.load();
  list.watch(true);
  await vi.advanceTimersByTimeAsync(10);
  server.failure = new ApiError('unreachable', 0, '');
  server.asked = [];
  await vi.advanceTimersByTimeAsync(60_000);
  expect(server.asked.length).toBeLessThan(7);
  expect(list.state.value).toMatchObject({ phase: 'ready', stale: true });
  expect(ids(list)).toEqual(['RC_1']);
  server.failure = undefined;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(list.state.value.stale).toBe(false);
  list.watch(false);
});

test('a list that cannot be had says why, and can be tried again', async () => {
  const server = new Kept([one(1)]);
  server.failure = new ApiError('too_many_requests', 429, '');
  const list = new RecordingList(server);
  await list.load();
  expect(list.state.value).toMatchObject({ phase: 'failed', failure: 'too-many-tries' });
  server.failure = undefined;
  await list.load();
  expect(list.state.value).toMatchObject({ phase: 'ready' });
  expect(list.state.value.failure).toBeUndefined();
});

test('older ones that do not come leave the rest as it is', async () => {
  const server = new Kept([one(3), one(2), one(1)]);
  const list = new RecordingList(server);
  await list.load();
  server.failure = new ApiError('unreachable', 0, '');
  await list.loadMore();
  expect(list.state.value).toMatchObject({
    moreFailure: 'server-unreachable',
    loadingMore: false,
    more: true,
  });
  expect(ids(list)).toHaveLength(2);
});

test('one that is gone leaves the list', async () => {
  const server = new Kept([one(2, { state: 'processing' }), one(1)]);
  const list = new RecordingList(server);
  await list.load();
  list.watch(true);
  await vi.advanceTimersByTimeAsync(10);
  server.recordings = [one(1)];
  await vi.advanceTimersByTimeAsync(LOOK_MS);
  expect(ids(list)).toEqual(['RC_1']);
  list.watch(false);
});

test('what was changed here is newer than a look that began before', async () => {
  const server = new Kept([one(2), one(1)]);
  const list = new RecordingList(server);
  await list.load();
  const look = list.load();
  list.put(one(2, { title: 'Changed' }));
  list.drop('RC_1');
  await look;
  expect(shown(list)).toEqual(['RC_2 Changed']);
});
