// Every state of a meeting, in every look: a picture, and no serious barrier.
import { expect, test } from 'vitest';
import { check, looks, openScene, useBrowser } from './browser';
import { scenes } from './scene-names';

useBrowser();

for (const look of looks) {
  for (const [name, scene, ...steps] of scenes) {
    test(`${name} in ${look.name}`, async () => {
      const { page, context, errors } = await openScene(scene, look);
      for (const step of steps) {
        if (step.startsWith('key ')) await page.keyboard.press(step.slice(4));
        else await page.getByTestId(step).filter({ visible: true }).first().click();
        await page.waitForTimeout(150);
      }
      await check(page, `${name}.${look.name}`);
      expect(errors).toEqual([]);
      await context.close();
    });
  }
}
