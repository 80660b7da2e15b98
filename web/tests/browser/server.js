// The real server, as one process or as a cluster of four, on free ports and with data of its own.

import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { binary } from './scene.js';

const READY = /open (https?:\/\/\S+?)\/?\s/;

/** A port of loopback that nobody holds. */
export async function freePort(kind) {
  const socket = kind === 'udp' ? createSocket('udp4') : createServer();
  const listening = once(socket, 'listening');
  if (kind === 'udp') socket.bind(0, '127.0.0.1');
  else socket.listen(0, '127.0.0.1');
  await listening;
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

/** `--set` for each key. */
function settings(values) {
  return Object.entries(values).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
}

/** Starts `lectern serve`, ready for people. */
export async function serve(stage, { name = 'lectern', media, port, settings: more = {} } = {}) {
  const web = port ?? (await freePort('tcp'));
  const values = {
    data_dir: join(stage.directory, name),
    admin: `127.0.0.1:${await freePort('tcp')}`,
    'edge.listen': `127.0.0.1:${web}`,
    'node.listen': `127.0.0.1:${media ?? (await freePort('udp'))}`,
    'controller.node_silence_ms': BUSY_MACHINE_MS,
    ...more,
  };
  const program = stage.program(name, binary('lectern'), ['serve', ...settings(values)]);
  const [, origin] = await program.line(READY);
  return { origin, web, program };
}

const OPERATOR_KEY = 'an operator key for tests, 32 bytes or more';

/** A test machine that is busy may hold a node up for longer than one in service. */
const BUSY_MACHINE_MS = 10_000;

/** A request to the API, outside of any browser; gives the decoded body. */
export async function api(origin, method, path, { key, body } = {}) {
  const headers = { 'content-type': 'application/json' };
  if (key) headers.authorization = `Bearer ${key}`;
  const response = await exchange(new URL(path, origin), { method, headers }, body);
  if (response.status >= 300) {
    const refused = new Error(`${method} ${path}: ${response.status} ${response.text}`);
    throw Object.assign(refused, { status: response.status, code: code(response.text) });
  }
  return response.text === '' ? undefined : JSON.parse(response.text);
}

/** The code of a problem (RFC 9457), where the answer is one. */
function code(text) {
  try {
    return JSON.parse(text).code;
  } catch {
    return undefined;
  }
}

/** A file of the server, or a part of it: `{ status, headers, bytes }`. */
export function download(origin, path, { method = 'GET', headers = {} } = {}) {
  return exchange(new URL(path, origin), { method, headers });
}

/** The server's certificate for development is its own. */
function exchange(url, options, body) {
  return new Promise((resolve, reject) => {
    const call = request(url, { ...options, rejectUnauthorized: false }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => {
        const bytes = Buffer.concat(parts);
        const { statusCode: status, headers } = response;
        resolve({ status, headers, bytes, text: bytes.toString('utf8') });
      });
    });
    call.on('error', reject);
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** A counter of a node. */
export async function counted({ admin }, name) {
  const metrics = await (await fetch(`http://${admin}/metrics`)).text();
  const sample = metrics.match(new RegExp(`^lectern_node_${name} (\\d+)$`, 'm'));
  return Number(sample[1]);
}

/** A controller, an edge and two nodes, each a process of its own, linked by certificates. */
export async function startCluster(stage, { recorder: withRecorder = false } = {}) {
  const certificates = join(stage.directory, 'certificates');
  execFileSync(binary('lectern'), ['cluster', 'init', '--directory', certificates]);
  const controllerPort = await freePort('udp');
  const common = async (name) => ({
    data_dir: join(stage.directory, name),
    admin: `127.0.0.1:${await freePort('tcp')}`,
    'cluster.certificates': certificates,
    'cluster.controller': `127.0.0.1:${controllerPort}`,
  });
  const start = async (name, role, more) => {
    const values = { ...(await common(name)), ...more };
    const program = await stage.program(name, binary('lectern'), [role, ...settings(values)]);
    return Object.assign(program, { admin: values.admin });
  };
  await start('controller', 'controller', {
    'cluster.listen': `127.0.0.1:${controllerPort}`,
    'controller.node_silence_ms': BUSY_MACHINE_MS,
  });
  const nodes = [];
  for (const name of ['node-a', 'node-b']) {
    const port = `${await freePort('udp')}`;
    const address = `127.0.0.1:${port}`;
    const values = { 'node.name': name, 'node.listen': address };
    const { admin } = await start(name, 'node', values);
    nodes.push({ name, address, port, admin });
  }
  const recorder = withRecorder ? await startRecorder(start) : undefined;
  const edge = await start('edge', 'edge', {
    'edge.listen': `127.0.0.1:${await freePort('tcp')}`,
    'edge.operator_key': OPERATOR_KEY,
  });
  const [, origin] = await edge.line(READY);
  await nodesAreKnown(origin, nodes.length);
  return { origin, nodes, recorder };
}

/** A recorder that can be started again, at the same place and with the same data. */
async function startRecorder(start) {
  const address = `127.0.0.1:${await freePort('udp')}`;
  const recorder = {
    async start() {
      recorder.program = await start('recorder', 'recorder', {
        'cluster.recorder_listen': address,
        'recorder.advertise': `["${address}"]`,
      });
      await recorder.program.line(/the recorder is up/);
    },
  };
  await recorder.start();
  return recorder;
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
