// What stands on the stage and who is in the strip beside it.
import { presents, type MeetingState, type Person, type Share } from './state';

/** What a person fixed on the stage, until it ends or is unpinned. */
export type Pin = { share: string } | { person: string };

export type Focus =
  | { is: 'share'; share: Share }
  | { is: 'person'; person: Person }
  /** Nothing is shared: those who can speak, side by side. */
  | { is: 'grid'; people: Person[] }
  /** Nothing is shared and nobody can be seen: a presenter is asked to share, a viewer waits. */
  | { is: 'empty' };

/** More pictures than this are too small to recognise anybody. */
const GRID_LIMIT = 12;

/** More tiles than this are never scrolled through; the list of people has everybody. */
export const STRIP_LIMIT = 24;

export function focusOf(state: MeetingState, pin: Pin | undefined): Focus {
  const pinned = pin === undefined ? undefined : findPin(state, pin);
  if (pinned !== undefined) return pinned;
  // Others' screens come first: what I share, I see already.
  const share = state.shares.findLast(({ self }) => !self) ?? state.shares.at(-1);
  if (share !== undefined) return { is: 'share', share };
  const people = state.people.filter((person) => isOnStage(person));
  const seen = people.some((person) => person.camera.status !== 'off');
  if (!seen) return { is: 'empty' };
  return { is: 'grid', people: byImportance(people).slice(0, GRID_LIMIT) };
}

/** The pin that is still good, or none when what it held is gone. */
export function keepPin(state: MeetingState, pin: Pin | undefined): Pin | undefined {
  return pin !== undefined && findPin(state, pin) !== undefined ? pin : undefined;
}

export function stripOf(state: MeetingState, focus: Focus): { shown: Person[]; hidden: number } {
  if (focus.is === 'grid') return { shown: [], hidden: 0 };
  const onStage = focus.is === 'person' ? focus.person.identity : undefined;
  const people = state.people.filter((person) => isOnStage(person) && person.identity !== onStage);
  const shown = byImportance(people).slice(0, STRIP_LIMIT);
  return { shown, hidden: people.length - shown.length };
}

/** Viewers publish nothing: they are in the list of people, not in the picture. */
function isOnStage(person: Person): boolean {
  return presents(person.role) || person.camera.status !== 'off' || person.microphone !== 'none';
}

/** Speakers among many come to the front; a handful stay where they are, or faces would jump. */
function byImportance(people: readonly Person[]): Person[] {
  if (people.length <= 5) return [...people];
  const rank = (person: Person): number =>
    person.self ? 0 : person.speaking ? 1 : person.camera.status !== 'off' ? 2 : 3;
  return [...people].sort((a, b) => rank(a) - rank(b));
}

function findPin(state: MeetingState, pin: Pin): Focus | undefined {
  if ('share' in pin) {
    const share = state.shares.find(({ id }) => id === pin.share);
    return share && { is: 'share', share };
  }
  const person = state.people.find(({ identity }) => identity === pin.person);
  return person && { is: 'person', person };
}
