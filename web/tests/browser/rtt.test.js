// How long the first picture takes after the click on "join", in milliseconds and in round trips:
// media goes through a UDP relay, HTTPS and WebSocket through a slow line, both equally far.

import assert from 'node:assert/strict';
import { cameraOff, enter, isSharing, shareScreen, startMeeting } from './app.js';
import { print } from './figures.js';
import { binary, scene } from './scene.js';
import { firstFrameAfter, watchesAndHears } from './seen.js';
import { freePort, serve } from './server.js';
import { PRESENTER_CONTEXT, SharedTab } from './shared-tab.js';
import { slowLine } from './slowdown.js';

const ROUND_TRIPS_MS = [0, 50, 200];

/** Only at this distance round trips weigh more than how busy the machine is. */
const JUDGED_MS = 200;

/** Joins at each distance; the median counts. */
const JOINS = 3;

/** HTTPS, WebSocket, offer and answer, ICE, DTLS, and the picture: more would be waste. */
const MOST_ROUND_TRIPS = 14;

/** A server that is this far away, for media and for all else. */
async function serveFarAway(stage, roundTripMs) {
  const [media, relayed] = [await freePort('udp'), await freePort('udp')];
  const relay = stage.program(`relay-${roundTripMs}`, binary('loadtest'), [
    'relay',
    ...['--listen', `127.0.0.1:${relayed}`],
    ...['--forward', `127.0.0.1:${media}`],
    ...['--rtt-ms', `${roundTripMs}`],
  ]);
  await relay.line(/ready/);
  const server = await serve(stage, {
    name: `lectern-${roundTripMs}`,
    media,
    settings: { 'node.advertise': `["127.0.0.1:${relayed}"]` },
  });
  const line = await slowLine(server.web, roundTripMs);
  stage.atEnd(line.end);
  return { server, near: server.origin, far: `https://127.0.0.1:${line.port}`, line };
}

async function measure(stage, chromium, roundTripMs) {
  const { server, near, far, line } = await serveFarAway(stage, roundTripMs);
  const presenter = await stage.tab(chromium, `presenter-${roundTripMs}`, PRESENTER_CONTEXT);
  await SharedTab.open(presenter);
  const links = await startMeeting(presenter, near);
  await cameraOff(presenter);
  await enter(presenter, 'Paula');
  await shareScreen(presenter);
  await isSharing(presenter);
  const firstFrames = [];
  for (let time = 1; time <= JOINS; time++) {
    const viewer = await stage.tab(chromium, `viewer-${roundTripMs}-${time}`);
    await viewer.open(links.viewer.replace(near, far));
    await enter(viewer, 'Vera');
    await watchesAndHears(viewer);
    firstFrames.push(await firstFrameAfter(viewer, 'Join the meeting'));
    await viewer.close();
  }
  await presenter.close();
  await line.end();
  await server.program.stop();
  return firstFrames.sort((a, b) => a - b);
}

scene('rtt', 120_000, async (stage) => {
  const chromium = await stage.chromium();
  const medians = [];
  for (const roundTripMs of ROUND_TRIPS_MS) {
    const firstFramesMs = await measure(stage, chromium, roundTripMs);
    const medianMs = firstFramesMs[Math.floor(firstFramesMs.length / 2)];
    medians.push(medianMs);
    const roundTrips = roundTripMs === 0 ? undefined : (medianMs - medians[0]) / roundTripMs;
    print('rtt', {
      rttMs: roundTripMs,
      firstFrameMs: medianMs,
      all: firstFramesMs,
      roundTrips: roundTrips && Math.round(roundTrips * 10) / 10,
    });
    if (roundTripMs === JUDGED_MS) {
      assert.ok(roundTrips < MOST_ROUND_TRIPS, `${roundTrips} round trips`);
    }
  }
});
