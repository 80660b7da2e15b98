// A camera is sent in the layers that somebody makes use of: a viewer whose window is small has the
// large ones switched off at the presenter, and has them back at once when the window grows.

import assert from 'node:assert/strict';
import { enter, join, moment, startMeeting } from './app.js';
import { print } from './figures.js';
import { scene } from './scene.js';
import { serve } from './server.js';
import { PRESENTER_CONTEXT } from './shared-tab.js';

const SMALL = { width: 360, height: 420 };
const LARGE = { width: 1280, height: 800 };

/** Five seconds at the node; the page tells its sizes after a moment, and the machine is busy. */
const OFF_MS = 25_000;
const BACK_MS = 20_000;

/** A layer that was taken up again begins with a keyframe: the picture must not stand meanwhile. */
const MOST_FREEZES = 1;

/** The layers of the presenter's camera that are sent, lowest first. */
function sent(presenter) {
  return presenter.evaluate(async () => {
    const outbound = (await watcher.stats()).flatMap((connection) => connection.outbound);
    const layers = outbound.filter((layer) => layer.kind === 'video' && layer.rid !== undefined);
    layers.sort((a, b) => a.rid.localeCompare(b.rid, 'en') * -1);
    return layers.map(({ rid, active }) => ({ rid, active }));
  });
}

async function untilSent(presenter, what, wanted, timeoutMs) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const layers = await sent(presenter);
    if (wanted(layers.map((layer) => layer.active))) return Date.now();
    assert.ok(Date.now() < deadline, `${what}: ${JSON.stringify(layers)}`);
    await moment(20);
  }
}

/** Waits until the viewer decodes a picture that is at least so high; gives its height. */
function shows(viewer, height, timeoutMs) {
  return viewer.until(
    `a picture of ${height} lines`,
    async (least) => {
      const inbound = (await watcher.stats()).flatMap((connection) => connection.inbound);
      const heights = inbound.map((track) => (track.kind === 'video' && track.frameHeight) || 0);
      return Math.max(...heights) >= least && Math.max(...heights);
    },
    height,
    timeoutMs,
  );
}

function freezes(viewer) {
  return viewer.evaluate(async () => {
    const inbound = (await watcher.stats()).flatMap((connection) => connection.inbound);
    return inbound.reduce((sum, track) => sum + (track.freezeCount ?? 0), 0);
  });
}

scene('layers that nobody watches', 120_000, async (stage) => {
  const { origin } = await serve(stage);
  const chromium = await stage.chromium();
  const presenter = await stage.tab(chromium, 'presenter', PRESENTER_CONTEXT);
  const links = await startMeeting(presenter, origin);
  await enter(presenter, 'Paula');
  const viewer = await stage.tab(chromium, 'viewer', { viewport: LARGE });
  await join(viewer, links.viewer, 'Vera');
  await untilSent(presenter, 'all layers', (on) => on.length > 1 && on.every(Boolean), OFF_MS);
  const best = await shows(viewer, 360, BACK_MS);

  await viewer.page.setViewportSize(SMALL);
  const shrunkAt = Date.now();
  const isOff = (on) => on[0] && !on.at(-1);
  const offMs = (await untilSent(presenter, 'a layer off', isOff, OFF_MS)) - shrunkAt;

  const before = await freezes(viewer);
  await viewer.page.setViewportSize(LARGE);
  const grownAt = Date.now();
  const onMs = (await untilSent(presenter, 'all on', (on) => on.every(Boolean), BACK_MS)) - grownAt;
  await shows(viewer, best, BACK_MS);
  const largeMs = Date.now() - grownAt;
  await moment(1_000);
  const frozen = (await freezes(viewer)) - before;
  print('layers', { best, offMs, onMs, largeMs, frozen });
  assert.ok(frozen <= MOST_FREEZES, `${frozen} freezes`);
});
