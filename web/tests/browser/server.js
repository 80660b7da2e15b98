// The real server, as one process or as a cluster of four, on free ports and with data of its own.

import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
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

const OPERATOR_KEY = 'an operator key for tests, 32 bytes or more';

/** A request to the API, outside of any browser; gives the decoded body. */
export async function api(origin, method, path, { key, body } = {}) {
  const headers = { 'content-type': 'application/json' };
  if (key) headers.authorization = `Bearer ${key}`;
  const response = await exchange(new URL(path, origin), { method, headers }, body);
  if (response.status >= 300) {
    throw new Error(`${method} ${path}: ${response.status} ${response.text}`);
  }
  return response.text === '' ? undefined : JSON.parse(response.text);
}

/** The server's certificate for development is its own. */
function exchange(url, options, body) {
  return new Promise((resolve, reject) => {
    const call = request(url, { ...options, rejectUnauthorized: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
    call.on('error', reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** A controller, an edge and two nodes, each a process of its own, linked by certificates. */
export async function startCluster(stage) {
  const certificates = join(stage.directory, 'certificates');
  execFileSync(binary('lectern'), ['cluster', 'init', '--directory', certificates]);
  const controllerPort = await freeUdpPort();
  const common = async (name) => ({
    data_dir: join(stage.directory, name),
    admin: `127.0.0.1:${await freeTcpPort()}`,
    'cluster.certificates': certificates,
    'cluster.controller': `127.0.0.1:${controllerPort}`,
  });
  const start = async (name, role, more) => {
    const args = [role, ...settings({ ...(await common(name)), ...more })];
    return stage.program(name, binary('lectern'), args);
  };
  await start('controller', 'controller', { 'cluster.listen': `127.0.0.1:${controllerPort}` });
  const nodes = [];
  for (const name of ['node-a', 'node-b']) {
    const address = `127.0.0.1:${await freeUdpPort()}`;
    await start(name, 'node', { 'node.name': name, 'node.listen': address });
    nodes.push({ name, address });
  }
  const edge = await start('edge', 'edge', {
    'edge.listen': `127.0.0.1:${await freeTcpPort()}`,
    'edge.operator_key': OPERATOR_KEY,
  });
  const [, origin] = await edge.line(READY);
  await nodesAreKnown(origin, nodes.length);
  return { origin, nodes };
}

async function nodesAreKnown(origin, count) {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const nodes = await operator(origin, 'GET', 'nodes').catch((error) => error);
    if (Array.isArray(nodes) && nodes.filter(({ alive }) => alive).length === count) return;
    if (Date.now() > deadline) throw new Error(`the nodes do not come: ${nodes}`);
    await sleep(100);
  }
}

/** A request of the operator's. */
export function operator(origin, method, path, body) {
  return api(origin, method, `/api/v1/operator/${path}`, { key: OPERATOR_KEY, body });
}
