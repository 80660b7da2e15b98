// Whether words can go out: by a connection that stands, or by one that the server is asked for.
import { ConnectionState, RoomEvent, type Room } from 'livekit-client';

/**
 * Waits until data can be sent. Who has sent before goes on while the server is away; the first words
 * need it, and would be lost where it does not answer.
 */
export function readyToSend(room: Room): Promise<void> {
  if (room.state === ConnectionState.Connected || hasSent(room)) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const changed = (state: ConnectionState): void => {
      if (state !== ConnectionState.Connected && state !== ConnectionState.Disconnected) return;
      room.off(RoomEvent.ConnectionStateChanged, changed);
      if (state === ConnectionState.Connected) resolve();
      else reject(new Error('The meeting was left before this could be sent'));
    };
    room.on(RoomEvent.ConnectionStateChanged, changed);
  });
}

function hasSent(room: Room): boolean {
  return room.engine?.pcManager?.publisher.getConnectionState() === 'connected';
}
