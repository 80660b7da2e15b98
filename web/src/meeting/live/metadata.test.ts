import { expect, test } from 'vitest';
import { toldBy } from './metadata';

const metadata = (change: object): string =>
  JSON.stringify({ locked: false, lobby: true, pin: true, host: false, ...change });

test('the server tells who may come in, who waits and whether a host is here', () => {
  const waiting = [{ identity: 'vera', name: 'Vera', message: 'It is me', since: 7 }];
  expect(toldBy(metadata({ waiting }))).toEqual({
    door: { locked: false, lobby: true, pin: true },
    host: false,
    waiting,
  });
});

test.each([undefined, '', 'free text', '[]', '17', 'null', '{}', 'x'.repeat(300_000)])(
  'metadata of other programs says nothing: %s',
  (text) => {
    expect(toldBy(text)).toEqual({
      door: { locked: false, lobby: false, pin: false },
      host: true,
      waiting: [],
    });
  },
);

test('those who wait are cleaned and bounded', () => {
  const waiting = [
    { identity: 'v', name: '\u202e<b>\u0000', message: 'm'.repeat(5_000), since: 'x' },
    { identity: '' },
    null,
    ...Array.from({ length: 500 }, (_, index) => ({ identity: `p${index}` })),
  ];
  const told = toldBy(metadata({ waiting })).waiting;
  expect(told[0]).toMatchObject({ name: '<b>', since: 0 });
  expect(told[0]!.message).toHaveLength(200);
  expect(told[1]).toMatchObject({ identity: 'p0', name: 'p0' });
  expect(told).toHaveLength(198);
});

test('a recording is told of, with who turned it on and why it stopped', () => {
  const recording = { id: 'RC_1', by: 'Ada\u202e', since: 7 };
  expect(toldBy(metadata({ recording })).recording).toEqual({ id: 'RC_1', by: 'Ada', since: 7 });
  const broken = toldBy(metadata({ recording: { ...recording, trouble: 'disk_full' } }));
  expect(broken.recording?.trouble).toBe('disk_full');
  const odd = toldBy(metadata({ recording: { ...recording, trouble: { kind: 'disk_full' } } }));
  expect(odd.recording?.trouble).toBe('unknown');
  for (const nothing of [undefined, null, {}, { id: 7 }, 'yes']) {
    expect(toldBy(metadata({ recording: nothing })).recording).toBeUndefined();
  }
});

test('what says the same stays the same thing', () => {
  const before = toldBy(metadata({ waiting: [{ identity: 'v' }] }));
  const after = toldBy(metadata({ host: true, waiting: [{ identity: 'v' }] }), before);
  expect(after.waiting).toBe(before.waiting);
  expect(after.door).toBe(before.door);
});
