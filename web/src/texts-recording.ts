// The English texts of recordings: in the meeting, on the page of their owner, and behind a link.
import type { Job, Layout, RecordingTrouble } from './recording';
import { isolated } from './plain';

interface Reason {
  /** In a sentence of its own. */
  what: string;
  /** What is left, and what to do: in the meeting. */
  inMeeting: string;
  /** The same for the owner, afterwards. */
  after: string;
}

const kept = 'What was recorded until then is kept.';

const reasons: Record<RecordingTrouble, Reason> = {
  disk_full: {
    what: 'The recorder has no room left.',
    inMeeting: `${kept} Ask whoever runs this server to make room, then record again.`,
    after: `${kept} Ask whoever runs this server to make room for the next one.`,
  },
  write_failed: {
    what: 'The recorder could not write.',
    inMeeting: `${kept} Record again; if it stops once more, ask whoever runs this server.`,
    after: `${kept} If it happens again, ask whoever runs this server.`,
  },
  recorder_lost: {
    what: 'The recorder does not answer any more.',
    inMeeting: 'It goes on by itself as soon as one is there; until then nothing is kept.',
    after: `${kept} Its film is made once the recorder is back.`,
  },
  compose_failed: {
    what: 'No film could be made of it.',
    inMeeting: 'What was recorded is kept. Record again for what comes now.',
    after: 'What each person sent may still be there below. Try another layout.',
  },
  storage_failed: {
    what: 'It could not be put where recordings are kept.',
    inMeeting: 'It is still on the recorder, which goes on trying.',
    after: 'It is still on the recorder, which goes on trying.',
  },
  unknown: {
    what: 'Something went wrong with it.',
    inMeeting: `${kept} Record again; if it stops once more, ask whoever runs this server.`,
    after: `${kept} Ask whoever runs this server.`,
  },
};

const layouts: Record<Layout, { name: string; hint: string }> = {
  beside: {
    name: 'Screen and people',
    hint: 'The shared screen large, the cameras beside it.',
  },
  screen: {
    name: 'Screen only',
    hint: 'The shared screen alone; who speaks, where none is shared.',
  },
  speaker: {
    name: 'Who speaks',
    hint: 'Whoever speaks is large, the others are small.',
  },
  grid: {
    name: 'Everybody',
    hint: 'Screen and cameras, all of the same size.',
  },
};

const days = (count: number): string => (count === 1 ? '1 day' : `${count} days`);

const by = (name: string): string => (name === '' ? '' : `by ${isolated(name)}`);

export const recording = {
  recorded: {
    sign: 'Recording',
    by,
    interrupted: 'Recording interrupted',
    stopped: 'Recording stopped',
    note: 'This meeting is being recorded',
    noteBody: (name: string): string =>
      `${name === '' ? 'It' : `${isolated(name)} turned it on: it`} keeps screens, cameras and sound, also yours once you turn them on.`,
    noteViewer: (name: string): string =>
      name === ''
        ? 'Screens, cameras and sound are kept.'
        : `${isolated(name)} turned it on: screens, cameras and sound are kept.`,
    understood: 'OK',
    broke: 'The recording stopped.',
    waits: 'The recording is interrupted.',
    again: 'Record again',
    reasons,
  },

  record: {
    startTitle: 'Record this meeting?',
    startBody:
      'Everybody sees a sign for as long as it goes on, and whoever comes later is told before anything of them is sent.',
    startWhat: 'Screens, cameras and sound are recorded. The chat is not.',
    startWhere: 'The film is ready some minutes after the end, on the recordings page.',
    startElsewhere: 'Whoever made the meeting finds the film on the recordings page.',
    start: 'Start recording',
    stopTitle: 'Stop the recording?',
    stopBody:
      'The film is made of what was recorded until now. Recording again begins another one.',
    stop: 'Stop recording',
    goOn: 'Go on recording',
  },

  recordings: {
    title: 'Recordings',
    of: (meeting: string): string => `Recordings · ${meeting}`,
    open: 'Recordings',
    openOf: (meeting: string): string => `Recordings of ${isolated(meeting)}`,
    loading: 'Looking for recordings…',
    reload: 'Look again',
    stale:
      'The server does not answer right now. What you see may be out of date; we go on trying.',
    empty: 'Nothing is recorded yet',
    emptyBody:
      'Presenters turn recording on in the meeting, by “Record” below the stage. What was recorded appears here.',
    more: 'Show more',
    moreLoading: 'Looking for more…',
    count: (count: number, more: boolean): string =>
      more ? `The latest ${count}` : count === 1 ? '1 recording' : `${count} recordings`,
    noKey: 'This browser has no key to these recordings',
    noKeyBody:
      'The browser in which the meeting was made keeps it. Open this page there, or ask whoever made the meeting for a link.',
    refused: 'The key to these recordings is no longer good',
    refusedBody:
      'The meeting may have been deleted with all that was recorded, or the key may have been replaced.',
    untitled: 'Untitled recording',
    startedBy: (name: string): string => `by ${isolated(name)}`,
    expires: (when: string): string => `Deleted by itself on ${when}`,
    keptForGood: 'Kept until you delete it',
    states: {
      recording: 'Recording now',
      processing: 'Being prepared',
      ready: 'Ready',
      failed: 'Failed',
    },
    unreachable:
      'The recorder that keeps it cannot be reached right now. Nothing is lost; look again later.',
    noFilm: 'There is no film of it.',
    play: 'Play',
    playThis: (title: string): string => `Play ${title}`,
    closePlayer: 'Close',
    download: 'Download',
    downloadThis: (title: string, size: string): string => `Download ${title}, ${size}`,
    menu: 'More',
    menuOf: (title: string): string => `More for ${title}`,
    rename: 'Rename',
    renameThis: (title: string): string => `Rename ${title}`,
    titleLabel: 'Title',
    titleMissing: 'Type a title.',
    save: 'Save',
    share: 'Share',
    shareThis: (title: string): string => `Share ${title}`,
    shared: (count: number): string =>
      count === 1 ? 'Shared by 1 link' : `Shared by ${count} links`,
    tracks: (count: number): string =>
      count === 1 ? 'What each person sent · 1 file' : `What each person sent · ${count} files`,
    tracksHint:
      'One file of each camera, screen and microphone, as it was sent: for cutting your own film.',
    trackOf: (name: string): string => (name === '' ? 'Somebody' : name),
    trackFrom: (at: string): string => `from ${at}`,
    sound: 'Sound',
    picture: (width: number, height: number): string => `Picture, ${width} × ${height}`,
    films: 'Films',
    without: (count: number): string =>
      count === 1 ? 'without 1 person' : `without ${count} people`,
  },

  jobs: {
    label: ({ kind, layout }: Pick<Job, 'kind' | 'layout'>): string =>
      kind === 'tracks' ? 'What each person sent' : `Film: ${layouts[layout ?? 'beside'].name}`,
    waiting: 'waiting',
    percent: (progress: number): string => `${Math.floor(progress * 100)} %`,
    failed: 'It could not be made.',
    again: 'Try again',
  },

  player: {
    label: (title: string): string => `Film: ${title}`,
    opening: 'Opening the film…',
    moments: 'Moments',
    momentAt: (at: string): string => `Go to ${at}`,
    failed: 'The film cannot be played right now',
    unplayable: 'This browser cannot play the film',
    unplayableBody: 'Download it, or try another browser.',
  },

  film: {
    title: 'Make another film',
    lead: 'The one that is there stays. It may take as long as the recording lasts, and goes on without this page.',
    layout: 'What does it show?',
    there: 'There is one already',
    people: 'Who is in it?',
    peopleHint: 'Whoever is left out is neither seen nor heard, with everything they shared.',
    person: (name: string, times: number): string =>
      times === 1 ? name : `${name} (came ${times} times)`,
    nobody: 'Somebody must be in it.',
    make: 'Make the film',
    making: 'One moment…',
    layouts,
  },

  destroy: {
    title: 'Delete this recording?',
    body: 'Its films, what each person sent, and all links to it are destroyed at once, for everybody. Nobody can bring them back.',
    menu: 'Delete',
    confirm: 'Delete for good',
    keep: 'Keep it',
    running: 'It is still being recorded. Stop the recording in the meeting first.',
    done: (title: string): string => `${isolated(title)} was deleted`,
  },

  shares: {
    title: 'Share the recording',
    lead: 'Whoever has the link can watch it in a browser, without an account, until the link ends.',
    lives: 'The link ends after',
    days,
    download: 'They may download the film, too',
    make: 'Make a link',
    link: 'Link to the recording',
    once: 'Copy it now: for safety, it is shown this once.',
    list: 'Links that work',
    none: 'No link leads to it yet.',
    until: (when: string): string => `Until ${when}`,
    plays: 'to watch',
    downloads: 'to watch and download',
    end: 'End',
    endThis: (when: string): string => `End the link that works until ${when}`,
    ended: 'The link was ended',
    noFilm: 'There is nothing to watch yet: the link shows the film as soon as it is ready.',
  },

  shared: {
    title: 'Recording',
    opening: 'Opening the recording…',
    expires: (when: string): string => `This link works until ${when}.`,
    download: 'Download the film',
    film: (number: number): string => `Film ${number}`,
    notYet: 'The film is not ready yet',
    notYetBody: 'It is still being made. This page shows it as soon as it is there.',
    missing: 'This link is not complete',
    missingBody: 'The part after the # is missing. Ask for the whole link, or copy it again.',
    ended: 'This link does not work any more',
    endedBody:
      'Its time is over, somebody ended it, or the recording was deleted. Ask whoever gave it to you for a new one.',
  },

  keepFor: {
    label: 'Recordings are deleted after',
    usual: 'The usual time of this server',
    after: (count: number): string => (count === 365 ? '1 year' : days(count)),
  },
} as const;
