// Hosts and those whom they let in, refuse, mute, stop, promote and remove: each as a person in a
// browser of their own, who is told what was done. Pictures of it: target/screenshots/moderation-*.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join as path } from 'node:path';
import {
  admit,
  cameraOff,
  endMeeting,
  enter,
  isSharing,
  join,
  moderate,
  moment,
  openPeople,
  refuse,
  remove,
  shareScreen,
  startMeeting,
} from './app.js';
import { print } from './figures.js';
import { SCREENSHOTS, scene } from './scene.js';
import { firstFrameAfter, stillWatches, watchesAndHears } from './seen.js';
import { serve } from './server.js';
import { PRESENTER_CONTEXT, SharedTab } from './shared-tab.js';

/** Small, so that two cores have time for everybody. */
const SHARED = { width: 640, height: 360 };

const PIN = '246810';
const WRONG_PIN = '135791';

/** Someone who waits learns of it by a poll that hangs; far longer would be a poll that does not. */
const MOST_TO_COME_IN_MS = 10_000;

async function picture(tab, name) {
  await mkdir(SCREENSHOTS, { recursive: true });
  await tab.screenshot(path(SCREENSHOTS, `moderation-${name}.png`));
}

/** A meeting with a PIN and a lobby, whose host shares a tab. */
async function hosts(stage) {
  const { origin } = await serve(stage);
  const chromium = await stage.chromium();
  const host = await stage.tab(chromium, 'host', PRESENTER_CONTEXT);
  await SharedTab.open(host, SHARED);
  const links = await startMeeting(host, origin, 'Behind a door', { pin: PIN, lobby: true });
  await cameraOff(host);
  await enter(host, 'Paula');
  await shareScreen(host);
  await isSharing(host);
  return { chromium, host, links };
}

/** At the door and in the lobby a page has no way to the room at all. */
async function waits(stage, { chromium, host, links }) {
  const vera = await stage.tab(chromium, 'vera', PRESENTER_CONTEXT);
  const rolf = await stage.tab(chromium, 'rolf');
  await join(vera, links.viewer, 'Vera', { pin: WRONG_PIN, message: 'I am from sales' });
  await vera.sees('This PIN is wrong');
  await picture(vera, 'wrong-pin');
  await vera.type('PIN of the meeting', PIN);
  await vera.press('Join the meeting');
  await vera.sees('You are in the lobby');
  await vera.sees('You are the only one who waits.');
  await join(rolf, links.viewer, 'Rolf', { pin: PIN });
  await rolf.sees('You are number 2 of 2 who wait.');
  await vera.sees('You are number 1 of 2 who wait.');
  await vera.sees('Your word to the hosts');
  await vera.sees('I am from sales');
  await picture(vera, 'lobby');
  await openPeople(host);
  for (const text of ['Waiting in the lobby · 2', 'Vera', 'I am from sales', 'Rolf']) {
    await host.sees(text);
  }
  await picture(host, 'who-waits');
  for (const tab of [vera, rolf]) {
    assert.equal(await tab.evaluate(() => watcher.connections.length), 0, `${tab.who}: too early`);
  }
  return { vera, rolf };
}

async function decides({ host, vera, rolf }) {
  await refuse(host, 'Rolf', 'This one is for sales only');
  await rolf.sees('You were not let in');
  await rolf.sees('This one is for sales only');
  await picture(rolf, 'refused');
  await admit(host, 'Vera');
  const admittedAt = Date.now();
  await watchesAndHears(vera);
  const [, at] = await vera.evaluate(() => reader.frames[0]);
  print('moderation', {
    case: 'from admission to the first picture',
    ms: Math.round(at - admittedAt),
  });
  assert.ok(at - admittedAt < MOST_TO_COME_IN_MS);
  await host.seesNoMore('Waiting in the lobby');
  // With a PIN and a lobby, too, a reload is no new way in.
  await vera.page.reload();
  await watchesAndHears(vera);
}

/** Whoever becomes a presenter can speak and share at once, and stops when told to. */
async function isPromoted({ host, vera }) {
  assert.ok(!(await vera.has('button', 'Share screen')), 'a viewer shares nothing');
  await moderate(host, 'Vera', 'Make presenter');
  await vera.press('Unmute');
  await vera.until('an open microphone', () => finder.control('button', 'Mute'));
  await host.until('Vera is heard', () => reader.sounds().some(({ plays }) => plays));
  await moderate(host, 'Vera', 'Mute');
  await vera.until('a closed microphone', () => finder.control('button', 'Unmute'));
  await SharedTab.open(vera, SHARED);
  await shareScreen(vera);
  await isSharing(vera);
  await picture(host, 'two-share');
  await moderate(host, 'Vera', 'Stop the share');
  await vera.seesNoMore('You are sharing your screen');
  await picture(vera, 'share-stopped');
  await moderate(host, 'Vera', 'Make viewer');
  await vera.until('a viewer', () => !finder.control('button', 'Share screen'));
  await stillWatches(vera);
}

async function isLocked(stage, { chromium, host, links }) {
  await host.press('Who may come in');
  await host.check('Lock the meeting');
  const late = await stage.tab(chromium, 'late');
  await join(late, links.viewer, 'Lars', { pin: PIN });
  await late.sees('The meeting is locked');
  await picture(late, 'locked');
  await picture(host, 'who-may-come-in');
  await late.close();
}

scene('moderation', 120_000, async (stage) => {
  const room = await hosts(stage);
  Object.assign(room, await waits(stage, room));
  await decides(room);
  await isPromoted(room);
  await isLocked(stage, room);
  const { host, vera } = room;
  await remove(host, 'Vera');
  await vera.sees('You were removed from the meeting');
  await host.seesNoMore('Vera');
  // The session is over: a reload leads to the door, and no further.
  await vera.page.reload();
  await vera.sees('Your name');
  await moment();
  await picture(vera, 'door-after-removal');
  assert.equal(await vera.evaluate(() => watcher.connections.length), 0, 'and stays out');
  await endMeeting(host);
  await picture(host, 'ended');
});
