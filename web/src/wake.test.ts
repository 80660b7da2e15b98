import { expect, test, vi } from 'vitest';
import { onWake } from './wake';

test('a clock that jumps is a sleep; a timer that is late is none', () => {
  vi.useFakeTimers();
  vi.stubGlobal('document', { addEventListener: vi.fn(), removeEventListener: vi.fn() });
  let now = 0;
  const woke = vi.fn();
  const stop = onWake(woke, () => now);
  now += 60_000;
  vi.advanceTimersByTime(5_000);
  expect(woke).not.toHaveBeenCalled();
  now += 600_000;
  vi.advanceTimersByTime(5_000);
  expect(woke).toHaveBeenCalledExactlyOnceWith(600_000);
  stop();
  now += 600_000;
  vi.advanceTimersByTime(5_000);
  expect(woke).toHaveBeenCalledOnce();
  vi.useRealTimers();
});
