// What stands where a picture is missing, or was taken down.
import { expect, test } from 'vitest';
import { openScene, useBrowser } from './browser';

useBrowser();

test('a camera that comes back without a frame has a placeholder', async () => {
  const { page, context } = await openScene('viewer-share');
  const tile = page.locator('lectern-tile[data-identity=grace]');
  await tile.getByTestId('placeholder').waitFor({ state: 'detached' });
  const show = (camera: object): Promise<void> =>
    page.evaluate((view) => {
      const { state } = window.meeting;
      const picture = { id: 'black', attach: () => undefined, detach: () => undefined };
      const camera = 'picture' in view ? { ...view, picture } : view;
      const people = state.value.people.map((person) =>
        person.identity === 'grace' ? { ...person, camera: camera as never } : person,
      );
      state.set({ people });
    }, camera);
  await show({ status: 'off' });
  await page.waitForTimeout(300);
  await show({ status: 'live', picture: true });
  await tile.getByText('The picture is on its way').waitFor();
  await context.close();
});

test('the last picture stays while the connection is restored', async () => {
  const { page, context } = await openScene('viewer-share');
  const still = page.locator('lectern-screen canvas');
  const placeholder = page.locator('lectern-screen').getByTestId('placeholder');
  await placeholder.waitFor({ state: 'detached' });
  const reconnecting = { is: 'reconnecting', attempt: 1 } as const;
  await page.evaluate((phase) => window.meeting.state.set({ phase }), reconnecting);
  // As the client library does with every track of a connection that it makes anew.
  await page.locator('lectern-screen video').evaluate((video: HTMLVideoElement) => {
    video.srcObject = null;
  });
  await still.waitFor({ state: 'visible' });
  await page.waitForTimeout(2_500);
  expect(await still.isVisible()).toBe(true);
  expect(await placeholder.count()).toBe(0);
  const shows = await still.evaluate((canvas: HTMLCanvasElement) =>
    canvas
      .getContext('2d')!
      .getImageData(0, 0, 50, 50)
      .data.some((value) => value > 0),
  );
  expect(shows).toBe(true);
  await page.evaluate(() => {
    const { state } = window.meeting;
    const [share] = state.value.shares;
    state.set({ phase: { is: 'live' }, shares: [{ ...share!, view: { status: 'waiting' } }] });
  });
  await placeholder.waitFor();
  await context.close();
});
