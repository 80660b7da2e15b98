// Speaks to screen readers through regions that are on the page before the text comes.

/** Old announcements are taken away, so that nobody reads them later by arrow keys. */
const CLEAR_MS = 8_000;

interface Regions {
  calm: HTMLElement;
  urgent: HTMLElement;
}

/** The newest speaks: behind an open dialog nothing is read. */
const places: Regions[] = [];

export function announce(text: string, urgent = false): void {
  const regions = places.at(-1);
  const line = document.createElement('p');
  line.textContent = text;
  regions?.[urgent ? 'urgent' : 'calm'].append(line);
  setTimeout(() => line.remove(), CLEAR_MS);
}

/** Announces inside an element from now on, until the function that comes back is called. */
export function announceIn(place: HTMLElement): () => void {
  const regions = { calm: makeRegion('status'), urgent: makeRegion('alert') };
  place.append(regions.calm, regions.urgent);
  places.push(regions);
  return () => {
    places.splice(places.indexOf(regions), 1);
    regions.calm.remove();
    regions.urgent.remove();
  };
}

function makeRegion(role: 'status' | 'alert'): HTMLElement {
  const region = document.createElement('div');
  region.setAttribute('role', role);
  region.setAttribute('aria-live', role === 'alert' ? 'assertive' : 'polite');
  region.dataset['testid'] = role === 'alert' ? 'announce-now' : 'announce';
  region.className = 'announcements visually-hidden';
  return region;
}
