// What happens around a meeting: the network comes and goes, the computer sleeps, the page closes.
import { onWake } from '../../wake';
import { onPageGone } from './page-gone';

export interface Surroundings {
  network(there: boolean): void;
  woke(): void;
  gone(): void;
}

/** Tells of all that until the function that comes back is called. */
export function hear({ network, woke, gone }: Surroundings): () => void {
  const offline = (): void => network(false);
  const online = (): void => network(true);
  window.addEventListener('offline', offline);
  window.addEventListener('online', online);
  const stops = [onWake(woke), onPageGone(gone)];
  return () => {
    window.removeEventListener('offline', offline);
    window.removeEventListener('online', online);
    for (const stop of stops) stop();
  };
}
