// The English texts on the way into a meeting: the start page, links, setup and the lobby.

/** A short time in words. */
function lasting(seconds: number): string {
  if (seconds < 100) return seconds === 1 ? '1 second' : `${seconds} seconds`;
  const minutes = Math.ceil(seconds / 60);
  return `${minutes} minutes`;
}

export const entrance = {
  start: {
    title: 'Share your screen',
    headline: 'Your screen, sharp on every other one.',
    lead: 'Start a meeting, send the link. People open it in their browser and see every word you show.',
    nameLabel: 'What is the meeting about?',
    namePlaceholder: 'Weekly review',
    nameHint: 'Optional. Viewers see this name before they join.',
    options: 'Options',
    pin: 'PIN',
    pinHint: 'Optional, 6 to 10 digits. Whoever comes by a link is asked for it.',
    pinShape: 'A PIN has 6 to 10 digits.',
    lobby: 'Viewers wait in the lobby until you let them in',
    mine: 'Your meetings',
    mineHint: 'Kept in this browser only.',
    go: 'Go to the meeting',
    goTo: (name: string): string => `Go to the meeting: ${name}`,
    forget: 'Forget',
    forgetThis: (name: string): string => `Forget ${name}`,
    forgetRecorded:
      'Its key is kept nowhere else: you cannot come back as its host, and its recordings cannot be reached any more.',
    past: (count: number): string => `Meetings that are over · ${count}`,
    overSince: (when: string): string => `over since ${when}`,
    forgetAsk: 'Its key is kept nowhere else: you cannot come back as its host.',
    until: (when: string): string => `until ${when}`,
    share: 'Share my screen',
    creating: 'Making your meeting…',
    cannotShare:
      'Browsers on phones and tablets cannot share their screen. You can still make the meeting here, speak and be seen, and share from a computer by the presenter link.',
    haveLink: 'Got a link from somebody?',
    linkLabel: 'Meeting link',
    linkPlaceholder: 'Paste the link here',
    join: 'Join',
    linkInvalid: 'That is not a complete meeting link. It has a # followed by letters and digits.',
    points: [
      'No account and no download, for you or your viewers',
      'Viewers are never asked for a camera or a microphone',
      'Nothing is recorded unless a presenter turns it on, and then everybody sees it',
    ],
    picture: 'A shared screen, seen by three people',
  },

  created: {
    title: 'Your meeting is ready',
    headline: 'Your meeting is ready',
    lead: 'Send the viewer link now, or later from inside the meeting.',
    untitled: 'Untitled meeting',
    viewer: 'Viewer link',
    viewerHint: 'For everybody who watches. They see and hear you, and can chat.',
    presenter: 'Presenter link',
    presenterHint: 'For you and people who present with you. Whoever has it can share and speak.',
    expires: (when: string): string => `Valid until ${when}`,
    next: 'Set up and present',
  },

  prejoin: {
    title: 'Join',
    looking: 'Looking up the meeting…',
    leads: {
      owner: 'This is your meeting: you share, speak, and decide who comes in.',
      presenter: 'You join as a presenter: you can share your screen, speak and be seen.',
      viewer: 'You join as a viewer. No camera and no microphone needed.',
    },
    name: 'Your name',
    namePlaceholder: 'How others see you',
    nameMissing: 'Please type a name, so that others know who you are.',
    pin: 'PIN of the meeting',
    pinPlaceholder: 'Digits only',
    pinShape: 'The PIN has digits only, four or more. The person who invited you knows it.',
    pinWrong: 'This PIN is wrong. Check it with the person who invited you.',
    message: 'A word to the hosts',
    messagePlaceholder: 'Optional, for example who you are',
    lobbyHint: 'You wait in the lobby until a host lets you in.',
    locked: 'The meeting is locked: nobody else can come in right now.',
    blocked: (seconds: number): string => `You can try again in ${lasting(seconds)}.`,
    elsewhere: 'You are already in this meeting',
    elsewhereBody:
      'It is open in another tab of this browser. You can go on here; the other tab then leaves.',
    continueHere: 'Continue here',
    joinAsOther: 'Join as another person',
    join: 'Join the meeting',
    joining: 'Joining…',
    camera: 'Camera',
    microphone: 'Microphone',
    speaker: 'Speaker',
    cameraOn: 'Turn the camera on',
    cameraOff: 'Turn the camera off',
    microphoneOn: 'Turn the microphone on',
    microphoneOff: 'Turn the microphone off',
    cameraIsOff: 'Your camera is off',
    cameraStarting: 'Starting the camera…',
    preview: 'Preview of your camera',
    level: 'Microphone level',
    speakUp: 'Say something: the bar should move.',
    microphoneIsOff: 'You join muted.',
    testSound: 'Test sound',
    systemDefault: 'System default',
    deviceNumber: (kind: string, number: number): string => `${kind} ${number}`,
    expires: (when: string): string => `This link works until ${when}.`,
  },

  lobby: {
    title: 'You are in the lobby',
    body: 'A host lets you in. You can leave this page open: you come in by yourself.',
    place: (position: number, waiting: number): string =>
      waiting <= 1
        ? 'You are the only one who waits.'
        : `You are number ${position} of ${waiting} who wait.`,
    said: 'Your word to the hosts',
    troubled:
      'The server does not answer right now. Your place is kept for a moment; we go on trying.',
    leave: 'Leave the lobby',
  },
} as const;
