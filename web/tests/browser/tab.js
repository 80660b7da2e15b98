// One tab of either browser, used as a person uses it: by the names of controls and visible text.

import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const PAGE = new URL('page/', import.meta.url);
const POLL_MS = 50;
const PATIENCE_MS = 15_000;
const CLICK_MS = 2_000;
const WORTH_A_NOTE_MS = 500;

/** On a busy machine Playwright's time may be over when the click has been made. */
const CLICKED = /performing click action(?![^]*(intercepts pointer|retrying click))/;

/** What runs in each page of a person: it watches and does not change what the app does. */
const OBSERVERS = ['counter.js', 'clock.js', 'find.js', 'watch.js', 'read.js'];

export async function script(name) {
  return readFile(new URL(name, PAGE), 'utf8');
}

export class Tab {
  /** `page` is Playwright's or Puppeteer's; what the tests need of both is the same. */
  constructor(browser, who, page) {
    this.browser = browser;
    this.who = who;
    this.page = page;
    this.console = '';
    page.on('console', (message) => this.#note(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => this.#note(`uncaught: ${error.stack ?? error.message}`));
  }

  #note(line) {
    this.console += `${new Date().toISOString()} ${line}\n`;
  }

  /** A tab of Chromium in a context of its own. */
  static async inChromium(browser, who, options = {}) {
    const context = await browser.newContext({
      viewport: { width: 1000, height: 640 },
      ignoreHTTPSErrors: true,
      ...options,
    });
    for (const name of OBSERVERS) await context.addInitScript(await script(name));
    const tab = new Tab('chromium', who, await context.newPage());
    tab.context = context;
    return tab;
  }

  /** A tab of Firefox. */
  static async inFirefox(browser, who, viewport = { width: 1000, height: 640 }) {
    const context = await browser.createBrowserContext();
    // A window of its own: pages behind another one are not drawn.
    const page = await context.newPage({ type: 'window' });
    await page.setViewport(viewport);
    for (const name of OBSERVERS) await page.evaluateOnNewDocument(await script(name));
    const tab = new Tab('firefox', who, page);
    tab.context = context;
    return tab;
  }

  async open(url) {
    await this.page.goto(url);
  }

  evaluate(body, argument) {
    return this.page.evaluate(body, argument);
  }

  /** Waits until `body` gives something true in the page, and gives that. */
  async until(what, body, argument, timeoutMs = PATIENCE_MS) {
    const began = Date.now();
    for (;;) {
      const value = await this.evaluate(body, argument);
      if (value) {
        if (Date.now() > began + WORTH_A_NOTE_MS) this.#note(`[waited for ${what}]`);
        return value;
      }
      if (Date.now() > began + timeoutMs) throw new Error(await this.#missing(what));
      await sleep(POLL_MS);
    }
  }

  async #missing(what) {
    const seen = await this.evaluate(() => ({
      text: finder.text(),
      buttons: finder.controls('button'),
    }));
    return `${this.who} (${this.browser}) waits in vain for ${what}; to be seen are: ${JSON.stringify(seen)}`;
  }

  async #control(role, name, timeoutMs) {
    const query = { role, name };
    const find = (q) => finder.control(q.role, q.name);
    await this.until(
      `${role} "${name}"`,
      (q) => !!finder.control(q.role, q.name),
      query,
      timeoutMs,
    );
    const handle = await this.page.evaluateHandle(find, query);
    const element = handle.asElement();
    if (!element) throw new Error(await this.#missing(`${role} "${name}"`));
    return element;
  }

  /** Clicks a button as a hand would; one that is replaced under the pointer is looked for again. */
  async press(name, timeoutMs = PATIENCE_MS) {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const button = await this.#control('button', name, deadline - Date.now());
      try {
        await button.click({ timeout: CLICK_MS });
        return this.#note(`[pressed ${name}]`);
      } catch (error) {
        if (CLICKED.test(error.message)) return;
        if (Date.now() > deadline) throw error;
      }
    }
  }

  /** Types into a field; what stood there is replaced. */
  async type(label, text) {
    const field = await this.#control('textbox', label);
    await field.click();
    await field.evaluate((element) => element.select?.());
    await this.page.keyboard.type(text);
    this.#note(`[typed ${text}]`);
  }

  /** Ticks a box or turns a switch, which must be off before. */
  async check(label) {
    const box = await this.#control('checkbox', label);
    await box.click();
    this.#note(`[checked ${label}]`);
  }

  async key(name) {
    await this.page.keyboard.press(name);
  }

  /** Waits for text on the page. */
  async sees(text, timeoutMs) {
    await this.until(`text "${text}"`, (wanted) => finder.text().includes(wanted), text, timeoutMs);
  }

  /** Waits until text is gone from the page. */
  async seesNoMore(text, timeoutMs) {
    const what = `the end of "${text}"`;
    await this.until(what, (wanted) => !finder.text().includes(wanted), text, timeoutMs);
  }

  async text() {
    return this.evaluate(() => finder.text());
  }

  async has(role, name) {
    return this.evaluate((q) => !!finder.control(q.role, q.name), { role, name });
  }

  async screenshot(path) {
    await this.page.screenshot({ path });
  }

  /** Closes it as a hand does: the page hears of it, and may take its leave. */
  async close() {
    const gone = new Promise((resolve) => this.page.once('close', resolve));
    await this.page.close({ runBeforeUnload: true });
    await gone;
    await this.context.close();
  }
}
