// A client that is not ours: LiveKit's Python SDK, driven line by line, in a process of its own.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { TARGET } from './scene.js';

const INTERPRETER = join(TARGET, 'python', 'bin', 'python');
const CLIENT = fileURLToPath(new URL('../python/client.py', import.meta.url));
const PATIENCE_MS = 20_000;
const POLL_MS = 50;

export class PythonClient {
  /** Starts a client, in a namespace where one is given. */
  static async start(stage, who, { namespace } = {}) {
    const plain = [INTERPRETER, [CLIENT]];
    const [command, args] = namespace ? namespace.command(...plain) : plain;
    const env = { ...process.env, PYTHONUNBUFFERED: '1' };
    const options = { stdio: ['pipe', 'pipe', 'pipe'], env };
    const client = new PythonClient(who, stage.program(who, command, args, options));
    await client.event('ready');
    return client;
  }

  constructor(who, program) {
    this.who = who;
    this.program = program;
    this.events = [];
    this.waiting = new Map();
    this.next = 1;
    let rest = '';
    program.child.stdout.setEncoding('utf8');
    program.child.stdout.on('data', (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop();
      lines.filter((line) => line.startsWith('{')).forEach((line) => this.#line(JSON.parse(line)));
    });
    // A client that has ended says so by its outcome; what is written to it then is lost.
    program.child.stdin.on('error', () => {});
  }

  #line(message) {
    if (message.event) {
      this.events.push(message);
      return;
    }
    const { done, failed } = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (message.error) failed(new Error(`${this.who}: ${message.error}`));
    else done(message.ok);
  }

  /** Gives a command and waits for its answer. */
  async do(command, given = {}, timeoutMs = PATIENCE_MS) {
    const id = this.next++;
    const answered = new Promise((done, failed) => this.waiting.set(id, { done, failed }));
    this.program.child.stdin.write(`${JSON.stringify({ id, do: command, ...given })}\n`);
    const abort = new AbortController();
    const late = sleep(timeoutMs, undefined, { signal: abort.signal }).then(
      () => {
        throw new Error(`${this.who} does not answer to ${command}`);
      },
      () => {},
    );
    const ended = this.program.ended.then((how) => {
      throw new Error(`${this.who} ${how} instead of an answer to ${command}`);
    });
    ended.catch(() => {});
    try {
      return await Promise.race([answered, late, ended]);
    } finally {
      abort.abort();
    }
  }

  /** Where the list of events ends now: later ones can be told from earlier ones. */
  mark() {
    return this.events.length;
  }

  /** Events of a name since a mark that hold `wanted`. */
  since(mark, name, wanted = {}) {
    return this.events.slice(mark).filter((event) => event.event === name && holds(event, wanted));
  }

  /** Waits for an event, which may have come already since the mark. */
  async event(name, wanted = {}, mark = 0, timeoutMs = PATIENCE_MS) {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const [found] = this.since(mark, name, wanted);
      if (found) return found;
      if (this.program.outcome) throw new Error(`${this.who} ${this.program.outcome}`);
      if (Date.now() > deadline) throw new Error(this.#missing(name, wanted, mark));
      await sleep(POLL_MS);
    }
  }

  #missing(name, wanted, mark) {
    const seen = JSON.stringify(this.events.slice(mark));
    return `${this.who} waits in vain for ${name} ${JSON.stringify(wanted)}; came: ${seen}`;
  }

  /** Waits until what the client reports satisfies `body`, and gives what that gives. */
  async until(what, body, timeoutMs = PATIENCE_MS) {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const report = await this.do('report');
      const found = body(report);
      if (found) return found;
      if (Date.now() > deadline) {
        throw new Error(`${this.who} waits in vain for ${what}: ${JSON.stringify(report)}`);
      }
      await sleep(4 * POLL_MS);
    }
  }

  stop() {
    return this.program.stop();
  }
}

function holds(event, wanted) {
  return Object.entries(wanted).every(([key, value]) => event[key] === value);
}
