// Hears without a gap whether the shared tab's tone is there: each 10 ms of every remote track, as
// it leaves the browser's own buffers. Needs `clock.js`, `find.js`; installs `toneKeeper`, idle
// until `start`. The page must let a worklet be made from text.
(() => {
  'use strict';

  const LOOK_FOR_TRACKS_MS = 50;

  /** The tones of `draw.js` cross zero 20 and 30 times in a window; speech and silence do not. */
  const WORKLET = `registerProcessor('tone', class extends AudioWorkletProcessor {
    constructor() {
      super();
      Object.assign(this, { count: 0, energy: 0, crossings: 0, last: 0, is: false });
    }
    process([input]) {
      const samples = input[0] ?? new Float32Array(128);
      for (let i = 0; i < samples.length; i++) {
        this.energy += samples[i] ** 2;
        if (this.last < 0 !== samples[i] < 0) this.crossings += 1;
        this.last = samples[i];
        if (++this.count === 480) this.judge(currentTime + i / sampleRate);
      }
      return true;
    }
    judge(at) {
      const loud = Math.sqrt(this.energy / this.count) > 0.005;
      const is = loud && this.crossings >= 16 && this.crossings <= 34;
      if (is !== this.is) this.port.postMessage({ is, at: is ? at - 0.01 : at });
      Object.assign(this, { count: 0, energy: 0, crossings: 0, is });
    }
  });`;

  /** [from, until] in seconds of the context's clock; a tone that goes on has no end. */
  const tones = [];
  const known = new Set();
  let context = null;

  function keep(track) {
    known.add(track.id);
    const node = new AudioWorkletNode(context, 'tone', { numberOfOutputs: 0 });
    context.createMediaStreamSource(new MediaStream([track])).connect(node);
    let current = null;
    node.port.onmessage = ({ data: { is, at } }) => {
      if (is) tones.push((current = [at, Infinity]));
      else if (current) current[1] = at;
    };
    track.addEventListener('ended', () => current && (current[1] = Math.min(current[1], now())));
  }

  function now() {
    return context.currentTime;
  }

  function look() {
    for (const element of finder.all('audio, video')) {
      const stream = element.srcObject;
      if (!(stream instanceof MediaStream) || element.muted || element.volume === 0) continue;
      for (const track of stream.getAudioTracks()) {
        if (!known.has(track.id) && track.readyState === 'live') keep(track);
      }
    }
  }

  async function start() {
    context = new AudioContext({ sampleRate: 48_000 });
    const url = URL.createObjectURL(new Blob([WORKLET], { type: 'text/javascript' }));
    await context.audioWorklet.addModule(url);
    await context.resume();
    setInterval(look, LOOK_FOR_TRACKS_MS);
  }

  /** Whether the tone is there at this moment. */
  function isThere() {
    return tones.some(([, until]) => until === Infinity);
  }

  /** What was not heard in a time of the machine's clock, in milliseconds: each hole, by length. */
  function holes(from, until) {
    const toContext = (at) => now() + (at - machineTime()) / 1000;
    let at = toContext(from);
    const end = toContext(until);
    const found = [];
    for (const [begins, ends] of [...tones].sort((a, b) => a[0] - b[0])) {
      if (begins >= end) break;
      if (begins > at) found.push((begins - at) * 1000);
      at = Math.max(at, ends);
    }
    if (at < end) found.push((end - at) * 1000);
    return found.map(Math.round).filter((ms) => ms > 0);
  }

  globalThis.toneKeeper = { start, isThere, holes, tones };
})();
