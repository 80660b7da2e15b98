// What hosts and presenters do with people, and what those people see of it.
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { openScene, useBrowser } from './browser';

useBrowser();

const calls = (page: Page): Promise<string[]> => page.evaluate(() => window.meeting.calls);

test('each wish of a host reaches the meeting', async () => {
  const { page, context } = await openScene('host');
  await page.keyboard.press('p');
  const panel = page.getByTestId('panel');
  await panel.waitFor();
  const grace = `lectern-people-panel [data-identity='grace']`;
  await page.locator(grace).getByTestId('person-menu').click();
  await page.getByTestId('person-mute').click();
  await page.locator(grace).getByTestId('person-menu').click();
  await page.getByTestId('person-make-viewer').click();
  await page
    .locator(`lectern-people-panel [data-identity='v0']`)
    .getByTestId('person-menu')
    .click();
  // An owner hands nothing over by presenting less: others are made presenters.
  expect(await page.getByTestId('person-hand-over').count()).toBe(0);
  await page.getByTestId('person-make-presenter').click();
  await page.getByTestId('mute-all').click();
  expect(await calls(page)).toEqual([
    'mute "grace"',
    'role "grace" "viewer"',
    'role "v0" "presenter"',
    'mute-all',
  ]);
  await context.close();
});

test('a presenter hands over, stops a share, and leaves the owner alone', async () => {
  const { page, context } = await openScene('presenter-grid');
  await page.evaluate(() => {
    const { state } = window.meeting;
    const people = state.value.people.map((person) =>
      person.identity === 'alan'
        ? { ...person, sharing: true }
        : person.identity === 'katherine'
          ? { ...person, role: 'owner' as const }
          : person,
    );
    state.set({ people });
  });
  await page.keyboard.press('p');
  await page.getByTestId('panel').waitFor();
  const katherine = page.locator(`lectern-people-panel [data-identity='katherine']`);
  await katherine.getByTestId('host').waitFor();
  expect(await katherine.getByTestId('person-menu').count()).toBe(0);
  for (const entry of ['stop-share', 'hand-over']) {
    await page
      .locator(`lectern-people-panel [data-identity='alan'] [data-testid=person-menu]`)
      .click();
    await page.getByTestId(`person-${entry}`).click();
  }
  expect(await calls(page)).toEqual(['stop-share "alan"', 'hand-over "alan"']);
  await context.close();
});

test('a removal asks first, and can close the door behind', async () => {
  const { page, context } = await openScene('presenter-grid');
  await page.keyboard.press('p');
  await page.getByTestId('panel').waitFor();
  await page.locator(`lectern-people-panel [data-identity='v0'] [data-testid=person-menu]`).click();
  await page.getByTestId('person-remove').click();
  await page.getByText('cannot come back').waitFor();
  await page.getByTestId('remove-cancel').click();
  expect(await calls(page)).toEqual([]);
  await page.locator(`lectern-people-panel [data-identity='v0'] [data-testid=person-menu]`).click();
  await page.getByTestId('person-remove').click();
  await page.getByTestId('remove-lobby').check();
  await page.getByTestId('remove-confirm').click();
  expect(await calls(page)).toEqual(['remove "v0" true']);
  await context.close();
});

test('those who wait are admitted, refused with a word, and let in together', async () => {
  const { page, context } = await openScene('host-waiting');
  expect(await page.getByTestId('waiting-count').first().innerText()).toBe('3');
  await page.keyboard.press('p');
  await page.getByTestId('waiting').waitFor();
  await page.locator(`[data-identity='w2']`).getByTestId('refuse').click();
  await page.getByTestId('refuse-message').fill('Next week!');
  await page.keyboard.press('Enter');
  await page.locator(`[data-identity='w1']`).getByTestId('admit').click();
  expect(await page.getByTestId('admit-all').count()).toBe(0);
  await page.locator(`[data-identity='w3']`).getByTestId('admit').click();
  expect(await calls(page)).toEqual(['refuse "w2" "Next week!"', 'admit "w1"', 'admit "w3"']);
  expect(await page.getByTestId('waiting-count').count()).toBe(0);
  await context.close();
});

test('a note of a knock admits, and goes when somebody else did', async () => {
  const { page, context } = await openScene('host-waiting');
  const knock = (): Promise<void> =>
    page.evaluate(() =>
      window.meeting.news.emit({ is: 'knock', identity: 'w1', name: 'Dorothy', others: 0 }),
    );
  await knock();
  await page.getByTestId('note-admit').click();
  expect(await calls(page)).toEqual(['admit "w1"']);
  await page.evaluate(() => {
    const one = { identity: 'w1', name: 'Dorothy', message: '', since: 0 };
    window.meeting.state.set({ waiting: [one] });
  });
  await knock();
  await page.getByTestId('note-admit').waitFor();
  await page.evaluate(() => window.meeting.state.set({ waiting: [] }));
  await page.getByTestId('note-admit').waitFor({ state: 'detached' });
  await context.close();
});

test('an owner locks, opens the lobby and sets a PIN', async () => {
  const { page, context } = await openScene('host');
  await page.keyboard.press('p');
  await page.getByTestId('access').locator('summary').click();
  await page.getByTestId('access-locked').check();
  await page.getByTestId('locked').waitFor();
  await page.getByTestId('access-lobby').uncheck();
  await page.getByTestId('pin-edit').click();
  await page.getByTestId('access-pin').fill('12');
  await page.keyboard.press('Enter');
  await page.getByText('A PIN has 6 to 10 digits').waitFor();
  await page.getByTestId('access-pin').fill('987654');
  await page.getByTestId('pin-save').click();
  await page.getByTestId('pin-edit').click();
  await page.getByTestId('pin-remove').click();
  expect(await calls(page)).toEqual([
    'access {"locked":true}',
    'access {"lobby":false}',
    'access {"pin":"987654"}',
    'access {"pin":null}',
  ]);
  await context.close();
});

test('a switch that the server refuses goes back', async () => {
  const { page, context } = await openScene('presenter-grid');
  await page.evaluate(() => (window.meeting.moderate = () => Promise.resolve(false)));
  await page.keyboard.press('p');
  await page.getByTestId('access').locator('summary').click();
  await page.getByTestId('access-locked').click();
  await expect.poll(() => page.getByTestId('access-locked').isChecked()).toBe(false);
  // The PIN is the owner's.
  expect(await page.getByTestId('pin-edit').count()).toBe(0);
  await context.close();
});

test('an owner ends the meeting for everybody, after a question', async () => {
  const { page, context } = await openScene('host');
  await page.getByTestId('control-leave').click();
  await page.getByTestId('end-meeting').click();
  expect(await calls(page)).toEqual([]);
  await page.getByTestId('end-confirm').click();
  expect(await calls(page)).toEqual(['end']);
  await context.close();
});

test('a presenter records after a question, and stops after another', async () => {
  const { page, context } = await openScene('presenter-grid');
  await page.getByTestId('control-record').click();
  await page.getByTestId('record-start').waitFor();
  await page.getByTestId('record-cancel').click();
  expect(await calls(page)).toEqual([]);
  await page.keyboard.press('r');
  await page.getByTestId('record-confirm').click();
  await page.getByTestId('recording').getByText('by Ada Lovelace').waitFor();
  expect(await page.getByTestId('control-record').getAttribute('aria-pressed')).toBe('true');
  await page.keyboard.press('r');
  await page.getByTestId('record-stop').waitFor();
  await page.getByTestId('record-confirm').click();
  await page.getByTestId('recording').waitFor({ state: 'detached' });
  expect(await calls(page)).toEqual(['record true', 'record false']);
  await context.close();
});

test('a question about a recording goes when somebody else answers it', async () => {
  const { page, context } = await openScene('presenter-grid');
  await page.keyboard.press('r');
  await page.getByTestId('record-start').waitFor();
  await page.evaluate(() => {
    const recording = { id: 'RC_1', by: 'Grace Hopper', since: 1 };
    window.meeting.state.set({ recording });
  });
  await page.locator('dialog[open]').waitFor({ state: 'detached' });
  expect(await calls(page)).toEqual([]);
  await context.close();
});

test('recording waits for the connection and for the answer of the server', async () => {
  const { page, context } = await openScene('presenter-connecting');
  await page.keyboard.press('r');
  expect(await page.getByTestId('record-start').count()).toBe(0);
  await page.evaluate(() => {
    window.meeting.state.set({ phase: { is: 'live' } });
    window.meeting.moderate = () => new Promise(() => undefined);
  });
  await page.keyboard.press('r');
  await page.getByTestId('record-confirm').click();
  const button = page.getByTestId('control-record');
  await expect.poll(() => button.getAttribute('aria-disabled')).toBe('true');
  await page.keyboard.press('r');
  expect(await page.getByTestId('record-start').count()).toBe(0);
  await context.close();
});

test('a recording that stopped by itself is begun again, or let be', async () => {
  const { page, context } = await openScene('presenter-recording-broke');
  await page.getByTestId('banner-recording').getByText('has no room left').waitFor();
  await page.getByTestId('record-again').click();
  await page.getByTestId('record-start').waitFor();
  await page.keyboard.press('Escape');
  await page.getByTestId('dismiss-recording').click();
  await page.getByTestId('banner-recording').waitFor({ state: 'detached' });
  await context.close();
});

test('a recording that waits for a recorder can be turned off', async () => {
  const { page, context } = await openScene('presenter-recording-waits');
  await page.getByTestId('recording').getByText('interrupted').waitFor();
  await page.getByTestId('record-again').click();
  await page.getByTestId('record-stop').waitFor();
  await page.getByTestId('record-confirm').click();
  expect(await calls(page)).toEqual(['record false']);
  await context.close();
});

test('viewers are told of a recording, and cannot change it', async () => {
  const { page, context } = await openScene('viewer-recorded');
  await page.keyboard.press('r');
  expect(await page.getByTestId('record-start').count()).toBe(0);
  expect(await page.getByTestId('control-record').count()).toBe(0);
  await page.evaluate(() =>
    window.meeting.news.emit({ is: 'recording-started', name: 'Grace Hopper', found: true }),
  );
  await page
    .getByTestId('announce-now')
    .getByText('This meeting is being recorded, by Grace Hopper')
    .waitFor({ state: 'attached' });
  await page.getByTestId('note-recorded').waitFor();
  await page.evaluate(() => window.meeting.state.set({ recording: undefined }));
  await page.getByTestId('note-recorded').waitFor({ state: 'detached' });
  await context.close();
});

test('the key of a recorded meeting is kept, and its recordings open beside it', async () => {
  const { page, context } = await openScene('presenter-grid');
  const recorded = (): Promise<unknown> =>
    page.evaluate(() => JSON.parse(localStorage['lectern.meetings'] as string)[0].recorded);
  expect(await recorded()).toBeUndefined();
  await page.evaluate(() =>
    window.meeting.news.emit({ is: 'recording-started', name: 'Ada', found: false }),
  );
  expect(await recorded()).toBe(true);
  await page.getByTestId('control-more').click();
  const opened = context.waitForEvent('page');
  await page.getByTestId('menu-recordings').click();
  expect(new URL((await opened).url()).pathname).toBe('/recordings/RM_test');
  await context.close();
});

test('viewers have nothing to moderate with', async () => {
  const { page, context } = await openScene('viewer-share');
  await page.keyboard.press('p');
  await page.getByTestId('panel').waitFor();
  for (const id of ['person-menu', 'mute-all', 'access', 'waiting']) {
    expect(await page.getByTestId(id).count(), id).toBe(0);
  }
  await context.close();
});

test('who is muted by a presenter may unmute with one press', async () => {
  const { page, context } = await openScene('presenter-grid');
  await page.evaluate(() => {
    const { state, news } = window.meeting;
    news.emit({ is: 'microphone', on: false, byOther: true });
    const people = state.value.people.map((person) =>
      person.self ? { ...person, microphone: 'muted' as const } : person,
    );
    state.set({ people });
  });
  await page.getByTestId('note').getByText('A presenter muted you').waitFor();
  await page.getByTestId('note-unmute').click();
  expect(await calls(page)).toEqual(['microphone true']);
  await context.close();
});

test('controls come and go with the role', async () => {
  const { page, context } = await openScene('viewer-share');
  expect(await page.getByTestId('control-share').count()).toBe(0);
  const become = (role: 'viewer' | 'presenter'): Promise<void> =>
    page.evaluate((to) => {
      const { state } = window.meeting;
      const people = state.value.people.map((person) =>
        person.self ? { ...person, role: to } : person,
      );
      state.set({ role: to, people });
    }, role);
  await become('presenter');
  await page.getByTestId('control-share').waitFor();
  await page.getByTestId('control-microphone').waitFor();
  await become('viewer');
  await page.getByTestId('control-share').waitFor({ state: 'detached' });
  await context.close();
});

test('a share that ended with the page is started again with one press', async () => {
  const { page, context } = await openScene('presenter-share-lost');
  await page.getByTestId('share-again').click();
  await page.getByTestId('share-options').waitFor();
  await page.keyboard.press('Escape');
  await page.getByTestId('dismiss-share-lost').click();
  await page.getByTestId('banner-share-lost').waitFor({ state: 'detached' });
  await context.close();
});
