// The lobby, and what may come of it; coming back after a reload; a second tab.
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { check, looks, open, useBrowser, type Look } from './browser';
import {
  answer,
  CURRENT,
  ENTRIES,
  entry,
  problem,
  RENEW,
  SECRET,
  session,
  SESSIONS,
  type Given,
} from './server';

useBrowser();

const waiting = (position: number, count: number) => ({
  state: 'waiting',
  position,
  waiting: count,
  message: 'It is me, from accounting',
});

/** The server answers at once, and then not for a while. */
async function polls(page: Page, ...given: Given[]): Promise<void> {
  const left = [...given];
  await page.route(`**${CURRENT}`, async (route) => {
    if (route.request().method() === 'DELETE') return route.fulfill({ status: 204 });
    const next = left.shift();
    if (next === undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 300));
    await route.fulfill({ status: next.status ?? 200, json: next.body });
  });
}

const admission = (state: object): Given => ({ body: { admission: state, role: 'viewer' } });

async function knock(look: Look, ...given: Given[]): Promise<Page> {
  const { page } = await open('/favicon.svg', look);
  await page.routeWebSocket(/\/rtc/, () => undefined);
  await answer(page, ENTRIES, entry('viewer', { lobby: true }));
  await answer(page, SESSIONS, session({ admission: waiting(3, 3) }));
  await polls(page, ...given);
  await page.goto(new URL(`/j#${SECRET}`, page.url()).href);
  await page.getByTestId('name').fill('Vera');
  await page.getByTestId('knock-message').fill('It is me, from accounting');
  const asked = page.waitForRequest(`**${SESSIONS}`);
  await page.getByTestId('join').click();
  expect((await asked).postDataJSON()).toEqual({
    name: 'Vera',
    message: 'It is me, from accounting',
  });
  return page;
}

for (const look of looks) {
  test(`the lobby in ${look.name}`, async () => {
    const recording = { by: 'Grace Hopper' };
    const place = { body: { admission: waiting(2, 4), role: 'viewer', recording } };
    const page = await knock(look, place, { status: 503, body: {} });
    await page.getByTestId('lobby-place').getByText('number 2 of 4').waitFor();
    await page.getByTestId('recorded-note').waitFor();
    await page.getByTestId('lobby-troubled').waitFor();
    await check(page, `lobby.${look.name}`);
    await page.context().close();
  });

  test(`a refusal with a word in ${look.name}`, async () => {
    const message = 'This part is for the board only. See you at three!';
    const page = await knock(look, admission({ state: 'refused', message }));
    await page.locator(`[data-cause='refused']`).waitFor();
    expect(await page.getByTestId('host-message').innerText()).toBe(message);
    await check(page, `lobby-refused.${look.name}`);
    await page.context().close();
  });
}

test('who is admitted comes in by itself, with the new token', async () => {
  const page = await knock(looks[0]!, {
    body: { admission: { state: 'admitted' }, role: 'viewer', token: 'second' },
  });
  await page.getByTestId('connecting').waitFor();
  const kept = await page.evaluate(() => sessionStorage['lectern.session'] as string);
  expect(JSON.parse(kept)).toMatchObject({ token: 'second', name: 'Vera' });
  await page.context().close();
});

test.each([
  ['removed', 'removed'],
  ['locked', 'locked'],
  ['ended', 'meeting-ended'],
])('a lobby that ends with %s says so', async (state, cause) => {
  const page = await knock(looks[0]!, admission({ state }));
  await page.locator(`[data-cause='${cause}']`).waitFor();
  await check(page, `lobby-${state}`);
  await page.context().close();
});

test('who leaves the lobby gives the place up', async () => {
  const page = await knock(looks[0]!);
  const ended = page.waitForRequest((request) => request.method() === 'DELETE');
  await page.getByTestId('leave-lobby').click();
  expect((await ended).headers()['authorization']).toBe('Bearer token');
  await page.locator(`[data-cause='left']`).waitFor();
  await page.context().close();
});

/** In a meeting whose server never answers the socket: coming in is all that matters here. */
async function inMeeting(): Promise<Page> {
  const { page, context } = await open('/favicon.svg');
  await context.routeWebSocket(/\/rtc/, () => undefined);
  await context.route(`**${ENTRIES}`, (route) => route.fulfill({ json: entry('viewer').body }));
  await context.route(`**${SESSIONS}`, (route) => route.fulfill({ json: session().body }));
  await context.route(`**${RENEW}`, (route) =>
    route.fulfill({ json: session({ token: 'renewed' }).body }),
  );
  await page.goto(new URL(`/j#${SECRET}`, page.url()).href);
  await page.getByTestId('name').fill('Vera');
  await page.getByTestId('join').click();
  await page.getByTestId('connecting').waitFor();
  return page;
}

test('a reload leads straight back in, with no question', async () => {
  const page = await inMeeting();
  const renewed = page.waitForRequest(`**${RENEW}`);
  await page.reload();
  expect((await renewed).headers()['authorization']).toBe('Bearer token');
  await page.getByTestId('connecting').waitFor();
  expect(await page.getByTestId('prejoin').count()).toBe(0);
  await page.context().close();
});

test('a reload after a removal says so, and a session that is gone asks anew', async () => {
  const page = await inMeeting();
  await page.context().unroute(`**${RENEW}`);
  await answer(page, RENEW, problem(401, 'token_invalid'));
  await page.reload();
  await page.getByTestId('prejoin').waitFor();
  await page.getByTestId('join').click();
  await page.getByTestId('connecting').waitFor();
  await page.unroute(`**${RENEW}`);
  await answer(page, RENEW, problem(403, 'removed'));
  await page.reload();
  await page.locator(`[data-cause='removed']`).waitFor();
  expect(await page.getByTestId('again').count()).toBe(0);
  await check(page, 'removed');
  await page.context().close();
});

/** A second tab of the same browser, at the same link. */
async function secondTab(first: Page): Promise<Page> {
  const page = await first.context().newPage();
  await page.goto(new URL(`/j#${SECRET}`, first.url()).href);
  await page.getByTestId('elsewhere').waitFor();
  return page;
}

test('a second tab takes the place of the first, and gives it back', async () => {
  const first = await inMeeting();
  const second = await secondTab(first);
  await check(second, 'elsewhere');
  const renewed = second.waitForRequest(`**${RENEW}`);
  await second.getByTestId('continue-here').click();
  expect((await renewed).headers()['authorization']).toBe('Bearer token');
  await second.getByTestId('connecting').waitFor();
  await first.locator(`[data-cause='duplicate']`).waitFor();
  await check(first, 'trouble-duplicate');
  const back = first.waitForRequest(`**${RENEW}`);
  await first.getByTestId('again').click();
  expect((await back).headers()['authorization']).toBe('Bearer renewed');
  await first.getByTestId('connecting').waitFor();
  await second.locator(`[data-cause='duplicate']`).waitFor();
  await first.context().close();
});

test('a second tab may be another person, and a duplicate of a tab asks', async () => {
  const first = await inMeeting();
  const kept = await first.evaluate(() => sessionStorage['lectern.session'] as string);
  const second = await secondTab(first);
  await second.getByTestId('join-as-other').click();
  await second.getByTestId('name').fill('Bob');
  await second.evaluate((text) => (sessionStorage['lectern.session'] = text), kept);
  await second.reload();
  await second.getByTestId('elsewhere').waitFor();
  await first.close();
  await second.getByTestId('continue-here').click();
  await second.getByTestId('name').waitFor();
  await second.context().close();
});
