// The measuring itself, without a server: the shared tab goes straight from Chromium to Firefox and
// to a second Chromium. What this prints is the floor under the figures of the other tests.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { print } from './figures.js';
import { scene } from './scene.js';
import { PRESENTER_CONTEXT, SharedTab } from './shared-tab.js';
import { viewerFigures, watchesAndHears } from './seen.js';

const WATCH_MS = 4_000;

/** A page in a secure context: capturing needs one. */
async function emptyPage(stage) {
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html');
    response.end('<!doctype html><title>Baseline</title><video autoplay></video>');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  stage.atEnd(async () => server.close());
  return `http://127.0.0.1:${server.address().port}/`;
}

async function offer(presenter) {
  return presenter.evaluate(async () => {
    globalThis.stream ??= await navigator.mediaDevices.getDisplayMedia({
      video: { width: 1280, height: 720, frameRate: 30 },
      audio: { echoCancellation: false, autoGainControl: false, noiseSuppression: false },
    });
    const connection = new RTCPeerConnection();
    globalThis.latest = connection;
    for (const track of stream.getTracks()) connection.addTrack(track, stream);
    await connection.setLocalDescription(await connection.createOffer());
    await new Promise((done) => (connection.onicecandidate = (e) => e.candidate ?? done()));
    return connection.localDescription.sdp;
  });
}

async function answer(viewer, sdp) {
  return viewer.evaluate(async (offered) => {
    const connection = new RTCPeerConnection();
    connection.ontrack = ({ streams }) => (document.querySelector('video').srcObject = streams[0]);
    await connection.setRemoteDescription({ type: 'offer', sdp: offered });
    await connection.setLocalDescription(await connection.createAnswer());
    await new Promise((done) => (connection.onicecandidate = (e) => e.candidate ?? done()));
    return connection.localDescription.sdp;
  }, sdp);
}

scene('baseline', 60_000, async (stage) => {
  const url = await emptyPage(stage);
  const chromium = await stage.chromium();
  const presenter = await stage.tab(chromium, 'presenter', PRESENTER_CONTEXT);
  const shared = await SharedTab.open(presenter);
  await presenter.open(url);
  const viewers = [
    await stage.tab(chromium, 'viewer-1'),
    await stage.tab(await stage.firefox(), 'viewer-2'),
  ];
  for (const viewer of viewers) {
    await viewer.open(url);
    const sdp = await answer(viewer, await offer(presenter));
    await presenter.evaluate((s) => latest.setRemoteDescription({ type: 'answer', sdp: s }), sdp);
  }
  for (const viewer of viewers) await watchesAndHears(viewer);
  await sleep(WATCH_MS);
  const times = await shared.times();
  for (const viewer of viewers) {
    const figures = await viewerFigures(viewer, times);
    print('baseline', figures);
    assert.ok(figures.latency.frames > 60, `${viewer.who} read ${figures.latency.frames} frames`);
    assert.ok(figures.latency.leastMs > 0, 'no frame is read before it is drawn');
    assert.ok(figures.audioEnergy > 0, `${viewer.who} got no sound`);
  }
});
