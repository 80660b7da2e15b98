// What one participant sees, written down ten times a second and with each frame; and the voice that it
// may speak with. Needs `clock.js` and `path.js`; installs `watch`.
(() => {
  'use strict';

  const SAMPLE_MS = 100;

  /** Pictures kept at once: 8 MB each at 1080p. */
  const MOST_STILLS = 90;

  const samples = [];
  const frames = {};
  const stills = [];
  const windows = [];
  const events = [];
  const sources = new Map();

  function note(event, more = {}) {
    events.push({ at: machineTime(), event, ...more });
  }

  function watchFrames(source, video) {
    const seen = (frames[source] ??= []);
    const each = (_, metadata) => {
      const at = machineTime();
      seen.push([at, metadata.height, metadata.rtpTimestamp ?? 0]);
      keep(source, video, at);
      video.requestVideoFrameCallback(each);
    };
    video.requestVideoFrameCallback(each);
  }

  /** Keeps the picture that is shown, where a window asks for it. */
  function keep(source, video, at) {
    const window = windows.find(
      (w) => w.source === source && at >= w.from && at < w.until && at >= (w.last ?? 0) + w.every,
    );
    if (!window || stills.length >= MOST_STILLS) return;
    window.last = at;
    const still = { at, source, name: window.name };
    stills.push(still);
    still.bitmap = createImageBitmap(video);
  }

  /** A track that is sent. */
  function sends(source, track) {
    sources.set(track.id, source);
    note('published', { source });
  }

  /** A track that is received, in the element that plays it. */
  function receives(source, track, element) {
    sources.set(track.id, source);
    note('subscribed', { source });
    document.body.append(element);
    if (track.kind === 'video') watchFrames(source, element);
  }

  const INBOUND = [
    'kind', 'ssrc', 'packetsReceived', 'packetsLost', 'bytesReceived', 'headerBytesReceived',
    'framesReceived', 'framesDecoded', 'framesDropped', 'keyFramesDecoded', 'frameWidth', 'frameHeight',
    'framesPerSecond', 'freezeCount', 'totalFreezesDuration', 'qpSum', 'concealedSamples',
    'silentConcealedSamples', 'totalSamplesReceived', 'nackCount', 'pliCount', 'firCount',
    'jitterBufferDelay', 'jitterBufferEmittedCount', 'retransmittedPacketsReceived',
    'fecPacketsReceived', 'decoderImplementation',
  ]; // prettier-ignore
  const OUTBOUND = [
    'kind', 'ssrc', 'rid', 'bytesSent', 'headerBytesSent', 'framesEncoded', 'keyFramesEncoded',
    'frameWidth', 'frameHeight', 'framesPerSecond', 'nackCount', 'pliCount', 'firCount', 'qpSum',
    'qualityLimitationReason', 'active', 'targetBitrate', 'retransmittedPacketsSent',
    'scalabilityMode', 'encoderImplementation',
  ]; // prettier-ignore

  const pick = (report, names) =>
    Object.fromEntries(names.filter((name) => name in report).map((name) => [name, report[name]]));

  /** The figures of one connection. */
  async function figures(connection) {
    const reports = new Map([...(await connection.getStats())].map(([id, report]) => [id, report]));
    const of = (type) => [...reports.values()].filter((report) => report.type === type);
    const codec = (report) => reports.get(report.codecId)?.mimeType;
    const pair = reports.get(of('transport')[0]?.selectedCandidatePairId);
    const remote = pair && reports.get(pair.remoteCandidateId);
    return {
      port: remote?.port,
      inbound: of('inbound-rtp').map((report) => ({
        ...pick(report, INBOUND),
        source: sources.get(report.trackIdentifier),
        codec: codec(report),
      })),
      outbound: of('outbound-rtp').map((report) => ({
        ...pick(report, OUTBOUND),
        source: sources.get(reports.get(report.mediaSourceId)?.trackIdentifier),
        codec: codec(report),
      })),
      availableOutgoingBitrate: pair?.availableOutgoingBitrate,
    };
  }

  async function sample() {
    const open = path.connections.filter(({ connectionState }) => connectionState === 'connected');
    const at = machineTime();
    const of = await Promise.all(open.map(figures));
    const all = (name) => of.flatMap((one) => one[name]);
    const ports = of.map(({ port }) => port).filter((port) => port !== undefined);
    const available = Math.max(0, ...of.map((one) => one.availableOutgoingBitrate ?? 0));
    samples.push({ at, ports, available, inbound: all('inbound'), outbound: all('outbound') });
  }

  /** Whether all is sent as large as it was meant: the browser's own estimate has to grow first. */
  function isFull(source, height) {
    const sent = samples.at(-1)?.outbound.filter((one) => one.source === source) ?? [];
    return sent.some((one) => one.frameHeight >= height && one.framesPerSecond >= 5);
  }

  /** Begins to look at the connections. */
  function begin() {
    let busy = false;
    setInterval(async () => {
      if (busy) return;
      busy = true;
      await sample().catch((error) => note('no sample', { error: String(error) }));
      busy = false;
    }, SAMPLE_MS);
  }

  /** Sound without a pause, loud and soft as speech is: noise through a filter, four syllables a second. */
  async function voice() {
    const context = new AudioContext({ sampleRate: 48_000 });
    await context.resume();
    const noise = context.createBuffer(1, 2 * context.sampleRate, context.sampleRate);
    const values = noise.getChannelData(0);
    let seed = 1;
    for (let at = 0; at < values.length; at++) {
      seed = (seed * 48_271) % 2_147_483_647;
      values[at] = seed / 1_073_741_824 - 1;
    }
    const breath = new AudioBufferSourceNode(context, { buffer: noise, loop: true });
    const voice = new BiquadFilterNode(context, { type: 'bandpass', frequency: 700, Q: 2 });
    const loudness = new GainNode(context, { gain: 0.4 });
    const syllables = new OscillatorNode(context, { frequency: 4 });
    const depth = new GainNode(context, { gain: 0.3 });
    syllables.connect(depth).connect(loudness.gain);
    const destination = context.createMediaStreamDestination();
    breath.connect(voice).connect(loudness).connect(destination);
    breath.start();
    syllables.start();
    return destination.stream.getAudioTracks()[0];
  }

  /** The pictures that were kept, as PNG, one after another. */
  async function still(index) {
    const { bitmap: promised, ...about } = stills[index] ?? {};
    const bitmap = await promised;
    if (!bitmap) return undefined;
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    canvas.getContext('2d').drawImage(bitmap, 0, 0);
    bitmap.close();
    const bytes = new Uint8Array(
      await (await canvas.convertToBlob({ type: 'image/png' })).arrayBuffer(),
    );
    let text = '';
    for (let at = 0; at < bytes.length; at += 32_768) {
      text += String.fromCharCode(...bytes.subarray(at, at + 32_768));
    }
    return { ...about, width: canvas.width, height: canvas.height, png: btoa(text) };
  }

  globalThis.watch = {
    note,
    begin,
    sends,
    receives,
    voice,
    still,
    isFull,
    keepWithin: (window) => windows.push(window),
    decoded: (source) => (frames[source] ?? []).length,
    seen: () => ({ samples, frames, events: [...events, ...path.events] }),
  };
})();
