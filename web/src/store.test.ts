import { expect, test } from 'vitest';
import { Emitter, Store } from './store';

test('listeners hear of changes, and only of changes', () => {
  const store = new Store({ a: 1, b: 'x' });
  let heard = 0;
  const stop = store.subscribe(() => (heard += 1));
  store.set({ a: 1 });
  expect(heard).toBe(0);
  store.set({ a: 2 });
  expect(heard).toBe(1);
  expect(store.value).toEqual({ a: 2, b: 'x' });
  stop();
  store.set({ a: 3 });
  expect(heard).toBe(1);
});

test('a snapshot stays what it was', () => {
  const store = new Store({ a: 1 });
  const before = store.value;
  store.set({ a: 2 });
  expect(before.a).toBe(1);
});

test('a listener may leave while it is told', () => {
  const emitter = new Emitter<number>();
  const heard: number[] = [];
  const stop = emitter.listen((item) => {
    heard.push(item);
    stop();
  });
  emitter.emit(1);
  emitter.emit(2);
  expect(heard).toEqual([1]);
});
