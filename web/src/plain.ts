// What other people wrote, made fit to be shown: text only, without signs that nobody can see or
// that turn around what stands beside them.

/** Controls other than tab and line feed (ISO 6429). */
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/gu;

/** Embeddings, overrides and isolates (UAX #9): they reach into the text that follows. */
const BIDI = /[\u061c\u202a-\u202e\u2066-\u2069]/gu;

/** Signs without a picture: they make two names that look the same, and carry hidden text. */
const INVISIBLE =
  /[\u00ad\u034f\u115f\u1160\u180e\u200b\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffc\u{e0000}-\u{e0fff}]/gu;

/** Half of a pair of UTF-16 code units. */
const LONE = /\p{Surrogate}/gu;

/** More marks on one letter are never writing, but climb over the lines above. */
const PILED_MARKS = /(\p{Mark}{4})\p{Mark}+/gu;

/** In so much of a text that is too long the shown beginning is looked for. */
const LOOKED_AT = 4;

/** Text over several lines, of at most so many characters. */
export function plainText(text: string, characters: number): string {
  const looked = text.slice(0, characters * LOOKED_AT);
  const cleaned = looked
    .replace(/\r\n?|[\u2028\u2029\u0085]/gu, '\n')
    .replace(CONTROLS, '')
    .replace(BIDI, '')
    .replace(INVISIBLE, '')
    .replace(LONE, '')
    .replace(PILED_MARKS, '$1');
  return cut(cleaned, characters).trim();
}

/** The same on one line: names, titles, short messages. */
export function plainLine(text: string, characters: number): string {
  return cut(plainText(text, characters * LOOKED_AT).replace(/\s+/gu, ' '), characters).trim();
}

/** Never through the middle of a character. */
function cut(text: string, characters: number): string {
  if (text.length <= characters) return text;
  const end = text.charCodeAt(characters - 1);
  return text.slice(0, end >= 0xd800 && end <= 0xdbff ? characters - 1 : characters);
}

const RIGHT_TO_LEFT =
  /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** A name inside a sentence of ours: one in a script from right to left must not turn it around. */
export function isolated(name: string): string {
  return RIGHT_TO_LEFT.test(name) ? `\u2068${name}\u2069` : name;
}
