// Causes of trouble, each with one clear text: what happened, and what the person can do.

export interface TroubleText {
  title: string;
  body: string;
}

export const troubles = {
  // The link.
  'link-missing': {
    title: 'This link is not complete',
    body: 'The part after the # is missing. Ask for the whole link, or copy it again.',
  },
  'link-invalid': {
    title: 'This link does not work',
    body: 'It may have expired or been withdrawn, or a part of it got lost. Ask the person who invited you for a new one.',
  },
  'link-expired': {
    title: 'This link has expired',
    body: 'Ask the person who invited you for a new one.',
  },
  'link-revoked': {
    title: 'This link was withdrawn',
    body: 'The owner of the meeting ended it. Ask for a new one.',
  },
  'page-missing': {
    title: 'There is nothing here',
    body: 'The address is not one of ours. Perhaps a part of it got lost.',
  },

  // Coming in.
  'room-full': {
    title: 'The meeting is full',
    body: 'There is no free place right now. Try again when somebody has left.',
  },
  'name-refused': {
    title: 'This name cannot be used',
    body: 'It is too long, or has signs that nobody can see: text that was copied often brings some along. Type your name anew.',
  },
  'too-many-tries': {
    title: 'Too many attempts',
    body: 'Please wait a minute, then try again.',
  },
  'pin-wrong': {
    title: 'The PIN is wrong',
    body: 'Check it with the person who invited you, then type it again.',
  },
  locked: {
    title: 'The meeting is locked',
    body: 'Nobody else can come in right now. Ask the person who invited you, then try again.',
  },
  refused: {
    title: 'You were not let in',
    body: 'The hosts of this meeting do not admit you right now. Ask the person who invited you.',
  },
  'server-unreachable': {
    title: 'The server cannot be reached',
    body: 'Check your internet connection, then try again.',
  },
  'server-error': {
    title: 'The server had a problem',
    body: 'It is not your fault. Please try again in a moment.',
  },
  'media-blocked': {
    title: 'Picture and sound cannot get through',
    body: 'Your network seems to block live media. Try another network, or switch off a VPN or firewall that filters UDP.',
  },
  'token-refused': {
    title: 'Your entry was refused',
    body: 'The permission to enter was no longer valid. Join again.',
  },

  // Going out.
  removed: {
    title: 'You were removed from the meeting',
    body: 'A host decided so. If that was a mistake, ask the person who invited you.',
  },
  duplicate: {
    title: 'This meeting goes on in another tab',
    body: 'You are in it in another tab, window or device now, so it was closed here.',
  },
  'meeting-ended': {
    title: 'The meeting has ended',
    body: 'A host ended it for everybody, or its time is over. Thank you for being there.',
  },
  'server-shutdown': {
    title: 'The server is being restarted',
    body: 'Join again in a few seconds.',
  },
  'connection-lost': {
    title: 'The connection is gone',
    body: 'We tried for a while to get it back. Check your network, then join again.',
  },

  // The browser.
  'browser-too-old': {
    title: 'This browser is too old',
    body: 'Lectern needs a current version of Chrome, Edge, Firefox or Safari.',
  },
  insecure: {
    title: 'This page was not opened safely',
    body: 'Browsers allow cameras and screens on https addresses only. Open the link with https.',
  },

  // Devices.
  'microphone-denied': {
    title: 'The microphone is blocked',
    body: 'Allow it in the address bar of your browser, then turn it on again.',
  },
  'camera-denied': {
    title: 'The camera is blocked',
    body: 'Allow it in the address bar of your browser, then turn it on again.',
  },
  'microphone-missing': {
    title: 'No microphone found',
    body: 'Plug one in, or choose another one.',
  },
  'camera-missing': {
    title: 'No camera found',
    body: 'Plug one in, or choose another one.',
  },
  'microphone-busy': {
    title: 'The microphone is in use',
    body: 'Another program holds it. Close that program, then try again.',
  },
  'camera-busy': {
    title: 'The camera is in use',
    body: 'Another program holds it. Close that program, then try again.',
  },
  'microphone-failed': {
    title: 'The microphone does not start',
    body: 'Try another one, or restart the browser.',
  },
  'camera-failed': {
    title: 'The camera does not start',
    body: 'Try another one, or restart the browser.',
  },
  'speaker-failed': {
    title: 'The speaker could not be changed',
    body: 'Sound goes on where it was.',
  },

  // Sharing.
  'share-cancelled': {
    title: 'Nothing was shared',
    body: 'You closed the dialog without choosing. Share again whenever you like.',
  },
  'share-denied': {
    title: 'Sharing the screen is not allowed',
    body: 'The browser or the system refuses it. Allow screen recording for this browser in the system’s privacy settings.',
  },
  'share-failed': {
    title: 'The screen could not be captured',
    body: 'The chosen window may be gone or protected. Choose another one.',
  },
  'share-unsupported': {
    title: 'This browser cannot share a screen',
    body: 'Browsers on phones and tablets cannot. Open the presenter link on a computer.',
  },
  'share-unconnected': {
    title: 'Your screen is not shared yet',
    body: 'There is no connection right now. Share once it is there.',
  },
  'share-stop-failed': {
    title: 'Sharing may not have ended',
    body: 'End it in the bar that your browser shows, or leave the meeting.',
  },
  'publish-refused': {
    title: 'The server did not take it',
    body: 'Your picture or sound could not be sent. Try again.',
  },

  // Moderating.
  'moderation-failed': {
    title: 'That did not work',
    body: 'The server did not do it. Perhaps the person has just left, or your role has changed.',
  },
  'not-permitted': {
    title: 'That is not allowed',
    body: 'Your role in this meeting does not permit it.',
  },

  // Recording.
  'recorder-missing': {
    title: 'Nothing can record right now',
    body: 'This server has no recorder that is free, or none at all. Try again in a minute; if it stays so, ask whoever runs the server.',
  },
  'recording-failed': {
    title: 'The recording was not changed',
    body: 'The server did not do it. Look whether it says “Recording” above, then try again.',
  },
  'recording-limit': {
    title: 'There is no room for more',
    body: 'So many are the most that can be kept. End or delete one that nobody needs, then try again.',
  },
  'title-refused': {
    title: 'This title cannot be used',
    body: 'It is too long, or has signs that nobody can see. Type it anew.',
  },
  'recording-gone': {
    title: 'It is not there any more',
    body: 'Somebody deleted it, or its time was over.',
  },

  // Small things.
  'chat-failed': {
    title: 'The message was not sent',
    body: 'Check your connection, then send it again.',
  },
  'hand-failed': {
    title: 'Your hand could not be raised',
    body: 'Check your connection, then try again.',
  },
} as const satisfies Record<string, TroubleText>;

export type TroubleKind = keyof typeof troubles;
