// What the views may ask of a meeting. `LiveMeeting` does it over the network; the tests of the
// pages have one of their own.
import type { Emitter, Store } from '../store';
import type { DeviceKind } from '../devices/list';
import type { Act } from '../moderation';
import type { Details } from './details';
import type { News } from './news';
import type { ShareOptions } from './sharing';
import type { MeetingState } from './state';

export interface Meeting {
  readonly state: Store<MeetingState>;
  readonly news: Emitter<News>;

  setMicrophone(on: boolean): Promise<void>;
  setCamera(on: boolean): Promise<void>;
  /** Opens the browser's picker; must be called from a click or a key press. */
  startShare(options: ShareOptions): Promise<void>;
  stopShare(): Promise<void>;
  setHand(raised: boolean): Promise<void>;
  /** Resolves to false when the message could not be sent. */
  say(text: string): Promise<boolean>;
  /** While the chat is open, nothing in it is unread. */
  setChatOpen(open: boolean): void;
  startAudio(): Promise<void>;
  /** An empty id is the browser's default device. */
  useDevice(kind: DeviceKind, id: string): Promise<void>;
  /** Measurements of the last second or so of what flows from or to a person. */
  details(identity: string): Promise<Details>;
  /** Asks the server for something that presenters and owners may; false when it was refused. */
  moderate(act: Act): Promise<boolean>;
  dismissTrouble(): void;
  dismissShareLost(): void;
  rejoin(): Promise<void>;
  leave(): Promise<void>;
}
