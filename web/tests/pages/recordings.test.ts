// The recordings of a meeting, as whoever made it sees them.
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { check, looks, open, useBrowser, type Look } from './browser';
import { makeMedia, type Media } from './film';
import { FakeRecordings, manyKinds, manyRecordings, MEETING, view, type View } from './recordings';
import { problem } from './server';

useBrowser();

let media: Media;
beforeAll(async () => void (media = await makeMedia()));

interface Shown {
  page: Page;
  server: FakeRecordings;
}

async function show(look: Look, recordings: View[], change: object = {}): Promise<Shown> {
  const { page } = await open('/favicon.svg', look);
  const server = new FakeRecordings(recordings, media);
  await server.serve(page, change);
  await page.goto(new URL(`/recordings/${MEETING}`, page.url()).href);
  return { page, server };
}

const card = (page: Page, id: string) => page.locator(`[data-recording=${id}]`);

async function ready({ page }: Shown): Promise<void> {
  await page.locator('[data-phase=ready]').waitFor();
  await page.waitForTimeout(300);
}

for (const look of looks) {
  test(`recordings of each kind in ${look.name}`, async () => {
    const shown = await show(look, manyKinds());
    const { page } = shown;
    await ready(shown);
    await check(page, `recordings.${look.name}`);
    for (const id of ['RC_3', 'RC_5', 'RC_7']) {
      await card(page, id).scrollIntoViewIfNeeded();
      await check(page, `recordings-${id}.${look.name}`);
    }
    await page.context().close();
  });

  test(`a film that plays in ${look.name}`, async () => {
    const shown = await show(look, manyKinds().slice(2, 4));
    const { page } = shown;
    await ready(shown);
    await card(page, 'RC_3').getByTestId('play').click();
    const video = page.getByTestId('player');
    await video.waitFor();
    await expect
      .poll(() => video.evaluate((film: HTMLVideoElement) => film.currentTime))
      .toBeGreaterThan(0);
    await video.evaluate((film: HTMLVideoElement) => film.pause());
    await video.scrollIntoViewIfNeeded();
    await check(page, `recordings-playing.${look.name}`);
    await page.getByTestId('tracks').first().locator('summary').click();
    await page.getByTestId('track').first().scrollIntoViewIfNeeded();
    await check(page, `recordings-tracks.${look.name}`);
    await page.context().close();
  });

  test(`what is done with a recording in ${look.name}`, async () => {
    const shown = await show(look, manyKinds().slice(2, 4));
    const { page } = shown;
    await ready(shown);
    const one = card(page, 'RC_3');
    await one.getByTestId('rename').click();
    await check(page, `recordings-rename.${look.name}`);
    await page.keyboard.press('Escape');
    await one.getByTestId('recording-menu').click();
    await check(page, `recordings-menu.${look.name}`);
    await page.getByTestId('new-film').click();
    await page.getByTestId('film-people').locator('input').nth(1).uncheck();
    await check(page, `recordings-film.${look.name}`);
    await page.keyboard.press('Escape');
    await one.getByTestId('recording-menu').click();
    await page.getByTestId('delete').click();
    await check(page, `recordings-delete.${look.name}`);
    await page.keyboard.press('Escape');
    await one.getByTestId('share-recording').click();
    await check(page, `recordings-share.${look.name}`);
    await page.getByTestId('share-make').click();
    await page.getByTestId('share-made').waitFor();
    await check(page, `recordings-shared.${look.name}`);
    await page.context().close();
  });

  test(`a page without recordings in ${look.name}`, async () => {
    const shown = await show(look, []);
    await ready(shown);
    await check(shown.page, `recordings-empty.${look.name}`);
    await shown.page.context().close();
    const failed = await show(look, []);
    failed.server.refusal = 'none';
    await failed.page.reload();
    await failed.page.getByTestId('again').waitFor();
    await check(failed.page, `recordings-unreachable.${look.name}`);
    await failed.page.context().close();
  });
}

test.each([
  ['refused', problem(401, 'token_invalid')],
  ['too-many', problem(429, 'too_many_requests', { 'retry-after': '30' })],
  ['error', problem(500, 'surprise')],
] as const)('a list that is %s says so', async (name, given) => {
  const { page, server } = await show(looks[0]!, []);
  server.refusal = given;
  await page.reload();
  await page.getByTestId('state').waitFor();
  await check(page, `recordings-${name}`);
  expect(await page.getByTestId('again').count()).toBe(name === 'refused' ? 0 : 1);
  await page.context().close();
});

test('a list that loads, and a browser without the key', async () => {
  const { page } = await open('/favicon.svg');
  await page.goto(new URL(`/recordings/${MEETING}`, page.url()).href);
  await page.locator('[data-phase=no-key]').waitFor();
  await check(page, 'recordings-no-key');
  await page.route('**/api/v1/meetings/**', () => undefined);
  await page.addInitScript((text) => (localStorage['lectern.meetings'] = text), keyOf('key'));
  await page.reload();
  await page.getByTestId('loading').waitFor();
  await check(page, 'recordings-loading');
  await page.context().close();
});

const keyOf = (ownerKey: string): string =>
  JSON.stringify([
    {
      meetingId: MEETING,
      meetingName: 'Third quarter review',
      ownerKey,
      expiresAt: '2027-01-31T18:00:00Z',
      presenter: { id: 'p', url: 'https://m.example/j#p', expiresAt: '2027-01-31T18:00:00Z' },
      viewer: { id: 'v', url: 'https://m.example/j#v', expiresAt: '2027-01-31T18:00:00Z' },
    },
  ]);

test('the key to recordings outlives the meeting', async () => {
  const shown = await show(looks[0]!, manyKinds().slice(2, 3), {
    expiresAt: '2026-11-01T00:00:00Z',
  });
  const { page } = shown;
  await ready(shown);
  const kept = (): Promise<{ recorded?: boolean }[]> =>
    page.evaluate(() => JSON.parse(localStorage['lectern.meetings'] as string));
  expect((await kept())[0]?.recorded).toBe(true);
  await page.goto(new URL('/', page.url()).href);
  await page.getByTestId('past-meetings').locator('summary').click();
  await check(page, 'start-past-meetings');
  expect(await page.getByTestId('go-to-meeting').count()).toBe(0);
  await page.getByTestId('to-recordings').click();
  await ready(shown);
  await page.context().close();
});

test('two hundred recordings come in parts', async () => {
  const shown = await show(looks[0]!, manyRecordings(200));
  const { page, server } = shown;
  await ready(shown);
  expect(await page.getByTestId('recording-card').count()).toBe(100);
  // Pictures are asked for as they come into sight.
  const pictures = server.calls.filter((call) => call.includes('thumbnail')).length;
  expect(pictures).toBeLessThan(30);
  await page.getByTestId('more').scrollIntoViewIfNeeded();
  await check(page, 'recordings-many');
  await page.getByTestId('more').click();
  await expect.poll(() => page.getByTestId('recording-card').count()).toBe(200);
  expect(await page.getByTestId('more').count()).toBe(0);
  await page.context().close();
});

test('bars move while somebody looks, and rest when all is done', async () => {
  const shown = await show(looks[0]!, manyKinds().slice(1, 4));
  const { page, server } = shown;
  await ready(shown);
  const bar = card(page, 'RC_2').locator('progress').nth(1);
  expect(await bar.evaluate((one: HTMLProgressElement) => one.value)).toBeCloseTo(0.37);
  const { jobs } = server.get('RC_2') as unknown as { jobs: { id: string }[] };
  const further = jobs.map((one) => (one.id === 'JB_2' ? { ...one, progress: 0.9 } : one));
  server.change('RC_2', { jobs: further });
  await expect
    .poll(() => bar.evaluate((one: HTMLProgressElement) => one.value), { timeout: 10_000 })
    .toBeCloseTo(0.9);
  server.change('RC_2', { ...view('RC_2'), title: 'Design of the second hall' });
  await card(page, 'RC_2').getByTestId('play').waitFor();
  await page.waitForTimeout(500);
  const before = server.calls.filter((call) => call.startsWith('GET /')).length;
  await page.waitForTimeout(3_000);
  expect(server.calls.filter((call) => call.startsWith('GET /'))).toHaveLength(before);
  await page.context().close();
});

test('a server that goes away is waited for', async () => {
  const shown = await show(looks[0]!, manyKinds().slice(1, 2));
  const { page, server } = shown;
  await ready(shown);
  server.refusal = 'none';
  await page.getByTestId('stale').waitFor({ timeout: 10_000 });
  await check(page, 'recordings-stale');
  server.refusal = undefined;
  await page.getByTestId('stale').waitFor({ state: 'detached', timeout: 15_000 });
  await page.context().close();
});

test('a new title is kept, and a refused one stays in the field', async () => {
  const shown = await show(looks[0]!, manyKinds().slice(2, 3));
  const { page, server } = shown;
  await ready(shown);
  await page.getByTestId('rename').click();
  await page.getByTestId('title-field').fill('  ');
  await page.keyboard.press('Enter');
  await page.getByText('Type a title.').waitFor();
  await page.getByTestId('title-field').fill('Results');
  server.refusal = problem(422, 'invalid');
  await page.keyboard.press('Enter');
  await page.locator('[data-cause=title-refused]').waitFor();
  expect(await page.getByTestId('title-field').inputValue()).toBe('Results');
  server.refusal = undefined;
  await page.keyboard.press('Enter');
  await page.getByTestId('recording-title').getByText('Results').waitFor();
  expect(server.calls.at(-1)).toBe('PATCH /RM_1/recordings/RC_3 {"title":"Results"}');
  await page.context().close();
});

test('a link is made, copied once and ended', async () => {
  const shown = await show(looks[0]!, manyKinds().slice(2, 3));
  const { page, server } = shown;
  await ready(shown);
  await page.getByTestId('share-recording').click();
  await page.getByTestId('share-life').selectOption({ label: '30 days' });
  await page.getByTestId('share-download').check();
  await page.getByTestId('share-make').click();
  const made = page.getByTestId('share-made');
  await made.getByTestId('copy').click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain('/recording#wXyZ');
  expect(server.calls.at(-1)).toBe(
    'POST /RM_1/recordings/RC_3/shares {"expires_in_s":2592000,"download":true}',
  );
  await expect.poll(() => page.getByTestId('share').count()).toBe(3);
  await page.getByTestId('share').last().getByTestId('share-end').click();
  await made.waitFor({ state: 'detached' });
  expect(await page.getByTestId('share').count()).toBe(2);
  // The secret was told once: a dialog that is opened again does not show it.
  await page.getByTestId('share-make').click();
  await made.waitFor();
  await page.keyboard.press('Escape');
  await page.getByTestId('share-recording').click();
  await page.getByTestId('share-make').waitFor();
  expect(await made.count()).toBe(0);
  await page.context().close();
});

test('another film is asked for, without somebody, and its bar appears', async () => {
  const shown = await show(looks[0]!, manyKinds().slice(2, 3));
  const { page, server } = shown;
  await ready(shown);
  await page.getByTestId('recording-menu').click();
  await page.getByTestId('new-film').click();
  await page.getByTestId('layout-speaker').click();
  await page.getByTestId('film-people').locator('input').nth(2).uncheck();
  await page.getByTestId('film-make').click();
  await page.locator('[data-testid=job][data-state=running]').waitFor();
  expect(server.calls).toContain(
    'POST /RM_1/recordings/RC_3/films {"layout":"speaker","without":["PA_3"]}',
  );
  await page.context().close();
});

test('a film in which nobody is cannot be asked for', async () => {
  const shown = await show(looks[0]!, manyKinds().slice(2, 3));
  const { page, server } = shown;
  await ready(shown);
  await page.getByTestId('recording-menu').click();
  await page.getByTestId('new-film').click();
  for (const box of await page.getByTestId('film-people').locator('input').all())
    await box.uncheck();
  await page.getByText('Somebody must be in it').waitFor();
  await page.getByTestId('film-make').click({ force: true });
  expect(server.calls.filter((call) => call.includes('/films'))).toEqual([]);
  await page.context().close();
});

test('a film that could not be made is tried again', async () => {
  const shown = await show(looks[0]!, manyKinds().slice(6, 7));
  const { page, server } = shown;
  await ready(shown);
  await page.getByTestId('job-again').click();
  await page.locator('[data-testid=job][data-state=running]').waitFor();
  expect(server.calls).toContain(
    'POST /RM_1/recordings/RC_7/films {"layout":"beside","without":[]}',
  );
  await page.context().close();
});

test('a recording is destroyed after a question, and one that runs is not', async () => {
  const shown = await show(looks[0]!, manyKinds().slice(0, 3));
  const { page, server } = shown;
  await ready(shown);
  await card(page, 'RC_1').getByTestId('recording-menu').click();
  await page.getByTestId('delete').click();
  await page.getByText('Stop the recording in the meeting first').waitFor();
  expect(await page.getByTestId('destroy-confirm').count()).toBe(0);
  await page.getByTestId('destroy-cancel').click();
  await card(page, 'RC_3').getByTestId('recording-menu').click();
  await page.getByTestId('delete').click();
  await page.getByTestId('destroy-confirm').click();
  await card(page, 'RC_3').waitFor({ state: 'detached' });
  expect(server.calls).toContain('DELETE /RM_1/recordings/RC_3');
  await page.getByTestId('announce').getByText('was deleted').waitFor({ state: 'attached' });
  await page.context().close();
});

test('films and tracks are saved by the browser', async () => {
  const shown = await show(looks[0]!, manyKinds().slice(2, 3));
  const { page, server } = shown;
  await ready(shown);
  const film = page.waitForEvent('download');
  await page.getByTestId('download').click();
  expect((await film).url()).toContain('/api/v1/media/save-film-JB_RC_3.mp4');
  await page.getByTestId('tracks').locator('summary').click();
  const track = page.waitForEvent('download');
  await page.getByTestId('download-track').first().click();
  expect((await track).url()).toContain('/api/v1/media/save-track-TR_PA_10-0.mp4');
  expect(server.calls).toContain(
    'POST /RM_1/recordings/RC_3/files/film-JB_RC_3.mp4 {"download":true}',
  );
  expect(new URL(page.url()).pathname).toBe('/recordings/RM_1');
  await page.context().close();
});

test('moments lead into the film, and another layout goes on at the same place', async () => {
  const shown = await show(looks[0]!, manyKinds().slice(2, 3));
  const { page } = shown;
  await ready(shown);
  await page.getByTestId('play').click();
  const video = page.getByTestId('player');
  const at = (): Promise<number> => video.evaluate((film: HTMLVideoElement) => film.currentTime);
  await video.waitFor();
  await page.getByTestId('moments').locator('button').nth(1).click();
  await expect.poll(at).toBeGreaterThanOrEqual(4);
  await video.evaluate((film: HTMLVideoElement) => film.pause());
  await page.getByTestId('films').locator('button').nth(1).click();
  await expect.poll(() => video.getAttribute('src')).toContain('JC_3');
  await expect.poll(at).toBeGreaterThanOrEqual(4);
  await page.context().close();
});

test('a film whose address runs out goes on by a new one', async () => {
  const shown = await show(looks[0]!, manyKinds().slice(2, 3));
  const { page } = shown;
  await ready(shown);
  await page.getByTestId('play').click();
  const video = page.getByTestId('player');
  await expect
    .poll(() => video.evaluate((film: HTMLVideoElement) => film.currentTime))
    .toBeGreaterThan(0.5);
  const before = await video.evaluate((film: HTMLVideoElement) => {
    const at = film.currentTime;
    film.src = '/api/v1/media/gone';
    return at;
  });
  await expect
    .poll(() => video.evaluate((film: HTMLVideoElement) => film.currentTime))
    .toBeGreaterThan(before);
  await page.context().close();
});

test('a film that does not open says so', async () => {
  const shown = await show(looks[0]!, manyKinds().slice(2, 3));
  const { page, server } = shown;
  await ready(shown);
  server.refusal = problem(503, 'unavailable');
  await page.getByTestId('play').click();
  await page.getByTestId('player-failed').waitFor();
  await check(page, 'recordings-player-failed');
  server.refusal = undefined;
  await page.getByTestId('player-again').click();
  await page.getByTestId('player').waitFor();
  await page.context().close();
});
