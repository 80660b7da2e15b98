// A film as FFmpeg sees and hears it: its streams, the counter on the shared screen in it, and the
// turns of the tone. Finds the screen wherever the layout put it.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import './page/counter.js';
import { median } from './figures.js';

const { COLUMNS, ROWS, SHARE, decode } = globalThis.frameCounter;

/** A second of raw pictures is tens of megabytes. */
const MOST_OUTPUT = 512 << 20;

/** Pixels of a block's side in the copy that is read. */
const BLOCK = 12;

const CORNERS = [
  [-1, -1],
  [1, -1],
  [-1, 1],
  [1, 1],
];

/** The smallest screen that is looked for, as a share of the film's width, and the next larger one. */
const LEAST_SCREEN = 0.2;
const NEXT_SCREEN = 1.03;

/** Places are tried at this share of a block: a block is hit wherever its screen begins. */
const STEP = 0.35;

const SAMPLE_RATE = 48_000;
const TONES_HZ = [1000, 1500];
const WINDOW = SAMPLE_RATE / 50;
const HOP = SAMPLE_RATE / 500;

/** Of all sound in a window, the tones make up at least so much: else something else is heard. */
const LEAST_TONE = 0.2;

const run = promisify(execFile);

async function output(program, args) {
  const options = { encoding: 'buffer', maxBuffer: MOST_OUTPUT };
  return (await run(program, ['-v', 'error', ...args], options)).stdout;
}

const ffmpeg = (...args) => output('ffmpeg', ['-nostdin', ...args]);

/** The streams and the length of a file. */
export async function describe(file) {
  const args = ['-show_format', '-show_streams', '-show_chapters', '-of', 'json', file];
  const { streams, format, chapters } = JSON.parse(await output('ffprobe', args));
  const of = (kind) => streams.find(({ codec_type: type }) => type === kind);
  return {
    video: of('video'),
    audio: of('audio'),
    durationMs: Number(format.duration) * 1000,
    chapters: chapters.length,
  };
}

/** Decodes a whole file; throws with what the decoders complain of. */
export async function decodes(file) {
  // Pictures come when something changes: their own times are kept.
  const times = ['-fps_mode', 'passthrough', '-enc_time_base', '-1'];
  const args = ['-v', 'error', '-nostdin', '-i', file, ...times, '-f', 'null', '-'];
  const { stderr } = await run('ffmpeg', args);
  if (stderr !== '') throw new Error(`${file}: ${stderr}`);
}

/** Stretches of at least so many milliseconds in which nothing is heard; `until` is null at the end. */
export async function silences(file, leastMs) {
  const filter = `silencedetect=noise=-50dB:duration=${leastMs / 1000}`;
  const args = ['-nostdin', '-hide_banner', '-i', file, '-vn', '-af', filter, '-f', 'null', '-'];
  const { stderr } = await run('ffmpeg', args, { maxBuffer: MOST_OUTPUT });
  const times = (word) =>
    [...stderr.matchAll(new RegExp(`silence_${word}: (-?[0-9.]+)`, 'g'))].map(([, s]) => s * 1000);
  const ends = times('end');
  return times('start').map((from, place) => ({ from, until: ends[place] ?? null }));
}

/** The boxes of an MP4 file in their order (ISO/IEC 14496-12 section 4.2). */
export function boxes(bytes) {
  const found = [];
  for (let at = 0; at + 8 <= bytes.length;) {
    const short = bytes.readUInt32BE(at);
    const length = short === 1 ? Number(bytes.readBigUInt64BE(at + 8)) : short;
    found.push(bytes.toString('latin1', at + 4, at + 8));
    if (length < 8) break;
    at += length;
  }
  return found;
}

/** One picture in grey, of this moment. */
async function picture(file, atMs, { width, height }) {
  const at = (atMs / 1000).toFixed(3);
  const data = await ffmpeg(
    ...['-ss', at, '-i', file, '-frames:v', '1'],
    ...['-pix_fmt', 'gray', '-f', 'rawvideo', 'pipe:1'],
  );
  return { data, width, height };
}

/** The number on a screen that lies there in a picture, or null. */
function readAt({ data, width }, { left, top, blockWidth, blockHeight }) {
  const greys = [];
  for (let row = 0; row < ROWS; row++) {
    const y = Math.round(top + (row + 0.5) * blockHeight);
    for (let column = 0; column < COLUMNS; column++) {
      greys.push(data[y * width + Math.round(left + (column + 0.5) * blockWidth)]);
    }
  }
  return decode(greys);
}

/** How far a place may be moved to all sides and still be read: the true one may be farthest. */
function room(picture, place) {
  const { left, top, blockWidth, blockHeight } = place;
  const number = readAt(picture, place);
  let moves = 0;
  for (let move = 0.1; move < 0.5; move += 0.1) {
    for (const [x, y] of CORNERS) {
      const moved = { left: left + x * move * blockWidth, top: top + y * move * blockHeight };
      if (readAt(picture, { ...place, ...moved }) === number) moves += 1;
    }
  }
  return moves;
}

function* places(picture, aspect) {
  const { width, height } = picture;
  for (let wide = width; wide >= width * LEAST_SCREEN; wide /= NEXT_SCREEN) {
    const high = wide / aspect;
    if (high > height * 1.01) continue;
    const [blockWidth, blockHeight] = [
      (wide * SHARE.width) / COLUMNS,
      (high * SHARE.height) / ROWS,
    ];
    for (let top = 0; top <= height - high + 1; top += blockHeight * STEP) {
      for (let left = 0; left <= width - wide + 1; left += blockWidth * STEP) {
        yield { left, top, wide, high, blockWidth, blockHeight };
      }
    }
  }
}

/** Where the shared screen lies in a film at one moment: `{ left, top, wide, high }`, in pixels. */
export async function findScreen(file, atMs, size, aspect = 16 / 9) {
  const shown = await picture(file, atMs, size);
  const hits = [...places(shown, aspect)].filter((place) => readAt(shown, place) !== null);
  if (hits.length === 0) return undefined;
  const scores = hits.map((place) => room(shown, place));
  const most = Math.max(...scores);
  const best = hits.filter((_, index) => scores[index] === most);
  const middle = (name) => median(best.map((hit) => hit[name]));
  return {
    left: middle('left'),
    top: middle('top'),
    wide: middle('wide'),
    high: middle('high'),
  };
}

/** The part of a screen in which the counter stands, in shares of the picture. */
export function counterArea({ left, top, wide, high }, { width, height }) {
  return {
    left: left / width,
    top: top / height,
    width: (wide * SHARE.width) / width,
    height: (high * SHARE.height) / height,
  };
}

/** Every picture of a film: `[number or null, ms of the film]`. */
export async function readCounters(file, { left, top, wide, high }) {
  const crop = [wide * SHARE.width, high * SHARE.height, left, top].map(Math.round).join(':');
  const [width, height] = [COLUMNS * BLOCK, ROWS * BLOCK];
  const filter = `crop=${crop}:exact=1,scale=${width}:${height}:flags=area,format=gray`;
  const pixels = await ffmpeg(
    ...['-i', file, '-map', '0:v:0', '-vf', filter, '-fps_mode', 'passthrough'],
    ...['-f', 'rawvideo', 'pipe:1'],
  );
  const times = await presentationTimes(file);
  return times.map((atMs, index) => [
    decode(blocksOf(pixels.subarray(index * width * height), width)),
    atMs,
  ]);
}

function blocksOf(pixels, width) {
  const greys = [];
  for (let block = 0; block < COLUMNS * ROWS; block++) {
    const left = (block % COLUMNS) * BLOCK;
    const top = Math.floor(block / COLUMNS) * BLOCK;
    let sum = 0;
    for (let y = top + 4; y < top + 8; y++) {
      for (let x = left + 4; x < left + 8; x++) sum += pixels[y * width + x];
    }
    greys.push(sum / 16);
  }
  return greys;
}

async function presentationTimes(file) {
  const entry = 'frame=best_effort_timestamp_time';
  const args = ['-select_streams', 'v:0', '-show_entries', entry, '-of', 'csv=p=0', file];
  const text = (await output('ffprobe', args)).toString('utf8');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [parseFloat(line) * 1000]));
}

/** When the tone changes in a film: `[ms of the film, hertz from then on]`. */
export async function hearTurns(file) {
  const raw = await ffmpeg(
    ...['-i', file, '-map', '0:a:0', '-af', 'aresample=async=1:first_pts=0'],
    ...['-ac', '1', '-ar', `${SAMPLE_RATE}`, '-f', 's16le', 'pipe:1'],
  );
  const samples = new Int16Array(raw.buffer, raw.byteOffset, raw.length >> 1);
  const turns = [];
  let before;
  for (let from = 0; from + WINDOW <= samples.length; from += HOP) {
    const high = shareOfHigh(samples, from);
    const at = ((from + WINDOW / 2) * 1000) / SAMPLE_RATE;
    if (before !== undefined && high !== undefined && before.high < 0.5 !== high < 0.5) {
      // Between the two windows, in proportion.
      const part = (0.5 - before.high) / (high - before.high);
      turns.push([before.at + part * (at - before.at), TONES_HZ[high < 0.5 ? 0 : 1]]);
    }
    before = high === undefined ? undefined : { high, at };
  }
  return turns;
}

/** How much of both tones is the higher one, 0 to 1; undefined where none is heard. */
function shareOfHigh(samples, from) {
  let energy = 0;
  for (let i = 0; i < WINDOW; i++) energy += (samples[from + i] * hann(i)) ** 2;
  const [low, high] = TONES_HZ.map((hz) => power(samples, from, hz));
  if (energy === 0 || low + high < LEAST_TONE * energy) return undefined;
  return high / (low + high);
}

const hann = (i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / WINDOW);

/** The energy at one frequency in a window, on the scale of the window's energy. */
function power(samples, from, hz) {
  const [cosines, sines] = waves(hz);
  let [real, imaginary] = [0, 0];
  for (let i = 0; i < WINDOW; i++) {
    real += samples[from + i] * cosines[i];
    imaginary += samples[from + i] * sines[i];
  }
  // Under Hann's window a sine of all the energy has a third of it, times the window's length.
  return ((real ** 2 + imaginary ** 2) * 3) / WINDOW;
}

const made = new Map();

function waves(hz) {
  if (!made.has(hz)) {
    const angles = Array.from({ length: WINDOW }, (_, i) => (2 * Math.PI * hz * i) / SAMPLE_RATE);
    made.set(hz, [
      angles.map((angle, i) => Math.cos(angle) * hann(i)),
      angles.map((angle, i) => Math.sin(angle) * hann(i)),
    ]);
  }
  return made.get(hz);
}

/**
 * How far the sound of a film is behind its picture, in milliseconds, for each `windowMs` of it.
 * `drawn` are times by number and `turns` times of the tone, both of the machine's clock.
 */
export function skews({ counters, heard }, { drawn, turns }, windowMs = 2_000) {
  // Of each number the first picture counts; others repeat it.
  const firsts = counters.filter(
    ([number], index) => drawn[number] !== undefined && number !== counters[index - 1]?.[0],
  );
  const found = [];
  for (let from = 0; from <= (firsts.at(-1)?.[1] ?? -1); from += windowMs) {
    const within = ([at]) => at >= from && at < from + windowMs;
    const pictures = firsts
      .filter(([, at]) => within([at]))
      .map(([number, at]) => at - drawn[number]);
    if (pictures.length < 5) continue;
    // A film shows a picture at its next beat, a browser captures at the next of its own: what is
    // least late is late by the way alone.
    const picture = Math.min(...pictures);
    const sounds = heard
      .filter(within)
      .flatMap(([at, hz]) => nearest(at - picture, hz, turns) ?? []);
    if (sounds.length < 2) continue;
    found.push({ fromMs: from, ms: median(sounds), pictures: pictures.length });
  }
  return found;
}

/** How long after the turn that it is a turn was heard; none where no turn is near. */
function nearest(at, hz, turns) {
  const distances = turns.filter(([, to]) => to === hz).map(([turn]) => at - turn);
  const best = distances.reduce(
    (least, distance) => (Math.abs(distance) < Math.abs(least) ? distance : least),
    Infinity,
  );
  return Math.abs(best) < 250 ? best : undefined;
}
