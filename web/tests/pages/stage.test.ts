// Every state of a meeting, in every look: a picture, and no serious barrier.
import type { Locator, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { check, looks, openScene, useBrowser } from './browser';
import { scenes } from './scene-names';

useBrowser();

/** `a > b` is the first visible b inside a. */
function target(page: Page, step: string): Locator {
  const [first = '', second] = step.split(' > ');
  const found = page.getByTestId(first);
  return (second === undefined ? found : found.getByTestId(second))
    .filter({ visible: true })
    .first();
}

/** Something happens in the meeting. */
async function tell(page: Page, news: string): Promise<void> {
  await page.evaluate((text) => window.meeting.news.emit(JSON.parse(text)), news);
}

for (const look of looks) {
  for (const [name, scene, ...steps] of scenes) {
    test(`${name} in ${look.name}`, async () => {
      const { page, context, errors } = await openScene(scene, look);
      for (const step of steps) {
        if (step.startsWith('key ')) await page.keyboard.press(step.slice(4));
        else if (step.startsWith('tell ')) await tell(page, step.slice(5));
        else await target(page, step).click();
        await page.waitForTimeout(150);
      }
      await check(page, `${name}.${look.name}`);
      expect(errors).toEqual([]);
      await context.close();
    });
  }
}
