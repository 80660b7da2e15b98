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
}

/** The newest first; expired ones are gone. */
export function ownMeetings(now = Date.now()): Ownership[] {
  const stored = parse(read());
  if (!Array.isArray(stored)) return [];
  return stored
    .slice(0, MOST_MEETINGS)
    .flatMap((value) => ownershipOf(value) ?? [])
    .filter(({ expiresAt }) => Date.parse(expiresAt) > now);
}

export function ownership(meetingId: string): Ownership | undefined {
  return ownMeetings().find((owned) => owned.meetingId === meetingId);
}

export function keepOwnership(owned: Ownership): void {
  const others = ownMeetings().filter(({ meetingId }) => meetingId !== owned.meetingId);
  write([owned, ...others].slice(0, MOST_MEETINGS));
}

/** Takes a new link in the place of an old one. */
export function keepReplaced(owned: Ownership, role: LinkRole, made: Link): void {
  const replaced = { ...owned, [role]: made };
  write(ownMeetings().map((known) => (known.meetingId === owned.meetingId ? replaced : known)));
}

export function forget(meetingId: string): void {
  write(ownMeetings().filter((owned) => owned.meetingId !== meetingId));
}

/** Which meeting was made in this tab, for the page that shows its links. */
export function keepCreated(meetingId: string): void {
  writeTab(CREATED_KEY, meetingId);
}

export function createdHere(): Ownership | undefined {
  return ownership(readTab(CREATED_KEY) ?? '');
}

function ownershipOf(value: unknown): Ownership | undefined {
  const { meetingId, meetingName, ownerKey, expiresAt, presenter, viewer } = (value ??
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
let kept: string | undefined;

function read(): string | undefined {
  try {
    return localStorage.getItem(MEETINGS_KEY) ?? undefined;
  } catch (error) {
    console.info('This browser keeps no meetings:', error);
    return kept;
  }
}

function write(meetings: readonly Ownership[]): void {
  kept = JSON.stringify(meetings);
  try {
    localStorage.setItem(MEETINGS_KEY, kept);
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
