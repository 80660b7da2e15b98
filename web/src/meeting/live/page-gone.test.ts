import { expect, test, vi } from 'vitest';
import { onPageGone } from './page-gone';

function page(navigation: EventTarget | undefined) {
  const window = Object.assign(new EventTarget(), { navigation });
  vi.stubGlobal('window', window);
  const gone = vi.fn();
  const stop = onPageGone(gone);
  const navigate = (navigationType: string) =>
    navigation?.dispatchEvent(Object.assign(new Event('navigate'), { navigationType }));
  const hide = (persisted = false) =>
    window.dispatchEvent(Object.assign(new Event('pagehide'), { persisted }));
  return { gone, stop, navigate, hide };
}

test('a page that is closed or left for another one is gone', () => {
  const { gone, hide, navigate, stop } = page(new EventTarget());
  hide();
  expect(gone).toHaveBeenCalledTimes(1);
  navigate('push');
  hide();
  expect(gone).toHaveBeenCalledTimes(2);
  stop();
  hide();
  expect(gone).toHaveBeenCalledTimes(2);
});

test('a page that is loaded anew, or only put away, comes back', () => {
  const { gone, hide, navigate } = page(new EventTarget());
  hide(true);
  navigate('reload');
  hide();
  expect(gone).not.toHaveBeenCalled();
});

test('where the browser does not tell, nobody leaves', () => {
  const { gone, hide } = page(undefined);
  hide();
  expect(gone).not.toHaveBeenCalled();
});
