// Tells a page that goes for good from one that is loaded anew: only the first is a leave. Browsers
// without the Navigation API do not tell; there the server finds out by itself, some time later.

/** The part of the Navigation API that is used. */
interface Navigations extends EventTarget {
  addEventListener(type: 'navigate', listener: (event: Event) => void): void;
}

/** Calls back when the page is closed or left, until the function that comes back is called. */
export function onPageGone(listener: () => void): () => void {
  const { navigation } = window as { navigation?: Navigations };
  if (navigation === undefined) return () => undefined;
  let reloads = false;
  const navigates = (event: Event): void => {
    reloads = (event as Event & { navigationType?: string }).navigationType === 'reload';
  };
  const hides = ({ persisted }: PageTransitionEvent): void => {
    if (!reloads && !persisted) listener();
  };
  navigation.addEventListener('navigate', navigates);
  window.addEventListener('pagehide', hides);
  return () => {
    navigation.removeEventListener('navigate', navigates);
    window.removeEventListener('pagehide', hides);
  };
}
