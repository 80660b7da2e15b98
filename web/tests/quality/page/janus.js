// One participant in a room of Janus's VideoRoom plugin, by its JSON protocol over a WebSocket. Needs
// `path.js` and `watch.js`; installs `client`.
(() => {
  'use strict';

  const { note } = watch;

  const PLUGIN = 'janus.plugin.videoroom';
  const PROTOCOL = 'janus-protocol';
  /** The room of the configuration. */
  const ROOM = 1;
  /** The presenter asks for this number in the room, so that viewers know whom they want. */
  const PRESENTER = 1;
  /** A session is over that is silent for a minute. */
  const KEEP_ALIVE_MS = 25_000;
  const ANSWER_MS = 20_000;

  /** What LiveKit's client publishes of a camera of 720p. */
  const CAMERA_ENCODINGS = [
    { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 160_000, maxFramerate: 20 },
    { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 450_000, maxFramerate: 20 },
    { rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1_700_000, maxFramerate: 30 },
  ];
  /** And of a screen: half the size for a quarter of the rate, beside the whole. */
  const screenEncodings = ({ screenShareEncoding, screenShareSimulcastLayers: [slow] }) => [
    { rid: 'q', scaleResolutionDownBy: 1, ...slow.encoding },
    { rid: 'h', scaleResolutionDownBy: 1, ...screenShareEncoding },
  ];
  const VOICE_ENCODINGS = [{ maxBitrate: 48_000 }];

  const SUBSTREAMS = { LOW: 0, MEDIUM: 1, HIGH: 2 };

  let handle;
  let connection;
  /** The source of each m-line, by mid. */
  const sources = new Map();

  /** A session with one handle of the plugin in it. */
  class Handle {
    #socket;
    #ids = {};
    #count = 0;
    #waiting = new Map();

    static async open(url) {
      const opened = new Handle();
      const socket = new WebSocket(url, PROTOCOL);
      opened.#socket = socket;
      await new Promise((resolve, reject) => {
        socket.onopen = resolve;
        socket.onerror = () => reject(new Error(`no way to ${url}`));
      });
      socket.onmessage = ({ data }) => opened.#hear(JSON.parse(data));
      socket.onclose = () => note('disconnected');
      opened.#ids.session_id = (await opened.#request({ janus: 'create' })).data.id;
      const attached = await opened.#request({ janus: 'attach', plugin: PLUGIN });
      setInterval(() => opened.#keepAlive(), KEEP_ALIVE_MS);
      opened.#ids.handle_id = attached.data.id;
      return opened;
    }

    /** Asks the plugin; gives its answer, with a description where there is one. */
    async ask(body, jsep) {
      const { plugindata, ...answer } = await this.#request({ janus: 'message', body, jsep });
      const { data } = plugindata;
      if (data.error) throw new Error(`${body.request}: ${data.error}`);
      return { data, jsep: answer.jsep };
    }

    /** There are no candidates but those that connectivity checks show. */
    endOfCandidates() {
      this.#send({ janus: 'trickle', candidate: { completed: true } });
    }

    #keepAlive() {
      const { session_id } = this.#ids;
      this.#socket.send(JSON.stringify({ janus: 'keepalive', session_id, transaction: 'alive' }));
    }

    #send(message) {
      const transaction = String((this.#count += 1));
      this.#socket.send(JSON.stringify({ ...message, ...this.#ids, transaction }));
      return transaction;
    }

    #request(message) {
      const transaction = this.#send(message);
      return new Promise((resolve, reject) => {
        const late = () => reject(new Error(`no answer to ${message.janus}`));
        setTimeout(late, ANSWER_MS);
        this.#waiting.set(transaction, { resolve, reject });
      });
    }

    #hear(message) {
      // What is asked of the plugin is acknowledged first, and answered by an event.
      if (message.janus === 'ack') return;
      const waiting = this.#waiting.get(message.transaction);
      this.#waiting.delete(message.transaction);
      if (message.janus === 'error') {
        const { code, reason } = message.error;
        const error = new Error(`Janus: ${reason} (${code})`);
        if (!waiting) throw error;
        return waiting.reject(error);
      }
      if (waiting) return waiting.resolve(message);
      const { janus, sender, session_id, plugindata, ...more } = message;
      note(`janus ${janus}`, { ...more, ...plugindata?.data });
    }
  }

  const isConnected = (one) =>
    new Promise((resolve) => {
      const look = () => one.connectionState === 'connected' && resolve();
      one.addEventListener('connectionstatechange', look);
      look();
    });

  /** Goes in; a viewer takes all that the presenter has published. */
  async function join({ url, role, name, way }) {
    path.instead(way);
    note('joining');
    watch.begin();
    handle = await Handle.open(url);
    if (role === 'presenter') {
      const who = { room: ROOM, id: PRESENTER, display: name };
      await handle.ask({ request: 'join', ptype: 'publisher', ...who });
    } else {
      await subscribe();
    }
    note('joined');
  }

  async function subscribe() {
    const streams = [{ feed: PRESENTER }];
    const asked = { request: 'join', ptype: 'subscriber', room: ROOM, streams };
    const { data, jsep } = await handle.ask(asked);
    for (const { mid, feed_description } of data.streams) sources.set(mid, feed_description);
    connection = new RTCPeerConnection();
    connection.addEventListener('track', ({ track, transceiver }) => {
      const element = document.createElement(track.kind);
      Object.assign(element, { autoplay: true, srcObject: new MediaStream([track]) });
      watch.receives(sources.get(transceiver.mid), track, element);
    });
    await connection.setRemoteDescription(jsep);
    const answer = await connection.createAnswer();
    await connection.setLocalDescription(answer);
    await handle.ask({ request: 'start', room: ROOM }, answer);
    handle.endOfCandidates();
  }

  /** Adds a track to what is published. */
  async function publish(source, track, sendEncodings, degradationPreference) {
    const isFirst = connection === undefined;
    connection ??= new RTCPeerConnection();
    const direction = 'sendonly';
    const transceiver = connection.addTransceiver(track, { direction, sendEncodings });
    const offer = await connection.createOffer();
    await connection.setLocalDescription(offer);
    sources.set(transceiver.mid, source);
    const descriptions = [...sources].map(([mid, description]) => ({ mid, description }));
    const request = isFirst ? 'publish' : 'configure';
    // The smallest layer stands first, as Chromium wants it.
    const { jsep } = await handle.ask({ request, descriptions }, { ...offer, rid_order: 'lmh' });
    if (isFirst) handle.endOfCandidates();
    await connection.setRemoteDescription(jsep);
    const { sender } = transceiver;
    if (degradationPreference) {
      await sender.setParameters({ ...sender.getParameters(), degradationPreference });
    }
    await isConnected(connection);
    watch.sends(source, track);
  }

  async function publishCamera({ width, height, frameRate }) {
    const video = { width, height, frameRate };
    const [track] = (await navigator.mediaDevices.getUserMedia({ video })).getVideoTracks();
    await publish('camera', track, CAMERA_ENCODINGS, 'balanced');
  }

  async function publishScreen({ capture, publish: how }) {
    const { resolution, contentHint, ...options } = capture;
    const media = await navigator.mediaDevices.getDisplayMedia({ ...options, video: resolution });
    const [track] = media.getVideoTracks();
    track.contentHint = contentHint;
    const encodings = screenEncodings(how);
    await publish('screen_share', track, encodings, how.degradationPreference);
  }

  async function publishMicrophone() {
    await publish('microphone', await watch.voice(), VOICE_ENCODINGS);
  }

  /** Asks for a layer of a track, as an application does. */
  async function want(source, quality) {
    const [mid] = [...sources].find(([, of]) => of === source) ?? [];
    const streams = [{ mid, substream: SUBSTREAMS[quality] }];
    await handle.ask({ request: 'configure', streams });
    note('wants', { source, quality });
  }

  globalThis.client = { join, publishCamera, publishScreen, publishMicrophone, want };
})();
