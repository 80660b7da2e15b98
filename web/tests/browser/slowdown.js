// A slow line for TCP: carries bytes to the server and back, each way half a round trip late.
// The first bytes wait a round trip more, as TCP's own handshake would.

import { connect, createServer } from 'node:net';

/** Listens on a port of loopback; gives the port and a way to end. */
export async function slowLine(toPort, roundTripMs) {
  const sockets = new Set();
  const server = createServer((client) => {
    const upstream = connect(toPort, '127.0.0.1');
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      sockets.add(socket);
    }
    const openAt = performance.now() + roundTripMs;
    carry(client, upstream, roundTripMs / 2, openAt);
    carry(upstream, client, roundTripMs / 2, 0);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const end = async () => {
    sockets.forEach((socket) => socket.destroy());
    await new Promise((resolve) => server.close(resolve));
  };
  return { port: server.address().port, end };
}

/** Whichever timer comes first, what arrived first goes first. */
function carry(from, to, delayMs, notBefore) {
  const waiting = [];
  const later = (action) => {
    const now = performance.now();
    waiting.push(action);
    setTimeout(() => waiting.shift()(), Math.max(now, notBefore) + delayMs - now);
  };
  from.on('data', (bytes) => later(() => to.writable && to.write(bytes)));
  from.on('end', () => later(() => to.end()));
  from.on('error', () => to.destroy());
  from.on('close', () => later(() => to.destroy()));
}
