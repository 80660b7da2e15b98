// Measures the own connection every few seconds, and says when to warn of it.
import { ConnectionState, type Room } from 'livekit-client';
import { PoorNetwork, qualityOf, worse, type Quality } from '../quality';
import type { Statistics } from './statistics';

/** How often the own connection is measured. */
const MEASURE_MS = 3_000;

export class Measuring {
  #timer: ReturnType<typeof setInterval> | undefined;
  #poorNetwork = new PoorNetwork();
  /** What the own connection is like, as far as it was measured. */
  quality: Quality = 'unknown';

  /** Calls back after each measurement. */
  start(room: Room, statistics: Statistics, measured: (poor: boolean) => void): void {
    this.stop();
    this.#timer = setInterval(() => void this.#measure(room, statistics, measured), MEASURE_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#poorNetwork = new PoorNetwork();
    this.quality = 'unknown';
  }

  async #measure(
    room: Room,
    statistics: Statistics,
    measured: (poor: boolean) => void,
  ): Promise<void> {
    if (room.state !== ConnectionState.Connected) return;
    const timer = this.#timer;
    const own = qualityOf(await statistics.own());
    // Stopped, or another room, meanwhile.
    if (timer !== this.#timer) return;
    this.quality = worse(own, room.localParticipant.connectionQuality as Quality);
    measured(this.#poorNetwork.observe(this.quality));
  }
}
