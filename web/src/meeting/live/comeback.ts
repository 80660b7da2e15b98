// Comes back after the client library gave up: the session is renewed and a new room entered, again
// and again with growing pauses, until it succeeds or it is clear that it cannot.
import { ApiError } from '../../http';

/** The pauses between attempts; the last one repeats. */
const PAUSES_MS = [300, 1_000, 2_000, 4_000, 8_000, 15_000] as const;

/** About five minutes with a network; without one, time does not count. */
export const MOST_ATTEMPTS = 24;

/** The server may be on its way up again, or a proxy before it: worth another try. */
const PASSING = ['unreachable', 'unavailable', 'too_many_requests', 'bad_answer', 'unknown'];

export function isPassing(error: unknown): boolean {
  return !(error instanceof ApiError) || PASSING.includes(error.code);
}

/** What can end a pause early: the network is back, or somebody looks at the page again. */
export interface Clock {
  sleep(ms: number): Promise<void>;
  online(): Promise<void>;
}

export interface Attempt {
  /** Tells that another attempt begins; false when nobody wants it any more. */
  begins(attempt: number): boolean;
  /** Undefined: it worked. */
  enter(): Promise<unknown>;
}

/** Undefined when it worked or is no longer wanted; else what stands in the way for good. */
export async function comeBack(
  { begins, enter }: Attempt,
  clock: Clock = pageClock,
): Promise<unknown> {
  let failure: unknown;
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
    await clock.online();
    if (!begins(attempt)) return undefined;
    failure = await enter();
    if (failure === undefined || !isPassing(failure)) return failure;
    const wanted = failure instanceof ApiError ? (failure.retryAfterS ?? 0) * 1_000 : 0;
    const pause = PAUSES_MS[Math.min(attempt, PAUSES_MS.length) - 1] ?? 0;
    await clock.sleep(Math.max(wanted, pause));
  }
  return failure;
}

const pageClock: Clock = {
  sleep: (ms) =>
    new Promise((resolve) => {
      const over = (): void => {
        clearTimeout(timer);
        window.removeEventListener('online', over);
        document.removeEventListener('visibilitychange', over);
        resolve();
      };
      const timer = setTimeout(over, ms);
      window.addEventListener('online', over);
      document.addEventListener('visibilitychange', over);
    }),
  online: () =>
    navigator.onLine !== false
      ? Promise.resolve()
      : new Promise((resolve) =>
          window.addEventListener('online', () => resolve(), { once: true }),
        ),
};
