// What passed a client's cable: packets by kind and direction (RFC 7983, RFC 5761), and when.

import { cut, kind } from './srtp.js';

const NOTHING = { count: 0, bytes: 0, firstAt: null, lastAt: null };

/** Counts of each kind, `toClient` and `fromClient`; a client is whoever has one of `addresses`. */
export function traffic(datagrams, addresses) {
  const isClient = (end) => addresses.includes(end.slice(0, end.lastIndexOf(':')));
  return {
    toClient: count(datagrams.filter(({ to }) => isClient(to))),
    fromClient: count(datagrams.filter(({ from }) => isClient(from))),
  };
}

function count(datagrams) {
  const counts = {};
  for (const what of ['rtp', 'rtcp', 'dtls', 'stun', 'other']) counts[what] = { ...NOTHING };
  for (const { at, bytes } of cut(datagrams)) {
    const of = counts[kind(bytes)];
    of.count += 1;
    of.bytes += bytes.length;
    of.firstAt ??= at;
    of.lastAt = at;
  }
  return counts;
}
