// A recording behind a link, for whoever holds it.
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { check, looks, open, useBrowser, type Look } from './browser';
import { makeMedia, type Media } from './film';
import { FakeRecordings, SHARED_SECRET, view } from './recordings';
import { problem, type Given } from './server';

useBrowser();

let media: Media;
beforeAll(async () => void (media = await makeMedia()));

interface Shown {
  page: Page;
  server: FakeRecordings;
  /** Every address that the browser asked for. */
  asked: string[];
}

async function show(
  look: Look,
  change: object = {},
  { hash = `#${SHARED_SECRET}`, refusal }: { hash?: string; refusal?: Given | 'none' } = {},
): Promise<Shown> {
  const { page } = await open('/favicon.svg', look);
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  const server = new FakeRecordings([view('RC_1', change)], media);
  server.refusal = refusal;
  await server.serve(page);
  await page.goto(new URL(`/recording${hash}`, page.url()).href);
  return { page, server, asked };
}

const step = (page: Page, is: string): Promise<void> => page.locator(`[data-step=${is}]`).waitFor();

for (const look of looks) {
  test(`a shared recording in ${look.name}`, async () => {
    const { page } = await show(look);
    await page.getByTestId('player').waitFor();
    await check(page, `recording.${look.name}`);
    await page.getByTestId('moments').scrollIntoViewIfNeeded();
    await check(page, `recording-moments.${look.name}`);
    await page.context().close();
  });

  test(`a shared recording with a long title, to watch only, in ${look.name}`, async () => {
    const title = `Answers to everybody who wrote to us since the spring ${'مراجعة '.repeat(6)}`;
    const { page } = await show(look, { title, download: false });
    await page.getByTestId('player').waitFor();
    expect(await page.getByTestId('download').count()).toBe(0);
    await check(page, `recording-long.${look.name}`);
    await page.context().close();
  });

  test(`a film that is not ready yet in ${look.name}`, async () => {
    const { page } = await show(look, { files: [] });
    await page.getByTestId('not-yet').waitFor();
    await check(page, `recording-not-yet.${look.name}`);
    await page.context().close();
  });

  test(`links that lead to no recording in ${look.name}`, async () => {
    const ended = await show(look, {}, { refusal: problem(404, 'link_invalid') });
    await step(ended.page, 'ended');
    await check(ended.page, `recording-ended.${look.name}`);
    await ended.page.evaluate(() => void (location.hash = ''));
    await step(ended.page, 'missing');
    await check(ended.page, `recording-missing.${look.name}`);
    await ended.page.context().close();
    const refusal = problem(429, 'too_many_requests', { 'retry-after': '75' });
    const blocked = await show(look, {}, { refusal });
    await blocked.page.getByText('try again in 75 seconds').waitFor();
    await check(blocked.page, `recording-blocked.${look.name}`);
    await blocked.page.context().close();
  });
}

test('the secret stays in the fragment, and no address that is asked for has it', async () => {
  const { page, server, asked } = await show(looks[0]!);
  await page.getByTestId('player').waitFor();
  const saved = page.waitForEvent('download');
  await page.getByTestId('download').click();
  await saved;
  await page.reload();
  await page.getByTestId('player').waitFor();
  expect(new URL(page.url()).hash).toBe(`#${SHARED_SECRET}`);
  const sent = asked.map((url) => new URL(url)).filter((url) => url.pathname !== '/recording');
  expect(sent.filter(({ href }) => href.includes(SHARED_SECRET))).toEqual([]);
  expect(server.calls.filter((call) => call.startsWith('POST /shared-recordings ')).length).toBe(2);
  expect(server.calls).toContain(
    `POST /shared-recordings/files/film-JB_RC_1.mp4 {"secret":"${SHARED_SECRET}","download":true}`,
  );
  await page.context().close();
});

test('it plays, and its moments lead into it', async () => {
  const { page } = await show(looks[0]!);
  const video = page.getByTestId('player');
  await video.waitFor();
  const at = (): Promise<number> => video.evaluate((film: HTMLVideoElement) => film.currentTime);
  expect(await at()).toBe(0);
  await page.getByTestId('moments').locator('button').nth(2).click();
  await expect.poll(at).toBeGreaterThan(9);
  await page.context().close();
});

test('a server that is away is tried again', async () => {
  const { page, server } = await show(looks[0]!, {}, { refusal: 'none' });
  await page.getByTestId('again').waitFor();
  await check(page, 'recording-unreachable');
  server.refusal = undefined;
  await page.getByTestId('again').click();
  await page.getByTestId('player').waitFor();
  await page.context().close();
});

test('a link that ends while somebody watches says so when it is asked for', async () => {
  const { page, server } = await show(looks[0]!);
  await page.getByTestId('player').waitFor();
  server.refusal = problem(404, 'link_invalid');
  await page.getByTestId('download').click();
  await page.getByRole('alert').getByText('This link does not work').waitFor();
  await page.context().close();
});
