// Notes what the app does with the browser, and changes nothing: its PeerConnections and their
// figures, what came by data channels, clicks, and calls for devices. Needs `clock.js`, `find.js`; installs `watcher`.
(() => {
  'use strict';

  /** Bytes of a message that are kept. */
  const LONGEST_NOTE = 1_000;

  const connections = [];
  const clicks = [];
  const deviceCalls = [];
  const descriptions = [];

  /** What came by data channels, byte by byte as text: what is written in ASCII can be read. */
  const messages = [];

  function noteMessages(channel) {
    channel.addEventListener('message', ({ data }) => {
      if (!(data instanceof ArrayBuffer)) return;
      messages.push(String.fromCharCode(...new Uint8Array(data).subarray(0, LONGEST_NOTE)));
    });
  }

  /** ICE fragments of the page's own side: a restart brings new ones. */
  function noteFragments(connection) {
    const descriptions = [connection.currentLocalDescription, connection.pendingLocalDescription];
    for (const description of descriptions) {
      for (const [, fragment] of description?.sdp.matchAll(/a=ice-ufrag:(\S+)/g) ?? []) {
        connection.fragments.add(fragment);
      }
    }
  }

  /** Notes a description and what became of it. */
  function told(connection, side, promise, description) {
    const fragment = description?.sdp?.match(/a=ice-ufrag:(\S+)/)?.[1];
    const candidates = description?.sdp?.match(/a=candidate:.*/g);
    const note = { at: machineTime(), connection: connections.indexOf(connection), side };
    descriptions.push(Object.assign(note, { type: description?.type, fragment, candidates }));
    promise.then(
      () => (note.tookMs = machineTime() - note.at),
      (error) => (note.error = String(error)),
    );
    return promise;
  }

  const Original = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class RTCPeerConnection extends Original {
    constructor(...configuration) {
      super(...configuration);
      connections.push(this);
      this.fragments = new Set();
      this.addEventListener('signalingstatechange', () => noteFragments(this));
      this.addEventListener('icegatheringstatechange', () => noteFragments(this));
      this.addEventListener('datachannel', ({ channel }) => noteMessages(channel));
    }

    setLocalDescription(...description) {
      return told(this, 'local', super.setLocalDescription(...description), description[0]);
    }

    setRemoteDescription(description) {
      return told(this, 'remote', super.setRemoteDescription(description), description);
    }
  };

  addEventListener(
    'click',
    (event) => {
      const control = event.composedPath().find((node) => node.matches?.('button, a'));
      if (control) clicks.push({ at: machineTime(), on: finder.name(control) });
    },
    true,
  );

  const devices = navigator.mediaDevices;
  for (const call of ['getUserMedia', 'getDisplayMedia']) {
    const original = devices?.[call]?.bind(devices);
    if (!original) continue;
    devices[call] = (constraints) => {
      deviceCalls.push(call);
      return original(constraints);
    };
  }

  function pick(report, names) {
    return Object.fromEntries(names.filter((n) => n in report).map((n) => [n, report[n]]));
  }

  const INBOUND = [
    'kind', 'ssrc', 'mid', 'packetsReceived', 'packetsLost', 'framesReceived', 'framesDecoded',
    'framesDropped', 'frameWidth', 'frameHeight', 'framesPerSecond', 'freezeCount',
    'totalFreezesDuration', 'totalAudioEnergy', 'concealedSamples', 'silentConcealedSamples',
    'totalSamplesReceived', 'keyFramesDecoded', 'nackCount', 'pliCount', 'jitter',
    'jitterBufferDelay', 'jitterBufferEmittedCount', 'decoderImplementation', 'trackIdentifier',
  ]; // prettier-ignore
  const OUTBOUND = [
    'kind', 'ssrc', 'rid', 'mid', 'packetsSent', 'framesEncoded', 'framesSent', 'frameWidth',
    'frameHeight', 'framesPerSecond', 'encoderImplementation', 'qualityLimitationReason',
    'nackCount', 'pliCount', 'retransmittedPacketsSent', 'active', 'targetBitrate',
  ]; // prettier-ignore
  const TRANSPORT = [
    'dtlsState', 'tlsVersion', 'dtlsCipher', 'dtlsRole', 'srtpCipher', 'iceRole', 'iceState',
    'iceLocalUsernameFragment', 'selectedCandidatePairChanges', 'packetsSent', 'packetsReceived',
  ]; // prettier-ignore

  function codec(reports, report) {
    return reports.get(report.codecId)?.mimeType;
  }

  function pair(reports, transport) {
    const nominated = [...reports.values()].find(
      (r) =>
        r.type === 'candidate-pair' && (r.selected || (r.nominated && r.state === 'succeeded')),
    );
    const chosen = reports.get(transport?.selectedCandidatePairId) ?? nominated;
    if (!chosen) return undefined;
    const remote = reports.get(chosen.remoteCandidateId);
    const local = reports.get(chosen.localCandidateId);
    return {
      remote: remote && `${remote.address ?? remote.ip}:${remote.port}`,
      local: local && `${local.address ?? local.ip}:${local.port}`,
      rttSeconds: chosen.currentRoundTripTime,
    };
  }

  /** The figures of one PeerConnection. */
  async function figures(connection) {
    const reports = new Map([...(await connection.getStats())].map(([id, report]) => [id, report]));
    const of = (type) => [...reports.values()].filter((report) => report.type === type);
    const transport = of('transport')[0];
    const rtp = (type, names) =>
      of(type).map((report) => ({ ...pick(report, names), codec: codec(reports, report) }));
    noteFragments(connection);
    return {
      index: connections.indexOf(connection),
      fragments: [...connection.fragments],
      offers: connection.localDescription?.type === 'offer',
      state: connection.connectionState,
      ice: connection.iceConnectionState,
      transport: transport && pick(transport, TRANSPORT),
      pair: pair(reports, transport),
      inbound: rtp('inbound-rtp', INBOUND),
      outbound: rtp('outbound-rtp', OUTBOUND),
    };
  }

  /** The figures of all PeerConnections that are open. */
  function stats() {
    const open = connections.filter((connection) => connection.connectionState !== 'closed');
    return Promise.all(open.map(figures));
  }

  globalThis.watcher = { connections, clicks, deviceCalls, descriptions, messages, stats };
})();
