// Recordings through deaths: everything in one process, or the recorder alone, is killed in the middle of
// a recording, at a random moment. It becomes playable by itself, and hardly anything is missing.
//
// LECTERN_ROUNDS says how often each; LECTERN_SEED makes the moments the same again.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join as path } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { comeIn, createMeeting } from './api.js';
import { Cut } from './cut.js';
import { decodes, describe, silences } from './film.js';
import { print, round } from './figures.js';
import { environment } from './process.js';
import { PythonClient } from './python.js';
import { binary, scene } from './scene.js';
import { download, freePort, serve, startCluster } from './server.js';

const ROUNDS = Number(process.env.LECTERN_ROUNDS ?? 2);
const TONE_HZ = 440;

/** Long enough that something is written, and then any moment. */
const LEAST_MS = 1_500;
const MOST_MS = 4_000;

/** What may be missing of the end; 20 ms is one packet of sound. */
const MOST_LOST_MS = 100;
const PACKET_MS = 20;

const READY_MS = 120_000;
const POLL_MS = 1_000;

/** Nobody comes back: it is not waited long for them. */
const AWAIT_ROOM_S = 2;

/** Numbers that look random and come again (a linear congruential generator). */
function* random(seed) {
  for (let state = seed >>> 0; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

const chance = random(Number(process.env.LECTERN_SEED ?? Date.now()));
const between = (least, most) => least + chance.next().value * (most - least);

/** Somebody who speaks and shows something, and a recording of it. */
async function recorded(stage, origin, line, number) {
  const meeting = await createMeeting(origin, { name: `Round ${number}` });
  const client = await PythonClient.start(stage, `ana-${number}`);
  const { token } = await comeIn(origin, meeting.links.presenter.url, 'Ana');
  await client.do('join', { url: line.url, token });
  await client.do('publish_audio', { hz: TONE_HZ });
  await client.do('publish_video', { key: 'camera', source: 'camera' });
  await meeting.record();
  return { meeting, client };
}

/** Waits until a film is there, whatever becomes of the server meanwhile. */
async function becomesPlayable(meeting) {
  const deadline = Date.now() + READY_MS;
  for (let last; ;) {
    const found = await meeting.recordings().catch((error) => (last = error));
    if (Array.isArray(found)) {
      last = JSON.stringify(found);
      if (found[0]?.state === 'ready') return found[0];
      assert.notEqual(found[0]?.state, 'failed', last);
    }
    assert.ok(Date.now() < deadline, `it does not become playable: ${last}`);
    await sleep(POLL_MS);
  }
}

/** The journals of a recording, wherever they lie by now. */
function journals(folder, recording) {
  for (const place of [
    ['live', recording],
    ['store', recording, 'journal'],
  ]) {
    const directory = path(folder, ...place);
    try {
      const names = readdirSync(directory).filter((name) => name.endsWith('.journal'));
      if (names.length > 1) return names.map((name) => path(directory, name));
    } catch {
      continue;
    }
  }
  return assert.fail(`no journals of ${recording} in ${folder}`);
}

/** The last moment of which any track has something, and what is damaged. */
function lastWritten(dataDir, folder, recording) {
  const tracks = journals(folder, recording).filter((file) => !file.includes('session'));
  const ends = tracks.map((file) => {
    const args = ['journal', 'inspect', file, '--set', `data_dir=${dataDir}`];
    const report = execFileSync(binary('lectern'), args, { encoding: 'utf8', env: environment() });
    const [, until] = /^time +\S+ to (\S+),/m.exec(report) ?? [];
    assert.ok(until, report);
    return Date.parse(until);
  });
  return Math.max(...ends);
}

/** The film of a recording, decoded to its end. */
async function film(stage, origin, meeting, recording) {
  const { name } = recording.files.find(({ kind }) => kind === 'film');
  const { url } = await meeting.fileOf(recording.id, name, true);
  const file = path(stage.directory, `${recording.id}.mp4`);
  await writeFile(file, (await download(origin, url)).bytes);
  const { video, audio, durationMs } = await describe(file);
  assert.equal(`${video?.codec_name} ${audio?.codec_name}`, 'h264 aac');
  await decodes(file);
  return { file, durationMs };
}

async function killsTheServer(stage, number, port) {
  const dataDir = path(stage.directory, 'lectern');
  const options = { port, settings: { 'controller.recordings.await_room_s': AWAIT_ROOM_S } };
  let server = await serve(stage, options);
  const line = await Cut.before(stage, port, { speaks: 'plain' });
  const { meeting, client } = await recorded(stage, server.origin, line, number);
  await sleep(between(LEAST_MS, MOST_MS));
  server.program.child.kill('SIGKILL');
  const killedAt = Date.now();
  await server.program.ended;
  await client.stop();
  server = await serve(stage, options);
  const recording = await becomesPlayable(meeting);
  const playableMs = Date.now() - killedAt;
  const lostMs = killedAt - lastWritten(dataDir, path(dataDir, 'recorder'), recording.id);
  const { durationMs } = await film(stage, server.origin, meeting, recording);
  await server.program.stop();
  print('crash', { killed: 'server', number, lostMs, playableMs, durationMs: round(durationMs) });
  assert.ok(lostMs <= MOST_LOST_MS + PACKET_MS, `${lostMs} ms are lost`);
  assert.ok(durationMs >= LEAST_MS / 2, `only ${durationMs} ms`);
  return lostMs;
}

async function killsTheRecorder(stage, number, cluster, line) {
  const { meeting, client } = await recorded(stage, cluster.origin, line, number);
  await sleep(between(LEAST_MS, MOST_MS));
  cluster.recorder.program.child.kill('SIGKILL');
  await cluster.recorder.program.ended;
  await sleep(between(0, 1_000));
  await cluster.recorder.start();
  await sleep(between(LEAST_MS, MOST_MS));
  await meeting.stopRecording();
  const recording = await becomesPlayable(meeting);
  await client.stop();
  const { file, durationMs } = await film(stage, cluster.origin, meeting, recording);
  const silent = await silences(file, MOST_LOST_MS);
  const holes = silent.filter(({ from, until }) => from > 0 && until < durationMs - PACKET_MS);
  const lostMs = Math.max(0, ...holes.map(({ from, until }) => until - from));
  print('crash', { killed: 'recorder', number, lostMs, durationMs: round(durationMs) });
  assert.ok(lostMs <= MOST_LOST_MS, `the tone stops for ${lostMs} ms`);
  return lostMs;
}

scene('the server is killed while it records', 60_000 + ROUNDS * 180_000, async (stage) => {
  const lost = [];
  const port = await freePort('tcp');
  for (let number = 0; number < ROUNDS; number += 1) {
    lost.push(await killsTheServer(stage, number, port));
  }
  print('crash', { killed: 'server', rounds: ROUNDS, mostLostMs: Math.max(...lost) });
});

scene('a recorder is killed while it records', 60_000 + ROUNDS * 180_000, async (stage) => {
  const lost = [];
  const cluster = await startCluster(stage, { recorder: true });
  const port = Number(new URL(cluster.origin).port);
  const line = await Cut.before(stage, port, { speaks: 'plain' });
  for (let number = 0; number < ROUNDS; number += 1) {
    lost.push(await killsTheRecorder(stage, number, cluster, line));
  }
  print('crash', { killed: 'recorder', rounds: ROUNDS, mostLostMs: Math.max(...lost) });
});
