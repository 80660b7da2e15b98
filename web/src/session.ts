// The way in, in two steps: an entry for a link or an owner, and the session that is got for it.
import { Answer, ApiError, call } from './http';
import { plainLine, plainText } from './plain';

export const roles = ['viewer', 'presenter', 'owner'] as const;
export type Role = (typeof roles)[number];

/** The server's limits. */
export const NAME_CHARACTERS = 64;
export const MESSAGE_CHARACTERS = 200;
/** Whatever may have been set, also by another program. */
export const PIN = /^[0-9]{4,12}$/;
export const PIN_DIGITS = 12;
/** What is set here: long enough that guessing is hopeless, short enough to say aloud. */
export const NEW_PIN = /^[0-9]{6,10}$/;
export const NEW_PIN_DIGITS = 10;

/** The server answers a poll after this at the latest. */
export const POLL_S = 25;

export interface MeetingInfo {
  id: string;
  name: string;
}

/** Who asks to come in: somebody with a link, or whoever made the meeting. */
export type Way =
  { by: 'link'; secret: string } | { by: 'owner'; meetingId: string; ownerKey: string };

/** What a link leads to, and the token that opens one session. */
export interface Entry {
  token: string;
  role: Role;
  meeting: MeetingInfo;
  /** Until when the link is good. */
  expiresAt: string;
  pinRequired: boolean;
  lobby: boolean;
  locked: boolean;
  /** Who turned the recording on that goes on, where the server tells; may be empty. */
  recordedBy?: string;
}

export type Admission =
  | { state: 'admitted' }
  | { state: 'waiting'; position: number; waiting: number; message?: string }
  | { state: 'refused'; message?: string }
  | { state: 'removed' | 'locked' | 'ended' };

/** The place of one person in a meeting or in its lobby. */
export interface Session {
  token: string;
  url: string;
  role: Role;
  identity: string;
  meeting: MeetingInfo;
  admission: Admission;
  recordedBy?: string;
}

/** What a person says of themselves at the door. */
export interface Introduction {
  name: string;
  pin?: string;
  message?: string;
}

export async function takeEntry(way: Way): Promise<Entry> {
  const answer = new Answer(
    way.by === 'link'
      ? await call({ method: 'POST', path: '/api/v1/entries', body: { link: way.secret } })
      : await call({
          method: 'POST',
          path: `/api/v1/meetings/${encodeURIComponent(way.meetingId)}/entries`,
          token: way.ownerKey,
        }),
  );
  return {
    token: answer.text('entry_token'),
    role: answer.oneOf('role', roles),
    meeting: meetingOf(answer.part('meeting')),
    expiresAt: answer.time('link_expires_at'),
    pinRequired: answer.flag('pin_required'),
    lobby: answer.flag('lobby'),
    locked: answer.flag('locked'),
    ...recordedBy(answer),
  };
}

export async function openSession(entry: string, who: Introduction): Promise<Session> {
  return sessionOf(
    await call({ method: 'POST', path: '/api/v1/sessions', body: who, token: entry }),
  );
}

/**
 * Opens a session by an entry that may have grown too old meanwhile: then by a new one. What comes
 * back beside it is the entry that was good.
 */
export async function openFreshSession(
  way: Way,
  entry: Entry,
  who: Introduction,
): Promise<Session> {
  try {
    return await openSession(entry.token, who);
  } catch (error) {
    if (!isStale(error)) throw error;
    return openSession((await takeEntry(way)).token, who);
  }
}

/** The token is too old, or was used already: a new one is to be had at the same place. */
export function isStale(error: unknown): boolean {
  return (
    error instanceof ApiError && (error.code === 'token_expired' || error.code === 'token_invalid')
  );
}

/** The place in the lobby; answers as soon as it changes, or after `waitS` seconds. */
export async function pollSession(
  token: string,
  waitS: number,
  signal?: AbortSignal,
): Promise<Pick<Session, 'admission' | 'recordedBy'> & { token?: string }> {
  const answer = new Answer(
    await call({
      method: 'GET',
      path: `/api/v1/sessions/current?wait_s=${waitS}`,
      token,
      heldMs: waitS * 1_000,
      ...(signal === undefined ? {} : { signal }),
    }),
  );
  return {
    admission: admissionOf(answer.part('admission')),
    ...(answer.has('token') ? { token: answer.text('token') } : {}),
    ...recordedBy(answer),
  };
}

/** The same place again, after a reload, a sleep or a long break. */
export async function renewSession(token: string): Promise<Session> {
  return sessionOf(await call({ method: 'POST', path: '/api/v1/sessions/renew', token }));
}

/** Gives the place up. */
export async function endSession(token: string): Promise<void> {
  await call({ method: 'DELETE', path: '/api/v1/sessions/current', token });
}

function sessionOf(value: unknown): Session {
  const answer = new Answer(value);
  return {
    token: answer.text('token'),
    url: answer.text('url'),
    role: answer.oneOf('role', roles),
    identity: answer.text('identity'),
    meeting: meetingOf(answer.part('meeting')),
    admission: admissionOf(answer.part('admission')),
    ...recordedBy(answer),
  };
}

/** A recording that is told of at the door. */
function recordedBy(answer: Answer): Pick<Entry, 'recordedBy'> {
  const recording = answer.part('recording');
  // One that waits for a recorder goes on at any moment.
  const over = recording.has('trouble') && recording.textOr('trouble', '') !== 'recorder_lost';
  if (!recording.has('by') || over) return {};
  return { recordedBy: plainLine(recording.textOr('by', ''), NAME_CHARACTERS) };
}

const states = ['admitted', 'waiting', 'refused', 'removed', 'locked', 'ended'] as const;

function admissionOf(answer: Answer): Admission {
  const state = answer.oneOf('state', states);
  const message = plainText(answer.textOr('message', ''), MESSAGE_CHARACTERS);
  const said = message === '' ? {} : { message };
  switch (state) {
    case 'waiting':
      return {
        state,
        position: answer.count('position'),
        waiting: answer.count('waiting'),
        ...said,
      };
    case 'refused':
      return { state, ...said };
    default:
      return { state };
  }
}

/** The name was typed by another person. */
export function meetingOf(answer: Answer): MeetingInfo {
  return { id: answer.text('id'), name: plainLine(answer.textOr('name', ''), NAME_CHARACTERS) };
}
