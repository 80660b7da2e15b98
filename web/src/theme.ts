// Dark or light: the system's wish unless the person chose. public/theme.js does the first paint.
import { Store } from './store';
import { recall, remember } from './remembered';

export type ThemeChoice = 'system' | 'light' | 'dark';

const dark = window.matchMedia('(prefers-color-scheme: dark)');

export const theme = new Store<{ choice: ThemeChoice }>({ choice: recall('theme') });

export function chooseTheme(choice: ThemeChoice): void {
  remember('theme', choice);
  theme.set({ choice });
  apply();
}

function apply(): void {
  const { choice } = theme.value;
  const shown = choice === 'system' ? (dark.matches ? 'dark' : 'light') : choice;
  document.documentElement.dataset['theme'] = shown;
}

dark.addEventListener('change', apply);
apply();
