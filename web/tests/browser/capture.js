// A packet capture of the media ports, by tcpdump, and its parsing as far as UDP datagrams.
// The kernel hands a run of equal datagrams (GSO) over as one: they are cut apart again here.

import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Program } from './process.js';

const PCAP_HEADER = 24;
const RECORD_HEADER = 16;
const ETHERNET = 14;
const LINK_ETHERNET = 1;
const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const UDP = 17;

/** Room for what comes while tcpdump waits for its turn on a busy machine. */
const BUFFER_KIB = 65_536;

/** The kernel hands packets over in blocks; the last one is full or a second old. */
const LAST_BLOCK_MS = 1_500;

export class Capture {
  /** Of some ports, or of all where none is named. */
  constructor(file, ports, device = 'lo') {
    this.file = file;
    const some = ports.map((port) => `port ${port}`).join(' or ');
    const filter = some === '' ? 'udp' : `udp and (${some})`;
    const args = ['-i', device, '-n', '-U', '-B', `${BUFFER_KIB}`, '-w', file];
    this.program = new Program('tcpdump', 'tcpdump', [...args, filter]);
  }

  /** Resolves when packets are being captured. */
  async ready() {
    await this.program.line(/listening on/);
  }

  /** Ends the capture and gives its datagrams in their order. */
  async stop() {
    await sleep(LAST_BLOCK_MS);
    await this.program.stop('SIGINT');
    const lost = this.program.log.match(/(\d+) packets? dropped by kernel/);
    if (lost?.[1] !== '0') throw new Error(`the capture is not whole: ${this.program.log}`);
    return datagrams(await readFile(this.file));
  }
}

/** The UDP datagrams of a capture file: `{ at, from, to, bytes }`, `at` in ms since 1970. */
export function datagrams(file) {
  if (file.readUInt32LE(0) !== MAGIC_MICROSECONDS) throw new Error('not a capture file');
  if (file.readUInt32LE(20) !== LINK_ETHERNET) throw new Error('not a capture of Ethernet frames');
  const found = [];
  for (let at = PCAP_HEADER; at + RECORD_HEADER <= file.length;) {
    const time = file.readUInt32LE(at) * 1000 + file.readUInt32LE(at + 4) / 1000;
    const length = file.readUInt32LE(at + 8);
    const frame = file.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length);
    const datagram = udp(frame.subarray(ETHERNET), frame.readUInt16BE(12));
    if (datagram) found.push({ at: time, ...datagram });
    at += RECORD_HEADER + length;
  }
  return found;
}

function udp(packet, etherType) {
  if (etherType === 0x0800 && packet[9] === UDP) {
    const header = (packet[0] & 15) * 4;
    const address = (at) => packet.subarray(at, at + 4).join('.');
    return ports(address(12), address(16), packet.subarray(header));
  }
  if (etherType === 0x86dd && packet[6] === UDP) {
    const address = (at) => packet.subarray(at, at + 16).toString('hex');
    return ports(address(8), address(24), packet.subarray(40));
  }
  return undefined;
}

function ports(source, destination, segment) {
  return {
    from: `${source}:${segment.readUInt16BE(0)}`,
    to: `${destination}:${segment.readUInt16BE(2)}`,
    bytes: segment.subarray(8),
  };
}
