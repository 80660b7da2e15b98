// Who is not in the room gets nothing of it: counted on the client's own cable, packet by packet,
// while a presenter speaks, shows a picture and writes. And who is removed gets nothing any more.

import assert from 'node:assert/strict';
import { comeIn, createMeeting, renewSession } from './api.js';
import { moment } from './app.js';
import { Cut } from './cut.js';
import { median, print } from './figures.js';
import { Namespace, serveInto } from './namespace.js';
import { PythonClient } from './python.js';
import { scene } from './scene.js';
import { traffic } from './wire.js';

/** How long the cable of somebody who is not let in is watched. */
const WATCH_MS = 2_500;

/**
 * From the wish to remove somebody to the last packet of media on their cable. The median is judged:
 * a machine that compiles meanwhile may take that long to begin. Nothing comes after the answer, ever.
 */
const MOST_AFTER_REMOVAL_MS = 100;
const REMOVALS = 3;

/** Pictures, and frames of sound, that a guest has had when the stream runs: a second of pictures. */
const ENOUGH = 15;

/** Each of them was a packet at least. */
const ENOUGH_PACKETS = 2 * ENOUGH;

const CHAT = 'lk.chat';

/** A meeting with a presenter who sends sound and pictures, and a cable for others. */
async function gather(stage) {
  const namespace = Namespace.make(stage);
  const server = await serveInto(stage, [namespace]);
  const near = await Cut.before(stage, server.web, { speaks: 'plain' });
  const far = await Cut.before(stage, server.web, { speaks: 'plain', address: namespace.host });
  const meeting = await createMeeting(server.origin, { name: 'Behind a door' });
  const host = await PythonClient.start(stage, 'host');
  const { token } = await comeIn(server.origin, meeting.links.presenter.url, 'Hanna');
  await host.do('join', { url: near.url, token });
  await host.do('publish_audio');
  await host.do('publish_video');
  return { stage, namespace, origin: server.origin, far, meeting, host };
}

/** A guest's program on the cable, which tries to come in and hears what it can. */
async function guest({ stage, namespace, far }, who, session) {
  const client = await PythonClient.start(stage, who, { namespace });
  const join = () => client.do('join', { url: far.url, token: session.token });
  return { client, join };
}

/** Tries the way in with a token, and proves that it led nowhere. */
async function staysOut(room, who, session) {
  const { stage, namespace, host, meeting } = room;
  const mark = host.mark();
  const capture = await namespace.capture(stage, who);
  const { client, join } = await guest(room, who, session);
  const tried = await join().then(
    () => 'came in',
    (error) => error.message,
  );
  await host.do('send', { text: 'a secret', topic: 'news' });
  await host.do('send_text', { text: 'a secret', topic: CHAT });
  await moment(WATCH_MS);
  const { toClient, fromClient } = traffic(await capture.stop(), [namespace.address]);
  print('admission', { who, tried, rtpToClient: toClient.rtp.count, dtls: toClient.dtls.count });
  assert.notEqual(tried, 'came in', who);
  assert.equal(toClient.rtp.count, 0, `${who}: media came`);
  assert.equal(toClient.rtcp.count, 0, `${who}: reports of media came`);
  // Messages travel inside of DTLS: without a handshake there are none.
  assert.equal(toClient.dtls.count + fromClient.dtls.count, 0, `${who}: a transport opened`);
  for (const name of ['participant_connected', 'participant_disconnected']) {
    assert.deepEqual(host.since(mark, name), [], `${who}: others heard of it`);
  }
  for (const name of ['data_received', 'text_received', 'track_published', 'track_subscribed']) {
    assert.deepEqual(client.since(0, name), [], `${who}: it heard of the room`);
  }
  const { people } = await meeting.people();
  assert.deepEqual(people.map(({ name }) => name).sort(), ['Hanna'], `${who}: it is listed`);
  await client.stop();
}

async function withRevokedLink(room) {
  const { meeting, origin } = room;
  const link = await meeting.newLink('viewer');
  const session = await comeIn(origin, link.url, 'Renate');
  await meeting.revoke(link);
  await isOver(room, session, 'link_invalid');
  await staysOut(room, 'revoked', session);
}

async function inLobby(room) {
  const { meeting, origin } = room;
  await meeting.setAccess({ lobby: true });
  const session = await comeIn(origin, meeting.links.viewer.url, 'Lotte');
  assert.equal(session.admission.state, 'waiting');
  await staysOut(room, 'waiting', session);
  await meeting.setAccess({ lobby: false });
}

/** A guest who is in and receives sound and pictures. */
async function receivesAll(room, who, link) {
  const session = await comeIn(room.origin, link.url, who);
  const { client, join } = await guest(room, who, session);
  await join();
  await client.until('sound and pictures', ({ received }) => {
    const sees = received.some(({ counters }) => counters?.length > ENOUGH);
    return sees && received.some(({ sound_at: heard }) => heard?.length > ENOUGH);
  });
  return { session, client };
}

/** The guest is put out by `how`: when does the last packet come? */
async function isPutOut(room, who, link, how) {
  const { stage, namespace } = room;
  const capture = await namespace.capture(stage, who);
  const { session, client } = await receivesAll(room, who, link);
  const sentAt = Date.now();
  await how(session.identity);
  const answeredAt = Date.now();
  await room.host.event('participant_disconnected', { identity: session.identity });
  await room.far.mend();
  await client.event('disconnected');
  await moment(WATCH_MS);
  const { rtp } = traffic(await capture.stop(), [namespace.address]).toClient;
  const [{ reason }] = client.since(0, 'disconnected');
  // In whole milliseconds as the clock that says when it was answered has them: it rounds down.
  const lastAfterSentMs = Math.floor(rtp.lastAt - sentAt);
  const answeredAfterMs = answeredAt - sentAt;
  print('admission', { who, packets: rtp.count, answeredAfterMs, lastAfterSentMs, reason });
  assert.ok(rtp.count > ENOUGH_PACKETS, `${who}: only ${rtp.count} packets came before`);
  assert.ok(lastAfterSentMs <= answeredAfterMs, `${who}: media went on after the answer`);
  assert.equal(reason, 'PARTICIPANT_REMOVED', who);
  await client.stop();
  return { session, lastAfterSentMs };
}

/** The session of somebody who was put out is not renewed, and the answer says why. */
async function isOver({ origin }, session, code) {
  await assert.rejects(renewSession(origin, session.token), { code });
}

/** By a presenter's wish, by the end of the link, and while the guest cannot be told of it. */
async function removals(room) {
  const { meeting, far } = room;
  const { viewer } = meeting.links;
  const remove = (identity) => meeting.remove(identity);
  const removed = [];
  for (let round = 1; round <= REMOVALS; round++) {
    removed.push(await isPutOut(room, `removed-${round}`, viewer, remove));
  }
  const { session } = removed.at(-1);
  await isOver(room, session, 'removed');
  await staysOut(room, 'removed', session);
  const link = await meeting.newLink('viewer');
  removed.push(await isPutOut(room, 'came-by-revoked', link, () => meeting.revoke(link)));
  await isOver(room, removed.at(-1).session, 'link_invalid');
  const unheard = (identity) => {
    far.silence();
    return remove(identity);
  };
  removed.push(await isPutOut(room, 'removed-unheard', viewer, unheard));
  const lastAfterSentMs = median(removed.map((one) => one.lastAfterSentMs));
  print('admission', { removals: removed.length, medianMs: lastAfterSentMs });
  assert.ok(lastAfterSentMs <= MOST_AFTER_REMOVAL_MS, `media went on for ${lastAfterSentMs} ms`);
}

scene('admission', 120_000, async (stage) => {
  const room = await gather(stage);
  await withRevokedLink(room);
  await inLobby(room);
  await removals(room);
});
