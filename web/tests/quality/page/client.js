// One participant: publishes, receives, and writes down what it sees ten times a second and with each
// frame. Needs LiveKit's client, `clock.js` and `path.js`; installs `client`.
(() => {
  'use strict';

  const { Room, RoomEvent, Track, VideoQuality, createLocalVideoTrack } = LivekitClient;

  const SAMPLE_MS = 100;

  /** Pictures kept at once: 8 MB each at 1080p. */
  const MOST_STILLS = 90;

  const samples = [];
  const frames = {};
  const stills = [];
  const windows = [];
  const events = [];
  const sources = new Map();
  let room;

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

  function subscribed(track, publication) {
    sources.set(track.mediaStreamTrack.id, publication.source);
    note('subscribed', { source: publication.source });
    const element = track.attach();
    document.body.append(element);
    if (track.kind === 'video') watchFrames(publication.source, element);
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

  function watch() {
    let busy = false;
    setInterval(async () => {
      if (busy) return;
      busy = true;
      await sample().catch((error) => note('no sample', { error: String(error) }));
      busy = false;
    }, SAMPLE_MS);
  }

  /** Goes in; other ways to the server than by `port` are shut. */
  async function join({ url, token, port, isAdaptive, autoSubscribe }) {
    path.only(port);
    room = new Room({ adaptiveStream: isAdaptive, dynacast: true, singlePeerConnection: false });
    room.on(RoomEvent.TrackSubscribed, subscribed);
    room.on(RoomEvent.TrackStreamStateChanged, (publication, streamState) =>
      note('stream state', { source: publication.source, streamState }),
    );
    room.on(RoomEvent.Reconnecting, () => note('reconnecting'));
    room.on(RoomEvent.Disconnected, (reason) => note('disconnected', { reason }));
    note('joining');
    watch();
    await room.connect(url, token, { autoSubscribe });
    note('joined');
  }

  function published(publication) {
    sources.set(publication.track.mediaStreamTrack.id, publication.source);
    note('published', { source: publication.source });
  }

  async function publishCamera({ width, height, frameRate, options }) {
    const track = await createLocalVideoTrack({ resolution: { width, height, frameRate } });
    const source = Track.Source.Camera;
    published(await room.localParticipant.publishTrack(track, { source, ...options }));
  }

  async function publishScreen({ capture, publish }) {
    published(await room.localParticipant.setScreenShareEnabled(true, capture, publish));
  }

  /** Sound without a pause, loud and soft as speech is: noise through a filter, four syllables a second. */
  async function publishMicrophone() {
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
    const [track] = destination.stream.getAudioTracks();
    const source = Track.Source.Microphone;
    published(await room.localParticipant.publishTrack(track, { source }));
  }

  /** Asks for a layer of a track, as an application does. */
  function want(source, quality) {
    for (const person of room.remoteParticipants.values()) {
      person.getTrackPublication(source)?.setVideoQuality(VideoQuality[quality]);
    }
    note('wants', { source, quality });
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

  globalThis.client = {
    join,
    publishCamera,
    publishScreen,
    publishMicrophone,
    want,
    still,
    isFull,
    keepWithin: (window) => windows.push(window),
    decoded: (source) => (frames[source] ?? []).length,
    seen: () => ({ samples, frames, events: [...events, ...path.events] }),
  };
})();
