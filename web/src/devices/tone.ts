// A short, soft two-note sound to test a speaker.

const RATE = 44_100;
const SECONDS = 0.7;

export async function playTestSound(speaker: string): Promise<void> {
  const url = URL.createObjectURL(new Blob([wave()], { type: 'audio/wav' }));
  const audio = new Audio(url);
  try {
    if (speaker !== '' && 'setSinkId' in audio) await audio.setSinkId(speaker);
    const ended = new Promise((resolve) =>
      audio.addEventListener('ended', resolve, { once: true }),
    );
    await audio.play();
    await ended;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** RIFF/WAVE, one channel of 16 bits. */
function wave(): ArrayBuffer {
  const count = Math.floor(RATE * SECONDS);
  const view = new DataView(new ArrayBuffer(44 + count * 2));
  const word = (at: number, text: string): void => {
    for (let i = 0; i < text.length; i += 1) view.setUint8(at + i, text.charCodeAt(i));
  };
  word(0, 'RIFF');
  view.setUint32(4, 36 + count * 2, true);
  word(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, RATE, true);
  view.setUint32(28, RATE * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  word(36, 'data');
  view.setUint32(40, count * 2, true);
  for (let i = 0; i < count; i += 1) {
    const time = i / RATE;
    const note = time < SECONDS / 2 ? 523.25 : 659.25;
    const since = time % (SECONDS / 2);
    const loudness = 0.25 * Math.min(1, since * 60) * Math.exp(-since * 6);
    view.setInt16(
      44 + i * 2,
      Math.round(Math.sin(2 * Math.PI * note * time) * loudness * 32_767),
      true,
    );
  }
  return view.buffer;
}
