// A meeting by keyboard alone, and what screen readers are told.
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { looks, openScene, useBrowser } from './browser';

useBrowser();

const calls = (page: Page): Promise<string[]> => page.evaluate(() => window.meeting.calls);

/** The test id or label of what has the focus, through shadow roots. */
function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at?.getAttribute('data-testid') ?? at?.getAttribute('aria-label') ?? at?.localName ?? '';
  });
}

test('shortcuts do what the sheet says', async () => {
  const { page, context } = await openScene('presenter-grid');
  for (const key of ['m', 'v', 'h']) await page.keyboard.press(key);
  expect(await calls(page)).toEqual(['microphone false', 'camera false', 'hand true']);
  await page.keyboard.press('s');
  await page.getByTestId('share-options').waitFor();
  await page.keyboard.press('m');
  expect(await calls(page)).toHaveLength(3);
  await page.keyboard.press('Enter');
  expect((await calls(page)).at(-1)).toBe('share');
  await page.getByTestId('sharing-bar').waitFor();
  await page.keyboard.press('s');
  expect((await calls(page)).at(-1)).toBe('stop share');
  await context.close();
});

test('the space bar opens the microphone while it is held', async () => {
  const { page, context } = await openScene('presenter-alone');
  await page.keyboard.down(' ');
  await page.getByTestId('talking').waitFor();
  await page.keyboard.up(' ');
  expect(await calls(page)).toEqual(['microphone true', 'microphone false']);
  await context.close();
});

test('keys wait for a device, as its button does', async () => {
  const { page, context } = await openScene('presenter-connecting');
  for (const key of ['m', 'v', ' ']) await page.keyboard.press(key);
  expect(await calls(page)).toEqual([]);
  await page.evaluate(() => window.meeting.state.set({ phase: { is: 'live' } }));
  for (const key of ['m', 'v', ' ']) await page.keyboard.press(key);
  expect(await calls(page)).toEqual([]);
  await context.close();
});

test('a device that is busy keeps the focus on its button', async () => {
  const { page, context } = await openScene('presenter-grid');
  await page.getByTestId('control-camera').focus();
  await page.evaluate(() => window.meeting.state.set({ cameraBusy: true }));
  await expect
    .poll(() => page.getByTestId('control-camera').getAttribute('aria-disabled'))
    .toBe('true');
  await page.keyboard.press('Enter');
  expect(await calls(page)).toEqual([]);
  expect(await focused(page)).toBe('control-camera');
  await context.close();
});

test('what the menu opened gives the focus back to its button', async () => {
  const { page, context } = await openScene('presenter-grid');
  for (const entry of ['settings', 'help', 'invite']) {
    await page.getByTestId('control-more').focus();
    await page.keyboard.press('Enter');
    await page.getByTestId(`menu-${entry}`).focus();
    await page.keyboard.press('Enter');
    await page.locator('dialog[open]').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('dialog[open]').waitFor({ state: 'detached' });
    expect(await focused(page), entry).toBe('control-more');
  }
  await context.close();
});

test('letters typed into the chat are letters', async () => {
  const { page, context } = await openScene('presenter-grid');
  await page.keyboard.press('c');
  await page.getByTestId('chat-field').waitFor();
  await page.keyboard.type('mvhsf? 1');
  expect(await page.getByTestId('chat-field').inputValue()).toBe('mvhsf? 1');
  await page.keyboard.press('Enter');
  expect(await calls(page)).toEqual(['say mvhsf? 1']);
  expect(await page.getByTestId('chat-field').inputValue()).toBe('');
  await page.keyboard.press('Escape');
  expect(await focused(page)).toBe('control-chat');
  await context.close();
});

test('what is typed while a message is sent stays', async () => {
  const { page, context } = await openScene('presenter-grid');
  await page.evaluate(() => {
    let tries = 0;
    const answer = (): boolean => (tries += 1) > 1;
    window.meeting.say = () => new Promise((sent) => setTimeout(() => sent(answer()), 400));
  });
  await page.keyboard.press('c');
  await page.getByTestId('chat-field').waitFor();
  await page.keyboard.type('one');
  await page.keyboard.press('Enter');
  await page.keyboard.type(' and two');
  const field = page.getByTestId('chat-field');
  await expect.poll(() => field.inputValue()).toBe('one and two');
  await page.keyboard.press('Enter');
  await page.keyboard.type('three');
  await page.waitForTimeout(600);
  expect(await field.inputValue()).toBe('three');
  await context.close();
});

test('the keyboard zooms and moves a shared screen', async () => {
  const { page, context } = await openScene('viewer-share');
  const screen = page.getByTestId('screen');
  const zoom = async (): Promise<number> => Number(await screen.getAttribute('data-zoom'));
  await page.keyboard.press('+');
  await page.keyboard.press('+');
  expect(await zoom()).toBeCloseTo(1.5625, 2);
  await screen.focus();
  const before = await page.locator('lectern-video.picture').evaluate((e) => e.style.transform);
  await page.keyboard.press('ArrowRight');
  const after = await page.locator('lectern-video.picture').evaluate((e) => e.style.transform);
  expect(after).not.toBe(before);
  await page.keyboard.press('0');
  expect(await zoom()).toBe(1);
  await context.close();
});

test('wheel, drag and double click zoom and move', async () => {
  const { page, context } = await openScene('viewer-share');
  const screen = page.getByTestId('screen');
  const box = (await screen.boundingBox())!;
  await page.mouse.move(box.x + 200, box.y + 300);
  await page.mouse.wheel(0, -240);
  await expect.poll(() => screen.getAttribute('data-zoom').then(Number)).toBeGreaterThan(1.2);
  const moved = (): Promise<string> =>
    page.locator('lectern-video.picture').evaluate((e) => e.style.transform);
  const before = await moved();
  await page.mouse.down();
  await page.mouse.move(box.x + 260, box.y + 330, { steps: 4 });
  await page.mouse.up();
  expect(await moved()).not.toBe(before);
  await screen.dblclick();
  await expect.poll(() => screen.getAttribute('data-zoom').then(Number)).toBe(1);
  await context.close();
});

test('every control can be reached by Tab, and the focus is visible', async () => {
  const { page, context } = await openScene('presenter-sharing');
  const reached = new Set<string>();
  for (let press = 0; press < 60; press += 1) {
    await page.keyboard.press('Tab');
    reached.add(await focused(page));
    const outline = await page.evaluate(() => {
      let at = document.activeElement;
      while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
      return at === null || at === document.body ? 'body' : getComputedStyle(at).outlineStyle;
    });
    expect(outline).not.toBe('none');
  }
  for (const control of [
    'microphone',
    'camera',
    'share',
    'hand',
    'leave',
    'chat',
    'people',
    'more',
  ]) {
    expect(reached).toContain(`control-${control}`);
  }
  for (const other of ['count', 'invite', 'stop-sharing', 'quality', 'pin']) {
    expect(reached).toContain(other);
  }
  await context.close();
});

test('a dialog takes the focus, keeps it, and gives it back', async () => {
  const { page, context } = await openScene('presenter-grid');
  await page.getByTestId('control-leave').click();
  expect(await focused(page)).toBe('leave-confirm');
  for (let press = 0; press < 6; press += 1) {
    await page.keyboard.press('Tab');
    expect(['leave-confirm', 'stay', 'dialog-close', 'body']).toContain(await focused(page));
  }
  await page.keyboard.press('Escape');
  expect(await focused(page)).toBe('control-leave');
  await context.close();
});

test('news reach screen readers', async () => {
  const { page, context } = await openScene('viewer-share');
  const told = page.getByTestId('announce');
  await page.evaluate(() => {
    window.meeting.news.emit({ is: 'joined', identity: 'linus', name: 'Linus' });
    window.meeting.news.emit({ is: 'hand', name: 'Linus', self: false, raised: true });
    window.meeting.news.emit({ is: 'share-started', name: 'Linus', self: false });
    window.meeting.news.emit({ is: 'message', name: 'Linus', text: '<i>hello</i>' });
    window.meeting.news.emit({ is: 'reconnecting' });
  });
  await expect.poll(() => told.innerText()).toContain('Linus joined');
  const all = await told.innerText();
  expect(all).toContain('Linus raised a hand');
  expect(all).toContain('Linus shares a screen');
  expect(all).toContain('Linus: <i>hello</i>');
  expect(await page.getByTestId('announce-now').innerText()).toContain('Reconnecting');
  await context.close();
});

test('what happens behind a dialog is read inside it', async () => {
  const { page, context } = await openScene('presenter-grid');
  await page.getByTestId('invite').click();
  await page.getByTestId('copy').first().click();
  const inside = page.locator('dialog[open]').getByTestId('announce');
  await expect.poll(() => inside.innerText()).toContain('Copied');
  await page.keyboard.press('Escape');
  await page.locator('dialog').getByTestId('announce').waitFor({ state: 'detached' });
  await page.evaluate(() =>
    window.meeting.news.emit({ is: 'joined', identity: 'linus', name: 'Linus' }),
  );
  await expect.poll(() => page.getByTestId('announce').innerText()).toContain('Linus joined');
  await context.close();
});

test('lines of the connection are read when they come', async () => {
  const { page, context } = await openScene('viewer-share');
  const told = page.getByTestId('announce');
  await page.evaluate(() => window.meeting.state.set({ poorNetwork: true, audioBlocked: true }));
  await expect.poll(() => told.innerText()).toContain('Your network is weak');
  expect(await told.innerText()).toContain('waits for a click');
  await page.evaluate(() => window.meeting.state.set({ offline: true, unread: 1 }));
  await expect.poll(() => told.innerText()).toContain('This device is offline');
  expect((await told.innerText()).match(/network is weak/g)).toHaveLength(1);
  await context.close();
});

test('a stage that comes back tells everything once', async () => {
  const { page, context } = await openScene('viewer-chat');
  await page.getByTestId('control-chat').click();
  await page.evaluate(async () => {
    const stage = document.querySelector('lectern-stage')!;
    window.meeting.state.set({ offline: true });
    stage.remove();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const next = document.createElement('lectern-stage');
    document.body.append(Object.assign(next, { meeting: window.meeting }));
    await new Promise((resolve) => setTimeout(resolve, 100));
    window.meeting.news.emit({ is: 'joined', identity: 'linus', name: 'Linus' });
  });
  const told = await page.getByTestId('announce').innerText();
  expect(told.match(/Linus joined/g)).toHaveLength(1);
  expect(await page.evaluate(() => window.meeting.chatOpen)).toBe(false);
  await context.close();
});

test('messages are text, and their links are safe', async () => {
  const { page, context } = await openScene('viewer-chat');
  await page.getByTestId('control-chat').click();
  const messages = page.getByTestId('messages');
  expect(await messages.locator('b', { hasText: 'not bold' }).count()).toBe(0);
  const links = await messages
    .locator('a')
    .evaluateAll((all) =>
      (all as HTMLAnchorElement[]).map(({ href, rel, target }) => ({ href, rel, target })),
    );
  expect(links).toEqual([
    {
      href: 'https://example.org/q3/slides.pdf',
      rel: 'noopener noreferrer nofollow',
      target: '_blank',
    },
  ]);
  await context.close();
});

test('unread messages are counted until the chat is opened', async () => {
  const { page, context } = await openScene('viewer-chat');
  expect(await page.getByTestId('unread').innerText()).toBe('2');
  expect(await page.title()).toBe('(2) Third quarter review · Lectern');
  await page.getByTestId('control-chat').click();
  expect(await page.getByTestId('unread').count()).toBe(0);
  expect(await page.title()).toBe('Third quarter review · Lectern');
  await context.close();
});

test('a pin keeps the stage until it is taken off', async () => {
  const { page, context } = await openScene('viewer-share');
  await page.getByTestId('strip').getByTestId('tile').nth(1).hover();
  await page.getByTestId('strip').getByTestId('pin').nth(1).click();
  expect(await page.locator('lectern-tile.focus').getAttribute('data-identity')).toBe('alan');
  await page.locator('lectern-tile.focus').getByTestId('pin').click();
  await page.getByTestId('screen').waitFor();
  await context.close();
});

test('two fingers pinch the shared screen on a phone', async () => {
  const { page, context } = await openScene('viewer-share', looks[2]);
  const screen = page.getByTestId('screen');
  await screen.evaluate((element) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    const send = (type: string, id: number, dx: number): void => {
      const at = { clientX: left + width / 2 + dx, clientY: top + height / 2 };
      element.dispatchEvent(new PointerEvent(type, { pointerId: id, button: 0, ...at }));
    };
    element.setPointerCapture = () => undefined;
    send('pointerdown', 1, -40);
    send('pointerdown', 2, 40);
    for (let step = 1; step <= 8; step += 1) {
      send('pointermove', 1, -40 - step * 5);
      send('pointermove', 2, 40 + step * 5);
    }
    send('pointerup', 1, -80);
    send('pointerup', 2, 80);
  });
  await expect.poll(() => screen.getAttribute('data-zoom').then(Number)).toBeCloseTo(2, 1);
  await context.close();
});
