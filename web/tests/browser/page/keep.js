// Keeps what the browser captures of a shared tab as a film of its own, beside what the app sends: the
// browser's own delays between sound and picture can be told from those of the way. Installs `keeper`.
(() => {
  'use strict';

  const FORMAT = { mimeType: 'video/webm;codecs=vp8,opus', videoBitsPerSecond: 3_000_000 };

  /** Bytes that become text at once: more are too many arguments. */
  const PIECE = 8_192;

  const parts = [];
  let captured = null;
  let recorder = null;

  const devices = navigator.mediaDevices;
  const original = devices?.getDisplayMedia?.bind(devices);
  if (original) {
    devices.getDisplayMedia = async (constraints) => (captured = await original(constraints));
  }

  function start() {
    const tracks = captured.getTracks().map((track) => track.clone());
    recorder = new MediaRecorder(new MediaStream(tracks), FORMAT);
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.start();
  }

  /** The film, in base64. */
  async function stop() {
    const stopped = new Promise((resolve) => (recorder.onstop = resolve));
    recorder.stop();
    await stopped;
    recorder.stream.getTracks().forEach((track) => track.stop());
    const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
    let text = '';
    for (let at = 0; at < bytes.length; at += PIECE) {
      text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
    }
    return btoa(text);
  }

  globalThis.keeper = { start, stop };
})();
