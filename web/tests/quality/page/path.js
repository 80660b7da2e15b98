// Holds the page to one way to the server, an address with a port: candidates of other ports are not
// taken, and its own are not told, so that the server cannot call it past the relay. Needs `clock.js`;
// installs `path`.
(() => {
  'use strict';

  const connections = [];
  const events = [];
  let address, port;
  let isMoved = false;

  const note = (event) => events.push({ at: machineTime(), event });

  const isWanted = (candidate) => port === undefined || candidate.split(' ')[5] === port;

  const isCandidate = (line) => line.startsWith('a=candidate:');

  /** A candidate of a server that does not know of the relay, at the place of the relay. */
  const moved = (candidate) => candidate.split(' ').with(4, address).with(5, port).join(' ');

  /** A description without candidates: of the server's only those of the wanted port stay. */
  function without(description, keep) {
    let lines = description?.sdp?.split('\r\n');
    if (!lines) return description;
    if (isMoved) lines = lines.map((line) => (isCandidate(line) ? moved(line) : line));
    const stays = (line) => !isCandidate(line) || (keep && isWanted(line.slice('a='.length)));
    return { type: description.type, sdp: lines.filter(stays).join('\r\n') };
  }

  const Original = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class RTCPeerConnection extends Original {
    constructor(...configuration) {
      super(...configuration);
      connections.push(this);
      this.addEventListener('iceconnectionstatechange', () => {
        if (this.iceConnectionState === 'connected') note('connected');
      });
    }

    async createOffer(options) {
      return without(await super.createOffer(options), false);
    }

    async createAnswer(options) {
      return without(await super.createAnswer(options), false);
    }

    setRemoteDescription(description) {
      note('negotiated');
      return super.setRemoteDescription(without(description, true));
    }

    async addIceCandidate(candidate) {
      if (candidate?.candidate && !isWanted(candidate.candidate)) return;
      await super.addIceCandidate(candidate);
    }

    set onicecandidate(listener) {
      // The end of candidates is told, they themselves are not.
      super.onicecandidate = (event) => event.candidate === null && listener?.(event);
    }
  };

  globalThis.path = {
    connections,
    events,
    /** The server tells this way among others. */
    only(way) {
      [address, port] = way.split(':');
    },
    /** The server tells one way, and does not know of this one, which leads there. */
    instead(way) {
      path.only(way);
      isMoved = true;
    },
  };
})();
