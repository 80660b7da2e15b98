import { expect, test, vi } from 'vitest';
import { CountedReconnect, DELAYS_MS } from './reconnect';

/** The server keeps a place for a minute, and ten seconds more. */
const RESUME_MS = 70_000;

test('a network that was away for a minute is found again, whatever chance does', () => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
  const attempts: number[] = [];
  const policy = new CountedReconnect((attempt) => attempts.push(attempt));
  let waitedMs = 0;
  for (let retryCount = 0; ; retryCount++) {
    const delay = policy.nextRetryDelayInMs({ elapsedMs: waitedMs, retryCount });
    if (delay === null) break;
    waitedMs += delay;
  }
  expect(waitedMs).toBeGreaterThan(RESUME_MS);
  expect(attempts).toHaveLength(DELAYS_MS.length + 1);
  vi.restoreAllMocks();
});
