// The frame of every test: browsers and programs of its own, evidence when it fails, and an end.

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CHROMIUM, PICKER, startChromium, startFirefox } from './browsers.js';
import { Program } from './process.js';
import { Tab } from './tab.js';

export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
export const TARGET = process.env.CARGO_TARGET_DIR ?? join(REPOSITORY, 'target');
const EVIDENCE = join(TARGET, 'browser-tests');

/** Pictures that are made to be looked at. */
export const SCREENSHOTS = join(TARGET, 'screenshots');

/** A built program of the workspace, or the one that an environment variable names. */
export function binary(name) {
  return process.env[`${name.toUpperCase()}_BIN`] ?? join(TARGET, 'debug', name);
}

/** Runs `body` as a test in a scene of its own. */
export function scene(name, timeoutMs, body) {
  test(name, { timeout: timeoutMs + 15_000 }, async () => {
    const stage = new Scene(name);
    await rm(stage.directory, { recursive: true, force: true });
    await mkdir(stage.directory, { recursive: true });
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not done after ${timeoutMs} ms`)), timeoutMs);
    });
    try {
      await Promise.race([body(stage), late]);
    } catch (error) {
      await stage.keepEvidence(error);
      throw error;
    } finally {
      clearTimeout(timer);
      await stage.close();
    }
  });
}

export class Scene {
  constructor(name) {
    this.name = name;
    this.directory = join(EVIDENCE, name);
    this.programs = [];
    this.tabs = [];
    this.endings = [];
  }

  /** Starts a program that ends with the scene. */
  program(name, command, args, options) {
    const program = new Program(name, command, args, options);
    this.programs.push(program);
    return program;
  }

  /** Runs `ending` when the scene ends, the latest first. */
  atEnd(ending) {
    this.endings.push(ending);
  }

  /** A browser that ends with the scene; in a namespace where one is given. */
  async chromium(picker = PICKER.sharesTab, namespace = undefined) {
    const program = await namespace?.launcher(this, CHROMIUM);
    const browser = await startChromium(picker, program);
    this.atEnd(() => browser.close());
    return browser;
  }

  async firefox() {
    const browser = await startFirefox();
    this.atEnd(() => browser.close());
    return browser;
  }

  /** A person's tab, in either browser. */
  async tab(browser, who, options) {
    const isFirefox = typeof browser.createBrowserContext === 'function';
    const tab = isFirefox
      ? await Tab.inFirefox(browser, who, options?.viewport)
      : await Tab.inChromium(browser, who, options);
    this.tabs.push(tab);
    return tab;
  }

  /** A tab that a page of Chromium opened by itself, in the same context. */
  adopt(page, who, context) {
    const tab = new Tab('chromium', who, page);
    tab.context = context;
    this.tabs.push(tab);
    return tab;
  }

  /** Keeps what is needed to understand a failure, and says where. */
  async keepEvidence(error) {
    await writeFile(join(this.directory, 'error.txt'), `${error.stack}\n`);
    for (const { name, log } of this.programs) {
      await writeFile(join(this.directory, `${name}.log`), log);
    }
    for (const tab of this.tabs) await this.#keepPage(tab);
    console.log(`${this.name} failed; logs, consoles and screenshots are in ${this.directory}`);
  }

  async #keepPage(tab) {
    try {
      await tab.screenshot(join(this.directory, `${tab.who}.png`));
      const figures = await tab.evaluate(async () => ({
        connections: await watcher.stats(),
        descriptions: watcher.descriptions,
        clicks: watcher.clicks,
      }));
      const file = join(this.directory, `${tab.who}.stats.json`);
      await writeFile(file, JSON.stringify(figures, null, 2));
    } catch (error) {
      await writeFile(join(this.directory, `${tab.who}.gone.txt`), `${error.stack}\n`);
    }
  }

  async close() {
    for (const { who, console } of this.tabs) {
      await writeFile(join(this.directory, `${who}.console.log`), console);
    }
    for (const ending of this.endings.reverse()) {
      await ending().catch((error) => console.log(`${this.name}: ${error.message}`));
    }
    await Promise.all(this.programs.map((program) => program.stop()));
  }
}
