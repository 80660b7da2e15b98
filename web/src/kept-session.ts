// The session of this tab, kept so that a reload leads straight back: same person, no questions.
import { NAME_CHARACTERS, type Way } from './session';
import { readTab, writeTab } from './tab-storage';

const KEY = 'lectern.session';

/** The server renews a session that ended so long ago, and no older one. */
const LIFE_MS = 12 * 3_600_000;

/** A token is a few hundred characters long. */
const TOKEN_CHARACTERS = 8_000;

export interface KeptSession {
  token: string;
  name: string;
  microphone: boolean;
  camera: boolean;
  /** A screen was shared: that cannot go on by itself. */
  sharing: boolean;
}

export function keepSession(way: Way, session: KeptSession, now = Date.now()): void {
  writeTab(KEY, JSON.stringify({ ...session, way: nameOf(way), at: now }));
}

export function dropSession(): void {
  writeTab(KEY, '');
}

/** The session by which this tab was in the same meeting; anything odd is the same as none. */
export function keptSession(way: Way, now = Date.now()): KeptSession | undefined {
  const kept = parse(readTab(KEY));
  const { token, name, microphone, camera, sharing, at } = kept;
  if (kept['way'] !== nameOf(way) || typeof at !== 'number') return undefined;
  if (now - at > LIFE_MS || at > now + LIFE_MS) return undefined;
  return checked({ token, name, microphone, camera, sharing });
}

/** The same for what another tab of this browser hands over. */
export function checked(value: Record<string, unknown>): KeptSession | undefined {
  const { token, name, microphone, camera, sharing } = value;
  if (typeof token !== 'string' || token === '' || token.length > TOKEN_CHARACTERS)
    return undefined;
  if (typeof name !== 'string' || name.length > NAME_CHARACTERS) return undefined;
  return {
    token,
    name,
    microphone: microphone === true,
    camera: camera === true,
    sharing: sharing === true,
  };
}

function nameOf(way: Way): string {
  return way.by === 'link' ? `link ${way.secret}` : `owner ${way.meetingId}`;
}

function parse(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // Nothing was kept, or only half of it.
    return {};
  }
}
