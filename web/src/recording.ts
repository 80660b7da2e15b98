// A recording, as the server tells of it: how it is, what is made of it, and what there is to play.
import type { Answer } from './http';
import { plainLine, plainText } from './plain';
import { NAME_CHARACTERS } from './session';

/** The server's limit. */
export const TITLE_CHARACTERS = 120;
/** More of a reason nobody reads. */
const REASON_CHARACTERS = 400;

const troubles = [
  'disk_full',
  'write_failed',
  'recorder_lost',
  'compose_failed',
  'storage_failed',
] as const;

/** Why a recording is not all that it should be; `unknown` is one of a newer server. */
export type RecordingTrouble = (typeof troubles)[number] | 'unknown';

export const layouts = ['beside', 'screen', 'speaker', 'grid'] as const;

/** How the people and the screen stand in a film. */
export type Layout = (typeof layouts)[number];

const states = ['recording', 'processing', 'ready', 'failed'] as const;
const jobKinds = ['tracks', 'film'] as const;
const jobStates = ['waiting', 'running', 'done', 'failed'] as const;
const fileKinds = ['film', 'thumbnail', 'track'] as const;

/** Something that is being made, or was. */
export interface Job {
  id: string;
  kind: (typeof jobKinds)[number];
  /** Of films alone. */
  layout?: Layout;
  /** Who is left out of the film. */
  without: string[];
  state: (typeof jobStates)[number];
  /** From 0 to 1. */
  progress: number;
  /** Why it failed, in the server's words. */
  reason: string;
}

export interface MediaFile {
  name: string;
  kind: (typeof fileKinds)[number];
  contentType: string;
  bytes: number;
  durationMs: number;
  /** In pixels; 0 for sound. */
  width: number;
  height: number;
  /** What made it. */
  job: string;
  /** Of a thumbnail: the moment of the film. */
  atMs: number;
  /** Of a track: whose it is, and when in the recording it begins. */
  participant: string;
  offsetMs: number;
}

export interface RecordedPerson {
  participant: string;
  name: string;
}

/** A link by which it is watched; its secret was told once. */
export interface RecordingShare {
  id: string;
  expiresAt: string;
  download: boolean;
}

export interface Recording {
  id: string;
  title: string;
  /** RFC 3339. */
  startedAt: string;
  startedBy: string;
  durationMs: number;
  /** When it is destroyed by itself. */
  expiresAt?: string;
  state: (typeof states)[number];
  trouble?: RecordingTrouble;
  /** Whoever keeps it cannot be reached right now. */
  unreachable: boolean;
  jobs: Job[];
  files: MediaFile[];
  people: RecordedPerson[];
  shares: RecordingShare[];
}

/** What somebody who holds a link sees of a recording. */
export interface SharedRecording {
  title: string;
  startedAt: string;
  durationMs: number;
  download: boolean;
  expiresAt: string;
  files: MediaFile[];
}

/** A film with what belongs to it. */
export interface Film {
  file: MediaFile;
  layout: Layout;
  without: string[];
  /** In the order of their moments. */
  thumbnails: MediaFile[];
}

export function recordingOf(answer: Answer): Recording {
  const trouble = recordingTroubleOf(answer.textOr('trouble', ''));
  return {
    id: answer.text('id'),
    title: plainLine(answer.textOr('title', ''), TITLE_CHARACTERS),
    startedAt: answer.time('started_at'),
    startedBy: plainLine(answer.textOr('started_by', ''), NAME_CHARACTERS),
    durationMs: answer.count('duration_ms'),
    ...(answer.has('expires_at') ? { expiresAt: answer.time('expires_at') } : {}),
    state: answer.oneOf('state', states),
    ...(trouble === undefined ? {} : { trouble }),
    unreachable: answer.flag('unreachable'),
    jobs: answer.parts('jobs').map(jobOf),
    files: answer.parts('files').flatMap((file) => fileOf(file) ?? []),
    people: answer.parts('people').map((person) => ({
      participant: person.text('participant'),
      name: plainLine(person.textOr('name', ''), NAME_CHARACTERS),
    })),
    shares: answer.parts('shares').map(shareOf),
  };
}

export function sharedRecordingOf(answer: Answer): SharedRecording {
  return {
    title: plainLine(answer.textOr('title', ''), TITLE_CHARACTERS),
    startedAt: answer.time('started_at'),
    durationMs: answer.count('duration_ms'),
    download: answer.flag('download'),
    expiresAt: answer.time('expires_at'),
    files: answer.parts('files').flatMap((file) => fileOf(file) ?? []),
  };
}

export function shareOf(answer: Answer): RecordingShare {
  return {
    id: answer.text('id'),
    expiresAt: answer.time('expires_at'),
    download: answer.flag('download'),
  };
}

/** Undefined where all is well. */
export function recordingTroubleOf(value: unknown): RecordingTrouble | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  return troubles.find((known) => known === value) ?? 'unknown';
}

/** Something about it changes by itself. */
export function isUnderWay({ state, jobs }: Pick<Recording, 'state' | 'jobs'>): boolean {
  return state === 'recording' || state === 'processing' || jobs.some(isRunning);
}

export function isRunning({ state }: Pick<Job, 'state'>): boolean {
  return state === 'waiting' || state === 'running';
}

/** What can be watched, in the order in which it was asked for. */
export function filmsOf({ files, jobs = [] }: { files: MediaFile[]; jobs?: Job[] }): Film[] {
  const place = (file: MediaFile): number => jobs.findIndex(({ id }) => id === file.job);
  return files
    .filter(({ kind }) => kind === 'film')
    .sort((a, b) => place(a) - place(b))
    .map((file) => {
      const job = jobs.find(({ id }) => id === file.job);
      const thumbnails = files
        .filter(({ kind, job }) => kind === 'thumbnail' && job === file.job)
        .sort((a, b) => a.atMs - b.atMs);
      return { file, layout: job?.layout ?? 'beside', without: job?.without ?? [], thumbnails };
    });
}

/** The picture that stands for a film: the beginning shows people who still come in. */
export function posterOf({ thumbnails }: Film): MediaFile | undefined {
  return thumbnails[Math.floor(thumbnails.length / 3)];
}

/** Those who were in it by the name that was shown: who came again is the same to everybody. */
export interface Known {
  name: string;
  participants: string[];
}

export function peopleOf({ people }: Pick<Recording, 'people'>): Known[] {
  const known = new Map<string, Known>();
  for (const { name, participant } of people) {
    const before = known.get(name)?.participants ?? [];
    known.set(name, { name, participants: [...before, participant] });
  }
  return [...known.values()];
}

/** The tracks of each person, whoever came first first. */
export function tracksOf(recording: Recording): { name: string; files: MediaFile[] }[] {
  const tracks = recording.files
    .filter(({ kind }) => kind === 'track')
    .sort((a, b) => a.offsetMs - b.offsetMs);
  const people = peopleOf(recording);
  const of = (participants: readonly string[]): MediaFile[] =>
    tracks.filter(({ participant }) => participants.includes(participant));
  const known = new Set(people.flatMap(({ participants }) => participants));
  return [
    ...people.map(({ name, participants }) => ({ name, files: of(participants) })),
    { name: '', files: tracks.filter(({ participant }) => !known.has(participant)) },
  ].filter(({ files }) => files.length > 0);
}

/** Whether a film that looks so is there, or on its way. */
export function hasFilm({ jobs }: Recording, layout: Layout, without: readonly string[]): boolean {
  const wanted = [...without].sort().join();
  return jobs.some(
    (job) =>
      job.kind === 'film' &&
      job.state !== 'failed' &&
      job.layout === layout &&
      [...job.without].sort().join() === wanted,
  );
}

function jobOf(answer: Answer): Job {
  const layout = layouts.find((known) => known === answer.textOr('layout', ''));
  return {
    id: answer.text('id'),
    kind: answer.oneOf('kind', jobKinds),
    ...(layout === undefined ? {} : { layout }),
    without: answer.texts('without'),
    state: answer.oneOf('state', jobStates),
    progress: answer.share('progress'),
    reason: plainText(answer.textOr('reason', ''), REASON_CHARACTERS),
  };
}

/** Kinds that a newer server may know are left out. */
function fileOf(answer: Answer): MediaFile | undefined {
  const kind = fileKinds.find((known) => known === answer.textOr('kind', ''));
  if (kind === undefined) return undefined;
  return {
    name: answer.text('name'),
    kind,
    contentType: answer.textOr('content_type', ''),
    bytes: answer.countOr('bytes', 0),
    durationMs: answer.countOr('duration_ms', 0),
    width: answer.countOr('width', 0),
    height: answer.countOr('height', 0),
    job: answer.textOr('job', ''),
    atMs: answer.countOr('at_ms', 0),
    participant: answer.textOr('participant', ''),
    offsetMs: answer.countOr('offset_ms', 0),
  };
}
