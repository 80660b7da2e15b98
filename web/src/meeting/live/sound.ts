// Plays the sound tracks of others: one hidden audio element for each.
import { RoomEvent, type RemoteTrack, type Room } from 'livekit-client';

export class Sound {
  readonly #box = document.createElement('div');

  constructor(room: Room) {
    this.#box.hidden = true;
    this.#box.dataset['testid'] = 'sound';
    document.body.append(this.#box);
    room.on(RoomEvent.TrackSubscribed, (track) => this.#add(track));
    room.on(RoomEvent.TrackUnsubscribed, (track) => this.#remove(track));
  }

  close(): void {
    this.#box.remove();
  }

  #add(track: RemoteTrack): void {
    if (track.kind === 'audio') this.#box.append(track.attach());
  }

  #remove(track: RemoteTrack): void {
    if (track.kind !== 'audio') return;
    for (const element of track.detach()) element.remove();
  }
}
