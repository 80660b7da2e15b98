import { EventEmitter } from 'events';
import { ConnectionState, RoomEvent, type Room } from 'livekit-client';
import { expect, test } from 'vitest';
import { readyToSend } from './line';

function room(state: ConnectionState, publisher: string): { room: Room; become: Become } {
  const events = new EventEmitter();
  const pcManager = { publisher: { getConnectionState: () => publisher } };
  const fake = Object.assign(events, { state, engine: { pcManager } });
  const become = (next: ConnectionState): void => {
    fake.state = next;
    events.emit(RoomEvent.ConnectionStateChanged, next);
  };
  return { room: fake as unknown as Room, become };
}

type Become = (next: ConnectionState) => void;

const state = (promise: Promise<void>): Promise<string> =>
  Promise.race([
    promise.then(
      () => 'sent',
      () => 'refused',
    ),
    Promise.resolve('waits'),
  ]);

test('words go out at once where a connection stands', async () => {
  const { room: connected } = room(ConnectionState.Connected, 'new');
  await readyToSend(connected);
  const { room: spoken } = room(ConnectionState.SignalReconnecting, 'connected');
  await readyToSend(spoken);
});

test('first words wait for the server, and are not lost', async () => {
  const { room: away, become } = room(ConnectionState.SignalReconnecting, 'new');
  const ready = readyToSend(away);
  become(ConnectionState.Reconnecting);
  expect(await state(ready)).toBe('waits');
  become(ConnectionState.Connected);
  await ready;
  expect(away.listenerCount(RoomEvent.ConnectionStateChanged)).toBe(0);
});

test('who is out meanwhile hears so', async () => {
  const { room: away, become } = room(ConnectionState.Reconnecting, 'new');
  const ready = readyToSend(away);
  become(ConnectionState.Disconnected);
  await expect(ready).rejects.toThrow('left');
});
