// One call for `loadtest quality`: a presenter and viewers in Chromium, who do what the plan says. The
// plan comes as the first line of standard input, the moment to begin as the second; what happens is
// told line by line, and what was seen is written into the plan's folder.

import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { CHROMIUM, PICKER, SHARED_TITLE, startChromium } from '../browser/browsers.js';
import { script } from '../browser/tab.js';
import { PEERS } from './peers.js';

const PAGE = new URL('page/', import.meta.url);
const PATIENCE_MS = 30_000;
const FULL_MS = 45_000;
const SLIDE_SIZE = { width: 1920, height: 1080 };

/** Small pictures on the page cost less to draw; they are decoded in full size all the same. */
const CLIENT_PAGE = `<!doctype html><title>client</title>
<style>video { width: 480px; height: 270px }</style><body><button>go</button></body>`;
const SLIDE_PAGE = `<!doctype html><title>${SHARED_TITLE}</title><body></body>`;

/** What decoders could not decode stands in the browser's log, and nowhere else. */
const DECODERS_LOG = ['--enable-logging=stderr', '--vmodule=*/webrtc/video/video_receive*=3'];

/** A program file that runs Chromium and keeps its log. */
async function logging(folder) {
  const file = join(folder, 'chromium.sh');
  const log = join(folder, 'chromium.log');
  await writeFile(file, `#!/bin/sh\nexec ${CHROMIUM} "$@" 2>>'${log}'\n`);
  await chmod(file, 0o755);
  return file;
}

function tell(event, more = {}) {
  console.log(JSON.stringify({ event, ...more }));
}

const own = (name) => readFile(new URL(name, PAGE), 'utf8');

/** A page of the server's origin with a participant in it. */
async function openClient(browser, origin, who, scripts) {
  const context = await browser.newContext({
    viewport: { width: 1000, height: 640 },
    ignoreHTTPSErrors: true,
    bypassCSP: true,
    permissions: ['camera', 'microphone'],
  });
  const page = await context.newPage();
  // The server's own page without its scripts, if only one that refuses: a page from elsewhere may not
  // call loopback.
  await page.route(/[.](js|css|woff2)$/, (route) => route.abort());
  await page.goto(origin);
  await page.setContent(CLIENT_PAGE);
  page.on('pageerror', (error) => tell('uncaught', { who, error: String(error.stack ?? error) }));
  page.on('console', (message) => {
    if (message.type() === 'error') tell('console', { who, text: message.text() });
  });
  await page.addScriptTag({ content: await script('clock.js') });
  await page.addScriptTag({ content: await own('path.js') });
  await page.addScriptTag({ content: await own('watch.js') });
  for (const path of scripts) await page.addScriptTag({ path });
  return page;
}

async function openSlides(presenter, words) {
  const page = await presenter.context().newPage();
  await page.setViewportSize(SLIDE_SIZE);
  await page.setContent(SLIDE_PAGE);
  await page.addScriptTag({ content: await script('clock.js') });
  await page.addScriptTag({ content: await own('slide.js') });
  await page.evaluate((shown) => slide.show(shown), words);
  await presenter.bringToFront();
  return page;
}

async function until(what, body, patienceMs = PATIENCE_MS) {
  const deadline = Date.now() + patienceMs;
  while (!(await body())) {
    if (Date.now() > deadline) throw new Error(`waits in vain for ${what}`);
    await sleep(50);
  }
}

class Call {
  constructor(plan, browser, meeting) {
    Object.assign(this, { plan, browser, meeting });
    this.viewers = new Map();
  }

  /** A page with somebody in the meeting, who comes as a `presenter` or a `viewer`. */
  async #enter(role, name, way) {
    const { scripts } = this.meeting.constructor;
    const page = await openClient(this.browser, this.plan.origin, name, scripts);
    const seat = await this.meeting.seat(role, name);
    await page.evaluate((who) => client.join(who), { ...seat, way });
    return page;
  }

  async present() {
    const { presenter } = this.plan;
    this.presenter = await this.#enter('presenter', 'presenter', presenter.way);
    if (presenter.microphone) await this.presenter.evaluate(() => client.publishMicrophone());
    if (presenter.camera) {
      await this.presenter.evaluate((camera) => client.publishCamera(camera), presenter.camera);
    }
    if (presenter.screen) {
      this.slides = await openSlides(this.presenter, presenter.screen.words);
      if (presenter.screen.hasMotion) await this.slides.evaluate(() => slide.move());
      await this.presenter.click('button');
      await this.presenter.evaluate((screen) => client.publishScreen(screen), presenter.screen);
    }
  }

  /** What the browser holds back at first is not what is measured; behind a bad line it may stay so. */
  async isFull() {
    const { camera, screen } = this.plan.presenter;
    const sources = [camera && ['camera', camera.height], screen && ['screen_share', 1080]];
    for (const [source, height] of sources.filter(Boolean)) {
      const sent = () => this.presenter.evaluate((of) => watch.isFull(...of), [source, height]);
      await until(`a whole ${source}`, sent, FULL_MS).catch(({ message }) =>
        tell('console', { who: 'presenter', text: message }),
      );
    }
  }

  async view({ name, way }) {
    this.viewers.set(name, await this.#enter('viewer', name, way));
  }

  async sees(name) {
    const { camera, screen } = this.plan.presenter;
    const sources = [camera && 'camera', screen && 'screen_share'].filter(Boolean);
    for (const source of sources) {
      await until(`${name}'s first picture of the ${source}`, () =>
        this.viewers.get(name).evaluate((of) => watch.decoded(of) > 0, source),
      );
    }
  }

  /** Does one thing of the timeline. */
  async do(action, t0) {
    switch (action.do) {
      case 'slide':
        return this.slides.evaluate((words) => slide.show(words), action.words);
      case 'view':
        return this.view(action);
      case 'want':
        return this.viewers
          .get(action.who)
          .evaluate(({ source, quality }) => client.want(source, quality), action);
      case 'keep':
        return this.viewers.get(action.who).evaluate((window) => watch.keepWithin(window), {
          ...action,
          from: t0 + action.from,
          until: t0 + action.until,
        });
      default:
        throw new Error(`there is nothing like ${action.do}`);
    }
  }

  async play(t0) {
    const { actions, lengthMs } = this.plan;
    const all = actions.map(async (action) => {
      await sleep(Math.max(0, t0 + action.at - Date.now()));
      await this.do(action, t0);
    });
    all.forEach((one) => one.catch(() => {}));
    await sleep(Math.max(0, t0 + lengthMs - Date.now()));
    await Promise.all(all);
  }

  async #stills(name, page) {
    const kept = [];
    for (let index = 0; ; index++) {
      const still = await page.evaluate((at) => watch.still(at), index);
      if (!still) return kept;
      const { png, ...about } = still;
      const file = join(
        this.plan.folder,
        `${name}-${about.name}-${String(index).padStart(3, '0')}.png`,
      );
      await writeFile(file, Buffer.from(png, 'base64'));
      kept.push({ ...about, file });
    }
  }

  /** Writes down what everybody saw. */
  async report() {
    const presenter = await this.presenter.evaluate(() => watch.seen());
    const slides = this.slides ? await this.slides.evaluate(() => slide.shown) : [];
    const viewers = {};
    for (const [name, page] of this.viewers) {
      viewers[name] = await page.evaluate(() => watch.seen());
    }
    for (const [name, page] of this.viewers) viewers[name].stills = await this.#stills(name, page);
    const file = join(this.plan.folder, 'seen.json');
    await writeFile(file, JSON.stringify({ presenter, slides, viewers }));
    return file;
  }
}

/** Runs the call; ends early when standard input is closed. */
async function main() {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const plan = JSON.parse((await lines.next()).value);
  await mkdir(plan.folder, { recursive: true });
  const flags = [...PICKER.sharesTab, ...DECODERS_LOG];
  if (plan.cameraFile) flags.push(`--use-file-for-fake-video-capture=${plan.cameraFile}`);
  const browser = await startChromium(flags, await logging(plan.folder));
  try {
    const meeting = await PEERS[plan.peer].open(plan.origin);
    const call = new Call(plan, browser, meeting);
    await call.present();
    tell('presented');
    await call.isFull();
    for (const viewer of plan.viewers) await call.view(viewer);
    for (const viewer of plan.viewers) await call.sees(viewer.name);
    tell('ready', { links: meeting.links });
    const begin = JSON.parse((await lines.next()).value);
    await call.play(begin.t0);
    tell('seen', { file: await call.report() });
  } finally {
    await browser.close();
  }
}

main().then(
  () => process.exit(0),
  (error) => {
    tell('failed', { error: String(error.stack ?? error) });
    process.exit(1);
  },
);
