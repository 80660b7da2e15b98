import { describe, expect, test } from 'vitest';
import { append, clean, cleanId, MAX_CHARACTERS, Pace, segments, type Message } from './chat';

const message = (id: string, identity = 'ada'): Message => ({
  id,
  identity,
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
  for (let index = 0; index < 510; index += 1) {
    messages = append(messages, message(String(index), `p${index % 9}`));
  }
  expect(messages).toHaveLength(500);
  expect(messages.at(-1)?.id).toBe('509');
});

describe('what others send', () => {
  test('loses controls, overrides of direction and what nobody can see', () => {
    expect(clean('a\u0000b\u001b[31m\u202egnp.exe\u2066\u200b\u{e0041}\n\u0007c')).toBe(
      'ab[31mgnp.exe\nc',
    );
    expect(clean('\u202e\u200b\u0007')).toBeUndefined();
  });
  test('is bounded, however long it is', () => {
    expect(clean('x'.repeat(1024 * 1024))).toHaveLength(MAX_CHARACTERS);
    expect(clean('\u0300'.repeat(1024 * 1024))!.length).toBeLessThan(10);
    expect(cleanId('i'.repeat(5_000))).toHaveLength(100);
  });
  test('cannot push out what the others wrote', () => {
    let messages = append([], message('first', 'vera'));
    for (let index = 0; index < 900; index += 1) {
      messages = append(messages, message(String(index), 'flooder'));
    }
    expect(messages[0]).toMatchObject({ id: 'first', identity: 'vera' });
    expect(messages).toHaveLength(201);
    expect(messages.at(-1)!.id).toBe('899');
  });
  test('cannot take the place of a message of somebody else', () => {
    const messages = append([message('same', 'vera')], message('same', 'mallory'));
    expect(messages.map(({ identity }) => identity)).toEqual(['vera', 'mallory']);
  });
  test('comes at the pace of a person', () => {
    const pace = new Pace();
    const shown = Array.from({ length: 100 }, () => pace.allows('flooder', 0));
    expect(shown.filter(Boolean)).toHaveLength(12);
    expect(pace.allows('vera', 0)).toBe(true);
    expect(pace.allows('flooder', 10_001)).toBe(true);
  });
});
