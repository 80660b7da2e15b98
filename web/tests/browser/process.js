// A program that a test starts: its output is kept, and it ends by its process id, whatever happens.

import { spawn } from 'node:child_process';

const STOP_MS = 5_000;

/** All that is still running, so that an interrupted run leaves nothing behind. */
const running = new Set();

process.on('exit', () => running.forEach((program) => program.child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

/** What stands in `LECTERN_…` is for the tests: a server would take it as its configuration. */
export function environment() {
  const ours = Object.entries(process.env).filter(([name]) => !name.startsWith('LECTERN_'));
  return Object.fromEntries(ours);
}

export class Program {
  /** Starts `command`; its output is readable from `log` and goes nowhere else. */
  constructor(name, command, args, options = {}) {
    this.name = name;
    this.log = '';
    this.listeners = new Set();
    const stdio = ['ignore', 'pipe', 'pipe'];
    this.child = spawn(command, args, { stdio, env: environment(), ...options });
    this.child.stdout.on('data', (bytes) => this.#append(bytes));
    this.child.stderr.on('data', (bytes) => this.#append(bytes));
    running.add(this);
    this.ended = new Promise((resolve) => {
      this.child.on('error', (error) => resolve(`cannot start ${command}: ${error.message}`));
      this.child.on('close', (code, signal) => resolve(`ended with ${signal ?? code}`));
    }).then((how) => {
      running.delete(this);
      this.outcome = how;
      this.#append(`\n[${name} ${how}]\n`);
      return how;
    });
  }

  #append(bytes) {
    this.log += bytes;
    this.listeners.forEach((listener) => listener());
  }

  /** Waits until the output matches, and gives the match. */
  async line(pattern, timeoutMs = 20_000) {
    let done;
    const found = new Promise((resolve) => {
      done = () => {
        const match = this.log.match(pattern);
        if (match) resolve(match);
      };
    });
    this.listeners.add(done);
    done();
    let timer;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, timeoutMs)));
    const match = await Promise.race([found, late, this.ended.then(() => undefined)]);
    clearTimeout(timer);
    this.listeners.delete(done);
    if (match) return match;
    throw new Error(
      `${this.name} ${this.outcome ?? 'is silent'}: no ${pattern} in its output:\n${this.log}`,
    );
  }

  /** Asks it to end, then makes it end. */
  async stop(signal = 'SIGTERM') {
    if (this.outcome === undefined) this.child.kill(signal);
    const timer = setTimeout(() => this.child.kill('SIGKILL'), STOP_MS);
    await this.ended;
    clearTimeout(timer);
  }
}
