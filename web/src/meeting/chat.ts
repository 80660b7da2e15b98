// Chat messages, and their text cut into plain words and safe links.
import { plainText } from '../plain';

/** The topic LiveKit-compatible clients use for chat. */
export const CHAT_TOPIC = 'lk.chat';

/** A message fits one data packet and one screen; longer texts belong into a document. */
export const MAX_CHARACTERS = 2_000;

/** A client that sends more is cut off here: four bytes for each character. */
export const MAX_BYTES = MAX_CHARACTERS * 4;

/** Older messages are dropped: nobody scrolls further, and memory stays bounded. */
const MAX_MESSAGES = 500;

/** Of one person; more would push out what the others wrote. */
const MAX_OF_ONE = 200;

/** Whoever sends faster than people type is cut off for a while. */
const BURST = 12;
const BURST_MS = 10_000;

/** People whose pace is remembered; more come and go, and the oldest is forgotten. */
const PACED_PEOPLE = 1_000;

/** Ids are given by the sender. */
const ID_CHARACTERS = 100;

export interface Message {
  id: string;
  identity: string;
  name: string;
  self: boolean;
  text: string;
  /** Milliseconds since 1970. */
  at: number;
}

/** A message that is known already is not shown again; of each person, the newest are kept. */
export function append(messages: readonly Message[], message: Message): Message[] {
  const { id, identity } = message;
  // Nobody can take another one's message away by giving the same id.
  if (messages.some((known) => known.id === id && known.identity === identity)) {
    return [...messages];
  }
  const kept = [...messages, message].slice(-MAX_MESSAGES);
  const own = kept.filter((known) => known.identity === identity);
  if (own.length <= MAX_OF_ONE) return kept;
  return kept.filter((known) => known !== own[0]);
}

/** Cleans what a person typed or sent; undefined when nothing is left. */
export function clean(text: string): string | undefined {
  const cleaned = plainText(text, MAX_CHARACTERS);
  return cleaned === '' ? undefined : cleaned;
}

export function cleanId(id: string): string {
  return id.slice(0, ID_CHARACTERS);
}

/** Who writes how fast. */
export class Pace {
  readonly #times = new Map<string, number[]>();

  /** Whether one more message of this person is shown; `now` in milliseconds. */
  allows(identity: string, now: number): boolean {
    const recent = (this.#times.get(identity) ?? []).filter((at) => now - at < BURST_MS);
    const allowed = recent.length < BURST;
    if (allowed) recent.push(now);
    this.#times.delete(identity);
    this.#times.set(identity, recent);
    const [oldest] = this.#times.keys();
    if (this.#times.size > PACED_PEOPLE && oldest !== undefined) this.#times.delete(oldest);
    return allowed;
  }
}

export interface Segment {
  text: string;
  /** Set for links: http and https only, so no script or data can hide behind one. */
  href?: string;
}

const LINK = /https?:\/\/[^\s<>"'`]+/gi;
const TRAILING = /[.,;:!?)\]}]+$/;

/** Cuts a text into words and links. What is shown is always exactly what was written. */
export function segments(text: string): Segment[] {
  const cut: Segment[] = [];
  let end = 0;
  for (const match of text.matchAll(LINK)) {
    const shown = match[0].replace(TRAILING, '');
    const href = safeHref(shown);
    if (href === undefined) continue;
    if (match.index > end) cut.push({ text: text.slice(end, match.index) });
    cut.push({ text: shown, href });
    end = match.index + shown.length;
  }
  if (end < text.length) cut.push({ text: text.slice(end) });
  return cut;
}

function safeHref(text: string): string | undefined {
  const url = URL.parse?.(text) ?? parseOld(text);
  // Names before an @ make a link look like another place than it is.
  if (url === null || url.username !== '' || url.password !== '') return undefined;
  return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : undefined;
}

function parseOld(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    // Not a URL: it stays plain text.
    return null;
  }
}
