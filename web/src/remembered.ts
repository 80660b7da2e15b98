// What this browser remembers for the person: name, devices, share options, theme. Nothing here is
// a secret; secrets live in src/link.ts, for as long as the tab.
import type { ShareOptions } from './meeting/sharing';
import { defaultShareOptions, isShareOptions } from './meeting/sharing';
import type { ThemeChoice } from './theme';

export interface DeviceChoice {
  on: boolean;
  /** Empty: the browser's default device. */
  id: string;
}

interface Remembered {
  name: string;
  theme: ThemeChoice;
  microphone: DeviceChoice;
  camera: DeviceChoice;
  speaker: string;
  share: ShareOptions;
}

const defaults: Remembered = {
  name: '',
  theme: 'system',
  microphone: { on: true, id: '' },
  camera: { on: true, id: '' },
  speaker: '',
  share: defaultShareOptions,
};

const isText = (value: unknown): boolean => typeof value === 'string' && value.length <= 300;

const isChoice = (value: unknown): boolean => {
  const choice = value as DeviceChoice | null;
  return typeof choice?.on === 'boolean' && isText(choice.id);
};

/** Stored values come from older versions or other hands: each is checked before use. */
const valid: Record<keyof Remembered, (value: unknown) => boolean> = {
  name: isText,
  theme: (value) => value === 'system' || value === 'light' || value === 'dark',
  microphone: isChoice,
  camera: isChoice,
  speaker: isText,
  share: isShareOptions,
};

export function recall<K extends keyof Remembered>(key: K): Remembered[K] {
  const text = read(`lectern.${key}`);
  if (text === null) return defaults[key];
  const value = parse(text);
  return valid[key](value) ? (value as Remembered[K]) : defaults[key];
}

export function remember<K extends keyof Remembered>(key: K, value: Remembered[K]): void {
  try {
    // Plain text stays plain, because public/theme.js reads the theme before any of this is loaded.
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    localStorage.setItem(`lectern.${key}`, text);
  } catch (error) {
    console.warn('This browser does not remember settings:', error);
  }
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch (error) {
    console.warn('This browser does not remember settings:', error);
    return null;
  }
}

function parse(text: string): unknown {
  try {
    return text.startsWith('{') ? JSON.parse(text) : text;
  } catch {
    // A half-written value is the same as none: the default is used.
    return undefined;
  }
}
