// Plays the sound of others: one hidden audio element for each track, and for each sound slot.
import { RoomEvent, type RemoteTrack, type Room } from 'livekit-client';
import { Slots } from './slots';

export class Sound {
  readonly #box = document.createElement('div');

  readonly #slots: Slots;

  constructor(room: Room, blocked: (blocked: boolean) => void) {
    this.#box.hidden = true;
    this.#box.dataset['testid'] = 'sound';
    document.body.append(this.#box);
    this.#slots = new Slots(room, this.#box, blocked);
    room.on(RoomEvent.TrackSubscribed, (track) => this.#add(track));
    room.on(RoomEvent.TrackUnsubscribed, (track) => this.#remove(track));
  }

  /** After a click: slots that the browser kept silent play. */
  start(): Promise<void> {
    return this.#slots.start();
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
