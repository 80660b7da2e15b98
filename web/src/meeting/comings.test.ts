import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Comings } from './comings';
import type { News } from './news';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const vera = { identity: 'vera', name: 'Vera' };

function comings(): { made: Comings; told: News[] } {
  const told: News[] = [];
  return { made: new Comings((news) => told.push(news)), told };
}

test('whoever reloads the page is back, and never left', () => {
  const { made, told } = comings();
  made.tell({ is: 'left', ...vera });
  vi.advanceTimersByTime(19_000);
  made.tell({ is: 'joined', ...vera });
  vi.advanceTimersByTime(60_000);
  expect(told).toEqual([{ is: 'back', name: 'Vera' }]);
});

test('whoever stays away left, and joins later', () => {
  const { made, told } = comings();
  made.tell({ is: 'left', ...vera });
  vi.advanceTimersByTime(20_000);
  made.tell({ is: 'joined', ...vera });
  expect(told.map(({ is }) => is)).toEqual(['left', 'joined']);
});

test('another person is another person, and other news pass at once', () => {
  const { made, told } = comings();
  made.tell({ is: 'left', ...vera });
  made.tell({ is: 'joined', identity: 'bob', name: 'Vera' });
  made.tell({ is: 'share-stopped' });
  expect(told.map(({ is }) => is)).toEqual(['joined', 'share-stopped']);
  made.clear();
  vi.advanceTimersByTime(60_000);
  expect(told).toHaveLength(2);
});
