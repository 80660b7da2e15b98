// The real server, as one process or as a cluster of four, on free ports and with data of its own.

import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { binary } from './scene.js';

const READY = /open (https?:\/\/\S+?)\/?\s/;

async function freePort(open) {
  const server = await open();
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export function freeTcpPort() {
  return freePort(async () => {
    const server = createServer();
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server;
  });
}

export function freeUdpPort() {
  return freePort(async () => {
    const socket = createSocket('udp4');
    await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return socket;
  });
}

/** `--set` for each key. */
function settings(values) {
  return Object.entries(values).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
}

/** Starts `lectern serve`; `more` are further settings. */
export async function serve(stage, more = {}) {
  const [web, admin, media] = [await freeTcpPort(), await freeTcpPort(), await freeUdpPort()];
  const values = {
    data_dir: join(stage.directory, 'data'),
    admin: `127.0.0.1:${admin}`,
    'edge.listen': `127.0.0.1:${web}`,
    'node.listen': `127.0.0.1:${media}`,
    ...more,
  };
  const program = stage.program('lectern', binary('lectern'), ['serve', ...settings(values)]);
  const [, origin] = await program.line(READY);
  return { origin, webPort: web, mediaPort: media, adminPort: admin, program };
}
