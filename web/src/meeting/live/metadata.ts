// What the server says of a meeting as a whole: the metadata of its room, which is JSON.
import { plainLine, plainText } from '../../plain';
import { recordingTroubleOf } from '../../recording';
import { MESSAGE_CHARACTERS, NAME_CHARACTERS } from '../../session';
import { initialState, type Door, type MeetingState, type Recorded, type Waiting } from '../state';

/** A long queue of people fits; anything longer is none of our server's. */
const MOST_CHARACTERS = 256 * 1024;

/** Nobody admits more one by one. */
const MOST_WAITING = 200;

export type Told = Pick<MeetingState, 'door' | 'host' | 'waiting' | 'recording'>;

const { door, host, waiting } = initialState;
const nothingTold: Told = { door, host, waiting, recording: undefined };

/** Anything odd is the same as nothing: rooms of other programs have metadata of their own. */
export function toldBy(metadata: string | undefined, before: Told = nothingTold): Told {
  const value = parse(metadata);
  if (value === undefined) return nothingTold;
  const told: Told = {
    door: doorOf(value),
    host: value['host'] !== false,
    waiting: Array.isArray(value['waiting'])
      ? value['waiting'].slice(0, MOST_WAITING).flatMap((one) => waitingOf(one) ?? [])
      : [],
    recording: recordedOf(value['recording']),
  };
  // What says the same stays the same thing, so that views see no change.
  return {
    door: same(told.door, before.door) ? before.door : told.door,
    host: told.host,
    waiting: same(told.waiting, before.waiting) ? before.waiting : told.waiting,
    recording: same(told.recording, before.recording) ? before.recording : told.recording,
  };
}

function doorOf(value: Record<string, unknown>): Door {
  return {
    locked: value['locked'] === true,
    lobby: value['lobby'] === true,
    pin: value['pin'] === true,
  };
}

function recordedOf(value: unknown): Recorded | undefined {
  const { id, by, since, trouble } = (value ?? {}) as Record<string, unknown>;
  if (typeof id !== 'string' || id === '') return undefined;
  const reason = recordingTroubleOf(trouble);
  return {
    id,
    by: typeof by === 'string' ? plainLine(by, NAME_CHARACTERS) : '',
    since: typeof since === 'number' && Number.isFinite(since) ? since : 0,
    ...(reason === undefined ? {} : { trouble: reason }),
  };
}

function waitingOf(value: unknown): Waiting | undefined {
  const { identity, name, message, since } = (value ?? {}) as Record<string, unknown>;
  if (typeof identity !== 'string' || identity === '') return undefined;
  const shown = typeof name === 'string' ? plainLine(name, NAME_CHARACTERS) : '';
  return {
    identity,
    name: shown === '' ? plainLine(identity, NAME_CHARACTERS) : shown,
    message: typeof message === 'string' ? plainText(message, MESSAGE_CHARACTERS) : '',
    since: typeof since === 'number' && Number.isFinite(since) ? since : 0,
  };
}

function parse(metadata: string | undefined): Record<string, unknown> | undefined {
  if (metadata === undefined || metadata === '' || metadata.length > MOST_CHARACTERS) {
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(metadata);
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    // Not JSON: none of ours.
    return undefined;
  }
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
