// The recordings of a meeting as a page shows them: older ones on demand, and what is under way
// looked at again and again while somebody looks.
import { ApiError } from './http';
import { isUnderWay, type Recording } from './recording';
import { recordingRefusal, type RecordingsPage } from './recordings';
import { Store } from './store';
import type { TroubleKind } from './trouble';

/** Often enough for a bar that moves. */
export const LOOK_MS = 2_000;

/** After errors the pause grows up to this. */
const MOST_PAUSE_MS = 30_000;

/** More at once would be a burst for a bar or two that move; the others get their turn. */
const LOOKED_AT_ONCE = 4;

export interface Listed {
  /** The latest first. */
  recordings: Recording[];
  phase: 'loading' | 'ready' | 'failed';
  /** Why there is no list. */
  failure?: TroubleKind;
  /** Older ones are left. */
  more: boolean;
  loadingMore: boolean;
  /** Older ones could not be had. */
  moreFailure?: TroubleKind;
  /** What is shown may be out of date: the server does not answer. */
  stale: boolean;
}

/** What is asked of the server. */
export interface ListSource {
  page(before?: string): Promise<RecordingsPage>;
  one(recording: string): Promise<Recording>;
}

export class RecordingList {
  readonly state = new Store<Listed>({
    recordings: [],
    phase: 'loading',
    more: false,
    loadingMore: false,
    stale: false,
  });
  /** What was changed here since a look began is newer than what that look brings. */
  readonly #changed = new Map<string, number>();
  #changes = 0;
  #failures = 0;
  #turn = 0;
  #watched = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly source: ListSource) {}

  /** The latest ones, at first or anew; older ones that are shown already stay. */
  async load(): Promise<void> {
    const { phase, recordings } = this.state.value;
    const began = this.#changes;
    if (phase === 'failed') this.state.set({ phase: 'loading' });
    try {
      const page = await this.source.page();
      this.state.set({ phase: 'ready', failure: undefined, stale: false });
      this.#failures = 0;
      this.#merge(page, began, recordings.length === 0);
    } catch (error) {
      console.info('No recordings:', error);
      if (this.state.value.phase === 'ready') this.state.set({ stale: true });
      else this.state.set({ phase: 'failed', failure: recordingRefusal(error) });
    }
    this.#plan();
  }

  async loadMore(): Promise<void> {
    const { recordings, loadingMore } = this.state.value;
    const oldest = recordings.at(-1);
    if (oldest === undefined || loadingMore) return;
    this.state.set({ loadingMore: true, moreFailure: undefined });
    try {
      const { recordings: older, more } = await this.source.page(oldest.startedAt);
      const known = new Set(this.state.value.recordings.map(({ id }) => id));
      const fresh = older.filter(({ id }) => !known.has(id));
      this.state.set({ recordings: [...this.state.value.recordings, ...fresh], more });
    } catch (error) {
      console.info('No older recordings:', error);
      this.state.set({ moreFailure: recordingRefusal(error) });
    }
    this.state.set({ loadingMore: false });
    this.#plan();
  }

  /** Takes what the server answered to a change. */
  put(recording: Recording): void {
    this.#note(recording.id);
    this.#replace([recording]);
    this.#plan();
  }

  drop(id: string): void {
    this.#note(id);
    const { recordings } = this.state.value;
    this.state.set({ recordings: recordings.filter((recording) => recording.id !== id) });
  }

  /** Looks at what is under way as long as somebody sees it. */
  watch(on: boolean): void {
    if (this.#watched === on) return;
    this.#watched = on;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // Whoever comes back to the page finds it as it is now.
    if (on && this.state.value.phase === 'ready') void this.load();
  }

  #plan(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { recordings, stale } = this.state.value;
    if (!this.#watched || !(stale || recordings.some(isUnderWay))) return;
    const pause = Math.min(LOOK_MS * 2 ** this.#failures, MOST_PAUSE_MS);
    this.#timer = setTimeout(() => void this.#look(), pause);
  }

  async #look(): Promise<void> {
    const under = this.state.value.recordings.filter(isUnderWay);
    if (under.length === 0) return this.load();
    const began = this.#changes;
    const first = this.#turn % under.length;
    const turn = [...under.slice(first), ...under.slice(0, first)].slice(0, LOOKED_AT_ONCE);
    this.#turn = under.length > LOOKED_AT_ONCE ? first + LOOKED_AT_ONCE : 0;
    try {
      const looks = await Promise.all(turn.map(({ id }) => this.#one(id)));
      this.#replace(looks.flatMap((look) => look ?? []).filter(({ id }) => this.#isNew(id, began)));
      this.#failures = 0;
      this.state.set({ stale: false });
    } catch (error) {
      console.info('A look at the recordings failed:', error);
      this.#failures += 1;
      this.state.set({ stale: true });
    }
    this.#plan();
  }

  /** One that is gone leaves the list. */
  async #one(id: string): Promise<Recording | undefined> {
    try {
      return await this.source.one(id);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
      this.drop(id);
      return undefined;
    }
  }

  #merge({ recordings: latest, more }: RecordingsPage, began: number, first: boolean): void {
    const { recordings: before, more: moreBefore } = this.state.value;
    const ids = new Set(latest.map(({ id }) => id));
    const oldest = Date.parse(latest.at(-1)?.startedAt ?? '');
    // What the page would hold and does not is gone; what is older than the page stays.
    const older = more ? before.filter(({ startedAt }) => Date.parse(startedAt) < oldest) : [];
    const fresh = latest.flatMap((recording) => {
      if (this.#isNew(recording.id, began)) return [recording];
      // Changed here meanwhile, or dropped.
      return before.filter(({ id }) => id === recording.id);
    });
    const kept = older.filter(({ id }) => !ids.has(id));
    this.state.set({
      recordings: [...fresh, ...kept],
      more: first || kept.length === 0 ? more : moreBefore,
    });
  }

  #replace(fresh: readonly Recording[]): void {
    const { recordings } = this.state.value;
    this.state.set({
      recordings: recordings.map((known) => fresh.find(({ id }) => id === known.id) ?? known),
    });
  }

  #note(id: string): void {
    this.#changes += 1;
    this.#changed.set(id, this.#changes);
  }

  #isNew(id: string, began: number): boolean {
    return (this.#changed.get(id) ?? 0) <= began;
  }
}
