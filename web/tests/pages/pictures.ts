// Moving pictures drawn on canvases: a slide, a program, faces.
import type { Picture } from '../../src/meeting/state';

const FRAMES_PER_SECOND = 3;

type Draw = (context: CanvasRenderingContext2D, frame: number) => void;

export function slide(id: string): Picture {
  return drawn(id, 1920, 1080, (c, frame) => {
    c.fillStyle = '#ffffff';
    c.fillRect(0, 0, 1920, 1080);
    c.fillStyle = '#0f5c49';
    c.fillRect(0, 0, 1920, 14);
    text(c, 'Third quarter: what changed', 130, 190, 84, '#13201b', 700);
    text(c, 'Response times fell by half after the move to two regions.', 130, 268, 42, '#43534c');
    const bars = [
      ['July', 420, '#b8d5ca'],
      ['August', 510, '#b8d5ca'],
      ['September', 300, '#0f5c49'],
      ['October', 236, '#0f5c49'],
    ] as const;
    bars.forEach(([name, height, colour], index) => {
      const x = 980 + index * 210;
      c.fillStyle = colour;
      c.fillRect(x, 920 - height, 140, height);
      text(c, `${height} ms`, x + 12, 900 - height, 34, '#13201b', 600);
      text(c, name, x, 972, 32, '#5a6a63');
    });
    [
      'Median answer in 236 ms',
      '99 of 100 under a second',
      'No maintenance window since July',
    ].forEach((line, index) => {
      c.fillStyle = '#f3b73b';
      c.beginPath();
      c.arc(146, 434 + index * 110, 12, 0, 7);
      c.fill();
      text(c, line, 190, 450 + index * 110, 46, '#13201b');
    });
    text(
      c,
      'The quick brown fox reads this at 20 px without effort. 0O 1lI',
      130,
      1010,
      20,
      '#43534c',
    );
    text(c, String(frame % 1000).padStart(3, '0'), 1830, 1050, 26, '#83918a');
  });
}

export function program(id: string): Picture {
  const lines = [
    'fn forward(&mut self, packet: Packet, now: Instant) -> Result<(), DropReason> {',
    '    let track = self.tracks.get_mut(packet.ssrc).ok_or(DropReason::UnknownSsrc)?;',
    '    for subscription in track.subscriptions() {',
    '        let Some(layer) = subscription.select(&packet) else { continue };',
    '        let rewritten = subscription.rewrite(&packet, layer);',
    '        self.pacer.push(subscription.peer, rewritten, now);',
    '    }',
    '    Ok(())',
    '}',
  ];
  return drawn(id, 1600, 1000, (c, frame) => {
    c.fillStyle = '#10181f';
    c.fillRect(0, 0, 1600, 1000);
    c.fillStyle = '#18232c';
    c.fillRect(0, 0, 1600, 64);
    text(c, 'forward.rs', 40, 44, 26, '#9fb3c2');
    lines.forEach((line, index) => {
      text(c, String(index + 41), 36, 150 + index * 52, 26, '#4d6170', 400, 'monospace');
      text(
        c,
        line,
        110,
        150 + index * 52,
        26,
        index === frame % 9 ? '#ffd479' : '#cfe0ea',
        400,
        'monospace',
      );
    });
  });
}

export function camera(id: string, hue: number): Picture {
  return drawn(id, 640, 360, (c, frame) => {
    const light = c.createLinearGradient(0, 0, 640, 360);
    light.addColorStop(0, `hsl(${hue} 24% 62%)`);
    light.addColorStop(1, `hsl(${hue + 40} 22% 34%)`);
    c.fillStyle = light;
    c.fillRect(0, 0, 640, 360);
    const sway = Math.sin(frame / 12) * 6;
    c.fillStyle = `hsl(${hue + 180} 26% 30%)`;
    c.beginPath();
    c.ellipse(320 + sway / 2, 400, 190, 160, 0, 0, 7);
    c.fill();
    c.fillStyle = `hsl(${24 + (hue % 12)} 42% ${58 + (hue % 20)}%)`;
    c.beginPath();
    c.ellipse(320 + sway, 175, 74, 92, 0, 0, 7);
    c.fill();
    c.fillStyle = `hsl(${hue % 40} 32% 20%)`;
    c.beginPath();
    c.ellipse(320 + sway, 112, 80, 52, 0, 3.1, 6.3);
    c.fill();
  });
}

const known = new Map<string, Picture>();

function drawn(id: string, width: number, height: number, draw: Draw): Picture {
  const before = known.get(id);
  if (before !== undefined) return before;
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d')!;
  let frame = 0;
  draw(context, frame);
  // Often enough to be seen moving; drawing more would only slow the tests down.
  const stream = canvas.captureStream(FRAMES_PER_SECOND);
  setInterval(() => draw(context, (frame += 1)), 1_000 / FRAMES_PER_SECOND);
  const picture: Picture = {
    id,
    attach: (element) => void (element.srcObject = stream),
    detach: (element) => void (element.srcObject = null),
  };
  known.set(id, picture);
  return picture;
}

function text(
  c: CanvasRenderingContext2D,
  words: string,
  x: number,
  y: number,
  size: number,
  colour: string,
  weight = 400,
  family = 'Schibsted Grotesk Variable, sans-serif',
): void {
  c.font = `${weight} ${size}px ${family}`;
  c.fillStyle = colour;
  c.fillText(words, x, y);
}
