// A picture of every page in light, in dark and as wide as a phone, from the real server, to be
// looked at: target/screenshots/<page>.<look>.png. A page that overflows to the side is an error.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join as path } from 'node:path';
import { isSharing, join, moment, ownMeeting, say, shareScreen } from './app.js';
import { SCREENSHOTS, scene } from './scene.js';
import { watchesAndHears } from './seen.js';
import { serve } from './server.js';
import { PRESENTER_CONTEXT, SharedTab } from './shared-tab.js';

const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const LOOKS = [
  { look: 'phone', viewport: PHONE, scheme: 'light' },
  { look: 'dark', viewport: DESKTOP, scheme: 'dark' },
  { look: 'light', viewport: DESKTOP, scheme: 'light' },
];

/** Colours and places change by a transition. */
const SETTLE_MS = 600;

async function picture(tab, page) {
  for (const { look, viewport, scheme } of LOOKS) {
    await tab.page.setViewportSize(viewport);
    await tab.page.emulateMedia({ colorScheme: scheme });
    await moment(SETTLE_MS);
    await tab.screenshot(path(SCREENSHOTS, `${page}.${look}.png`));
    const excess = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(excess <= 0, `${page} in ${look} is ${excess} pixels too wide`);
  }
}

async function doors(presenter, viewer, origin) {
  await presenter.open(origin);
  await presenter.type('What is the meeting about?', 'Quarterly review');
  await picture(presenter, 'start');
  await presenter.press('Share my screen');
  await presenter.sees('Your meeting is ready');
  await picture(presenter, 'created');
  const { viewer: link } = await ownMeeting(presenter);
  await presenter.press('Set up and present');
  await presenter.sees('Your name');
  await moment(1_000);
  await picture(presenter, 'door-presenter');
  await viewer.open(link.url);
  await viewer.sees('Your name');
  await picture(viewer, 'door-viewer');
  return link.url;
}

async function troubles(tab, origin) {
  for (const [page, url, title] of [
    ['link-invalid', `${origin}/j#${'A'.repeat(32)}`, 'This link does not work'],
    ['nothing-here', `${origin}/nowhere`, 'There is nothing here'],
  ]) {
    await tab.open('about:blank');
    await tab.open(url);
    await tab.sees(title);
    await picture(tab, page);
  }
}

async function dialogs(presenter) {
  await presenter.press('Share screen');
  await presenter.sees('Your browser asks next');
  await picture(presenter, 'dialog-share');
  await presenter.key('Escape');
  for (const [page, entry] of [
    ['dialog-invite', 'Invite'],
    ['dialog-settings', 'Settings'],
    ['dialog-shortcuts', 'Keyboard shortcuts'],
  ]) {
    if (entry !== 'Invite') await presenter.press('More');
    await presenter.press(entry);
    await picture(presenter, page);
    await presenter.key('Escape');
  }
}

async function panels(viewer) {
  await viewer.press('Chat');
  await picture(viewer, 'stage-chat');
  await viewer.press('Close: Chat');
  await viewer.press('People');
  await picture(viewer, 'stage-people');
  await viewer.press('Connection of Paula Presenter');
  await moment(1_500);
  await picture(viewer, 'stage-connection');
  await viewer.key('Escape');
  await viewer.press('Close: People');
  await viewer.press('Leave');
  await picture(viewer, 'dialog-leave');
  await viewer.press('Leave');
  await viewer.sees('You left the meeting');
  await picture(viewer, 'left');
}

scene('pages', 120_000, async (stage) => {
  await mkdir(SCREENSHOTS, { recursive: true });
  const { origin } = await serve(stage);
  const chromium = await stage.chromium();
  const presenter = await stage.tab(chromium, 'presenter', PRESENTER_CONTEXT);
  await SharedTab.open(presenter);
  const viewer = await stage.tab(chromium, 'viewer', { viewport: DESKTOP });
  await troubles(viewer, origin);
  const link = await doors(presenter, viewer, origin);

  await presenter.type('Your name', 'Paula Presenter');
  await presenter.press('Join the meeting');
  await presenter.sees('Nobody else is here yet');
  await picture(presenter, 'stage-alone');
  await dialogs(presenter);
  await join(viewer, link, 'Vera Viewer');
  await viewer.sees('Nothing is shared right now');
  await picture(viewer, 'stage-waiting');
  await shareScreen(presenter);
  await isSharing(presenter);
  await watchesAndHears(viewer);
  await say(presenter, 'Welcome! The plan is at https://example.org/plan');
  await viewer.press('Raise hand');
  await viewer.until('a raised hand', () => finder.control('button', 'Lower hand'));
  await picture(presenter, 'stage-presenter');
  await picture(viewer, 'stage-viewer');
  await panels(viewer);
});
