// What people do in a meeting and what they are told: controls, shares that end in each way, links
// that do not open. A bystander watches all the time and must not notice any of it.

import assert from 'node:assert/strict';
import {
  cameraOff,
  enter,
  isSharing,
  join,
  leave,
  moment,
  say,
  shareScreen,
  startMeeting,
} from './app.js';
import { PICKER } from './browsers.js';
import { scene } from './scene.js';
import { stillWatches, watchesAndHears } from './seen.js';
import { api, serve } from './server.js';
import { PRESENTER_CONTEXT, SharedTab } from './shared-tab.js';

/** The shortest life that a link can have, and a second more. */
const SHORT_LIFE_S = 60;

async function meeting(stage) {
  const { origin } = await serve(stage);
  const chromium = await stage.chromium();
  const presenter = await stage.tab(chromium, 'presenter', PRESENTER_CONTEXT);
  const shared = await SharedTab.open(presenter);
  const links = await startMeeting(presenter, origin);
  await cameraOff(presenter);
  await enter(presenter, 'Paula');
  await shareScreen(presenter);
  await isSharing(presenter);
  const bystander = await stage.tab(chromium, 'bystander');
  await join(bystander, links.viewer, 'Bert Bystander');
  await watchesAndHears(bystander);
  return { origin, chromium, presenter, shared, links, bystander };
}

scene('controls', 120_000, async (stage) => {
  const { chromium, presenter, shared, links, bystander } = await meeting(stage);
  const viewer = await stage.tab(chromium, 'viewer');
  await join(viewer, links.viewer, 'Vera');
  await watchesAndHears(viewer);

  await say(viewer, 'Can you zoom in?');
  await presenter.press('Chat: 1 unread');
  await presenter.sees('Can you zoom in?');
  await say(presenter, 'Of course: https://example.org/plan');
  await viewer.sees('https://example.org/plan');
  await presenter.press('Close: Chat');

  await viewer.press('Raise hand');
  await presenter.press('People');
  await presenter.sees('Hand raised, number 1');
  await viewer.press('Lower hand');
  await presenter.seesNoMore('Hand raised, number 1');
  for (const name of ['Paula (you)', 'Vera', 'Bert Bystander']) await presenter.sees(name);

  // An open microphone is listed as open or as speaking, as its sound comes and goes.
  await bystander.press('People');
  await presenter.press('Mute');
  await bystander.sees('Muted');
  await presenter.press('Unmute');
  await bystander.seesNoMore('Muted');

  // A reload leads straight back in, as the same person.
  await viewer.page.reload();
  await watchesAndHears(viewer);
  await leave(viewer);
  await bystander.seesNoMore('Vera');
  await stillWatches(bystander);

  await presenter.press('Stop sharing');
  await bystander.sees('Nothing is shared right now');
  await presenter.seesNoMore('You are sharing your screen');
  await shareScreen(presenter);
  await isSharing(presenter);
  await stillWatches(bystander);
  await shared.close();
  await presenter.seesNoMore('You are sharing your screen');
  await bystander.sees('Nothing is shared right now');
});

/** A person needs a moment to close the picker; Chromium's switch for it wants the own tab. */
async function hesitate(tab) {
  await tab.evaluate(() => {
    const original = navigator.mediaDevices.getDisplayMedia;
    navigator.mediaDevices.getDisplayMedia = async (constraints) => {
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      return original({ ...constraints, preferCurrentTab: true });
    };
  });
}

async function checkPickers(stage, links) {
  const closing = await stage.chromium(PICKER.isClosed);
  const paul = await stage.tab(closing, 'closes-picker', PRESENTER_CONTEXT);
  await join(paul, links.presenter, 'Paul');
  await hesitate(paul);
  await shareScreen(paul);
  await paul.sees('Nothing was shared');
  assert.ok(await paul.has('button', 'Share screen'), 'sharing can be tried again');
  await paul.close();

  const forbidding = await stage.chromium(PICKER.isForbidden);
  const petra = await stage.tab(forbidding, 'is-forbidden', {
    viewport: PRESENTER_CONTEXT.viewport,
  });
  await petra.open(links.presenter);
  await petra.sees('The camera is blocked');
  await petra.sees('The microphone is blocked');
  await enter(petra, 'Petra');
  await shareScreen(petra);
  await petra.sees('Sharing the screen is not allowed');
  await petra.close();
}

async function sees(tab, url, title) {
  await tab.open('about:blank');
  await tab.open(url);
  await tab.sees(title);
}

scene('links', 150_000, async (stage) => {
  const { origin, chromium, links, bystander } = await meeting(stage);
  const { meetingId, ownerKey } = links.owner;
  const path = `/api/v1/meetings/${meetingId}/links`;
  const newLink = (body) => api(origin, 'POST', path, { key: ownerKey, body });
  const short = await newLink({ role: 'viewer', expires_in_s: SHORT_LIFE_S });
  const expiresAt = Date.parse(short.expires_at);

  const guest = await stage.tab(chromium, 'guest');
  await join(guest, short.url, 'Gudrun');
  await watchesAndHears(guest);

  await checkPickers(stage, links);
  await stillWatches(bystander);

  const withdrawn = await newLink({ role: 'viewer' });
  const late = await stage.tab(chromium, 'late');
  await sees(late, withdrawn.url, 'Your name');
  await api(origin, 'DELETE', `${path}/${withdrawn.id}`, { key: ownerKey });
  await sees(late, withdrawn.url, 'This link was withdrawn');

  await sees(late, `${origin}/j#${'A'.repeat(32)}`, 'This link does not work');
  await sees(late, `${origin}/j#${'x'.repeat(5_000)}`, 'This link is not complete');
  const empty = await stage.tab(chromium, 'empty');
  await sees(empty, `${origin}/j`, 'This link is not complete');
  await sees(empty, `${origin}/nowhere`, 'There is nothing here');

  await moment(Math.max(0, expiresAt + 1_000 - Date.now()));
  await stillWatches(guest);
  // Who comes back by the session needs no link: the link itself is over.
  await guest.evaluate(() => sessionStorage.removeItem('lectern.session'));
  await guest.page.reload();
  await guest.sees('This link has expired');
  await sees(empty, short.url, 'This link does not work');
  await stillWatches(bystander);
});
