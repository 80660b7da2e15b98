// The whole live path: a presenter shares a tab with sound, three people in two browsers watch it.

import assert from 'node:assert/strict';
import { isSharing, join, moment, shareScreen, startMeeting, enter } from './app.js';
import { print } from './figures.js';
import { scene } from './scene.js';
import { firstFrameAfter, lookAway, security, viewerFigures, watchesAndHears } from './seen.js';
import { serve } from './server.js';
import { PRESENTER_CONTEXT, SharedTab } from './shared-tab.js';

const MEASURE_MS = 10_000;

/** Far above what is measured: only a path that is broken takes longer. */
const MOST_LATENCY_MS = 1_500;
const MOST_FIRST_FRAME_MS = 10_000;

/** A tenth of what a share of 15 pictures a second brings in the time of measuring. */
const LEAST_FRAMES = 15;

async function presents(stage, chromium, origin) {
  const presenter = await stage.tab(chromium, 'presenter', PRESENTER_CONTEXT);
  const shared = await SharedTab.open(presenter);
  const links = await startMeeting(presenter, origin);
  await enter(presenter, 'Paula Presenter');
  await shareScreen(presenter);
  await isSharing(presenter);
  return { presenter, shared, links };
}

function checkSecurity(transport) {
  assert.match(transport.dtls, /DTLS 1\.[23]/);
  assert.match(transport.srtp, /AEAD_AES_128_GCM|AES.*CM.*SHA1_80/);
}

async function checkViewer(viewer, times, firstFrameMs) {
  const figures = { ...(await viewerFigures(viewer, times)), firstFrameMs };
  print('share', figures);
  const { latency } = figures;
  assert.ok(latency.frames >= LEAST_FRAMES, `${viewer.who} read only ${latency.frames} frames`);
  assert.ok(latency.leastMs > 0, 'a frame cannot be read before it is drawn');
  assert.ok(
    latency.medianMs < MOST_LATENCY_MS,
    `${viewer.who} sees all ${latency.medianMs} ms late`,
  );
  assert.ok(figures.firstFrameMs < MOST_FIRST_FRAME_MS, `${viewer.who} waited too long`);
  assert.ok(figures.audioEnergy > 0, `${viewer.who} got no sound`);
  figures.transports.filter(({ to }) => to).forEach(checkSecurity);
  assert.deepEqual(
    await viewer.evaluate(() => watcher.deviceCalls),
    [],
    'a viewer is asked for no device',
  );
}

scene('share', 120_000, async (stage) => {
  const server = await serve(stage);
  const chromium = await stage.chromium();
  const { presenter, shared, links } = await presents(stage, chromium, server.origin);
  const viewers = [
    await stage.tab(chromium, 'viewer-1'),
    await stage.tab(chromium, 'viewer-2'),
    await stage.tab(await stage.firefox(), 'viewer-3'),
  ];
  const firstFrames = [];
  for (const [at, viewer] of viewers.entries()) {
    await join(viewer, links.viewer, `Viewer ${at + 1}`);
    await watchesAndHears(viewer);
    firstFrames.push(await firstFrameAfter(viewer, 'Join the meeting'));
  }
  const sent = await presenter.evaluate(() => watcher.stats());
  for (const connection of sent.filter(({ pair }) => pair)) checkSecurity(security(connection));
  print('share', {
    who: 'presenter',
    browser: 'chromium',
    sends: sent.flatMap(({ outbound }) => outbound).filter(({ packetsSent }) => packetsSent > 0),
    transports: sent.map(security),
  });
  for (const viewer of viewers) await lookAway(viewer);
  await moment(MEASURE_MS);
  const times = await shared.times();
  for (const [at, viewer] of viewers.entries()) await checkViewer(viewer, times, firstFrames[at]);
});
