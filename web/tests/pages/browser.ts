// A real Chromium, with a fake camera and microphone, and the three sizes people hold in hand.
import { AxeBuilder } from '@axe-core/playwright';
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject } from 'vitest';

const EXECUTABLE = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const FOLDER = resolve(import.meta.dirname, '../../../target/screenshots/web');

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream=display-media-type=browser',
];

export interface Look {
  name: string;
  width: number;
  height: number;
  scheme: 'light' | 'dark';
  touch: boolean;
}

const desktop = { width: 1440, height: 900, touch: false };
const phone = { width: 390, height: 844, touch: true };
const side = { width: 844, height: 390, touch: true };

export const looks: Look[] = [
  { name: 'light', ...desktop, scheme: 'light' },
  { name: 'dark', ...desktop, scheme: 'dark' },
  { name: 'phone', ...phone, scheme: 'light' },
  { name: 'phone-dark', ...phone, scheme: 'dark' },
  { name: 'phone-side', ...side, scheme: 'light' },
];

let browser: Browser;

export function useBrowser(): void {
  beforeAll(async () => {
    mkdirSync(FOLDER, { recursive: true });
    browser = await chromium.launch({ executablePath: EXECUTABLE, args: FLAGS });
  });
  afterAll(() => browser.close());
}

export interface Opened {
  page: Page;
  context: BrowserContext;
  /** Errors of the page so far. */
  errors: string[];
}

export async function open(path: string, look: Look = looks[0]!): Promise<Opened> {
  const context = await browser.newContext({
    viewport: { width: look.width, height: look.height },
    colorScheme: look.scheme,
    hasTouch: look.touch,
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  context.setDefaultTimeout(90_000);
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(inject('origin') + path);
  return { page, context, errors };
}

/** Opens one of the made-up meetings. */
export async function openScene(scene: string, look?: Look): Promise<Opened> {
  const opened = await open(`/tests/pages/harness.html?scene=${scene}`, look);
  await opened.page.getByTestId('meeting-title').waitFor({ state: 'attached' });
  await opened.page.evaluate(() => document.fonts.ready);
  return opened;
}

/** Takes a picture, and checks that nothing is serious: neither for axe nor for the eye. */
export async function check(page: Page, name: string): Promise<void> {
  // Videos need a moment to show their first frame.
  await page.waitForTimeout(450);
  await page.screenshot({ path: `${FOLDER}/${name}.png` });
  const { violations } = await new AxeBuilder({ page }).analyze();
  const grave = violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
  expect(grave, name).toEqual([]);
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(excess, `${name} is too wide`).toBeLessThanOrEqual(0);
}
