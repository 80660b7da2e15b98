// A live room moves from one node to another: nobody's page notices, no handshake, no index twice.
// Downlinks are PeerConnections that the server offered (warm standby), uplinks such that the
// browser offered (request of higher priority, ICE restart).

import assert from 'node:assert/strict';
import { join as path } from 'node:path';
import {
  cameraOff,
  enter,
  isSharing,
  join,
  moment,
  say,
  shareScreen,
  startMeeting,
} from './app.js';
import { Capture } from './capture.js';
import { largestHole, print } from './figures.js';
import { jumps, sort } from './reuse.js';
import { scene } from './scene.js';
import { frames, stillWatches, watchesAndHears } from './seen.js';
import { counted, operator, startCluster } from './server.js';
import { PRESENTER_CONTEXT, SharedTab } from './shared-tab.js';

/** Small, so that two cores encode and decode for four people without holes of their own. */
const SHARED = { width: 640, height: 360 };

const BEFORE_MS = 5_000;
/** Longer than the 3 s in which the new node forgives feedback about packets of the former one. */
const AFTER_MS = 8_000;

/** Where holes are looked for, around the move. */
const AROUND_MS = { before: 500, after: 4_000 };

/** A hole longer than this is seen as a failure, whatever the mechanism. */
const MOST_HOLE_MS = 2_000;

/** Firefox has no screen to share without a display: it presents camera and microphone. */
async function gather(stage, origin) {
  const chromium = await stage.chromium();
  const firefox = await stage.firefox();
  const presenter = await stage.tab(chromium, 'presenter-chromium', PRESENTER_CONTEXT);
  const shared = await SharedTab.open(presenter, SHARED);
  const links = await startMeeting(presenter, origin);
  await cameraOff(presenter);
  await enter(presenter, 'Paula');
  await shareScreen(presenter);
  await isSharing(presenter);
  const speaker = await stage.tab(firefox, 'presenter-firefox');
  await join(speaker, links.presenter, 'Felix');
  const viewers = [
    await stage.tab(chromium, 'viewer-chromium'),
    await stage.tab(firefox, 'viewer-firefox'),
  ];
  for (const viewer of viewers) {
    await join(viewer, links.viewer, viewer.who);
    await watchesAndHears(viewer);
  }
  return { shared, room: links.owner.meetingId, viewers, people: [presenter, speaker, ...viewers] };
}

/** Everybody writes and reads: over data channels of transports that each browser offered. */
async function chat(people, when) {
  for (const person of people) await say(person, `${person.who} ${when}`);
  for (const person of people) {
    for (const { who } of people) await person.sees(`${who} ${when}`);
  }
}

/** What a page knows of its transports, each named by person and number. */
async function transports(person) {
  const connections = await person.evaluate(() => watcher.stats());
  return connections
    .filter(({ pair }) => pair)
    .map(({ index, fragments, offers, transport, pair, state, inbound }) => ({
      name: `${person.who}/${index}`,
      offeredBy: offers ? 'browser' : 'server',
      fragments,
      cipher: transport.srtpCipher,
      // A path that was found by a request has no address in the figures, but its port.
      port: pair.remote.split(':').at(-1),
      dtls: transport.dtlsState,
      state,
      concealed: inbound.reduce((sum, track) => sum + (track.concealedSamples ?? 0), 0),
    }));
}

async function allTransports(people) {
  return (await Promise.all(people.map(transports))).flat();
}

/** A mark that a reload would wipe away, and the number of PeerConnections ever made. */
async function mark(person) {
  return person.evaluate(() => {
    globalThis.markOfTheTest ??= Math.random();
    return [globalThis.markOfTheTest, watcher.connections.length];
  });
}

/** The largest hole before the move, as a measure, and around it. */
function holes(times, movedAt) {
  const hole = (from, to) => {
    const within = times.filter((at) => at > movedAt + from && at < movedAt + to);
    return Math.round(largestHole([movedAt + from, ...within, movedAt + to]).ms);
  };
  return { beforeMs: hole(-BEFORE_MS, 0), aroundMs: hole(-AROUND_MS.before, AROUND_MS.after) };
}

/**
 * What the nodes could use of an uplink: up to the old one's last packet to anybody, from the first
 * packet to the new one. What is sent to the old node in between is lost.
 */
function usable(received, servers, lastOfOldAt) {
  const [before, after] = servers;
  return received
    .filter(({ at, to }) => to === after || (to === before && at <= lastOfOldAt))
    .map(({ at }) => at);
}

function lastSent(sorted, server) {
  const sent = [...sorted.values()].flatMap(({ sent: { rtp } }) => rtp);
  return Math.max(...sent.filter(({ from }) => from === server).map(({ at }) => at));
}

function transportFigures(transport, traffic, servers, move) {
  const { name, offeredBy, cipher } = transport;
  const { sent, received } = traffic;
  return {
    transport: name,
    offeredBy,
    cipher,
    down:
      sent.rtp.length > 0
        ? holes(
            sent.rtp.map(({ at }) => at),
            move.at,
          )
        : undefined,
    up:
      received.length > 0 ? holes(usable(received, servers, move.lastOfOldAt), move.at) : undefined,
    concealedMs: Math.round((transport.concealed - move.concealedBefore.get(name)) / 48),
    jumps: jumps(sent, servers),
    sent: sent.count,
  };
}

/** No index twice, and no handshake after the move. */
function checkTraffic(transport, traffic, movedAt) {
  const { name } = transport;
  assert.deepEqual(traffic.sent.twice.slice(0, 5), [], `${name}: an index was used twice`);
  const late = traffic.hellos.filter(({ at }) => at >= movedAt);
  assert.deepEqual(late, [], `${name}: a DTLS handshake after the move`);
  assert.ok(traffic.hellos.length > 0, `${name}: the capture must hold the first handshake`);
}

async function checkPeople(people, marks, connected, target) {
  for (const [at, person] of people.entries()) {
    assert.deepEqual(await mark(person), marks[at], `${person.who}: the page was touched`);
  }
  for (const { name, state, dtls, port } of connected) {
    assert.deepEqual([name, state, dtls, port], [name, 'connected', 'connected', target.port]);
  }
}

/** Receivers tell the new node of its own packets: else it would take them for liars, and starve them. */
async function checkFeedback(target) {
  const disbelieved = await counted(target, 'feedback_disbelieved_total');
  assert.equal(disbelieved, 0, 'feedback about packets that the new node has not sent');
}

scene('move', 300_000, async (stage) => {
  const { origin, nodes } = await startCluster(stage);
  const ports = nodes.map(({ port }) => port);
  const capture = new Capture(path(stage.directory, 'media.pcap'), ports);
  stage.programs.push(capture.program);
  await capture.ready();
  const { shared, room, viewers, people } = await gather(stage, origin);
  await chat(people, 'before');
  await moment(BEFORE_MS);
  const marks = await Promise.all(people.map(mark));
  const before = await allTransports(people);
  const { node } = (await operator(origin, 'GET', 'rooms')).find(({ id }) => id === room);
  const [from, target] = node === nodes[0].name ? nodes : [nodes[1], nodes[0]];
  const movedAt = Date.now();
  await operator(origin, 'POST', `rooms/${room}/move`, { node: target.name });
  await moment(AFTER_MS);
  for (const viewer of viewers) await stillWatches(viewer);
  await chat(people, 'after');
  await checkFeedback(target);
  const after = await allTransports(people);
  await checkPeople(people, marks, after, target);

  const servers = [from.address, target.address];
  const { transports: sorted, strangers } = sort(await capture.stop(), servers, after);
  assert.deepEqual(strangers, [], 'every packet belongs to a transport of these pages');
  const move = {
    at: movedAt,
    lastOfOldAt: lastSent(sorted, from.address),
    concealedBefore: new Map(before.map(({ name, concealed }) => [name, concealed])),
  };
  for (const transport of after) {
    const traffic = sorted.get(transport.name);
    print('move', transportFigures(transport, traffic, servers, move));
  }
  for (const viewer of viewers) {
    const seen = (await frames(viewer)).map(([, at]) => at);
    print('move', { who: viewer.who, frames: holes(seen, movedAt) });
    assert.ok(holes(seen, movedAt).aroundMs < MOST_HOLE_MS, `${viewer.who}: frames stopped`);
  }
  for (const transport of after) checkTraffic(transport, sorted.get(transport.name), movedAt);
  assert.ok((await shared.times()).length > 0);
});
