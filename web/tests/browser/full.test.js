// The disk that the recorder writes to becomes full in the middle of a meeting: really full, a small file
// system of its own that takes no byte more. Everybody is told, the meeting goes on as if nothing were,
// and what was recorded becomes a film by itself once there is room.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join as path } from 'node:path';
import { meetingOf } from './api.js';
import { moment, record, stopRecording } from './app.js';
import { print, round } from './figures.js';
import { decodes, describe } from './film.js';
import { listens, missing, presents } from './listening.js';
import { SCREENSHOTS, scene } from './scene.js';
import { stillWatches } from './seen.js';
import { download, serve } from './server.js';

/** More than the recording needs, so that it is the file beside it that fills the disk. */
const DISK = '48m';

/** The kernel alone says that the disk is full: the recorder's own care for it is out of the way. */
const SETTINGS = { 'recorder.min_free_bytes': 0 };

const RECORDED_MS = 5_000;
const FULL_MS = 4_000;
const TOLD_MS = 10_000;
const FILM_MS = 120_000;
const POLL_MS = 500;

/** A meeting on a busy machine; one that the recorder held up would stop for as long as the disk. */
const MOST_SILENCE_MS = 300;
const MOST_FRAME_HOLE_MS = 1_500;

const NO_ROOM = 'The recorder has no room left.';

/** A disk of its own for what the recorder keeps; it goes with the scene. */
function smallDisk(stage) {
  const folder = path(stage.directory, 'lectern', 'recorder');
  mkdirSync(folder, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK},mode=700`, 'lectern-test', folder]);
  stage.atEnd(async () => execFileSync('umount', ['--lazy', folder]));
  return folder;
}

/** Fills a disk to its last byte; gives the file that does it. */
function fill(folder) {
  const file = path(folder, 'filler');
  const descriptor = openSync(file, 'w');
  try {
    for (let size = 1 << 20; size >= 1;) {
      try {
        writeSync(descriptor, Buffer.alloc(size));
      } catch (error) {
        assert.equal(error.code, 'ENOSPC');
        size = Math.floor(size / 2);
      }
    }
  } finally {
    closeSync(descriptor);
  }
  return file;
}

async function shows(tab, name) {
  await mkdir(SCREENSHOTS, { recursive: true });
  await tab.screenshot(path(SCREENSHOTS, `full-${name}.png`));
}

/** Waits for the recordings of a meeting to be as wanted; the latest is the first of them. */
async function recordings(meeting, wanted) {
  const deadline = Date.now() + FILM_MS;
  for (;;) {
    const found = await meeting.recordings();
    if (wanted(found)) return found;
    assert.ok(Date.now() < deadline, JSON.stringify(found));
    await moment(POLL_MS);
  }
}

async function filmOf(stage, origin, meeting, recording) {
  const { name } = recording.files.find(({ kind }) => kind === 'film');
  const { url } = await meeting.fileOf(recording.id, name, true);
  const file = path(stage.directory, 'film.mp4');
  await writeFile(file, (await download(origin, url)).bytes);
  const { video, audio, durationMs } = await describe(file);
  assert.equal(`${video?.codec_name} ${audio?.codec_name}`, 'h264 aac');
  await decodes(file);
  return durationMs;
}

scene("the recorder's disk is full", 300_000, async (stage) => {
  const disk = smallDisk(stage);
  const { origin } = await serve(stage, { settings: SETTINGS });
  const { chromium, presenter, links } = await presents(stage, origin);
  const viewer = await listens(stage, chromium, 'viewer', links.viewer);
  const meeting = meetingOf(origin, links.owner);

  await record(presenter);
  await viewer.sees('Recording · by');
  await moment(RECORDED_MS);
  const filledAt = Date.now();
  const filler = fill(disk);
  await presenter.sees(NO_ROOM, TOLD_MS);
  const toldMs = Date.now() - filledAt;
  await viewer.seesNoMore('Recording · by');
  await shows(presenter, 'presenter');
  await shows(viewer, 'viewer');
  await moment(FULL_MS);
  await stillWatches(viewer);
  const lost = await missing(viewer, filledAt);
  const [stopped] = await meeting.recordings();
  assert.equal(stopped.trouble, 'disk_full', JSON.stringify(stopped));

  // Another one cannot begin, and says why.
  await presenter.press('Start recording');
  await presenter.press('Start recording');
  const [refused] = await recordings(meeting, (found) => found[0]?.trouble && found.length > 1);
  assert.equal(refused.trouble, 'disk_full', JSON.stringify(refused));
  await shows(presenter, 'refused');

  rmSync(filler);
  const isReady = ({ id, state }) => id === stopped.id && state === 'ready';
  const ready = (await recordings(meeting, (found) => found.some(isReady))).find(isReady);
  const filmMs = await filmOf(stage, origin, meeting, ready);
  const wholeMs = filledAt - Date.parse(ready.started_at);
  print('full', { toldMs, ...lost, filmMs: round(filmMs), wholeMs });
  assert.ok(filmMs > wholeMs - MOST_SILENCE_MS, `${filmMs} ms of ${wholeMs} are in the film`);
  assert.ok(Math.max(0, ...lost.silences) <= MOST_SILENCE_MS, `silences: ${lost.silences}`);
  assert.ok(lost.largestFrameHoleMs <= MOST_FRAME_HOLE_MS, `a hole of ${lost.largestFrameHoleMs}`);

  await record(presenter);
  await moment(2_000);
  await stopRecording(presenter);
  await recordings(meeting, ([latest]) => latest.state === 'ready');
});
