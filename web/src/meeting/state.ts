// What the views of a meeting render: plain data, replaced as a whole at each change.
import type { RecordingTrouble } from '../recording';
import type { Role } from '../session';
import type { TroubleKind } from '../trouble';
import type { Size } from '../zoom';
import type { Message } from './chat';
import type { Quality } from './quality';

/** A moving picture that can be put into a video element. */
export interface Picture {
  readonly id: string;
  attach(element: HTMLVideoElement): void;
  detach(element: HTMLVideoElement): void;
}

/**
 * `off`: nothing is published. `waiting`: published, not here yet. `unplayable`: in a format that this
 * browser does not know. `paused`: the server holds it back because the network is full. `live`: frames
 * flow, or should.
 */
export type PictureStatus = 'off' | 'waiting' | 'unplayable' | 'paused' | 'live';

export interface View {
  status: PictureStatus;
  picture?: Picture;
}

export type MicrophoneStatus = 'none' | 'muted' | 'on';

export interface Person {
  identity: string;
  name: string;
  self: boolean;
  role: Role;
  microphone: MicrophoneStatus;
  speaking: boolean;
  camera: View;
  /** When the hand went up, in milliseconds since 1970. */
  handRaisedAt?: number;
  sharing: boolean;
  quality: Quality;
}

export interface Share {
  /** The track's id. */
  id: string;
  identity: string;
  name: string;
  self: boolean;
  withSound: boolean;
  view: View;
  /** As published, in pixels; what is received may be a smaller layer. */
  size?: Size;
}

/** Why there is no connection any more; `left` is the person's own wish. */
export type Ending = 'left' | TroubleKind;

export type Phase =
  | { is: 'connecting' }
  | { is: 'live' }
  | { is: 'reconnecting'; attempt: number }
  | { is: 'ended'; ending: Ending };

export type Sharing = 'no' | 'choosing' | 'live';

/** Who may come in, as everybody in the meeting is told. */
export interface Door {
  locked: boolean;
  lobby: boolean;
  /** A PIN is asked for; which one, nobody is told. */
  pin: boolean;
}

/** A recording, as everybody in the meeting is told of it. */
export interface Recorded {
  id: string;
  /** Who turned it on. */
  by: string;
  /** Milliseconds since 1970. */
  since: number;
  /** It has stopped by itself, for this reason; without its recorder it waits for another. */
  trouble?: RecordingTrouble;
}

/** Somebody in the lobby. */
export interface Waiting {
  identity: string;
  name: string;
  /** To the hosts; empty when nothing was written. */
  message: string;
  /** Milliseconds since 1970. */
  since: number;
}

export interface MeetingState {
  phase: Phase;
  meetingId: string;
  meetingName: string;
  role: Role;
  /** Self first, then in the order of joining. */
  people: Person[];
  /** Newest last. */
  shares: Share[];
  sharing: Sharing;
  /** A device is being switched on: its button waits. */
  microphoneBusy: boolean;
  cameraBusy: boolean;
  messages: Message[];
  unread: number;
  audioBlocked: boolean;
  poorNetwork: boolean;
  offline: boolean;
  door: Door;
  /** An owner or a presenter is here. */
  host: boolean;
  /** Who waits in the lobby, first come first; presenters and owners alone are told. */
  waiting: Waiting[];
  /** A share ended with the connection or the page, and only a click can start another. */
  shareLost: boolean;
  /** The recording that goes on, or stopped by itself; none where none is wished. */
  recording?: Recorded;
  /** Something failed that does not end the meeting. */
  trouble?: TroubleKind;
}

export const initialState: MeetingState = {
  phase: { is: 'connecting' },
  meetingId: '',
  meetingName: '',
  role: 'viewer',
  people: [],
  shares: [],
  sharing: 'no',
  microphoneBusy: false,
  cameraBusy: false,
  messages: [],
  unread: 0,
  audioBlocked: false,
  poorNetwork: false,
  offline: false,
  door: { locked: false, lobby: false, pin: false },
  host: true,
  waiting: [],
  shareLost: false,
};

/** What is left once this person is out. */
export const outside: Partial<MeetingState> = {
  people: [],
  shares: [],
  sharing: 'no',
  waiting: [],
  recording: undefined,
  microphoneBusy: false,
  cameraBusy: false,
  audioBlocked: false,
  poorNetwork: false,
};

/** Owners present, too. */
export function presents(role: Role): boolean {
  return role !== 'viewer';
}

const RANK: Record<Role, number> = { viewer: 0, presenter: 1, owner: 2 };

/** Whether one may mute, remove and the like another one. */
export function mayModerate(own: Role, { role, self }: Pick<Person, 'role' | 'self'>): boolean {
  return presents(own) && !self && RANK[role] <= RANK[own];
}

export function selfOf(state: MeetingState): Person | undefined {
  return state.people.find((person) => person.self);
}

/** Whether a microphone or camera may be switched now: one that is on its way would come twice. */
export function canSwitch(state: MeetingState, kind: 'microphone' | 'camera'): boolean {
  const { role, phase } = state;
  const busy = kind === 'microphone' ? state.microphoneBusy : state.cameraBusy;
  return presents(role) && !busy && (phase.is === 'live' || phase.is === 'reconnecting');
}

/** Whether what happens now is kept, or may be at any moment. */
export function isRecorded({ recording }: Pick<MeetingState, 'recording'>): boolean {
  return recording !== undefined && (recording.trouble === undefined || waits(recording));
}

/** Whether it goes on by itself as soon as a recorder is there. */
export function waits({ trouble }: Recorded): boolean {
  return trouble === 'recorder_lost';
}

/** Raised hands, first raised first. */
export function handsOf(people: readonly Person[]): Person[] {
  return people
    .filter((person) => person.handRaisedAt !== undefined)
    .sort((a, b) => (a.handRaisedAt ?? 0) - (b.handRaisedAt ?? 0));
}
