import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MediaAddresses } from './media-addresses';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function addresses() {
  let number = 0;
  const address = vi.fn(async (file: string) => ({
    url: `/api/v1/media/${file}-${(number += 1)}`,
    expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
  }));
  return { address, kept: new MediaAddresses({ address }) };
}

test('an address is asked for once, until it runs out', async () => {
  const { address, kept } = addresses();
  const [first, second] = await Promise.all([
    kept.address('film', 'play'),
    kept.address('film', 'play'),
  ]);
  expect(second).toEqual(first);
  expect(address).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(3_550_000);
  expect((await kept.address('film', 'play')).url).toBe('/api/v1/media/film-2');
});

test('a download has an address of its own each time', async () => {
  const { address, kept } = addresses();
  await kept.address('film', 'download');
  await kept.address('film', 'download');
  expect(address).toHaveBeenCalledTimes(2);
});

test('a new address takes the place of one that works no longer', async () => {
  const { kept } = addresses();
  await kept.address('film', 'play');
  const { url } = await kept.renewed('film');
  expect((await kept.address('film', 'play')).url).toBe(url);
});

test('a refusal is not kept', async () => {
  const { address, kept } = addresses();
  address.mockRejectedValueOnce(new Error('away'));
  await expect(kept.address('film', 'play')).rejects.toThrow('away');
  expect((await kept.address('film', 'play')).url).toContain('film');
});
