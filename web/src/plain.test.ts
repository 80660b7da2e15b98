import { describe, expect, test } from 'vitest';
import { isolated, plainLine, plainText } from './plain';

describe('text of other people', () => {
  test.each([
    ['controls', 'a\u0000\u0008b\u009fc', 'abc'],
    ['overrides of direction', 'photo\u202egnp.exe', 'photognp.exe'],
    ['isolates and marks', '\u2066a\u2069\u061cb', 'ab'],
    ['signs without a picture', 'Ad\u200ba\u00ad\ufeff\u3164', 'Ada'],
    ['hidden tags', 'hello\u{e0068}\u{e0069}', 'hello'],
    ['halves of characters', 'a\ud83db', 'ab'],
    ['line ends of other systems', 'a\r\nb\rc\u2028d', 'a\nb\nc\nd'],
    ['piles of marks', `e${'\u0301'.repeat(200)}`, `e${'\u0301'.repeat(4)}`],
  ])('loses %s', (_, written, shown) => {
    expect(plainText(written, 100)).toBe(shown);
  });

  test.each(['<b>not bold</b> & "quoted"', 'Zoë Åström', 'שלום', '👩‍👩‍👧 👍🏽', 'क्षि', 'می‌خواهم'])(
    'keeps %s',
    (written) => expect(plainText(written, 100)).toBe(written),
  );

  test('is cut, never through a character', () => {
    expect(plainText('x'.repeat(1_000_000), 50)).toHaveLength(50);
    expect(plainText(`${'x'.repeat(9)}👍`, 10)).toBe('x'.repeat(9));
  });

  test('on one line has no breaks', () => {
    expect(plainLine('  Ada\n\n\tLovelace  ', 64)).toBe('Ada Lovelace');
  });
});

test('only names from right to left are isolated', () => {
  expect(isolated('Ada')).toBe('Ada');
  expect(isolated('דנה')).toBe('\u2068דנה\u2069');
});
