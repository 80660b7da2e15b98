// Notices that the computer or the page slept: timers stood still, and the clock jumped.

/** How often the clock is looked at. */
const LOOK_MS = 5_000;

/** Background pages are held up for a minute at most: a longer gap was a sleep. */
const SLEPT_MS = 65_000;

/** Calls back with how long it slept, until the function that comes back is called. */
export function onWake(
  listener: (sleptMs: number) => void,
  now: () => number = Date.now,
): () => void {
  let seen = now();
  const look = (): void => {
    const gap = now() - seen;
    seen = now();
    if (gap > SLEPT_MS) listener(gap);
  };
  const timer = setInterval(look, LOOK_MS);
  // A page that comes to the front does not wait for the timer.
  document.addEventListener('visibilitychange', look);
  document.addEventListener('resume', look);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', look);
    document.removeEventListener('resume', look);
  };
}
