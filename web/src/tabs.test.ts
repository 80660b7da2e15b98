import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Tabs, type Channel } from './tabs';

/** A channel that reaches all others at once, and not itself. */
class FakeChannel implements Channel {
  static open: FakeChannel[] = [];
  onmessage: ((event: MessageEvent) => void) | null = null;

  constructor() {
    FakeChannel.open.push(this);
  }

  postMessage(data: unknown): void {
    for (const other of FakeChannel.open) {
      if (other !== this) other.onmessage?.({ data } as MessageEvent);
    }
  }

  close(): void {
    FakeChannel.open = FakeChannel.open.filter((other) => other !== this);
  }
}

const session = { token: 't', name: 'Vera', microphone: true, camera: false, sharing: false };

const tab = (onOther: (here: boolean) => void = () => undefined): Tabs =>
  new Tabs('RM_1', onOther, () => new FakeChannel());

beforeEach(() => {
  FakeChannel.open = [];
});

describe('a second tab', () => {
  test('finds the one that is in the meeting, and takes its place', async () => {
    const first = tab();
    const give = vi.fn(() => session);
    first.hold(give);
    const second = tab();
    expect(await second.find()).toBe(true);
    expect(await second.take()).toEqual(session);
    expect(give).toHaveBeenCalledOnce();
    expect(await tab().find()).toBe(false);
  });

  test('finds nobody where nobody is in', async () => {
    const first = tab();
    const second = tab();
    expect(await second.find()).toBe(false);
    expect(await second.take()).toBeUndefined();
    first.hold(() => session);
    first.release();
    expect(await second.find()).toBe(false);
  });

  test('is told when the other comes in and goes, once', () => {
    const told = vi.fn();
    const first = tab();
    tab(told);
    first.hold(() => session);
    first.hold(() => session);
    first.close();
    expect(told.mock.calls).toEqual([[true], [false]]);
  });

  test('takes nothing odd', async () => {
    const first = tab();
    first.hold(() => ({ ...session, token: '' }));
    expect(await tab().take()).toBeUndefined();
  });

  test('does without where the browser has no channel', async () => {
    const alone = new Tabs(
      'RM_1',
      () => undefined,
      () => undefined,
    );
    expect(await alone.find()).toBe(false);
    expect(await alone.take()).toBeUndefined();
  });
});
