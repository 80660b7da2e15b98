// The shared tab: a slide of text, with a bar that moves a little, as a cursor or a clock does. Needs
// `clock.js`; installs `slide`.
(() => {
  'use strict';

  const WORDS_IN_LINE = 8;
  const BAR_MS = 100;

  const style = document.createElement('style');
  style.textContent = `
    body { margin: 0; overflow: hidden; background: #fdfdfb; color: #1d1d2b; font: 26px 'DejaVu Sans' }
    h1 { margin: 60px 90px 20px; font-size: 52px }
    p { margin: 0 90px; line-height: 60px; word-spacing: 18px }
    #bar { position: absolute; right: 60px; bottom: 40px; width: 24px; height: 24px; background: #2a62c9 }
    #chart { position: absolute; left: 90px; bottom: 60px; display: flex; gap: 30px; align-items: end }
    #chart div { width: 90px; background: linear-gradient(#e3893a, #b7432e) }`;
  document.head.append(style);

  let count = 0;
  const shown = [];

  /** Shows a slide; gives when it was drawn. */
  async function show(words) {
    count += 1;
    const lines = [];
    for (let at = 0; at < words.length; at += WORDS_IN_LINE) {
      lines.push(`<p>${words.slice(at, at + WORDS_IN_LINE).join(' ')}</p>`);
    }
    const bars = [3, 1, 4, 1, 5, 9, 2, 6].map((n) => 40 + ((n * count * 37) % 180));
    const chart = bars.map((height) => `<div style="height:${height}px"></div>`).join('');
    document.body.innerHTML = `<h1>Agenda ${count}</h1>${lines.join('')}
      <div id="chart">${chart}</div><div id="bar"></div>`;
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    shown.push({ at: machineTime(), words });
  }

  setInterval(() => {
    const bar = document.querySelector('#bar');
    if (bar) bar.style.right = `${60 + ((Math.round(machineTime() / BAR_MS) * 8) % 200)}px`;
  }, BAR_MS);

  /** Draws without rest beside the text: more than any encoder can spend little on. */
  function move() {
    const canvas = Object.assign(document.createElement('canvas'), { width: 700, height: 500 });
    canvas.style = 'position: absolute; right: 90px; bottom: 120px';
    document.body.append(canvas);
    const painter = canvas.getContext('2d', { alpha: false });
    let turn = 0;
    setInterval(() => {
      turn += 1;
      for (let at = 0; at < 260; at++) {
        const hue = (at * 67 + turn * 11) % 360;
        painter.fillStyle = `hsl(${hue} 70% ${30 + ((at * 29 + turn * 7) % 50)}%)`;
        painter.fillRect((at * 97 + turn * 13) % 700, (at * 61 + turn * 17) % 500, 60, 40);
      }
    }, 66);
  }

  globalThis.slide = { show, shown, move };
})();
