// What the people of a test have seen and heard, asked of their tabs.

import { largestHole, latency } from './figures.js';

/** Enough frames that a median means something. */
const ENOUGH_FRAMES = 20;
const PICTURE_MS = 20_000;

/** Waits until a person reads the counter off its own pixels and hears the tab. */
export async function watchesAndHears(tab, timeoutMs = PICTURE_MS) {
  const frames = (count) => reader.frames.length >= count;
  await tab.until('frames with a counter', frames, ENOUGH_FRAMES, timeoutMs);
  const tone = () => reader.sounds().some((sound) => sound.plays && sound.toneAt.length > 5);
  await tab.until('the sound of the shared tab', tone, undefined, timeoutMs);
}

/** Forgets what was seen so far. */
export function lookAway(tab) {
  return tab.evaluate(() => reader.frames.splice(0).length);
}

export function frames(tab) {
  return tab.evaluate(() => reader.frames);
}

/** Waits until new frames are seen, however many were seen before. */
export async function stillWatches(tab, timeoutMs = PICTURE_MS) {
  const before = await tab.evaluate(() => reader.frames.at(-1)?.[0] ?? -1);
  const newer = (counter) => (reader.frames.at(-1)?.[0] ?? -1) > counter + 30;
  await tab.until('frames that go on', newer, before, timeoutMs);
}

/** The first frame after the latest click on a button of this name, in milliseconds. */
export function firstFrameAfter(tab, button) {
  return tab.evaluate((name) => {
    const click = watcher.clicks.findLast(({ on }) => on?.startsWith(name));
    const frame = reader.frames.find(([, at]) => click && at > click.at);
    return frame && Math.round(frame[1] - click.at);
  }, button);
}

/** The figures of one viewer, `times` being the shared tab's. */
export async function viewerFigures(tab, times) {
  const seen = await frames(tab);
  const last = seen.at(-1);
  const [connections, unread] = await tab.evaluate(async () => [
    await watcher.stats(),
    reader.unread(),
  ]);
  const inbound = connections.flatMap((connection) => connection.inbound);
  const screen = inbound
    .filter((track) => track.kind === 'video')
    .reduce(
      (most, track) => (track.frameWidth > (most?.frameWidth ?? 0) ? track : most),
      undefined,
    );
  return {
    who: tab.who,
    browser: tab.browser,
    latency: latency(times, seen),
    largestHoleMs: Math.round(largestHole(seen.map(([, at]) => at)).ms),
    size: last && `${last[2]}x${last[3]}`,
    codec: screen?.codec,
    framesDecoded: screen?.framesDecoded,
    framesDropped: screen?.framesDropped,
    framesUnreadable: unread,
    packetsLost: Object.fromEntries(
      inbound.map(({ kind, mid, packetsLost, packetsReceived }) => [
        `${kind}/${mid}`,
        `${packetsLost}/${packetsReceived + packetsLost}`,
      ]),
    ),
    freezes: screen?.freezeCount,
    audioEnergy: inbound.reduce((sum, track) => sum + (track.totalAudioEnergy ?? 0), 0),
    transports: connections.map(security),
  };
}

/** What a PeerConnection's transport negotiated. */
export function security(connection) {
  const { transport, pair } = connection;
  return {
    dtls: TLS_VERSIONS[transport?.tlsVersion] ?? transport?.tlsVersion,
    srtp: transport?.srtpCipher,
    dtlsCipher: transport?.dtlsCipher,
    dtlsRole: transport?.dtlsRole,
    iceRole: transport?.iceRole,
    to: pair?.remote,
  };
}

/** As browsers write versions in their figures. */
const TLS_VERSIONS = { FEFD: 'DTLS 1.2', FEFC: 'DTLS 1.3' };
