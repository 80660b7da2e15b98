import { describe, expect, test } from 'vitest';
import { append, clean, MAX_CHARACTERS, segments, type Message } from './chat';

const message = (id: string): Message => ({
  id,
  identity: 'ada',
  name: 'Ada',
  self: false,
  text: id,
  at: 0,
});

describe('segments', () => {
  test('show exactly what was written', () => {
    const texts = [
      'plain',
      'see https://example.org/a?b=c#d, then (http://example.org).',
      'https://a.example https://b.example',
      '<img src=x onerror=alert(1)> javascript:alert(1) data:text/html,x',
      'https://',
      '',
    ];
    for (const text of texts) {
      expect(
        segments(text)
          .map((segment) => segment.text)
          .join(''),
      ).toBe(text);
    }
  });
  test('only http and https become links', () => {
    const hrefs = segments(
      'javascript:alert(1) ftp://x.example file:///etc/passwd https://good.example vbscript:x data:,x',
    ).flatMap(({ href }) => href ?? []);
    expect(hrefs).toEqual(['https://good.example/']);
  });
  test('a name before an @ hides where a link leads: it stays text', () => {
    expect(
      segments('https://bank.example@evil.example/').every(({ href }) => href === undefined),
    ).toBe(true);
  });
  test('punctuation after a link is not part of it', () => {
    expect(segments('(https://example.org/a).')[1]).toEqual({
      text: 'https://example.org/a',
      href: 'https://example.org/a',
    });
  });
  test('markup ends a link', () => {
    expect(segments('https://example.org/"><b>')[0]?.href).toBe('https://example.org/');
  });
});

test('text is trimmed and cut', () => {
  expect(clean('  \n ')).toBeUndefined();
  expect(clean('  a ')).toBe('a');
  expect(clean('x'.repeat(9_000))).toHaveLength(MAX_CHARACTERS);
});

test('a message that comes twice is shown once, and old ones go', () => {
  const twice = append(append([], message('a')), message('a'));
  expect(twice).toHaveLength(1);
  let messages: Message[] = [];
  for (let index = 0; index < 510; index += 1) messages = append(messages, message(String(index)));
  expect(messages).toHaveLength(500);
  expect(messages.at(-1)?.id).toBe('509');
});
