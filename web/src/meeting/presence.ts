// Keeps the display awake during a meeting, and shows it in full.

/** Asks for the wake lock, and again each time the page comes back to the front. */
export class WakeLock {
  #lock: WakeLockSentinel | undefined;
  #wanted = false;

  start(): void {
    this.#wanted = true;
    document.addEventListener('visibilitychange', this.#request);
    this.#request();
  }

  stop(): void {
    this.#wanted = false;
    document.removeEventListener('visibilitychange', this.#request);
    void this.#lock?.release();
    this.#lock = undefined;
  }

  readonly #request = (): void => {
    if (document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return;
    navigator.wakeLock.request('screen').then(
      (lock) => {
        if (this.#wanted) this.#lock = lock;
        else void lock.release();
      },
      (error: unknown) => console.info('The display may go to sleep:', error),
    );
  };
}

/** Shows an element in full where the browser can; phones of Apple cannot. */
export async function enterFullscreen(element: HTMLElement): Promise<boolean> {
  if (typeof element.requestFullscreen !== 'function') return false;
  try {
    await element.requestFullscreen({ navigationUI: 'hide' });
    return true;
  } catch (error) {
    console.info('No full screen:', error);
    return false;
  }
}

export async function leaveFullscreen(): Promise<void> {
  if (document.fullscreenElement !== null) await document.exitFullscreen();
}
