// Tries to come back for longer than the server waits, and counts the attempts for the banner.
import {
  DefaultReconnectPolicy,
  type ReconnectContext,
  type ReconnectPolicy,
} from 'livekit-client';

/** Soon at first, in case it was nothing. */
const FIRST_MS = [0, 300, 1_200, 2_700, 4_800];

/** Then steadily: each wait is made up to half shorter or longer, so that not everybody comes at once. */
const THEN_MS = 5_000;

/** However short the waits turn out, a network that was away for a minute is found again. */
const LATER = 30;

export const DELAYS_MS = [...FIRST_MS, ...Array<number>(LATER).fill(THEN_MS)];

export class CountedReconnect implements ReconnectPolicy {
  readonly #policy = new DefaultReconnectPolicy(DELAYS_MS);

  constructor(private readonly onAttempt: (attempt: number) => void) {}

  nextRetryDelayInMs(context: ReconnectContext): number | null {
    this.onAttempt(context.retryCount + 1);
    return this.#policy.nextRetryDelayInMs(context);
  }
}
