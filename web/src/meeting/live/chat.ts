// Chat over the text streams of the room.
import type { Room, TextStreamReader } from 'livekit-client';
import { append, CHAT_TOPIC, clean, MAX_BYTES, type Message } from '../chat';
import type { News } from '../news';
import type { MeetingState } from '../state';
import type { Emitter, Store } from '../../store';
import { nameOf } from './roster';

/** A message that is not complete by then is dropped. */
const RECEIVE_TIMEOUT_MS = 20_000;

export class Chat {
  #open = false;

  constructor(
    private readonly state: Store<MeetingState>,
    private readonly news: Emitter<News>,
  ) {}

  listen(room: Room): void {
    room.registerTextStreamHandler(CHAT_TOPIC, (reader, { identity }) => {
      void this.#receive(room, reader, identity);
    });
  }

  async send(room: Room, text: string): Promise<void> {
    const cleaned = clean(text);
    if (cleaned === undefined) return;
    const { id, timestamp } = await room.localParticipant.sendText(cleaned, { topic: CHAT_TOPIC });
    const self = room.localParticipant;
    this.#add({
      id,
      identity: self.identity,
      name: nameOf(self),
      self: true,
      text: cleaned,
      at: timestamp,
    });
  }

  setOpen(open: boolean): void {
    this.#open = open;
    if (open) this.state.set({ unread: 0 });
  }

  async #receive(room: Room, reader: TextStreamReader, identity: string): Promise<void> {
    const { id, size } = reader.info;
    const sender = room.remoteParticipants.get(identity);
    if (sender === undefined || (size ?? 0) > MAX_BYTES) return;
    let text: string | undefined;
    try {
      text = clean(await reader.readAll({ signal: AbortSignal.timeout(RECEIVE_TIMEOUT_MS) }));
    } catch (error) {
      console.warn('A chat message did not arrive whole:', error);
      return;
    }
    if (text === undefined) return;
    const name = nameOf(sender);
    // The sender's clock may be wrong: what counts is when it was read here.
    this.#add({ id, identity, name, self: false, text, at: Date.now() });
    if (!this.#open) this.state.set({ unread: this.state.value.unread + 1 });
    this.news.emit({ is: 'message', name, text });
  }

  #add(message: Message): void {
    this.state.set({ messages: append(this.state.value.messages, message) });
  }
}
