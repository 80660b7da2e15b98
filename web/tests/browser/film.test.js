// The reader of films is right: it reads a film that was made up, with all that it should find.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { boxes, describe, findScreen, hearTurns, readCounters, skews } from './film.js';

const { COLUMNS, ROWS, SHARE, encode } = globalThis.frameCounter;

const SIZE = { width: 1280, height: 720 };
const SCREEN = { left: 24, top: 97, wide: 936, high: 526.5 };
const FPS = 25;
const SECONDS = 9;
const RATE = 48_000;

/** When the numbers were drawn and the tones turned, by the machine's clock. */
const BEGAN_MS = 1_700_000_000_000;
const DRAWN = Array.from({ length: 700 }, (_, number) => BEGAN_MS - 500 + number * 16.667);
const TURNS = Array.from({ length: 24 }, (_, turn) => [
  BEGAN_MS + 180 + turn * 500,
  turn % 2 === 0 ? 1500 : 1000,
]);

/** The way of the picture, and how much longer the sound takes. */
const LATE_MS = 40;
const SKEW_MS = 23;

function frame(number) {
  const { width, height } = SIZE;
  const grey = Buffer.alloc(width * height, 30);
  const fill = (x, y, wide, high, value) => {
    for (let row = Math.round(y); row < Math.round(y + high); row++) {
      grey.fill(value, row * width + Math.round(x), row * width + Math.round(x + wide));
    }
  };
  fill(SCREEN.left, SCREEN.top, SCREEN.wide, SCREEN.high, 240);
  const wide = (SCREEN.wide * SHARE.width) / COLUMNS;
  const high = (SCREEN.high * SHARE.height) / ROWS;
  encode(number).forEach((block, at) => {
    const [column, row] = [at % COLUMNS, Math.floor(at / COLUMNS)];
    fill(SCREEN.left + column * wide, SCREEN.top + row * high, wide, high, block ? 235 : 16);
  });
  return grey;
}

function pictures() {
  return Array.from({ length: SECONDS * FPS }, (_, index) => {
    const shown = BEGAN_MS + (index * 1000) / FPS - LATE_MS;
    return frame(DRAWN.findLastIndex((at) => at <= shown));
  });
}

/** The tones, and the noise of a room over them. */
function sound() {
  const samples = new Int16Array(SECONDS * RATE);
  let phase = 0;
  samples.forEach((_, index) => {
    const at = BEGAN_MS + (index * 1000) / RATE - LATE_MS - SKEW_MS;
    const hz = TURNS.findLast(([turn]) => turn <= at)?.[1] ?? 1000;
    phase += (2 * Math.PI * hz) / RATE;
    const room = Math.sin(index * 0.9) * Math.sin(index * 0.013) * 900;
    samples[index] = Math.sin(phase) * 6_000 + room;
  });
  return Buffer.from(samples.buffer);
}

test('a film that was made up is read to the number and the millisecond', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lectern-film-'));
  try {
    const film = join(folder, 'film.mp4');
    await writeFile(join(folder, 'pictures'), Buffer.concat(pictures()));
    await writeFile(join(folder, 'sound'), sound());
    execFileSync('ffmpeg', [
      ...['-v', 'error', '-f', 'rawvideo', '-pix_fmt', 'gray', '-framerate', `${FPS}`],
      ...['-s', `${SIZE.width}x${SIZE.height}`, '-i', join(folder, 'pictures')],
      ...['-f', 's16le', '-ar', `${RATE}`, '-ac', '1', '-i', join(folder, 'sound')],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '30', '-pix_fmt', 'yuv420p'],
      ...['-c:a', 'aac', '-b:a', '96k', '-movflags', '+faststart', film],
    ]);
    const { video, audio, durationMs } = await describe(film);
    assert.deepEqual([video.codec_name, audio.codec_name], ['h264', 'aac']);
    assert.ok(Math.abs(durationMs - SECONDS * 1000) < 50);
    const order = boxes(await readFile(film));
    assert.ok(order.indexOf('moov') < order.indexOf('mdat'), `${order}`);

    const screen = await findScreen(film, 4_000, SIZE);
    for (const name of Object.keys(SCREEN)) {
      assert.ok(Math.abs(screen[name] - SCREEN[name]) < 20, `${name}: ${screen[name]}`);
    }
    const counters = await readCounters(film, screen);
    assert.equal(counters.length, SECONDS * FPS);
    assert.equal(counters.filter(([number]) => number === null).length, 0);
    const heard = await hearTurns(film);
    const found = skews({ counters, heard }, { drawn: DRAWN, turns: TURNS });
    assert.equal(found.length, 5);
    // Of the picture, a beat of the film may be lost.
    for (const { ms } of found) assert.ok(Math.abs(ms - SKEW_MS) < 12, JSON.stringify(found));
  } finally {
    await rm(folder, { recursive: true });
  }
});
