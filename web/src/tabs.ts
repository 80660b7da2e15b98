// Other tabs of this browser in the same meeting: finds one, takes its place, or hands the own over.
import { checked, type KeptSession } from './kept-session';

/** A tab answers at once; one in the background that takes longer is heard of later. */
const FIND_MS = 150;

/** Somebody is there: worth a wait. */
const TAKE_MS = 3_000;

type Message =
  | { is: 'ask'; from: string }
  /** Answers `ask`, and tells of an entry. */
  | { is: 'here' }
  | { is: 'gone' }
  | { is: 'take'; from: string }
  | { is: 'give'; to: string; session: Record<string, unknown> };

/** The part of a BroadcastChannel that is used; tests have one of their own. */
export interface Channel {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

export class Tabs {
  readonly #own = crypto.randomUUID();
  readonly #channel: Channel | undefined;
  #taken: ((session: KeptSession | undefined) => void) | undefined;
  #found: (() => void) | undefined;
  /** Set while this tab is in the meeting: gives its session away, and with it its place. */
  #give: (() => KeptSession) | undefined;

  constructor(
    meetingId: string,
    /** Told when another tab comes in or goes. */
    private readonly onOther: (here: boolean) => void,
    open: (name: string) => Channel | undefined = broadcast,
  ) {
    this.#channel = open(`lectern ${meetingId}`);
    if (this.#channel !== undefined) {
      this.#channel.onmessage = ({ data }) => this.#receive(data as Message | null);
    }
  }

  /** Whether another tab is in this meeting. */
  find(): Promise<boolean> {
    return this.#ask({ is: 'ask', from: this.#own }, FIND_MS, false, (answer) => {
      this.#found = () => answer(true);
    });
  }

  /** Takes the place of the other tab, which then leaves; undefined when there is none. */
  take(): Promise<KeptSession | undefined> {
    return this.#ask<KeptSession | undefined>(
      { is: 'take', from: this.#own },
      TAKE_MS,
      undefined,
      (answer) => (this.#taken = answer),
    );
  }

  /** From now on this tab is the one in the meeting. */
  hold(give: () => KeptSession): void {
    const held = this.#give !== undefined;
    this.#give = give;
    if (!held) this.#send({ is: 'here' });
  }

  /** This tab is no longer in the meeting. */
  release(): void {
    if (this.#give === undefined) return;
    this.#give = undefined;
    this.#send({ is: 'gone' });
  }

  close(): void {
    this.release();
    this.#channel?.close();
  }

  #ask<T>(
    message: Message,
    patienceMs: number,
    none: T,
    listen: (answer: (value: T) => void) => void,
  ): Promise<T> {
    if (this.#channel === undefined) return Promise.resolve(none);
    return new Promise((resolve) => {
      setTimeout(() => resolve(none), patienceMs);
      listen(resolve);
      this.#send(message);
    });
  }

  #send(message: Message): void {
    this.#channel?.postMessage(message);
  }

  #receive(message: Message | null): void {
    switch (message?.is) {
      case 'ask':
        if (this.#give !== undefined) this.#send({ is: 'here' });
        return;
      case 'here':
        this.#found?.();
        return this.onOther(true);
      case 'gone':
        return this.onOther(false);
      case 'take':
        return this.#handOver(message.from);
      case 'give':
        if (message.to === this.#own) this.#taken?.(checked(message.session));
        return;
    }
  }

  #handOver(to: string): void {
    if (this.#give === undefined) return;
    const session = { ...this.#give() };
    this.#give = undefined;
    this.#send({ is: 'give', to, session });
  }
}

function broadcast(name: string): Channel | undefined {
  return typeof BroadcastChannel === 'function' ? new BroadcastChannel(name) : undefined;
}
