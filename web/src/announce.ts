// Speaks to screen readers through two regions that are always on the page.

const regions = new Map<boolean, HTMLElement>();

/** Old announcements are taken away, so that nobody reads them later by arrow keys. */
const CLEAR_MS = 8_000;

export function announce(text: string, urgent = false): void {
  const region = regionOf(urgent);
  const line = document.createElement('p');
  line.textContent = text;
  region.append(line);
  setTimeout(() => line.remove(), CLEAR_MS);
}

/** The regions have to be there before the first text comes, or it is not read. */
export function prepareAnnouncements(): void {
  regionOf(false);
  regionOf(true);
}

function regionOf(urgent: boolean): HTMLElement {
  const known = regions.get(urgent);
  if (known !== undefined) return known;
  const region = document.createElement('div');
  region.setAttribute('role', urgent ? 'alert' : 'status');
  region.setAttribute('aria-live', urgent ? 'assertive' : 'polite');
  region.dataset['testid'] = urgent ? 'announce-now' : 'announce';
  region.className = 'announcements';
  document.body.append(region);
  regions.set(urgent, region);
  return region;
}
