// A picture of every page in light, in dark and as wide as a phone, from the real server, to be
// looked at: target/screenshots/<page>.<look>.png. Overflow to the side is an error.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join as path } from 'node:path';
import { enter, isSharing, join, moment, shareScreen, startMeeting } from './app.js';
import { TARGET, scene } from './scene.js';
import { watchesAndHears } from './seen.js';
import { serve } from './server.js';
import { PRESENTER_CONTEXT, SharedTab } from './shared-tab.js';

const FOLDER = path(TARGET, 'screenshots');
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };
const LOOKS = [
  { name: 'light', viewport: DESKTOP, scheme: 'light' },
  { name: 'dark', viewport: DESKTOP, scheme: 'dark' },
  { name: 'phone', viewport: PHONE, scheme: 'light' },
];

/** Colours change by a transition. */
const SETTLE_MS = 350;

async function picture(tab, page) {
  for (const { name, viewport, scheme } of LOOKS) {
    await tab.page.setViewportSize(viewport);
    await tab.page.emulateMedia({ colorScheme: scheme });
    await moment(SETTLE_MS);
    await tab.screenshot(path(FOLDER, `${page}.${name}.png`));
    const wide = await tab.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${page} in ${name} is ${wide} pixels too wide`);
  }
  await tab.page.setViewportSize(DESKTOP);
  await tab.page.emulateMedia({ colorScheme: 'light' });
}

scene('pages', 120_000, async (stage) => {
  await mkdir(FOLDER, { recursive: true });
  const { origin } = await serve(stage);
  const chromium = await stage.chromium();
  const presenter = await stage.tab(chromium, 'presenter', PRESENTER_CONTEXT);
  const shared = await SharedTab.open(presenter);
  await presenter.open(origin);
  await presenter.sees('Share your screen');
  await picture(presenter, 'start');
});
