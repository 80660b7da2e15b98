// A line to the edge that can be cut: it carries HTTPS and WebSockets, and media goes past it, so
// that a cut takes away signaling and nothing else. Who speaks to it unencrypted is heard as well.

import { connect, createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { once } from 'node:events';

const LOOPBACK = '127.0.0.1';

/** How a client's line may be: `tls` is passed on as it is, `plain` is encrypted on the way. */
const UPSTREAM = {
  tls: (port) => connect(port, LOOPBACK),
  // The server's certificate for development is its own, and a client may not take it.
  plain: (port) => connectTls({ port, host: LOOPBACK, rejectUnauthorized: false }),
};

export class Cut {
  /** Opens a line to the edge's port, for clients that reach `address`. */
  static async before(stage, toPort, { address = LOOPBACK, speaks = 'tls' } = {}) {
    const line = new Cut(toPort, address, speaks);
    await line.#listen(0);
    stage.atEnd(() => line.end());
    return line;
  }

  constructor(toPort, address, speaks) {
    Object.assign(this, { toPort, address, speaks });
    this.sockets = new Set();
  }

  /** Where clients find the edge by this line. */
  get origin() {
    return `${this.speaks === 'tls' ? 'https' : 'http'}://${this.address}:${this.port}`;
  }

  /** The same for WebSockets. */
  get url() {
    return this.origin.replace('http', 'ws');
  }

  async #listen(port) {
    this.server = createServer((client) => {
      if (this.held) this.#hold(client);
      else this.#carry(client);
    });
    this.server.listen(port, this.address);
    await once(this.server, 'listening');
    this.port = this.server.address().port;
  }

  #carry(client) {
    const upstream = UPSTREAM[this.speaks](this.toPort);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ]) {
      this.sockets.add(from);
      from.setNoDelay(true);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.sockets.delete(from);
        // Who takes leave in good order has written last words, which are still on their way.
        if (!from.readableEnded) to.destroy();
      });
      from.pipe(to);
    }
  }

  #hold(client) {
    this.held.add(client);
    client.on('error', () => {});
    client.on('close', () => this.held?.delete(client));
  }

  /** Every connection breaks, and none can be made: the port is closed, as after a restart. */
  async cut() {
    const closed = once(this.server, 'close');
    this.server.close();
    this.#break();
    await closed;
    return Date.now();
  }

  /** Every connection breaks, and new ones hear nothing, as where a network is away. */
  silence() {
    this.held = new Set();
    this.#break();
    return Date.now();
  }

  #break() {
    this.sockets.forEach((socket) => socket.destroy());
  }

  /** Connections can be made again, at the same port; those that waited go on. */
  async mend() {
    const waited = [...(this.held ?? [])];
    this.held = undefined;
    waited.forEach((client) => this.#carry(client));
    if (!this.server.listening) await this.#listen(this.port);
    return Date.now();
  }

  async end() {
    this.held?.forEach((client) => client.destroy());
    if (this.server.listening) await this.cut();
  }
}
