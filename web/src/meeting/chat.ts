// Chat messages, and their text cut into plain words and safe links.

/** The topic LiveKit-compatible clients use for chat. */
export const CHAT_TOPIC = 'lk.chat';

/** A message fits one data packet and one screen; longer texts belong into a document. */
export const MAX_CHARACTERS = 2_000;

/** A client that sends more is cut off here: four bytes for each character. */
export const MAX_BYTES = MAX_CHARACTERS * 4;

/** Older messages are dropped: nobody scrolls further, and memory stays bounded. */
const MAX_MESSAGES = 500;

export interface Message {
  id: string;
  identity: string;
  name: string;
  self: boolean;
  text: string;
  /** Milliseconds since 1970. */
  at: number;
}

export function append(messages: readonly Message[], message: Message): Message[] {
  if (messages.some((known) => known.id === message.id)) return [...messages];
  return [...messages, message].slice(-MAX_MESSAGES);
}

/** Cleans what a person typed or sent; undefined when nothing is left. */
export function clean(text: string): string | undefined {
  const trimmed = text.slice(0, MAX_CHARACTERS).trim();
  return trimmed === '' ? undefined : trimmed;
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
