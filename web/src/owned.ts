// The meetings that were made in this browser: their keys and links, so that a host can come back.
// Each is checked when it is read: what is stored comes from older versions or other hands.
import type { Link, LinkRole } from './api';
import { plainLine } from './plain';
import { NAME_CHARACTERS } from './session';
import { readTab, writeTab } from './tab-storage';

const MEETINGS_KEY = 'lectern.meetings';
const CREATED_KEY = 'lectern.created';

/** Nobody looks through more; the oldest gives way. */
export const MOST_MEETINGS = 20;

/** The key to recordings is kept nowhere else: of these there may be more. */
export const MOST_RECORDED = 100;

/** A meeting may have been recorded while this browser was away: so long its owner may look. */
const OVER_FOR_MS = 30 * 24 * 3_600_000;

/** Longer texts are none of ours. */
const MOST_CHARACTERS = 2_000;

/** What the creator of a meeting keeps: the key to manage it, and its links. */
export interface Ownership {
  meetingId: string;
  meetingName: string;
  ownerKey: string;
  /** RFC 3339: the end of the meeting. */
  expiresAt: string;
  presenter: Link;
  viewer: Link;
  /** There are recordings of it: its key is kept when it is over. */
  recorded?: boolean;
}

/** The newest first; expired ones are not among them. */
export function ownMeetings(now = Date.now()): Ownership[] {
  return kept(now).filter((owned) => !isOver(owned, now));
}

/** Those that are over, and were or may have been recorded. */
export function ownPastMeetings(now = Date.now()): Ownership[] {
  return kept(now).filter((owned) => isOver(owned, now));
}

export function ownership(meetingId: string): Ownership | undefined {
  return kept().find((owned) => owned.meetingId === meetingId);
}

export function keepOwnership(owned: Ownership): void {
  write([owned, ...kept().filter(({ meetingId }) => meetingId !== owned.meetingId)]);
}

/** Takes a new link in the place of an old one. */
export function keepReplaced(owned: Ownership, role: LinkRole, made: Link): void {
  change(owned.meetingId, (known) => ({ ...known, [role]: made }));
}

/** Whether there is something that only the key of this meeting opens. */
export function keepRecorded(meetingId: string, recorded = true): void {
  const owned = ownership(meetingId);
  if (owned === undefined || owned.recorded === recorded) return;
  change(meetingId, (known) => ({ ...known, recorded }));
}

export function forget(meetingId: string): void {
  write(kept().filter((owned) => owned.meetingId !== meetingId));
}

export function recordingsPath(meetingId: string): string {
  return `/recordings/${encodeURIComponent(meetingId)}`;
}

/** In a tab of their own: whoever is in the meeting stays there. */
export function showRecordings(meetingId: string): void {
  window.open(recordingsPath(meetingId), '_blank', 'noopener');
}

/** Which meeting was made in this tab, for the page that shows its links. */
export function keepCreated(meetingId: string): void {
  writeTab(CREATED_KEY, meetingId);
}

export function createdHere(): Ownership | undefined {
  return ownership(readTab(CREATED_KEY) ?? '');
}

function kept(now = Date.now()): Ownership[] {
  const stored = parse(read());
  if (!Array.isArray(stored)) return [];
  const known = stored.slice(0, MOST_MEETINGS + MOST_RECORDED);
  return known.flatMap((value) => ownershipOf(value) ?? []).filter((owned) => isKept(owned, now));
}

function isKept({ expiresAt, recorded }: Ownership, now: number): boolean {
  const end = Date.parse(expiresAt);
  return recorded === true
    ? !Number.isNaN(end)
    : end > now - (recorded === false ? 0 : OVER_FOR_MS);
}

function isOver({ expiresAt }: Ownership, now: number): boolean {
  return Date.parse(expiresAt) <= now;
}

function change(meetingId: string, by: (owned: Ownership) => Ownership): void {
  write(kept().map((owned) => (owned.meetingId === meetingId ? by(owned) : owned)));
}

function ownershipOf(value: unknown): Ownership | undefined {
  const { meetingId, meetingName, ownerKey, expiresAt, presenter, viewer, recorded } = (value ??
    {}) as Record<string, unknown>;
  const links = [linkOf(presenter), linkOf(viewer)];
  if (!isText(meetingId) || !isText(ownerKey) || !isText(expiresAt)) return undefined;
  if (links[0] === undefined || links[1] === undefined || typeof meetingName !== 'string') {
    return undefined;
  }
  return {
    meetingId,
    meetingName: plainLine(meetingName, NAME_CHARACTERS),
    ownerKey,
    expiresAt,
    presenter: links[0],
    viewer: links[1],
    ...(typeof recorded === 'boolean' ? { recorded } : {}),
  };
}

function linkOf(value: unknown): Link | undefined {
  const { id, url, expiresAt } = (value ?? {}) as Record<string, unknown>;
  if (!isText(id) || !isText(url) || !isText(expiresAt)) return undefined;
  return /^https?:\/\//.test(url) ? { id, url, expiresAt } : undefined;
}

const isText = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= MOST_CHARACTERS;

/** Where the browser keeps nothing, the meetings live as long as the page. */
let memory: string | undefined;

function read(): string | undefined {
  try {
    return localStorage.getItem(MEETINGS_KEY) ?? undefined;
  } catch (error) {
    console.info('This browser keeps no meetings:', error);
    return memory;
  }
}

function write(meetings: readonly Ownership[]): void {
  const tooMany = [
    ...meetings.filter(({ recorded }) => recorded === true).slice(MOST_RECORDED),
    ...meetings.filter(({ recorded }) => recorded !== true).slice(MOST_MEETINGS),
  ];
  memory = JSON.stringify(meetings.filter((owned) => !tooMany.includes(owned)));
  try {
    localStorage.setItem(MEETINGS_KEY, memory);
  } catch (error) {
    console.info('This browser keeps no meetings:', error);
  }
}

function parse(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    // Half-written: the same as nothing.
    return undefined;
  }
}
