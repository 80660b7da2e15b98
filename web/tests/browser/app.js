// What people do with the app, step by step, by the names that stand on its buttons.

import { setTimeout as sleep } from 'node:timers/promises';

/** Opens the start page, makes a meeting, and gives its links; the presenter is then at the door. */
export async function startMeeting(presenter, origin, name = 'Quarterly review') {
  await presenter.open(origin);
  await presenter.type('What is the meeting about?', name);
  await presenter.press('Share my screen');
  await presenter.sees('Your meeting is ready');
  const links = await presenter.until('two links', () => {
    const shown = finder.all('input').map((input) => input.value);
    const found = [...new Set(`${shown.join(' ')} ${finder.text()}`.match(/https:\S+\/j#\S+/g))];
    return found.length >= 2 && found;
  });
  const owner = await ownership(presenter);
  await presenter.press('Set up and present');
  if (!links.includes(owner.viewer.url)) throw new Error('the page does not show the viewer link');
  return { viewer: owner.viewer.url, presenter: owner.presenter.url, owner };
}

/** What the page keeps of the meeting that was made last: its id, its owner's key, its links. */
export function ownership(tab) {
  return tab.evaluate(() => {
    const kept = sessionStorage['lectern.owner'];
    return kept ? JSON.parse(kept) : JSON.parse(localStorage['lectern.meetings'])[0];
  });
}

/** At a presenter's door: goes in without a camera, where only the screen matters. */
export async function cameraOff(tab) {
  await tab.press('Turn the camera off');
  await tab.sees('Your camera is off');
}

/** Types a name at the door and goes in. */
export async function enter(tab, name) {
  await tab.sees('Your name');
  await tab.type('Your name', name);
  await tab.press('Join the meeting');
}

/** Goes in by a link. */
export async function join(tab, link, name) {
  await tab.open(link);
  await enter(tab, name);
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

/** Writes into the chat, which opens for it. */
export async function say(tab, text) {
  if (!(await tab.has('textbox', 'Write to everybody'))) await tab.press('Chat');
  await tab.type('Write to everybody', text);
  await tab.press('Send');
}

/** Leaves as a person does: the button, and yes. */
export async function leave(tab) {
  await tab.press('Leave');
  await tab.sees('You can come back by the same link.');
  await tab.press('Leave');
  await tab.sees('You left the meeting');
}

/** A moment for things that must not happen. */
export function moment(ms = 1_000) {
  return sleep(ms);
}
