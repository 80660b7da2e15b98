// What people do with the app, step by step, by the names that stand on its buttons.

import { setTimeout as sleep } from 'node:timers/promises';

/** What a browser keeps of the meeting that was made in it last. */
export function ownMeeting(tab) {
  return tab.evaluate(() => JSON.parse(localStorage['lectern.meetings'])[0]);
}

/**
 * Opens the start page, makes a meeting, and gives its links; its host is then at the door. `pin` and
 * `lobby` are among the options of the start page.
 */
export async function startMeeting(
  presenter,
  origin,
  name = 'Quarterly review',
  { pin, lobby = false } = {},
) {
  await presenter.open(origin);
  await presenter.type('What is the meeting about?', name);
  if (pin || lobby) await presenter.press('Options');
  if (pin) await presenter.type('PIN', pin);
  if (lobby) await presenter.check('Viewers wait in the lobby until you let them in');
  await presenter.press('Share my screen');
  await presenter.sees('Your meeting is ready');
  const links = await presenter.until('two links', () => {
    const shown = finder.all('input').map((input) => input.value);
    const found = [...new Set(`${shown.join(' ')} ${finder.text()}`.match(/https:\S+\/j#\S+/g))];
    return found.length >= 2 && found;
  });
  const owner = await ownMeeting(presenter);
  await presenter.press('Set up and present');
  if (!links.includes(owner.viewer.url)) throw new Error('the page does not show the viewer link');
  return { viewer: owner.viewer.url, presenter: owner.presenter.url, owner };
}

/** At a presenter's door: goes in without a camera, where only the screen matters. */
export async function cameraOff(tab) {
  await tab.press('Turn the camera off');
  await tab.sees('Your camera is off');
}

/** Types a name at the door, where asked a PIN and a word to the hosts, and goes in. */
export async function enter(tab, name, { pin, message } = {}) {
  await tab.sees('Your name');
  await tab.type('Your name', name);
  if (pin) await tab.type('PIN of the meeting', pin);
  if (message) await tab.type('A word to the hosts', message);
  await tab.press('Join the meeting');
}

/** Goes in by a link. */
export async function join(tab, link, name, options) {
  await tab.open(link);
  await enter(tab, name, options);
}

/** Opens the list of people, with those who wait on top. */
export async function openPeople(tab) {
  if (!(await tab.has('button', 'Close: People'))) await tab.press('People');
}

/** Lets somebody in who waits in the lobby. */
export async function admit(host, name) {
  await openPeople(host);
  await host.press(`Admit ${name}`);
}

/** Sends somebody away who waits in the lobby, with a word. */
export async function refuse(host, name, message) {
  await openPeople(host);
  await host.press(`Refuse ${name}`);
  await host.type('Tell them why', message);
  await host.press('Refuse');
}

/**
 * Asks for something in the menu of a person: `Mute`, `Stop the share`, `Make presenter`, `Make
 * viewer`, `Hand presenting over` or `Remove`.
 */
export async function moderate(host, name, wish) {
  await openPeople(host);
  await host.press(`More for ${name}`);
  await host.press(`${wish}: ${name}`);
}

/** Removes a person for good; `lobby` lets newcomers wait from then on. */
export async function remove(host, name, { lobby = false } = {}) {
  await moderate(host, name, 'Remove');
  if (lobby) await host.check('Let newcomers wait in the lobby from now on');
  await host.press('Remove');
}

/** Ends the meeting for everybody, as its owner. */
export async function endMeeting(host) {
  await host.press('Leave');
  await host.press('End for everybody');
  await host.press('End the meeting');
  await host.sees('The meeting has ended');
}

/** Shares the prepared tab; `choose` changes the options before the picker opens. */
export async function shareScreen(presenter, choose = async () => {}) {
  await presenter.press('Share screen', 20_000);
  await choose(presenter);
  await presenter.press('Choose what to share');
}

/** Waits until the presenter is told that the screen is shared. */
export async function isSharing(presenter) {
  await presenter.sees('You are sharing your screen', 20_000);
}

/** Turns recording on, and waits until everybody is told. */
export async function record(tab) {
  await tab.press('Start recording');
  await tab.sees('Record this meeting?');
  await tab.press('Start recording');
  await tab.sees('Recording · by');
}

/** Turns recording off. */
export async function stopRecording(tab) {
  await tab.press('Stop recording');
  await tab.sees('Stop the recording?');
  await tab.press('Stop recording');
  await tab.seesNoMore('Recording · by');
}

/** Writes into the chat, which opens for it. */
export async function say(tab, text) {
  if (!(await tab.has('textbox', 'Write to everybody'))) await tab.press('Chat');
  await tab.type('Write to everybody', text);
  await tab.press('Send');
}

/** Leaves as a person does: the button, and yes. */
export async function leave(tab) {
  await tab.press('Leave');
  await tab.sees('Leave the meeting?');
  await tab.press('Leave');
  await tab.sees('You left the meeting');
}

/** A moment for things that must not happen. */
export function moment(ms = 1_000) {
  return sleep(ms);
}
