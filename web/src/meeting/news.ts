// Things that happen in a meeting, told once: to screen readers and as short notes.
import { isolated } from '../plain';
import type { Role } from '../session';
import { texts } from '../texts';
import { troubles, type TroubleKind } from '../trouble';
import type { RecordingTrouble } from '../recording';
import { presents, type MeetingState } from './state';

export type News =
  | { is: 'connected'; meeting: string }
  | { is: 'reconnecting' }
  | { is: 'reconnected' }
  | { is: 'joined'; identity: string; name: string }
  | { is: 'left'; identity: string; name: string }
  | { is: 'back'; name: string }
  | { is: 'knock'; identity: string; name: string; others: number }
  | { is: 'role'; before: Role; role: Role }
  | { is: 'host'; here: boolean }
  | { is: 'door'; what: 'locked' | 'lobby' | 'pin'; on: boolean }
  | { is: 'share-stopped' }
  | { is: 'recording-started'; name: string; found: boolean }
  | { is: 'recording-stopped'; byItself: boolean }
  | { is: 'recording-interrupted'; on: boolean }
  | { is: 'share-started'; name: string; self: boolean }
  | { is: 'share-ended'; name: string; self: boolean }
  | { is: 'hand'; name: string; self: boolean; raised: boolean }
  | { is: 'message'; name: string; text: string }
  | { is: 'microphone'; on: boolean; byOther: boolean }
  | { is: 'camera'; on: boolean; byOther: boolean };

/** How a piece of news is told. */
export interface Telling {
  text: string;
  /** Shown as a note, not only spoken by a screen reader. */
  shown: boolean;
  /** Interrupts what a screen reader says at the moment. */
  urgent: boolean;
}

/** A screen reader gets the beginning of a long message; the chat has the rest. */
const SPOKEN_CHARACTERS = 200;

export function tell(news: News): Telling {
  return 'name' in news ? told({ ...news, name: isolated(news.name) }) : told(news);
}

function told(news: News): Telling {
  const t = texts.news;
  switch (news.is) {
    case 'connected':
      return spoken(t.connected(news.meeting));
    case 'reconnecting':
      return { text: t.reconnecting, shown: false, urgent: true };
    case 'reconnected':
      return { text: t.reconnected, shown: true, urgent: true };
    case 'joined':
      return shown(t.joined(news.name));
    case 'left':
      return shown(t.left(news.name));
    case 'back':
      return shown(t.back(news.name));
    case 'knock':
      return shown(t.knock(news.name, news.others));
    case 'role':
      return { text: t.role(news.before, news.role), shown: true, urgent: true };
    case 'host':
      return spoken(news.here ? t.hostHere : texts.banner.noHost);
    case 'door':
      return spoken(t.door[news.what][news.on ? 'on' : 'off']);
    case 'share-stopped':
      return { text: t.shareStoppedByOther, shown: true, urgent: true };
    // Whoever speaks next should know: this comes first.
    case 'recording-started':
      return {
        text: news.found ? t.recordingFound(news.name) : t.recordingStarted(news.name),
        shown: true,
        urgent: true,
      };
    case 'recording-stopped':
      return shown(news.byItself ? t.recordingBroke : t.recordingStopped);
    case 'recording-interrupted':
      return shown(news.on ? t.recordingInterrupted : t.recordingGoesOn);
    case 'share-started':
      return news.self ? spoken(t.ownShareStarted) : shown(t.shareStarted(news.name));
    case 'share-ended':
      return shown(news.self ? t.ownShareEnded : t.shareEnded(news.name));
    case 'hand':
      if (news.self) return spoken(news.raised ? t.ownHandRaised : t.ownHandLowered);
      return news.raised ? shown(t.handRaised(news.name)) : spoken(t.handLowered(news.name));
    case 'message':
      return shown(t.message(news.name, news.text.slice(0, SPOKEN_CHARACTERS)));
    case 'microphone':
      if (news.byOther) return { text: t.mutedByOther, shown: true, urgent: true };
      return spoken(news.on ? t.unmuted : t.muted);
    case 'camera':
      if (news.byOther) return { text: t.cameraOffByOther, shown: true, urgent: true };
      return spoken(news.on ? t.cameraStarted : t.cameraStopped);
  }
}

/** What the banner begins to say between two states. Notes are not shown: the banner is. */
export function begun(before: MeetingState, after: MeetingState): Telling[] {
  const lines = [
    ['offline', texts.banner.offline],
    ['poorNetwork', texts.banner.poor],
    ['audioBlocked', texts.stage.startAudioBody],
    ['shareLost', texts.banner.shareLost],
  ] as const;
  const told = lines
    .filter(([line]) => after[line] && !before[line])
    .map(([, text]) => spoken(text));
  const { trouble, recording } = after;
  const broken = recording?.trouble;
  if (broken !== undefined && before.recording?.trouble === undefined && presents(after.role)) {
    told.push({ text: brokenText(broken).join(' '), shown: false, urgent: true });
  }
  if (trouble === undefined || trouble === before.trouble) return told;
  const { title, body } = troubles[trouble];
  return [...told, { text: `${title}. ${body}`, shown: false, urgent: !isCalm(trouble) }];
}

/** That a recording stopped by itself, and why, with what a presenter can do. */
export function brokenText(trouble: RecordingTrouble): [title: string, body: string] {
  const t = texts.recorded;
  const { what, inMeeting } = t.reasons[trouble];
  return [trouble === 'recorder_lost' ? t.waits : t.broke, `${what} ${inMeeting}`];
}

/** A closed picker was the person's own choice: it is said, not shouted. */
export function isCalm(trouble: TroubleKind): boolean {
  return trouble === 'share-cancelled';
}

const spoken = (text: string): Telling => ({ text, shown: false, urgent: false });
const shown = (text: string): Telling => ({ text, shown: true, urgent: false });
