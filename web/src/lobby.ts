// Waiting to be let in: asks the server again and again, and bears breaks of the network.
import { ApiError } from './http';
import {
  endSession,
  isStale,
  POLL_S,
  pollSession,
  renewSession,
  type Admission,
  type Session,
} from './session';
import { Store } from './store';

/** The pauses after errors; the last one repeats. The place is lost after 40 s without a poll. */
const PAUSES_MS = [1_000, 2_000, 4_000, 8_000] as const;

/** A server that answers at once each time must not be asked without end. */
const LEAST_MS = 400;

export interface LobbyState {
  admission: Admission;
  /** The server does not answer right now. */
  troubled: boolean;
  /** Who turned on the recording that goes on inside. */
  recordedBy?: string;
}

/** The calls of the lobby; tests have some of their own. */
export interface LobbyServer {
  poll: typeof pollSession;
  renew: typeof renewSession;
  end: typeof endSession;
  sleep(ms: number): Promise<void>;
}

const server: LobbyServer = {
  poll: pollSession,
  renew: renewSession,
  end: endSession,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

export class Lobby {
  readonly state: Store<LobbyState>;
  readonly #left = new AbortController();
  #session: Session;

  constructor(
    session: Session,
    /** Told of each new token and place. */
    private readonly changed: (session: Session) => void,
    private readonly calls: LobbyServer = server,
  ) {
    this.#session = session;
    const { admission, recordedBy } = session;
    this.state = new Store<LobbyState>({ admission, troubled: false, recordedBy });
  }

  /** The session as it is when the wait is over; undefined when this person left. */
  async wait(): Promise<Session | undefined> {
    let failures = 0;
    while (!this.#left.signal.aborted) {
      const began = Date.now();
      try {
        await this.#poll();
        failures = 0;
        if (this.#session.admission.state !== 'waiting') return this.#session;
        if (Date.now() - began < LEAST_MS) await this.calls.sleep(LEAST_MS);
      } catch (error) {
        if (this.#left.signal.aborted) return undefined;
        if (isFinal(error)) throw error;
        failures += 1;
        this.state.set({ troubled: true });
        await this.calls.sleep(pauseOf(error, failures));
      }
    }
    return undefined;
  }

  /** Gives the place up. */
  async leave(): Promise<void> {
    if (this.#left.signal.aborted) return;
    this.#left.abort();
    try {
      await this.calls.end(this.#session.token);
    } catch (error) {
      // It ends by itself when nobody polls.
      console.info('The place in the lobby was not given up:', error);
    }
  }

  async #poll(): Promise<void> {
    const { signal } = this.#left;
    try {
      const { token = this.#session.token, ...now } = await this.calls.poll(
        this.#session.token,
        POLL_S,
        signal,
      );
      this.#session = { ...this.#session, recordedBy: undefined, ...now, token };
    } catch (error) {
      // The token ran out, or the place was lost in a break: the session is the same.
      if (!isStale(error)) throw error;
      this.#session = await this.calls.renew(this.#session.token);
    }
    if (!signal.aborted) {
      this.changed(this.#session);
      const { admission, recordedBy } = this.#session;
      this.state.set({ admission, troubled: false, recordedBy });
    }
  }
}

function isFinal(error: unknown): boolean {
  return (
    error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429
  );
}

function pauseOf(error: unknown, failures: number): number {
  const wanted = error instanceof ApiError ? (error.retryAfterS ?? 0) * 1_000 : 0;
  return Math.max(wanted, PAUSES_MS[Math.min(failures, PAUSES_MS.length) - 1] ?? 0);
}
