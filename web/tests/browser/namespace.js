// A client's own network: a namespace with one cable to this machine, on which every packet to and
// from the client is seen, and whose address can change while the client runs.

import { execFileSync } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Capture } from './capture.js';
import { freePort, serve } from './server.js';

/** Unique on this machine while this process lives; an interface's name has 15 letters at most. */
let count = 0;
const nextName = () => `lct${process.pid.toString(36)}${(count++).toString(36)}`;

/** Private addresses (RFC 1918) that hardly anybody uses: a /24 for each namespace. */
const NETWORK = '10.213';

function ip(...args) {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** A third byte of the network that no interface of this machine has. */
function freeNetwork() {
  const taken = ip('-o', '-4', 'address', 'show');
  for (let third = process.pid % 250; ; third = (third + 1) % 250) {
    if (!taken.includes(`${NETWORK}.${third}.`)) return `${NETWORK}.${third}`;
  }
}

/** Starts a server whose media is reached from loopback and from namespaces. */
export async function serveInto(stage, namespaces) {
  const media = await freePort('udp');
  const places = ['127.0.0.1', ...namespaces.map(({ host }) => host)];
  return serve(stage, {
    settings: {
      'node.listen': `0.0.0.0:${media}`,
      'node.advertise': JSON.stringify(places.map((address) => `${address}:${media}`)),
    },
  });
}

export class Namespace {
  /** Makes a namespace that ends with the scene; `host` is this machine's address in it. */
  static make(stage) {
    const namespace = new Namespace();
    stage.atEnd(async () => namespace.#remove());
    // Also when the run is interrupted: what the kernel holds does not end with a process.
    process.on('exit', namespace.atExit);
    namespace.#build();
    return namespace;
  }

  constructor() {
    this.name = nextName();
    this.cable = `${this.name}h`;
    this.network = freeNetwork();
    this.host = `${this.network}.1`;
    this.atExit = () => this.#remove();
  }

  #build() {
    const inside = `${this.name}c`;
    this.inside = inside;
    ip('netns', 'add', this.name);
    ip('link', 'add', this.cable, 'type', 'veth', 'peer', 'name', inside, 'netns', this.name);
    ip('address', 'add', `${this.host}/24`, 'dev', this.cable);
    ip('link', 'set', this.cable, 'up');
    ip('-n', this.name, 'link', 'set', 'lo', 'up');
    ip('-n', this.name, 'link', 'set', inside, 'up');
    this.#useAddress(2);
  }

  #useAddress(last) {
    this.last = last;
    this.address = `${this.network}.${last}`;
    ip('-n', this.name, 'address', 'add', `${this.address}/24`, 'dev', this.inside);
    // Browsers look for the way to the world: without one they believe to be offline.
    ip('-n', this.name, 'route', 'replace', 'default', 'via', this.host);
  }

  /** The client comes into another network: its address is gone, and it has a new one. */
  changeAddress() {
    ip('-n', this.name, 'address', 'flush', 'dev', this.inside);
    this.#useAddress(this.last + 1);
    return Date.now();
  }

  /** What to start so that a command runs inside; the process is the command's own. */
  command(command, args) {
    return ['ip', ['netns', 'exec', this.name, command, ...args]];
  }

  /** A program file that runs `command` inside, for those who start programs by their file. */
  async launcher(stage, command) {
    const file = join(stage.directory, `${this.name}.sh`);
    await writeFile(file, `#!/bin/sh\nexec ip netns exec ${this.name} ${command} "$@"\n`);
    await chmod(file, 0o755);
    return file;
  }

  /** Begins to write down everything that passes the cable, by UDP. */
  async capture(stage, name = 'cable') {
    const capture = new Capture(join(stage.directory, `${name}.pcap`), [], this.cable);
    stage.programs.push(capture.program);
    await capture.ready();
    return capture;
  }

  #remove() {
    process.off('exit', this.atExit);
    for (const args of [
      ['link', 'delete', this.cable],
      ['netns', 'delete', this.name],
    ]) {
      try {
        ip(...args);
      } catch {
        // It was not made, or is gone.
      }
    }
  }
}
