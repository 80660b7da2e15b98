// Chat over the text streams of the room.
import type { Room, TextStreamReader } from 'livekit-client';
import { append, CHAT_TOPIC, clean, cleanId, MAX_BYTES, Pace, type Message } from '../chat';
import type { News } from '../news';
import type { MeetingState } from '../state';
import type { Emitter, Store } from '../../store';
import { readyToSend } from './line';
import { nameOf } from './roster';

/** More messages under way at once are a flood. */
const MOST_READING = 50;

/** A message that is not complete by then is dropped. */
const RECEIVE_TIMEOUT_MS = 20_000;

export class Chat {
  #open = false;
  readonly #pace = new Pace();
  /** Streams that are being read. */
  #reading = 0;

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
    await readyToSend(room);
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
    if (sender === undefined || (size ?? 0) > MAX_BYTES || this.#reading >= MOST_READING) return;
    if (!this.#pace.allows(identity, Date.now())) return;
    const text = await this.#read(reader);
    if (text === undefined) return;
    const name = nameOf(sender);
    // The sender's clock may be wrong: what counts is when it was read here.
    this.#add({ id: cleanId(id), identity, name, self: false, text, at: Date.now() });
    if (!this.#open) this.state.set({ unread: this.state.value.unread + 1 });
    this.news.emit({ is: 'message', name, text });
  }

  async #read(reader: TextStreamReader): Promise<string | undefined> {
    this.#reading += 1;
    try {
      return clean(await reader.readAll({ signal: AbortSignal.timeout(RECEIVE_TIMEOUT_MS) }));
    } catch (error) {
      console.warn('A chat message did not arrive whole:', error);
      return undefined;
    } finally {
      this.#reading -= 1;
    }
  }

  #add(message: Message): void {
    this.state.set({ messages: append(this.state.value.messages, message) });
  }
}
