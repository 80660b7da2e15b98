// What a person who watches sees and hears: reads the counter off the pixels of every <video> and
// measures the sound of every track that plays. Needs `counter.js`, `clock.js`, `find.js`; installs `reader`.
(() => {
  'use strict';

  const LOOK_FOR_ELEMENTS_MS = 100;
  const LISTEN_MS = 50;

  /** Pixels of a block's side in the copy that is read. */
  const BLOCK = 12;

  /** The tones of `draw.js`, and what counts as one of them. */
  const TONES_HZ = [1000, 1500];
  const TONE_WIDTH_HZ = 60;

  /** [counter, read at, frame width, frame height], one for each frame with a counter. */
  const frames = [];
  /** Frames shown without a readable counter since the first that had one. */
  let unread = 0;
  const seen = new WeakSet();
  const ears = new Map();
  let context = null;

  /** Where in a picture the blocks lie, in shares of its width and height. */
  let area = { left: 0, top: 0, ...frameCounter.SHARE };

  function pad() {
    const canvas = document.createElement('canvas');
    canvas.width = frameCounter.COLUMNS * BLOCK;
    canvas.height = frameCounter.ROWS * BLOCK;
    return canvas.getContext('2d', { willReadFrequently: true, alpha: false });
  }

  function greys(painter, video) {
    const { COLUMNS, ROWS } = frameCounter;
    const { width, height } = painter.canvas;
    const x = [video.videoWidth * area.left, video.videoWidth * area.width];
    const y = [video.videoHeight * area.top, video.videoHeight * area.height];
    painter.drawImage(video, x[0], y[0], x[1], y[1], 0, 0, width, height);
    const pixels = painter.getImageData(0, 0, width, height).data;
    const blocks = [];
    for (let block = 0; block < COLUMNS * ROWS; block++) {
      const left = (block % COLUMNS) * BLOCK;
      const top = Math.floor(block / COLUMNS) * BLOCK;
      let sum = 0;
      for (let y = top + 4; y < top + 8; y++) {
        for (let x = left + 4; x < left + 8; x++) sum += pixels[(y * width + x) * 4 + 1];
      }
      blocks.push(sum / 16);
    }
    return blocks;
  }

  function watch(video) {
    if (seen.has(video)) return;
    seen.add(video);
    const painter = pad();
    let hadCounter = false;
    const look = () => {
      video.requestVideoFrameCallback(look);
      if (video.videoWidth === 0) return;
      const counter = frameCounter.decode(greys(painter, video));
      if (counter !== null) {
        hadCounter = true;
        frames.push([counter, machineTime(), video.videoWidth, video.videoHeight]);
      } else if (hadCounter) {
        unread += 1;
      }
    };
    video.requestVideoFrameCallback(look);
  }

  function ear(track, element) {
    context ??= new AudioContext();
    const analyser = new AnalyserNode(context, { fftSize: 2048, smoothingTimeConstant: 0 });
    const source = context.createMediaStreamSource(new MediaStream([track]));
    source.connect(analyser);
    const heard = { track: track.id, element, source, analyser, toneAt: [], soundAt: [] };
    ears.set(track.id, heard);
    return heard;
  }

  function listen(heard) {
    const { analyser } = heard;
    const samples = new Float32Array(analyser.fftSize);
    analyser.getFloatTimeDomainData(samples);
    const rms = Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
    const levels = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(levels);
    const peak = levels.indexOf(levels.reduce((most, level) => Math.max(most, level), -Infinity));
    const hz = (peak * context.sampleRate) / analyser.fftSize;
    heard.rms = rms;
    heard.hz = hz;
    if (rms > 0.001) heard.soundAt.push(machineTime());
    const isTone = TONES_HZ.some((tone) => Math.abs(tone - hz) < TONE_WIDTH_HZ);
    if (rms > 0.001 && isTone) heard.toneAt.push(machineTime());
  }

  function look() {
    for (const video of finder.all('video')) watch(video);
    for (const element of finder.all('audio, video')) {
      const stream = element.srcObject;
      if (!(stream instanceof MediaStream) || element.muted || element.volume === 0) continue;
      for (const track of stream.getAudioTracks()) {
        if (!ears.has(track.id) && track.readyState === 'live') ear(track, element);
      }
    }
  }

  /** What is heard of each track: level, pitch, and whether a loudspeaker would play it. */
  function sounds() {
    return [...ears.values()].map(({ track, element, rms, hz, toneAt, soundAt }) => ({
      track,
      rms,
      hz,
      toneAt,
      soundAt,
      plays: !element.paused && !element.muted && element.volume > 0,
    }));
  }

  function start() {
    setInterval(look, LOOK_FOR_ELEMENTS_MS);
    setInterval(() => ears.forEach(listen), LISTEN_MS);
  }

  /** In a film the shared screen is only a part of the picture. */
  function lookAt(part) {
    area = part;
  }

  globalThis.reader = { frames, sounds, start, lookAt, unread: () => unread };
  if (document.readyState === 'loading') addEventListener('DOMContentLoaded', start);
  else start();
})();
