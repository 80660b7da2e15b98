// The way from a link into a meeting and out of it, with a server that takes no media.
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { check, open, openScene, useBrowser } from './browser';
import { owned } from './recordings';
import { answer, created, ENTRIES, entry, problem, SECRET, session, SESSIONS } from './server';

useBrowser();

const SECOND = 'zYxWvUtSrQpOnMlKjIhGfEdCbA987654';

/** Opens the app where links are good for viewers, and counts the open WebSockets to rooms. */
async function openLink(): Promise<{ page: Page; sockets: () => string[] }> {
  const { page } = await open('/favicon.svg');
  const sockets: string[] = [];
  await page.routeWebSocket(/\/rtc/, (socket) => {
    sockets.push('opened');
    socket.onClose(() => void sockets.push('closed'));
  });
  await answer(page, ENTRIES, entry('viewer'));
  await answer(page, SESSIONS, session());
  await page.goto(new URL(`/j#${SECRET}`, page.url()).href);
  return { page, sockets: () => sockets };
}

async function enter(page: Page): Promise<void> {
  await page.getByTestId('name').fill('Vera');
  await page.getByTestId('join').click();
}

test('a second link in the same tab leaves the first meeting', async () => {
  const { page, sockets } = await openLink();
  await enter(page);
  await expect.poll(sockets).toEqual(['opened']);
  await page.getByTestId('connecting').waitFor();
  await page.evaluate((secret) => void (location.hash = secret), SECOND);
  await page.getByTestId('prejoin').waitFor();
  await expect.poll(sockets).toEqual(['opened', 'closed']);
  await page.context().close();
});

test('who goes elsewhere before the session is there does not enter', async () => {
  const { page, sockets } = await openLink();
  await page.unroute(`**${SESSIONS}`);
  await page.route(`**${SESSIONS}`, async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await route.fulfill({ json: session().body });
  });
  const answered = page.waitForResponse(`**${SESSIONS}`);
  await enter(page);
  await expect.poll(() => page.getByTestId('join').getAttribute('aria-disabled')).toBe('true');
  await page.evaluate((secret) => void (location.hash = secret), SECOND);
  await answered;
  await page.waitForTimeout(500);
  expect(sockets()).toEqual([]);
  await page.getByTestId('prejoin').waitFor();
  await page.context().close();
});

test('whoever made a recorded meeting finds its recordings when it is over', async () => {
  const { page } = await openLink();
  await page.evaluate(
    (meetings) => {
      localStorage['lectern.meetings'] = JSON.stringify(meetings);
    },
    [owned({ recorded: true })],
  );
  await enter(page);
  await page.getByTestId('connecting').waitFor();
  await page.getByTestId('control-leave').click();
  await page.getByTestId('leave-confirm').click();
  await page.locator(`[data-cause='left']`).waitFor();
  await check(page, 'left-recorded');
  await page.getByTestId('to-recordings').click();
  await page.waitForURL('**/recordings/RM_1');
  await page.context().close();
});

test('a refused name is said at the field', async () => {
  const { page } = await openLink();
  await page.unroute(`**${SESSIONS}`);
  await answer(page, SESSIONS, problem(422, 'invalid'), session());
  await enter(page);
  await page.getByTestId('name-error').getByText('Type your name anew').waitFor();
  expect(await page.getByTestId('name').inputValue()).toBe('Vera');
  await page.getByTestId('join').click();
  await page.getByTestId('connecting').waitFor();
  await page.context().close();
});

test('an entry that grew too old is taken anew in silence', async () => {
  const { page } = await openLink();
  await page.unroute(`**${SESSIONS}`);
  await answer(page, SESSIONS, problem(401, 'token_expired'), session());
  await enter(page);
  await page.getByTestId('connecting').waitFor();
  await page.context().close();
});

test('the page of a new meeting survives a reload', async () => {
  const { page } = await open('/');
  await answer(page, '/api/v1/meetings', created);
  await page.getByTestId('create').click();
  const link = page.getByTestId('viewer-link').getByTestId('link');
  const before = await link.inputValue();
  await page.reload();
  expect(await link.inputValue()).toBe(before);
  await page.goBack();
  await page.getByTestId('create').waitFor();
  await page.context().close();
});

test('a page that does not load can be tried again', async () => {
  const { page } = await open('/favicon.svg');
  await answer(page, ENTRIES, entry('viewer'));
  await page.route('**/assets/join-*.js', (route) => route.abort());
  await page.goto(new URL(`/j#${SECRET}`, page.url()).href);
  await page.getByTestId('again').waitFor();
  await page.unroute('**/assets/join-*.js');
  await page.getByTestId('again').click();
  await page.getByTestId('prejoin').waitFor();
  await page.context().close();
});

test('a line stands where the page of the meeting still loads', async () => {
  const { page } = await open('/favicon.svg');
  await answer(page, ENTRIES, entry('viewer'));
  let load!: () => void;
  const loads = new Promise<void>((resolve) => (load = resolve));
  await page.route('**/assets/join-*.js', async (route) => {
    await loads;
    await route.continue();
  });
  await page.goto(new URL(`/j#${SECRET}`, page.url()).href, { waitUntil: 'commit' });
  await page.getByTestId('loading').waitFor();
  load();
  await page.getByTestId('prejoin').waitFor();
  await page.context().close();
});

test('a camera that was switched off during the prompt stays off', async () => {
  const { page } = await open('/favicon.svg');
  await page.addInitScript(() => {
    const asked: unknown[] = [];
    Object.assign(window, { asked });
    navigator.mediaDevices.getUserMedia = async (constraints) => {
      asked.push(!!constraints?.video);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      throw new DOMException('', 'NotAllowedError');
    };
  });
  await answer(page, ENTRIES, entry('presenter'));
  await page.goto(new URL(`/j#${SECRET}`, page.url()).href);
  await page.getByTestId('toggle-camera').click();
  await page.locator(`[data-cause='microphone-denied']`).waitFor();
  const asked = await page.evaluate(() => (window as unknown as { asked: boolean[] }).asked);
  expect(asked).toEqual([true, false]);
  expect(await page.getByTestId('toggle-camera').getAttribute('aria-pressed')).toBe('false');
  await page.context().close();
});

test('the presenter link is hidden while the screen is shared', async () => {
  const { page, context } = await openScene('presenter-sharing');
  await page.getByTestId('invite').click();
  const presenter = page.locator('lectern-owned-link[link=presenter]');
  const secret = 'p8vEjRWeJASNFZ4kBI0VniQEjRWeJAS2';
  expect(await presenter.getByTestId('link').inputValue()).toMatch(/#•+$/);
  expect(
    await page.locator('lectern-owned-link[link=viewer]').getByTestId('link').inputValue(),
  ).toContain('#q83vEjRW');
  await presenter.getByTestId('copy').click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain(secret);
  await context.close();
});

test('a share is asked for only once there is a connection', async () => {
  const { page, context } = await openScene('presenter-connecting');
  await page.keyboard.press('s');
  const choose = page.getByTestId('share-choose');
  expect(await choose.innerText()).toContain('Waiting for the connection');
  await page.keyboard.press('Enter');
  await page.evaluate(() => window.meeting.state.set({ phase: { is: 'live' } }));
  await expect.poll(() => choose.innerText()).toContain('Choose what to share');
  expect(await page.evaluate(() => window.meeting.calls)).toEqual([]);
  await page.keyboard.press('Enter');
  expect(await page.evaluate(() => window.meeting.calls)).toEqual(['share']);
  await context.close();
});

test('a browser that cannot share says so', async () => {
  const { page, context } = await openScene('presenter-alone');
  await page.evaluate(() => {
    Object.defineProperty(navigator.mediaDevices, 'getDisplayMedia', { value: undefined });
  });
  await page.getByTestId('control-share').click();
  await page.getByText('Open the presenter link on a computer').waitFor();
  expect(await page.getByTestId('share-choose').count()).toBe(0);
  await context.close();
});
