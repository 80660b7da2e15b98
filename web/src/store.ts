// A value that others can watch, and the Lit controller that watches it.
import type { ReactiveController, ReactiveControllerHost } from 'lit';

export type Unsubscribe = () => void;

/** Anything that can be watched for changes. */
export interface Watchable {
  subscribe(listener: () => void): Unsubscribe;
}

/** An immutable snapshot that is replaced as a whole; listeners hear of real changes only. */
export class Store<T extends object> implements Watchable {
  #value: T;
  readonly #listeners = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(patch: Partial<T>): void {
    const keys = Object.keys(patch) as (keyof T)[];
    if (keys.every((key) => Object.is(this.#value[key], patch[key]))) return;
    this.#value = { ...this.#value, ...patch };
    for (const listener of [...this.#listeners]) listener();
  }

  subscribe(listener: () => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Things that happen once, told to whoever listens at that moment. */
export class Emitter<T> {
  readonly #listeners = new Set<(item: T) => void>();

  emit(item: T): void {
    for (const listener of [...this.#listeners]) listener(item);
  }

  listen(listener: (item: T) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

type Host = ReactiveControllerHost & { isConnected: boolean };

/** Subscribes to a source for as long as its host is on the page. */
class Subscription<S> implements ReactiveController {
  #source: S | undefined;
  #stop: Unsubscribe | undefined;

  constructor(
    private readonly host: Host,
    private readonly subscribe: (source: S) => Unsubscribe,
  ) {
    host.addController(this);
  }

  /** Changes the source; call it when a property brings another one. */
  watch(source: S | undefined): void {
    if (source === this.#source) return;
    this.hostDisconnected();
    this.#source = source;
    if (this.host.isConnected) this.hostConnected();
  }

  hostConnected(): void {
    if (this.#source !== undefined) this.#stop ??= this.subscribe(this.#source);
  }

  hostDisconnected(): void {
    this.#stop?.();
    this.#stop = undefined;
  }
}

/** Renders its host again when what it watches changes. */
export class Watch extends Subscription<Watchable> {
  constructor(host: Host) {
    super(host, (watched) => watched.subscribe(() => host.requestUpdate()));
  }
}

/** Tells its host what an emitter tells. */
export class Listen<T> extends Subscription<Emitter<T>> {
  constructor(host: Host, listener: (item: T) => void) {
    super(host, (emitter) => emitter.listen(listener));
  }
}
