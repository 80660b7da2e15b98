// The quiet pages: start, links, setup, and what can go wrong before a meeting.
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { check, looks, open, openScene, useBrowser, type Look } from './browser';
import { answer, created, ENTRIES, entry, problem, SECRET, SESSIONS } from './server';

useBrowser();

/** Opens a link that the server answers as given. */
async function openLink(
  look: Look,
  given: Parameters<typeof answer>[2],
  hash = `#${SECRET}`,
): Promise<Page> {
  const { page } = await open('/favicon.svg', look);
  await answer(page, ENTRIES, given);
  await page.goto(new URL(`/j${hash}`, page.url()).href);
  return page;
}

for (const look of looks) {
  test(`start and links in ${look.name}`, async () => {
    const { page, context } = await open('/', look);
    await page.getByTestId('create').waitFor();
    await check(page, `start.${look.name}`);
    await page.getByTestId('paste-link').fill('not a link');
    await page.getByTestId('join-link').click();
    await check(page, `start-bad-link.${look.name}`);
    await answer(page, '/api/v1/meetings', created);
    await page.getByTestId('create').click();
    await page.getByTestId('viewer-link').waitFor();
    await check(page, `created.${look.name}`);
    await context.close();
  });

  test(`setup of a presenter in ${look.name}`, async () => {
    const page = await openLink(look, entry('presenter'));
    await page.getByTestId('preview').waitFor();
    await page.getByTestId('name').fill('Ada Lovelace');
    await page.waitForTimeout(600);
    await check(page, `setup-presenter.${look.name}`);
    await page.getByTestId('toggle-camera').click();
    await page.getByTestId('toggle-microphone').click();
    await check(page, `setup-presenter-off.${look.name}`);
    await page.context().close();
  });

  test(`setup of a viewer in ${look.name}`, async () => {
    const page = await openLink(look, entry('viewer'));
    await page.getByTestId('join').click();
    await check(page, `setup-viewer.${look.name}`);
    await page.context().close();
  });

  test(`setup where it is recorded in ${look.name}`, async () => {
    for (const role of ['viewer', 'presenter'] as const) {
      const page = await openLink(look, entry(role, { recording: { by: 'Grace Hopper' } }));
      await page.getByTestId('recorded-note').getByText('Grace Hopper').waitFor();
      await check(page, `setup-recorded-${role}.${look.name}`);
      await page.context().close();
    }
  });

  test(`a PIN, a word and a wait in ${look.name}`, async () => {
    const page = await openLink(look, entry('viewer', { pin_required: true, lobby: true }));
    await answer(
      page,
      SESSIONS,
      problem(403, 'pin_wrong'),
      problem(429, 'too_many_requests', { 'retry-after': '75' }),
    );
    await page.getByTestId('name').fill('Vera');
    await page.getByTestId('join').click();
    await page.getByText('The PIN has digits only').waitFor();
    await page.getByTestId('pin').fill('1234');
    await page.getByTestId('join').click();
    await page.getByText('This PIN is wrong').waitFor();
    await check(page, `setup-pin-wrong.${look.name}`);
    await page.getByTestId('join').click();
    await page.getByTestId('blocked').waitFor();
    await check(page, `setup-blocked.${look.name}`);
    expect(await page.getByTestId('join').getAttribute('aria-disabled')).toBe('true');
    await page.context().close();
  });

  test(`setup of a host in ${look.name}`, async () => {
    const { page } = await open('/', look);
    await answer(page, '/api/v1/meetings', created);
    await answer(page, '/api/v1/meetings/RM_1/entries', entry('owner'));
    await page.getByTestId('options').locator('summary').click();
    await page.getByTestId('new-pin').fill('12');
    await page.getByTestId('create').click();
    await page.getByText('A PIN has 6 to 10 digits').waitFor();
    await check(page, `start-options.${look.name}`);
    await page.getByTestId('new-pin').fill('123456');
    await page.getByTestId('new-lobby').check();
    await page.getByTestId('new-keep').selectOption({ label: '30 days' });
    const asked = page.waitForRequest('**/api/v1/meetings');
    await page.getByTestId('create').click();
    expect((await asked).postDataJSON()).toEqual({
      pin: '123456',
      lobby: true,
      keep_recordings_days: 30,
    });
    await page.getByTestId('continue').click();
    await page.getByTestId('preview').waitFor();
    await page.waitForTimeout(600);
    await check(page, `setup-host.${look.name}`);
    await page.goto(new URL('/', page.url()).href);
    await page.getByTestId('forget').click();
    await check(page, `start-own-meetings.${look.name}`);
    await page.getByTestId('go-to-meeting').click();
    await page.getByTestId('prejoin').waitFor();
    await page.context().close();
  });

  test(`a link that does not work in ${look.name}`, async () => {
    const page = await openLink(look, problem(404, 'link_invalid'));
    await page.getByTestId('ending').waitFor();
    await check(page, `link-invalid.${look.name}`);
    await page.context().close();
  });
}

test.each([
  ['link-missing', '', problem(404, 'link_invalid')],
  ['server-unreachable', `#${SECRET}`, 'none'],
  ['too-many-tries', `#${SECRET}`, problem(429, 'too_many_requests')],
  ['server-error', `#${SECRET}`, problem(500, 'surprise')],
  ['link-expired', `#${SECRET}`, problem(404, 'link_expired')],
] as const)('%s has a page of its own', async (cause, hash, given) => {
  const page = await openLink(looks[0]!, given, hash);
  await page.locator(`[data-cause='${cause}']`).waitFor();
  await check(page, `trouble-${cause}`);
  await page.context().close();
});

test('trying again works once the server is back', async () => {
  const page = await openLink(looks[0]!, 'none');
  await page.getByTestId('again').waitFor();
  await page.unroute(`**${ENTRIES}`);
  await answer(page, ENTRIES, entry('viewer'));
  await page.getByTestId('again').click();
  await page.getByTestId('prejoin').waitFor();
  await page.context().close();
});

test('the secret leaves the address bar and survives a reload', async () => {
  const page = await openLink(looks[0]!, entry('viewer'));
  await page.getByTestId('prejoin').waitFor();
  expect(new URL(page.url()).hash).toBe('');
  await page.reload();
  await page.getByTestId('prejoin').waitFor();
  await page.context().close();
});

test('a viewer is asked for no device', async () => {
  const { page } = await open('/favicon.svg');
  await page.addInitScript(() => {
    const asked: string[] = [];
    Object.assign(window, { asked });
    navigator.mediaDevices.getUserMedia = () => {
      asked.push('getUserMedia');
      return Promise.reject(new Error('asked'));
    };
  });
  await answer(page, ENTRIES, entry('viewer'));
  await page.goto(new URL(`/j#${SECRET}`, page.url()).href);
  await page.getByTestId('name').fill('Vera');
  await page.waitForTimeout(500);
  expect(await page.evaluate(() => (window as unknown as { asked: string[] }).asked)).toEqual([]);
  await page.context().close();
});

test('each device that does not start has its own text', async () => {
  const { page } = await open('/favicon.svg');
  await page.addInitScript(() => {
    navigator.mediaDevices.getUserMedia = (constraints) =>
      Promise.reject(
        new DOMException('', constraints?.video ? 'NotReadableError' : 'NotAllowedError'),
      );
  });
  await answer(page, ENTRIES, entry('presenter'));
  await page.goto(new URL(`/j#${SECRET}`, page.url()).href);
  await page.locator(`[data-cause='camera-busy']`).waitFor();
  await page.locator(`[data-cause='microphone-denied']`).waitFor();
  await check(page, 'setup-devices-fail.light');
  await page.context().close();
});

test('name and devices are remembered', async () => {
  const page = await openLink(looks[0]!, entry('presenter'));
  await page.getByTestId('preview').waitFor();
  await page.getByTestId('toggle-camera').click();
  await page.getByTestId('name').fill('Ada');
  await answer(page, SESSIONS, problem(409, 'limit_reached'));
  await page.getByTestId('join').click();
  await page.locator(`[data-cause='room-full']`).waitFor();
  await page.goto(new URL(`/j#${SECRET}`, page.url()).href);
  await page.reload();
  await page.getByTestId('prejoin').waitFor();
  expect(await page.getByTestId('name').inputValue()).toBe('Ada');
  expect(await page.getByTestId('toggle-camera').getAttribute('aria-pressed')).toBe('false');
  expect(await page.getByTestId('toggle-microphone').getAttribute('aria-pressed')).toBe('true');
  await page.context().close();
});

test('the chosen colours stay, and go before those of the system', async () => {
  const { page, context } = await open('/', looks[1]);
  const shown = (): Promise<string | undefined> =>
    page.evaluate(() => document.documentElement.dataset['theme']);
  expect(await shown()).toBe('dark');
  await page.getByTestId('theme-light').check({ force: true });
  expect(await shown()).toBe('light');
  await page.reload();
  expect(await shown()).toBe('light');
  await context.close();
});

test('the owner of a meeting replaces a link', async () => {
  const { page, context } = await openScene('presenter-grid');
  const calls: string[] = [];
  await page.route('**/api/v1/meetings/RM_test/links**', async (route) => {
    const request = route.request();
    calls.push(`${request.method()} ${new URL(request.url()).pathname}`);
    expect(request.headers()['authorization']).toBe('Bearer key');
    if (request.method() === 'DELETE') return route.fulfill({ status: 204 });
    await route.fulfill({
      status: 201,
      contentType: 'application/json',
      body: JSON.stringify({
        id: 'new',
        role: 'viewer',
        url: 'https://meet.example.org/j#brandNewSecret',
        expires_at: '2027-01-31T18:00:00Z',
      }),
    });
  });
  await page.getByTestId('invite').click();
  await page.getByTestId('replace-viewer').click();
  await page.getByTestId('replace-confirm').click();
  const shown = page.locator('lectern-owned-link[link=viewer]').getByTestId('link');
  await expect.poll(() => shown.inputValue()).toBe('https://meet.example.org/j#brandNewSecret');
  expect(calls).toEqual([
    'POST /api/v1/meetings/RM_test/links',
    'DELETE /api/v1/meetings/RM_test/links/q83vEjRWeJASNFZ4kBI0VniQEjRWeJAS',
  ]);
  await context.close();
});
