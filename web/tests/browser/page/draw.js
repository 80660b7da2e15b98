// The tab that is shared: draws a new number with each animation frame, sounds, and remembers when.
// Needs `counter.js` and `clock.js`; installs `drawn`.
(() => {
  'use strict';

  const TONES_HZ = [1000, 1500];
  const TONE_SECONDS = 0.5;
  const VOLUME = 0.3;

  /** Turns are planned so far ahead: a page behind another one may run once a second only. */
  const PLANNED_SECONDS = 3;
  const PLAN_MS = 250;

  /** When each number was drawn, by number. */
  const times = [];

  function draw(canvas, painter) {
    const { COLUMNS, ROWS, SHARE, encode } = frameCounter;
    const width = (canvas.width * SHARE.width) / COLUMNS;
    const height = (canvas.height * SHARE.height) / ROWS;
    encode(times.length).forEach((block, at) => {
      painter.fillStyle = block ? '#fff' : '#000';
      const column = at % COLUMNS;
      const row = Math.floor(at / COLUMNS);
      painter.fillRect(column * width, row * height, width, height);
    });
    painter.fillStyle = '#f4f4f0';
    painter.fillRect(560, 60, 640, 80);
    painter.fillStyle = '#1a1a2e';
    painter.font = '56px sans-serif';
    painter.fillText(`frame ${times.length}`, 570, 120);
    times.push(machineTime());
  }

  function start() {
    const canvas = document.querySelector('canvas');
    canvas.width = innerWidth;
    canvas.height = innerHeight;
    const painter = canvas.getContext('2d', { alpha: false });
    painter.fillStyle = '#f4f4f0';
    painter.fillRect(0, 0, canvas.width, canvas.height);
    painter.fillStyle = '#1a1a2e';
    painter.font = '22px sans-serif';
    for (let line = 0; line < 12; line++) {
      painter.fillText(`Line ${line + 1} of a page with some text to read`, 570, 190 + line * 40);
    }
    const next = () => {
      draw(canvas, painter);
      requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
  }

  /** From when on each tone sounds: `[seconds of the context's clock, hertz]`. */
  const planned = [];
  /** What must be added to the context's clock to get the machine's, as often measured. */
  const offsets = [];

  function compare(context) {
    const { contextTime, performanceTime } = context.getOutputTimestamp();
    if (contextTime === 0) return;
    const now = machineTime() - performance.now();
    offsets.push(now + performanceTime - contextTime * 1000);
  }

  /** From when on each tone was to be heard: `[ms since 1970, hertz]`. */
  function turns() {
    const sorted = [...offsets].sort((a, b) => a - b);
    const offset = sorted[Math.floor(sorted.length / 2)];
    return planned.map(([seconds, hz]) => [seconds * 1000 + offset, hz]);
  }

  /** Two tones by turns: sound without a pause, that cannot be taken for the fake microphone's. */
  async function sound() {
    const context = new AudioContext();
    await context.resume();
    const volume = new GainNode(context, { gain: VOLUME });
    const tone = new OscillatorNode(context, { frequency: TONES_HZ[0] });
    tone.connect(volume).connect(context.destination);
    tone.start();
    const first = context.currentTime + TONE_SECONDS;
    const plan = () => {
      compare(context);
      for (;;) {
        const at = first + planned.length * TONE_SECONDS;
        if (at > context.currentTime + PLANNED_SECONDS) return;
        const hz = TONES_HZ[(planned.length + 1) % TONES_HZ.length];
        tone.frequency.setValueAtTime(hz, at);
        planned.push([at, hz]);
      }
    };
    plan();
    setInterval(plan, PLAN_MS);
  }

  globalThis.drawn = { times, start, sound, turns };
})();
