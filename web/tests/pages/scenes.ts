// The states of a meeting that are looked at and checked for accessibility.
import type { Message } from '../../src/meeting/chat';
import {
  initialState,
  type MeetingState,
  type Person,
  type Share,
  type Waiting,
} from '../../src/meeting/state';
import { camera, program, slide } from './pictures';

const base: MeetingState = {
  ...initialState,
  phase: { is: 'live' },
  meetingId: 'RM_test',
  meetingName: 'Third quarter review',
};

function person(identity: string, name: string, change: Partial<Person> = {}): Person {
  return {
    identity,
    name,
    self: false,
    role: 'presenter',
    microphone: 'muted',
    speaking: false,
    camera: { status: 'off' },
    sharing: false,
    quality: 'excellent',
    ...change,
  };
}

const viewer = (identity: string, name: string, change: Partial<Person> = {}): Person =>
  person(identity, name, { role: 'viewer', microphone: 'none', ...change });

const selfPresenter = (change: Partial<Person> = {}): Person =>
  person('ada', 'Ada Lovelace', {
    self: true,
    microphone: 'on',
    camera: { status: 'live', picture: camera('Ada Lovelace', 150) },
    ...change,
  });

const selfViewer = viewer('ada', 'Ada Lovelace', { self: true, quality: 'good' });

const grace = person('grace', 'Grace Hopper', {
  microphone: 'on',
  speaking: true,
  sharing: true,
  camera: { status: 'live', picture: camera('Grace', 205) },
});
const alan = person('alan', 'Alan Turing', {
  quality: 'good',
  camera: { status: 'live', picture: camera('Alan', 20) },
});
const katherine = person('katherine', 'Katherine Johnson', { quality: 'poor', handRaisedAt: 1 });
const crowd = ['Edsger Dijkstra', 'Barbara Liskov', 'Tony Hoare'].map((name, index) =>
  viewer(`v${index}`, name, index === 1 ? { handRaisedAt: 2 } : {}),
);

function share(identity: string, name: string, change: Partial<Share> = {}): Share {
  return {
    id: `TR_${identity}`,
    identity,
    name,
    self: false,
    withSound: false,
    view: { status: 'live', picture: slide('slide') },
    ...change,
  };
}

const graceShares = share('grace', 'Grace Hopper', { withSound: true });
const ownShare = share('ada', 'Ada Lovelace', { self: true, withSound: true });

const said = (
  id: number,
  identity: string,
  name: string,
  text: string,
  minutes: number,
): Message => ({
  id: String(id),
  identity,
  name,
  self: identity === 'ada',
  text,
  at: new Date(2026, 10, 23, 14, minutes).getTime(),
});

const talk: Message[] = [
  said(1, 'grace', 'Grace Hopper', 'Good afternoon! We start in a minute.', 1),
  said(2, 'v0', 'Edsger Dijkstra', 'Hello from Nuenen', 2),
  said(3, 'v0', 'Edsger Dijkstra', 'The numbers look right this time.', 2),
  said(4, 'grace', 'Grace Hopper', 'Slides: https://example.org/q3/slides.pdf (with notes).', 4),
  said(
    5,
    'ada',
    'Ada Lovelace',
    'Thank you. Could you go back one page?\nThe table was cut off on my side.',
    6,
  ),
  said(6, 'v1', 'Barbara Liskov', '<b>not bold</b> and javascript:alert(1) stay text', 7),
];

const viewing: MeetingState = {
  ...base,
  people: [selfViewer, grace, alan, katherine, ...crowd],
  shares: [graceShares],
};

const presenting: MeetingState = {
  ...base,
  role: 'presenter',
  people: [selfPresenter(), alan, katherine, ...crowd],
};

/** Before the ticket is there, only the link says what the meeting is called and who comes. */
const connecting: MeetingState = {
  ...initialState,
  meetingName: base.meetingName,
};

const many: Person[] = Array.from({ length: 240 }, (_, index) =>
  viewer(`many${index}`, `Guest ${String(index + 1).padStart(3, '0')}`),
);

const knocking = (identity: string, name: string, message = ''): Waiting => ({
  identity,
  name,
  message,
  since: 0,
});

const hosting: MeetingState = {
  ...base,
  role: 'owner',
  people: [
    selfPresenter({ role: 'owner' }),
    { ...grace, sharing: false },
    alan,
    { ...katherine, role: 'presenter' },
    ...crowd,
  ],
  door: { locked: false, lobby: true, pin: true },
};

const recording = { id: 'RC_1', by: 'Grace Hopper', since: 0 };

const waiting: Waiting[] = [
  knocking('w1', 'Dorothy Vaughan', 'It is me, from accounting. Could you let me in, please?'),
  knocking('w2', 'Annie Easley'),
  knocking('w3', 'A guest with quite a long name that does not fit', 'Hello'),
];

export const scenes: Record<string, () => MeetingState> = {
  'viewer-connecting': () => connecting,
  'presenter-connecting': () => ({
    ...connecting,
    role: 'presenter',
    microphoneBusy: true,
    cameraBusy: true,
  }),
  'viewer-waiting': () => ({ ...base, people: [selfViewer, ...crowd] }),
  'viewer-cameras': () => ({ ...viewing, shares: [] }),
  'viewer-share': () => viewing,
  'viewer-two-shares': () => ({
    ...viewing,
    shares: [
      share('alan', 'Alan Turing', { view: { status: 'live', picture: program('code') } }),
      graceShares,
    ],
  }),
  'viewer-picture-waiting': () => ({
    ...viewing,
    people: [selfViewer, { ...grace, camera: { status: 'waiting' } }, alan],
    shares: [{ ...graceShares, view: { status: 'waiting' } }],
  }),
  'viewer-paused': () => ({
    ...viewing,
    poorNetwork: true,
    people: [
      { ...selfViewer, quality: 'poor' },
      { ...grace, camera: { status: 'paused', picture: camera('Grace', 205) } },
      alan,
    ],
    shares: [{ ...graceShares, view: { status: 'paused', picture: slide('slide') } }],
  }),
  'viewer-unplayable': () => ({
    ...viewing,
    people: [selfViewer, { ...grace, camera: { status: 'unplayable' } }, alan],
    shares: [{ ...graceShares, view: { status: 'unplayable' } }],
  }),
  'viewer-reconnecting': () => ({ ...viewing, phase: { is: 'reconnecting', attempt: 3 } }),
  'viewer-offline': () => ({ ...viewing, offline: true }),
  'viewer-audio-blocked': () => ({ ...viewing, audioBlocked: true }),
  'viewer-chat': () => ({ ...viewing, messages: talk, unread: 2 }),
  'viewer-crowd': () => ({ ...viewing, people: [...viewing.people, ...many] }),
  'presenter-alone': () => ({
    ...base,
    role: 'presenter',
    people: [selfPresenter({ camera: { status: 'off' }, microphone: 'muted' })],
  }),
  'presenter-grid': () => presenting,
  'presenter-sharing': () => ({ ...presenting, sharing: 'live', shares: [ownShare] }),
  'presenter-camera-denied': () => ({
    ...presenting,
    people: [selfPresenter({ camera: { status: 'off' } }), alan, ...crowd],
    trouble: 'camera-denied',
  }),
  host: () => hosting,
  'host-waiting': () => ({ ...hosting, waiting }),
  'host-locked': () => ({ ...hosting, door: { locked: true, lobby: false, pin: false } }),
  'viewer-no-host': () => ({
    ...base,
    people: [selfViewer, ...crowd],
    host: false,
  }),
  'presenter-share-lost': () => ({ ...presenting, shareLost: true }),
  'viewer-odd-names': () => ({
    ...viewing,
    people: [
      selfViewer,
      { ...grace, name: 'دانا شرف الدين' },
      { ...alan, name: 'Mx. Wolfeschlegelsteinhausenbergerdorffvoralternwarengewissenhaft' },
      viewer('h', '<img src=x onerror=alert(1)>'),
    ],
    messages: [
      said(1, 'grace', 'دانا شرف الدين', 'مرحبا! الشرائح: https://example.org/q3 (pdf)', 1),
      said(2, 'h', '<img src=x onerror=alert(1)>', `${'long '.repeat(80)}${'x'.repeat(400)}`, 2),
    ],
  }),
  'viewer-recorded': () => ({ ...viewing, recording }),
  'viewer-recorded-waiting': () => ({ ...base, people: [selfViewer, ...crowd], recording }),
  'viewer-recorded-odd': () => ({
    ...viewing,
    meetingName:
      'A title that is much longer than any line above a meeting could ever show in full',
    door: { locked: true, lobby: false, pin: false },
    recording: {
      ...recording,
      by: 'Mx. Wolfeschlegelsteinhausenbergerdorffvoralternwarengewissenhaft',
    },
  }),
  'viewer-recorded-rtl': () => ({ ...viewing, recording: { ...recording, by: 'دانا شرف الدين' } }),
  'viewer-recording-broke': () => ({
    ...viewing,
    recording: { ...recording, trouble: 'disk_full' },
  }),
  'presenter-recorded': () => ({ ...presenting, recording }),
  'presenter-recording-broke': () => ({
    ...presenting,
    recording: { ...recording, trouble: 'disk_full' },
  }),
  'viewer-recording-waits': () => ({
    ...viewing,
    recording: { ...recording, trouble: 'recorder_lost' },
  }),
  'presenter-recording-waits': () => ({
    ...presenting,
    recording: { ...recording, trouble: 'recorder_lost' },
  }),
  'presenter-recorder-missing': () => ({ ...presenting, trouble: 'recorder-missing' }),
  'presenter-share-cancelled': () => ({ ...presenting, trouble: 'share-cancelled' }),
};
