// Which key does what in a meeting. The list of the `?` sheet comes from the same table.
import { texts } from './texts';

export type Action =
  | 'microphone'
  | 'talk'
  | 'camera'
  | 'share'
  | 'hand'
  | 'record'
  | 'fullscreen'
  | 'chat'
  | 'people'
  | 'zoomIn'
  | 'zoomOut'
  | 'fit'
  | 'oneToOne'
  | 'help';

const keys: Record<string, Action> = {
  m: 'microphone',
  ' ': 'talk',
  v: 'camera',
  s: 'share',
  h: 'hand',
  r: 'record',
  f: 'fullscreen',
  c: 'chat',
  p: 'people',
  '+': 'zoomIn',
  '=': 'zoomIn',
  '-': 'zoomOut',
  '0': 'fit',
  '1': 'oneToOne',
  '?': 'help',
};

export interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  repeat: boolean;
}

/** Where the press happened: in a field, on a control, in a dialog, or on the bare page. */
export type Place = 'field' | 'control' | 'dialog' | 'page';

export function actionOf(press: Press, place: Place): Action | undefined {
  if (place === 'field' || place === 'dialog') return undefined;
  if (press.ctrlKey || press.metaKey || press.altKey) return undefined;
  const action = keys[press.key.length === 1 ? press.key.toLowerCase() : press.key];
  if (action === undefined) return undefined;
  // The space bar presses the control that has the focus.
  if (action === 'talk' && place === 'control') return undefined;
  // A key held down zooms on and on, but must not switch the microphone back and forth.
  const repeats = action === 'zoomIn' || action === 'zoomOut';
  return press.repeat && !repeats ? undefined : action;
}

/** The place of a key press, from the path the event took (through shadow roots). */
export function placeOf(path: readonly EventTarget[]): Place {
  const elements = path.filter((target): target is HTMLElement => target instanceof HTMLElement);
  if (elements.some((element) => element.localName === 'dialog')) return 'dialog';
  const target = elements[0];
  if (target === undefined) return 'page';
  const { localName } = target;
  if (target.isContentEditable || localName === 'textarea' || localName === 'select')
    return 'field';
  if (localName === 'input') {
    const { type } = target as HTMLInputElement;
    return type === 'checkbox' || type === 'radio' || type === 'button' ? 'control' : 'field';
  }
  const role = target.getAttribute('role');
  if (localName === 'button' || localName === 'a' || localName === 'summary') return 'control';
  return role === 'button' || role === 'menuitem' || role === 'tab' ? 'control' : 'page';
}

export interface ShortcutGroup {
  title: string;
  rows: { keys: string[]; name: string }[];
}

const t = texts.shortcuts;

export const shortcutGroups: ShortcutGroup[] = [
  {
    title: t.groups.meeting,
    rows: [
      { keys: ['M'], name: t.names.microphone },
      { keys: [t.space], name: t.names.talk },
      { keys: ['V'], name: t.names.camera },
      { keys: ['S'], name: t.names.share },
      { keys: ['H'], name: t.names.hand },
      { keys: ['R'], name: t.names.record },
    ],
  },
  {
    title: t.groups.screen,
    rows: [
      { keys: ['+'], name: t.names.zoomIn },
      { keys: ['−'], name: t.names.zoomOut },
      { keys: ['0'], name: t.names.fit },
      { keys: ['1'], name: t.names.oneToOne },
      { keys: [t.arrows], name: t.names.move },
      { keys: ['F'], name: t.names.fullscreen },
    ],
  },
  {
    title: t.groups.panels,
    rows: [
      { keys: ['C'], name: t.names.chat },
      { keys: ['P'], name: t.names.people },
      { keys: ['?'], name: t.names.help },
      { keys: [t.escape], name: t.names.close },
    ],
  },
];
