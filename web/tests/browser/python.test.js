// A client of another maker, LiveKit's Python SDK, in a meeting of ours: everything that a program
// in a room does, with our page and with a second such client, over a cut socket too.

import assert from 'node:assert/strict';
import { comeIn, meetingOf } from './api.js';
import { cameraOff, enter, isSharing, moment, say, shareScreen, startMeeting } from './app.js';
import { Cut } from './cut.js';
import { largestHole, print } from './figures.js';
import { PythonClient } from './python.js';
import { scene } from './scene.js';
import { serve } from './server.js';
import { PRESENTER_CONTEXT, SharedTab } from './shared-tab.js';

/** Small, so that two cores have time for three engines of WebRTC. */
const SHARED = { width: 640, height: 360 };

/** Ana's pictures are counted from here: no number of the shared tab is as high. */
const FIRST_OF_ANA = 500_000;
const TONE_OF_ANA_HZ = 440;
const TONES_OF_TAB_HZ = [1000, 1500];

/** A pitch is told as exactly as a frame of sound is long. */
const NEAR_HZ = 40;

const CHAT = 'lk.chat';
const CUT_MS = 5_000;

/** Both directions go on during a cut; a hole of this length would be a hole of the path. */
const MOST_HOLE_MS = 1_500;

const near = (hz, tones) => tones.some((tone) => Math.abs(tone - hz) < NEAR_HZ);

async function presents(stage, origin) {
  const chromium = await stage.chromium();
  const presenter = await stage.tab(chromium, 'presenter', PRESENTER_CONTEXT);
  await SharedTab.open(presenter, SHARED);
  const links = await startMeeting(presenter, origin);
  await cameraOff(presenter);
  await enter(presenter, 'Paula');
  await shareScreen(presenter);
  await isSharing(presenter);
  return { presenter, links };
}

/** A second and third participant, who speak the protocol with an engine of their own. */
async function gather(stage) {
  const server = await serve(stage);
  const line = await Cut.before(stage, server.web, { speaks: 'plain' });
  const steady = await Cut.before(stage, server.web, { speaks: 'plain' });
  const { presenter, links } = await presents(stage, server.origin);
  const people = { presenter, meeting: meetingOf(server.origin, links.owner), line, steady };
  for (const [who, name, by] of [
    ['ana', 'Ana', line],
    ['bea', 'Bea', steady],
  ]) {
    const client = await PythonClient.start(stage, who);
    const session = await comeIn(server.origin, links.presenter, name);
    client.token = session.token;
    client.me = await client.do('join', { url: by.url, token: session.token });
    people[who] = client;
  }
  return people;
}

/** Waits until a client sees the shared tab's counter go on and hears the tab's tones. */
async function receivesTheShare(client) {
  await client.until('the shared screen', ({ received }) =>
    received.some(({ source, counters }) => source.endsWith('SCREENSHARE') && counters.length > 10),
  );
  await client.until('the tone of the shared tab', ({ received }) =>
    received.some(({ hz }) => near(hz, TONES_OF_TAB_HZ)),
  );
}

/** Waits until the page shows Ana's pictures and plays her tone. */
async function pageReceivesAna(presenter, from) {
  await presenter.until(
    "Ana's pictures",
    (first) => reader.frames.some(([counter]) => counter >= first),
    from,
  );
  await presenter.until(
    "Ana's tone",
    ([tone, width]) =>
      reader
        .sounds()
        .some(({ plays, rms, hz }) => plays && rms > 0.01 && Math.abs(hz - tone) < width),
    [TONE_OF_ANA_HZ, NEAR_HZ],
  );
}

async function publishes({ presenter, ana, bea }) {
  await ana.do('publish_audio', { hz: TONE_OF_ANA_HZ });
  await ana.do('publish_video', { key: 'camera', source: 'camera', first: FIRST_OF_ANA });
  await pageReceivesAna(presenter, FIRST_OF_ANA);
  await bea.until("Ana's pictures and tone", ({ received }) => {
    const ofAna = received.filter(({ from }) => from === ana.me.identity);
    const sees = ofAna.some(({ counters }) => counters?.some(([c]) => c >= FIRST_OF_ANA));
    return sees && ofAna.some(({ hz }) => near(hz, [TONE_OF_ANA_HZ]));
  });
  const speaks = ({ identities }) => identities.includes(ana.me.identity);
  await bea.event('active_speakers_changed');
  assert.ok(bea.since(0, 'active_speakers_changed').some(speaks), 'Bea hears who speaks');
}

/** What is sent to one reaches that one alone, whichever channel carries it. */
async function sendsData({ presenter, ana, bea }) {
  for (const reliable of [true, false]) {
    const name = reliable ? 'reliable' : 'lossy';
    await ana.do('send', { text: `to Bea, ${name}`, reliable, to: [bea.me.identity], topic: 't' });
    await ana.do('send', { text: `to all, ${name}`, reliable, topic: 't' });
    for (const text of [`to Bea, ${name}`, `to all, ${name}`]) {
      const from = ana.me.identity;
      await bea.event('data_received', { text, topic: 't', from, reliable });
    }
    const arrived = (text) => watcher.messages.some((message) => message.includes(text));
    await presenter.until(`data to all, ${name}`, arrived, `to all, ${name}`);
    assert.ok(!(await presenter.evaluate(arrived, `to Bea, ${name}`)), `${name}: not for the page`);
    await bea.do('send', { text: `nobody, ${name}`, reliable, to: ['nobody'], topic: 't' });
    await bea.do('send', { text: `end, ${name}`, reliable, topic: 't' });
    await ana.event('data_received', { text: `end, ${name}` });
    assert.deepEqual(ana.since(0, 'data_received', { text: `nobody, ${name}` }), []);
  }
}

async function chats({ presenter, ana }) {
  await ana.do('receive_text', { topic: CHAT });
  await say(presenter, 'Welcome, Ana');
  await ana.event('text_received', { text: 'Welcome, Ana', topic: CHAT });
  await ana.do('send_text', { text: 'Thank you, Paula', topic: CHAT });
  await presenter.sees('Thank you, Paula');
  await presenter.press('Close: Chat');
}

async function describesItself({ presenter, ana, bea }) {
  const { identity } = ana.me;
  await ana.do('set_metadata', { metadata: 'a robot' });
  await bea.event('participant_metadata_changed', { identity, metadata: 'a robot' });
  await ana.do('set_attributes', { attributes: { hand: `${Date.now()}` } });
  await bea.event('participant_attributes_changed', { identity });
  await ana.do('set_name', { name: 'Ana B' });
  await bea.event('participant_name_changed', { identity, name: 'Ana B' });
  await presenter.press('People');
  await presenter.sees('Ana B');
  await presenter.sees('Hand raised, number 1');
  // This client sends the name that it knows along with attributes: a name may be set only behind them.
  await ana.do('set_attributes', { attributes: { hand: '' } });
  await ana.do('set_name', { name: 'Ana' });
  await presenter.seesNoMore('Hand raised, number 1');
}

async function callsProcedures({ ana, bea }) {
  for (const [caller, called] of [
    [ana, bea],
    [bea, ana],
  ]) {
    await called.do('serve_rpc', { method: 'greet' });
    const call = { to: called.me.identity, method: 'greet', payload: 'Hello' };
    const { answer } = await caller.do('call_rpc', call);
    assert.equal(answer, `Hello, ${caller.me.identity}`);
  }
}

/** The list of people is open in the page: it says who is muted. */
async function mutes({ presenter, meeting, ana, bea }) {
  const mark = bea.mark();
  await ana.do('mute', { key: 'microphone', muted: true });
  await bea.event('track_muted', { from: ana.me.identity }, mark);
  await presenter.sees('Ana Muted');
  await ana.do('mute', { key: 'microphone', muted: false });
  await bea.event('track_unmuted', { from: ana.me.identity }, mark);
  await presenter.seesNoMore('Ana Muted');
  const before = ana.mark();
  await meeting.mute(ana.me.identity);
  await ana.event('track_muted', { from: ana.me.identity }, before);
  await presenter.sees('Ana Muted');
  await ana.do('mute', { key: 'microphone', muted: false });
  await presenter.seesNoMore('Ana Muted');
}

/** The largest hole in what a client read of a source, within a time. */
async function hole(client, from, until, wanted) {
  const { received } = await client.do('report');
  const { counters } = received.findLast(wanted);
  const times = counters.map(([, at]) => at).filter((at) => at > from && at < until);
  return Math.round(largestHole([from, ...times, until]).ms);
}

/** Somebody comes, changes a word about themselves twice, and goes; gives who it was. */
async function comesAndGoes(cleo, { meeting, steady }) {
  const { token } = await comeIn(meeting.origin, meeting.links.viewer.url, 'Cleo');
  const { identity } = await cleo.do('join', { url: steady.url, token });
  for (const word of ['one', 'two']) await cleo.do('set_attributes', { attributes: { word } });
  await cleo.do('leave');
  return identity;
}

/** Who is there, as a client knows it, is who is there, as the server knows it. */
async function knowsEverybody({ meeting }, client) {
  const { people } = await meeting.people();
  const there = people.map(({ identity }) => identity).filter((who) => who !== client.me.identity);
  const isThere = ({ others }) =>
    others.length === there.length && others.every(({ identity }) => there.includes(identity));
  await client.until(`exactly ${there.join(', ')}`, isThere);
}

/** Everything that happened to somebody during the cut is told in its order, and once. */
async function hearsOf(ana, mark, identity) {
  await ana.event('participant_disconnected', { identity }, mark);
  const told = ana.events.slice(mark).filter((event) => event.identity === identity);
  const words = told.flatMap(({ changed }) => changed?.word || []);
  assert.deepEqual(words, ['one', 'two'], 'what was said during the cut');
  const [first, last] = [told[0].event, told.at(-1).event];
  assert.deepEqual([first, last], ['participant_connected', 'participant_disconnected']);
}

/** The socket is cut: media goes on in both directions, and nothing is subscribed anew. */
async function resumes(room, [cleo, gudrun]) {
  const { presenter, meeting, ana, bea, line } = room;
  const marks = { ana: ana.mark(), bea: bea.mark() };
  const cutAt = line.silence();
  await ana.event('reconnecting', {}, marks.ana);
  await bea.do('send', { text: 'during the cut', topic: 't' });
  await meeting.mute(ana.me.identity);
  const passer = await comesAndGoes(cleo, room);
  const guest = await comeIn(meeting.origin, meeting.links.viewer.url, 'Gudrun');
  await gudrun.do('join', { url: room.steady.url, token: guest.token });
  await moment(CUT_MS - (Date.now() - cutAt));
  const mendedAt = await line.mend();
  const { at: backAt } = await ana.event('reconnected', {}, marks.ana);
  await checkCut(room, marks, { cutAt, mendedAt, backAt });
  await hearsOf(ana, marks.ana, passer);
  await knowsEverybody(room, ana);
  await ana.event('data_received', { text: 'during the cut' }, marks.ana);
  await ana.event('track_muted', { from: ana.me.identity }, marks.ana);
  await ana.do('mute', { key: 'microphone', muted: false });
  await gudrun.do('leave');
  await ana.event('participant_disconnected', { identity: guest.identity }, marks.ana);
  await ana.do('send', { text: 'after the cut', topic: 't' });
  await bea.event('data_received', { text: 'after the cut' }, marks.bea);
  await pageReceivesAna(presenter, FIRST_OF_ANA);
}

async function checkCut({ ana, bea }, marks, { cutAt, mendedAt, backAt }) {
  const toAna = await hole(ana, cutAt, backAt, ({ source }) => source.endsWith('SCREENSHARE'));
  const isFromAna = ({ from, counters }) => from === ana.me.identity && counters;
  const fromAna = await hole(bea, cutAt, backAt, isFromAna);
  const backAfterMs = Math.round(backAt - mendedAt);
  print('python', { cutMs: mendedAt - cutAt, backAfterMs, largestHoleMs: { toAna, fromAna } });
  assert.ok(toAna < MOST_HOLE_MS && fromAna < MOST_HOLE_MS, 'media goes on during a cut');
  for (const name of ['track_subscribed', 'track_unsubscribed', 'local_track_republished']) {
    assert.deepEqual(ana.since(marks.ana, name), [], `${name} after a cut`);
  }
  const { identity } = ana.me;
  assert.deepEqual(bea.since(marks.bea, 'participant_disconnected', { identity }), []);
  for (const name of ['track_unpublished', 'track_unsubscribed']) {
    assert.deepEqual(bea.since(marks.bea, name), [], `${name} during a cut`);
  }
}

/** Where a first attempt is refused this client comes in anew, and publishes what it published. */
async function rejoins({ presenter, ana, bea, line }) {
  const marks = { ana: ana.mark(), bea: bea.mark() };
  await line.cut();
  await ana.event('reconnecting', {}, marks.ana);
  await line.mend();
  await ana.event('reconnected', {}, marks.ana);
  const last = await lastOfAna(presenter);
  await ana.event('track_subscribed', { source: 'SOURCE_SCREENSHARE' }, marks.ana);
  await bea.event('track_subscribed', { kind: 'video', from: ana.me.identity }, marks.bea);
  await pageReceivesAna(presenter, last + 1);
  await presenter.sees('Ana');
}

function lastOfAna(presenter) {
  return presenter.evaluate(
    (first) => reader.frames.findLast(([counter]) => counter >= first)[0],
    FIRST_OF_ANA,
  );
}

async function publishesAgain({ presenter, ana, bea }) {
  const mark = bea.mark();
  await ana.do('unpublish', { key: 'camera' });
  await bea.event('track_unpublished', { kind: 'video', from: ana.me.identity }, mark);
  await moment();
  const last = await lastOfAna(presenter);
  await ana.do('republish', { key: 'camera' });
  await bea.event('track_subscribed', { kind: 'video', from: ana.me.identity }, mark);
  await pageReceivesAna(presenter, last + 1);
}

/** What hosts change is told to programs as it is to pages: the room's state, roles, rights. */
async function isModerated({ meeting, bea }) {
  const mark = bea.mark();
  const { identity } = bea.me;
  for (const locked of [true, false]) {
    await meeting.setAccess({ locked });
    const isTold = ({ metadata }) => JSON.parse(metadata || '{}').locked === locked;
    await bea.until(`a room that says locked: ${locked}`, isTold);
  }
  for (const role of ['viewer', 'presenter']) {
    await meeting.setRole(identity, role);
    const has = (report) =>
      report.attributes['lectern.role'] === role && report.can_publish === (role !== 'viewer');
    await bea.until(`the role ${role}`, has);
  }
  assert.deepEqual(bea.since(mark, 'disconnected'), []);
}

/** The same session by another program: the older one is told that it was replaced. */
async function isDoubled(stage, { bea, steady }) {
  const mark = bea.mark();
  const again = await PythonClient.start(stage, 'bea-again');
  again.me = await again.do('join', { url: steady.url, token: bea.token });
  assert.equal(again.me.identity, bea.me.identity);
  await bea.event('disconnected', { reason: 'DUPLICATE_IDENTITY' }, mark);
  return again;
}

async function isRemoved({ presenter, meeting, ana, bea }) {
  const mark = ana.mark();
  await meeting.remove(ana.me.identity);
  await ana.event('disconnected', { reason: 'PARTICIPANT_REMOVED' }, mark);
  await bea.event('participant_disconnected', { identity: ana.me.identity });
  await presenter.seesNoMore('Ana');
  await meeting.end();
  await bea.event('disconnected', { reason: 'ROOM_DELETED' });
}

scene('python', 120_000, async (stage) => {
  const room = await gather(stage);
  const { ana, bea } = room;
  for (const client of [ana, bea]) await receivesTheShare(client);
  await publishes(room);
  await sendsData(room);
  await chats(room);
  await describesItself(room);
  await callsProcedures(room);
  await mutes(room);
  const guests = [
    await PythonClient.start(stage, 'cleo'),
    await PythonClient.start(stage, 'gudrun'),
  ];
  await resumes(room, guests);
  await publishesAgain(room);
  await rejoins(room);
  for (const client of [ana, bea]) {
    await client.event('connection_quality_changed', { identity: ana.me.identity });
  }
  await isModerated(room);
  room.bea = await isDoubled(stage, room);
  await isRemoved(room);
});
