// The tab that the presenter shares: it counts frames and sounds, and knows when it drew what.

import { SHARED_TITLE } from './browsers.js';
import { script } from './tab.js';

const SIZE = { width: 1280, height: 720 };
const PAGE = `<!doctype html><title>${SHARED_TITLE}</title>
<style>body { margin: 0; overflow: hidden } canvas { display: block }</style><canvas></canvas>`;

/** The presenter's context: the shared tab must belong to the same person as the app's tab. */
export const PRESENTER_CONTEXT = { viewport: SIZE, permissions: ['camera', 'microphone'] };

export class SharedTab {
  /** Opens it in the context of the presenter's own tab, and begins to draw and to sound. */
  static async open(presenter, size = SIZE) {
    const page = await presenter.context.newPage();
    await page.setViewportSize(size);
    await page.setContent(PAGE);
    for (const name of ['counter.js', 'clock.js', 'draw.js']) {
      await page.addScriptTag({ content: await script(name) });
    }
    await page.evaluate(() => {
      drawn.start();
      return drawn.sound();
    });
    await presenter.page.bringToFront();
    return new SharedTab(page);
  }

  constructor(page) {
    this.page = page;
  }

  /** When each number was drawn. */
  times() {
    return this.page.evaluate(() => drawn.times);
  }

  /** From when on each tone was to be heard: `[ms since 1970, hertz]`. */
  turns() {
    return this.page.evaluate(() => drawn.turns());
  }

  /** Closes it, which ends the share as the browser's own "stop sharing" does. */
  close() {
    return this.page.close();
  }
}
