import { expect, test } from 'vitest';
import { Answer } from './http';
import {
  filmsOf,
  hasFilm,
  isUnderWay,
  peopleOf,
  posterOf,
  recordingOf,
  recordingTroubleOf,
  sharedRecordingOf,
  tracksOf,
  type Recording,
} from './recording';

const film = (job: string) => ({ name: `film-${job}.mp4`, kind: 'film', job, duration_ms: 60_000 });
const picture = (job: string, at_ms: number) => ({
  name: `thumbnail-${job}-${at_ms}.jpg`,
  kind: 'thumbnail',
  job,
  at_ms,
});
const track = (participant: string, offset_ms: number) => ({
  name: `track-${participant}-${offset_ms}.mp4`,
  kind: 'track',
  participant,
  offset_ms,
});
const job = (id: string, change: object = {}) => ({
  id,
  kind: 'film',
  layout: 'beside',
  without: [],
  state: 'done',
  progress: 1,
  ...change,
});

function recording(change: object = {}): Recording {
  return recordingOf(
    new Answer({
      id: 'RC_1',
      title: 'Review',
      started_at: '2026-11-23T14:00:00Z',
      started_by: 'Ada',
      duration_ms: 60_000,
      expires_at: null,
      state: 'ready',
      trouble: null,
      unreachable: false,
      jobs: [job('JB_1')],
      files: [film('JB_1')],
      people: [{ participant: 'PA_1', name: 'Ada' }],
      shares: [],
      ...change,
    }),
  );
}

test('a recording is read member by member, and what others wrote is cleaned', () => {
  const read = recording({
    title: 'Re\u202eview\n',
    started_by: '\u0000Ada',
    trouble: 'disk_full',
    expires_at: '2027-01-31T18:00:00Z',
    shares: [{ id: 'SH_1', expires_at: '2026-12-31T18:00:00Z', download: true }],
  });
  expect(read).toMatchObject({
    title: 'Review',
    startedBy: 'Ada',
    trouble: 'disk_full',
    expiresAt: '2027-01-31T18:00:00Z',
    shares: [{ id: 'SH_1', expiresAt: '2026-12-31T18:00:00Z', download: true }],
  });
  expect(recording().trouble).toBeUndefined();
  expect(recording().expiresAt).toBeUndefined();
});

test('words of a newer server do no harm', () => {
  expect(recordingTroubleOf('moon_full')).toBe('unknown');
  expect(recordingTroubleOf('')).toBeUndefined();
  const { files, jobs } = recording({
    files: [film('JB_1'), { name: 'x', kind: 'hologram' }],
    jobs: [job('JB_1', { layout: 'spiral', progress: 7, reason: 'x\u0000'.repeat(900) })],
  });
  expect(files).toHaveLength(1);
  expect(jobs[0]).toMatchObject({ progress: 1 });
  expect(jobs[0]!.layout).toBeUndefined();
  expect(jobs[0]!.reason.length).toBeLessThanOrEqual(400);
});

test.each([{ state: 'elsewhere' }, { jobs: [job('a', { state: 'odd' })] }, { id: 7 }])(
  'an answer that makes no sense fails: %o',
  (change) => expect(() => recording(change)).toThrow(),
);

test('films come in the order in which they were asked for, with their pictures in order', () => {
  const read = recording({
    jobs: [job('JB_1'), job('JC_2', { layout: 'grid', without: ['PA_1'] })],
    files: [
      film('JC_2'),
      picture('JB_1', 9_000),
      picture('JB_1', 0),
      film('JB_1'),
      picture('JB_1', 4_000),
    ],
  });
  const films = filmsOf(read);
  expect(films.map(({ file }) => file.job)).toEqual(['JB_1', 'JC_2']);
  expect(films[0]!.thumbnails.map(({ atMs }) => atMs)).toEqual([0, 4_000, 9_000]);
  expect(posterOf(films[0]!)?.atMs).toBe(4_000);
  expect(films[1]).toMatchObject({ layout: 'grid', without: ['PA_1'], thumbnails: [] });
  expect(posterOf(films[1]!)).toBeUndefined();
});

test('tracks are sorted by person and time; of whom nobody knows, they are last', () => {
  const read = recording({
    people: [
      { participant: 'PA_1', name: 'Ada' },
      { participant: 'PA_2', name: 'Bob' },
    ],
    files: [track('PA_9', 0), track('PA_1', 5_000), track('PA_1', 100)],
  });
  expect(
    tracksOf(read).map(({ name, files }) => [name, files.map((file) => file.offsetMs)]),
  ).toEqual([
    ['Ada', [100, 5_000]],
    ['', [0]],
  ]);
});

test('who came again is one person', () => {
  const read = recording({
    people: [
      { participant: 'PA_1', name: 'Ada' },
      { participant: 'PA_2', name: 'Bob' },
      { participant: 'PA_3', name: 'Ada' },
    ],
    files: [track('PA_3', 9_000), track('PA_1', 0)],
  });
  expect(peopleOf(read)).toEqual([
    { name: 'Ada', participants: ['PA_1', 'PA_3'] },
    { name: 'Bob', participants: ['PA_2'] },
  ]);
  expect(tracksOf(read)).toMatchObject([{ name: 'Ada', files: [{}, {}] }]);
});

test('something is under way while it is recorded, prepared, or a film is made', () => {
  expect(isUnderWay(recording())).toBe(false);
  expect(isUnderWay(recording({ state: 'recording' }))).toBe(true);
  expect(isUnderWay(recording({ state: 'processing', jobs: [] }))).toBe(true);
  expect(isUnderWay(recording({ jobs: [job('a', { state: 'waiting' })] }))).toBe(true);
  expect(isUnderWay(recording({ state: 'failed', jobs: [job('a', { state: 'failed' })] }))).toBe(
    false,
  );
});

test('a film that looks the same is known, also while it is made', () => {
  const read = recording({
    jobs: [
      job('a', { layout: 'grid', without: ['PA_2', 'PA_1'], state: 'running' }),
      job('b', { layout: 'screen', state: 'failed' }),
    ],
  });
  expect(hasFilm(read, 'grid', ['PA_1', 'PA_2'])).toBe(true);
  expect(hasFilm(read, 'grid', [])).toBe(false);
  expect(hasFilm(read, 'screen', [])).toBe(false);
});

test('a shared recording has films and pictures, and no people', () => {
  const shared = sharedRecordingOf(
    new Answer({
      title: '',
      started_at: '2026-11-23T14:00:00Z',
      duration_ms: 60_000,
      download: false,
      expires_at: '2026-12-31T18:00:00Z',
      files: [picture('JB_1', 0), film('JB_1')],
    }),
  );
  expect(filmsOf(shared)).toHaveLength(1);
  expect(filmsOf(shared)[0]!.thumbnails).toHaveLength(1);
});
