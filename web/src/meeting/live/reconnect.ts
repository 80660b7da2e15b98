// Counts the attempts to come back, so that the banner can tell of them.
import {
  DefaultReconnectPolicy,
  type ReconnectContext,
  type ReconnectPolicy,
} from 'livekit-client';

export class CountedReconnect implements ReconnectPolicy {
  readonly #policy = new DefaultReconnectPolicy();

  constructor(private readonly onAttempt: (attempt: number) => void) {}

  nextRetryDelayInMs(context: ReconnectContext): number | null {
    this.onAttempt(context.retryCount + 1);
    return this.#policy.nextRetryDelayInMs(context);
  }
}
