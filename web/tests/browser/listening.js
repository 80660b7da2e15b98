// A presenter's shared tab, and a viewer who listens to it in windows of 10 ms: what is missing of its
// sound and its pictures while something happens to the server or to the line.

import { cameraOff, enter, isSharing, shareScreen, startMeeting } from './app.js';
import { largestHole } from './figures.js';
import { frames, watchesAndHears } from './seen.js';
import { PRESENTER_CONTEXT, SharedTab } from './shared-tab.js';
import { script } from './tab.js';

/** Small, so that two cores have time for everybody. */
const SHARED = { width: 640, height: 360 };

/** Somebody has a meeting of their own and shares a tab with sound in it, without a camera. */
export async function presents(stage, origin) {
  const chromium = await stage.chromium();
  const presenter = await stage.tab(chromium, 'presenter', PRESENTER_CONTEXT);
  await SharedTab.open(presenter, SHARED);
  const links = await startMeeting(presenter, origin);
  await cameraOff(presenter);
  await enter(presenter, 'Paula');
  await shareScreen(presenter);
  await isSharing(presenter);
  return { chromium, presenter, links };
}

/** A viewer whose page listens without a gap; the worklet for it is no part of the app. */
export async function listens(stage, chromium, who, link) {
  const viewer = await stage.tab(chromium, who, { bypassCSP: true });
  await viewer.context.addInitScript(await script('tone.js'));
  await viewer.open(link);
  await enter(viewer, who);
  await hearsAgain(viewer);
  return viewer;
}

/** Sees and hears the shared tab, and listens to it without a gap from now on. */
export async function hearsAgain(viewer) {
  await viewer.evaluate(() => toneKeeper.start());
  await watchesAndHears(viewer);
  await viewer.until('a tone without a gap', () => toneKeeper.isThere());
}

/** Sound and pictures that were missing since a moment: each hole of sound, and the largest of pictures. */
export async function missing(viewer, since) {
  const until = Date.now() - 100;
  const silence = await viewer.evaluate(([a, b]) => toneKeeper.holes(a, b), [since, until]);
  const seen = (await frames(viewer)).map(([, at]) => at).filter((at) => at > since && at < until);
  return {
    silenceMs: silence.reduce((sum, ms) => sum + ms, 0),
    silences: silence,
    largestFrameHoleMs: Math.round(largestHole([since, ...seen, until]).ms),
    concealedMs: await concealed(viewer),
  };
}

/** Sound that the browser made up because none had come, since the page was opened. */
function concealed(viewer) {
  return viewer.evaluate(async () => {
    const inbound = (await watcher.stats()).flatMap((connection) => connection.inbound);
    const samples = inbound.reduce((sum, track) => sum + (track.concealedSamples ?? 0), 0);
    return Math.round(samples / 48);
  });
}
