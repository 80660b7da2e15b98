import { expect, test, vi } from 'vitest';
import { ApiError } from '../../http';
import { comeBack, MOST_ATTEMPTS } from './comeback';

const away = new ApiError('unreachable', 0, '');

function clock() {
  return { sleep: vi.fn(async () => undefined), online: vi.fn(async () => undefined) };
}

test('it goes on with growing pauses until it works', async () => {
  const results = [away, away, undefined];
  const time = clock();
  const begins = vi.fn(() => true);
  expect(await comeBack({ begins, enter: async () => results.shift() }, time)).toBeUndefined();
  expect(begins.mock.calls).toEqual([[1], [2], [3]]);
  expect(time.sleep.mock.calls).toEqual([[300], [1_000]]);
});

test('it ends at once with what no other try helps', async () => {
  const removed = new ApiError('removed', 403, '');
  const enter = vi.fn(async () => removed);
  expect(await comeBack({ begins: () => true, enter }, clock())).toBe(removed);
  expect(enter).toHaveBeenCalledOnce();
});

test('it ends when nobody wants it any more, and some time in any case', async () => {
  const enter = vi.fn(async () => away);
  expect(await comeBack({ begins: () => false, enter }, clock())).toBeUndefined();
  expect(enter).not.toHaveBeenCalled();
  expect(await comeBack({ begins: () => true, enter }, clock())).toBe(away);
  expect(enter).toHaveBeenCalledTimes(MOST_ATTEMPTS);
});
