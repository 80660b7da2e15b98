import { EngineEvent, RoomEvent, type Room } from 'livekit-client';
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Slots, withSlots } from './slots';

class FakeRoom extends EventEmitter {
  readonly engine = new EventEmitter();
  readonly getActiveDevice = vi.fn(() => 'default');
}

/** As much of an audio element as slots need. */
class FakeAudio {
  readonly dataset: Record<string, string> = {};
  readonly setSinkId = vi.fn(async () => {});
  readonly play = play;
  constructor(private readonly all: FakeAudio[]) {}
  remove(): void {
    this.all.splice(this.all.indexOf(this), 1);
  }
}

let room: FakeRoom;
let shown: FakeAudio[];
const play = vi.fn<() => Promise<void>>();

beforeEach(() => {
  room = new FakeRoom();
  shown = [];
  play.mockReset().mockResolvedValue(undefined);
  vi.stubGlobal('document', { createElement: () => new FakeAudio(shown) });
});

afterEach(() => void vi.unstubAllGlobals());

function make(blocked: (blocked: boolean) => void = () => {}): Slots {
  const box = { append: (element: FakeAudio) => void shown.push(element) };
  return new Slots(room as unknown as Room, box as unknown as HTMLElement, blocked);
}

function added(id: string): void {
  room.engine.emit(EngineEvent.MediaTrackAdded, {}, { id });
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

test('the server is told that the page plays slots', () => {
  expect(withSlots('/', 'https://meet.example.org/m/1')).toBe(
    'https://meet.example.org/?sound_slots=1',
  );
});

test('streams of slots are played, each once, and those of people are left alone', () => {
  make();
  for (const id of ['sound|0', 'sound|1', 'PA_1|screen', 'sound|0']) added(id);
  expect(shown.map((element) => element.dataset['slot'])).toEqual(['1', '0']);
  expect(play).toHaveBeenCalledTimes(3);
});

test('a browser that waits for a click is told of, and plays after it', async () => {
  const blocked = vi.fn();
  const slots = make(blocked);
  play.mockRejectedValue(new DOMException('no click', 'NotAllowedError'));
  added('sound|0');
  added('sound|1');
  await settled();
  expect(blocked.mock.calls).toEqual([[true]]);
  play.mockResolvedValue(undefined);
  await slots.start();
  expect(blocked.mock.calls).toEqual([[true], [false]]);
});

test('another speaker plays slots too', () => {
  make();
  added('sound|0');
  room.emit(RoomEvent.ActiveDeviceChanged, 'audioinput', 'microphone');
  room.emit(RoomEvent.ActiveDeviceChanged, 'audiooutput', 'speaker');
  expect(shown[0]?.setSinkId.mock.calls).toEqual([['speaker']]);
});
