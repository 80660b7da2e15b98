// Whoever reloads the page goes and comes within seconds. Others should hear at most that somebody
// is back: so a leaving is told only when nobody came back for a while.
import type { News } from './news';

/** A reload takes a few seconds, a change of networks a few more. */
const BACK_WITHIN_MS = 20_000;

export class Comings {
  readonly #gone = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(private readonly told: (news: News) => void) {}

  tell(news: News): void {
    if (news.is === 'left') this.#left(news);
    else if (news.is === 'joined' && this.#forget(news.identity)) {
      this.told({ is: 'back', name: news.name });
    } else this.told(news);
  }

  /** The own meeting is over: nothing is told any more. */
  clear(): void {
    for (const timer of this.#gone.values()) clearTimeout(timer);
    this.#gone.clear();
  }

  #left(news: News & { is: 'left' }): void {
    this.#forget(news.identity);
    const timer = setTimeout(() => {
      this.#gone.delete(news.identity);
      this.told(news);
    }, BACK_WITHIN_MS);
    this.#gone.set(news.identity, timer);
  }

  /** Whether this person had just gone. */
  #forget(identity: string): boolean {
    clearTimeout(this.#gone.get(identity));
    return this.#gone.delete(identity);
  }
}
