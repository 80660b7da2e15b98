// Whether servers ever used an SRTP or SRTCP index or a DTLS record number twice towards a client,
// from a capture and from what the pages know of their transports.

import {
  ExtendedSequence,
  cut,
  dtlsRecords,
  kind,
  rtpHeader,
  srtcpIndex,
  stunUsername,
} from './srtp.js';

/** Handshake messages that begin a new DTLS connection (RFC 6347 section 4.3.2). */
const HELLOS = { 1: 'ClientHello', 2: 'ServerHello', 3: 'HelloVerifyRequest' };

/** What was sent to one transport, and by which servers. */
class Sent {
  constructor() {
    this.sequences = new Map();
    this.used = new Set();
    this.twice = [];
    this.rtp = [];
    this.count = { rtp: 0, rtcp: 0, dtls: 0 };
  }

  add(datagram) {
    const { bytes, from, at } = datagram;
    const what = kind(bytes);
    if (what === 'rtp') {
      const { ssrc, sequence } = rtpHeader(bytes);
      if (!this.sequences.has(ssrc)) this.sequences.set(ssrc, new ExtendedSequence());
      const index = this.sequences.get(ssrc).extend(sequence);
      this.rtp.push({ at, ssrc, index, from });
      this.#use('rtp', `${ssrc}/${index}`, datagram);
    } else if (what === 'rtcp') {
      const { ssrc, index } = srtcpIndex(bytes, this.cipher);
      this.#use('rtcp', `${ssrc}/${index}`, datagram);
    } else if (what === 'dtls') {
      for (const { epoch, sequence } of dtlsRecords(bytes)) {
        this.#use('dtls', `${epoch}/${sequence}`, datagram);
      }
    }
  }

  #use(what, index, { from, at }) {
    this.count[what] += 1;
    const key = `${what} ${index}`;
    if (this.used.has(key)) this.twice.push(`${key} from ${from} at ${at}`);
    this.used.add(key);
  }
}

/**
 * Sorts a capture by transport. `servers` are the nodes' addresses; `transports` are
 * `{ name, fragments, cipher }`, `fragments` being the client's ICE fragments, old and new.
 */
export function sort(capture, servers, transports) {
  const datagrams = cut(capture);
  const byFragment = new Map();
  for (const transport of transports) {
    for (const fragment of transport.fragments) byFragment.set(fragment, transport.name);
  }
  const owners = endpoints(datagrams, servers, byFragment);
  const sorted = new Map();
  for (const { name, cipher } of transports) {
    sorted.set(name, { sent: Object.assign(new Sent(), { cipher }), received: [], hellos: [] });
  }
  const strangers = new Set();
  for (const datagram of datagrams) {
    const isSent = servers.includes(datagram.from);
    const client = isSent ? datagram.to : datagram.from;
    const transport = sorted.get(owners.get(client));
    if (!transport) {
      if (kind(datagram.bytes) !== 'stun') strangers.add(client);
      continue;
    }
    if (isSent) transport.sent.add(datagram);
    else if (kind(datagram.bytes) === 'rtp') {
      transport.received.push({ at: datagram.at, to: datagram.to, ...rtpHeader(datagram.bytes) });
    }
    transport.hellos.push(...hellos(datagram));
  }
  return { transports: sorted, strangers: [...strangers] };
}

/** Whose address is whose: clients name their fragment behind the colon, servers before it. */
function endpoints(datagrams, servers, byFragment) {
  const owners = new Map();
  for (const { from, to, bytes } of datagrams) {
    const username = kind(bytes) === 'stun' ? stunUsername(bytes) : undefined;
    if (username === undefined) continue;
    const [receiver, sender] = username.split(':');
    const isSent = servers.includes(from);
    const owner = byFragment.get(isSent ? receiver : sender);
    if (owner) owners.set(isSent ? to : from, owner);
  }
  return owners;
}

function hellos({ at, from, bytes }) {
  if (kind(bytes) !== 'dtls') return [];
  return dtlsRecords(bytes)
    .filter(({ handshake }) => HELLOS[handshake])
    .map(({ handshake }) => ({ at, from, message: HELLOS[handshake] }));
}

/** How far each SSRC's index jumped from the last packet of one server to the first of the next. */
export function jumps(sent, [before, after]) {
  const found = {};
  for (const { ssrc, index, from } of sent.rtp) {
    const track = (found[ssrc] ??= {});
    if (from === before) track.last = index;
    if (from === after) track.first ??= index;
  }
  return Object.values(found)
    .filter(({ last, first }) => last !== undefined && first !== undefined)
    .map(({ last, first }) => first - last);
}
