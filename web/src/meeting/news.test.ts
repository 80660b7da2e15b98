import { expect, test } from 'vitest';
import { tell } from './news';

test('coming and going is told in a small room, not in a crowd', () => {
  expect(tell({ is: 'joined', name: 'Ada' }, 5)).toMatchObject({ text: 'Ada joined', shown: true });
  expect(tell({ is: 'joined', name: 'Ada' }, 500)).toBeUndefined();
  expect(tell({ is: 'left', name: 'Ada' }, 500)).toBeUndefined();
});

test('a lost connection interrupts', () => {
  expect(tell({ is: 'reconnecting' }, 2)).toMatchObject({ urgent: true, shown: false });
  expect(tell({ is: 'reconnected' }, 2)).toMatchObject({ urgent: true });
});

test('own doings are spoken, not shown', () => {
  expect(tell({ is: 'hand', name: 'Ada', self: true, raised: true }, 2)?.shown).toBe(false);
  expect(tell({ is: 'hand', name: 'Ada', self: false, raised: true }, 2)?.shown).toBe(true);
  expect(tell({ is: 'microphone', on: false, byOther: true }, 2)).toMatchObject({ urgent: true });
});

test('a long message is cut for the ear', () => {
  const told = tell({ is: 'message', name: 'Ada', text: 'x'.repeat(2000) }, 2);
  expect(told?.text.length).toBeLessThan(220);
});
