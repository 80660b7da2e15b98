// A meeting over the network: a room of the client library, shown as plain state.
import {
  ConnectionState,
  DisconnectReason,
  RoomEvent,
  type LocalParticipant,
  type LocalTrack,
  type Room,
} from 'livekit-client';
import type { Role, Ticket } from '../../api';
import { mediaDeviceKind, type DeviceKind } from '../../devices/list';
import type { InputKind, Taken } from '../../devices/local';
import { deviceTrouble, lossTrouble } from '../../devices/trouble';
import { Emitter, Store } from '../../store';
import type { TroubleKind } from '../../trouble';
import { changes } from '../changes';
import type { Details } from '../details';
import type { Meeting } from '../meeting';
import type { News } from '../news';
import { PoorNetwork, qualityOf, worse, type Quality } from '../quality';
import { captureOptions, publishOptions, shareTrouble, type ShareOptions } from '../sharing';
import { initialState, type Ending, type MeetingState } from '../state';
import { Chat } from './chat';
import { connectEnding, endingOf } from './ending';
import { onChange, onSwitchedOff, type SwitchedOffBy } from './events';
import { makeRoom } from './room';
import { HAND, seenIn, sharingOf, withOthersOf, type Seen } from './roster';
import { Sound } from './sound';
import { Statistics } from './statistics';

/** Changes that come together are shown together. */
const REFRESH_MS = 30;

/** How often the own connection is measured. */
const MEASURE_MS = 3_000;

export interface LiveOptions {
  /** Gets a fresh way in; called again for each rejoin. */
  ticket: () => Promise<Ticket>;
  /** Camera and microphone as they run in the preview, once they do. */
  devices: Promise<Taken>;
  meetingName: string;
  /** As the link says; the ticket has the last word. */
  role: Role;
}

export class LiveMeeting implements Meeting {
  readonly state: Store<MeetingState>;
  readonly news = new Emitter<News>();
  readonly #chat: Chat;
  /** The room this person is in or on the way to; none once it is over. */
  #room: Room | undefined;
  #sound: Sound | undefined;
  #statistics: Statistics | undefined;
  #poorNetwork = new PoorNetwork();
  #ownQuality: Quality = 'unknown';
  #refreshing = false;
  #measuring: ReturnType<typeof setInterval> | undefined;
  /** What the person wants to be on, for a rejoin. */
  readonly #wanted = { microphone: false, camera: false };

  constructor(private readonly options: LiveOptions) {
    const { meetingName, role } = options;
    this.state = new Store<MeetingState>({ ...initialState, meetingName, role });
    this.#chat = new Chat(this.state, this.news);
    window.addEventListener('offline', () => this.state.set({ offline: true }));
    window.addEventListener('online', () => this.state.set({ offline: false }));
  }

  /** Comes in, and sends the tracks of the preview. */
  async connect(): Promise<void> {
    this.state.set({ microphoneBusy: true, cameraBusy: true });
    const room = await this.#open();
    const { tracks, trouble } = await this.options.devices;
    if (room === undefined || room !== this.#room) {
      for (const track of tracks) track.stop();
      return;
    }
    if (trouble !== undefined) this.state.set({ trouble });
    await Promise.all(tracks.map((track) => this.#publish(room, track)));
    if (room === this.#room) this.state.set({ microphoneBusy: false, cameraBusy: false });
  }

  async rejoin(): Promise<void> {
    const { microphone, camera } = this.#wanted;
    if ((await this.#open()) === undefined) return;
    if (microphone) await this.setMicrophone(true);
    if (camera) await this.setCamera(true);
  }

  async leave(): Promise<void> {
    const room = this.#room;
    if (room === undefined) return;
    this.#end('left');
    await room.disconnect();
  }

  async setMicrophone(on: boolean): Promise<void> {
    await this.#switch('microphone', on, (self) => self.setMicrophoneEnabled(on));
  }

  async setCamera(on: boolean): Promise<void> {
    await this.#switch('camera', on, (self) => self.setCameraEnabled(on));
  }

  async startShare(options: ShareOptions): Promise<void> {
    const room = this.#room;
    const { phase, sharing } = this.state.value;
    if (room === undefined || sharing !== 'no') return;
    if (phase.is !== 'live') return this.state.set({ trouble: 'share-unconnected' });
    this.state.set({ sharing: 'choosing', trouble: undefined });
    const began = performance.now();
    try {
      await room.localParticipant.setScreenShareEnabled(
        true,
        captureOptions(options),
        publishOptions(options),
      );
    } catch (error) {
      this.#report(shareTrouble(error, performance.now() - began), error);
    }
    if (room !== this.#room) return;
    this.state.set({ sharing: sharingOf(room) });
    this.#showOwn();
  }

  async stopShare(): Promise<void> {
    await this.#attempt('share-stop-failed', () =>
      this.#room?.localParticipant.setScreenShareEnabled(false),
    );
  }

  async setHand(raised: boolean): Promise<void> {
    const value = raised ? String(Date.now()) : '';
    await this.#attempt('hand-failed', () =>
      this.#room?.localParticipant.setAttributes({ [HAND]: value }),
    );
  }

  async say(text: string): Promise<boolean> {
    const room = this.#room;
    if (room === undefined) return false;
    return this.#attempt('chat-failed', () => this.#chat.send(room, text));
  }

  setChatOpen(open: boolean): void {
    this.#chat.setOpen(open);
  }

  async startAudio(): Promise<void> {
    await this.#room?.startAudio();
  }

  async useDevice(kind: DeviceKind, id: string): Promise<void> {
    const trouble: TroubleKind = kind === 'speaker' ? 'speaker-failed' : `${kind}-failed`;
    // The default speaker has an empty id in every browser, the default input one in none.
    const device = id === '' && kind !== 'speaker' ? 'default' : id;
    await this.#attempt(trouble, () =>
      this.#room?.switchActiveDevice(mediaDeviceKind(kind), device, id !== ''),
    );
  }

  async details(identity: string): Promise<Details> {
    return (await this.#statistics?.details(identity)) ?? { tracks: [] };
  }

  dismissTrouble(): void {
    this.state.set({ trouble: undefined });
  }

  /**
   * Makes a room, and enters it. Undefined when that failed, and the state says why, or when the
   * person left on the way.
   */
  async #open(): Promise<Room | undefined> {
    this.state.set({
      phase: { is: 'connecting' },
      trouble: undefined,
      poorNetwork: false,
    });
    const room = this.#makeRoom();
    try {
      const ticket = await this.options.ticket();
      if (room !== this.#room) return undefined;
      this.state.set({ meetingId: ticket.meeting.id, role: ticket.role });
      await room.connect(new URL(ticket.url, location.href).href, ticket.token);
    } catch (error) {
      console.warn('Could not join:', error);
      const ending = connectEnding(error);
      const cause = ending === 'room-full' ? await this.#refusal(ending) : ending;
      if (room === this.#room) this.#end(cause);
      return undefined;
    }
    if (room !== this.#room) return undefined;
    this.state.set({ phase: { is: 'live' }, ...seenIn(room, this.#ownQuality, this.state.value) });
    this.#measuring ??= setInterval(() => void this.#measure(), MEASURE_MS);
    this.news.emit({ is: 'connected', meeting: this.state.value.meetingName });
    return room;
  }

  /** Turned away although the ticket was good: perhaps the link ended in between. */
  async #refusal(ending: Ending): Promise<Ending> {
    try {
      await this.options.ticket();
      return ending;
    } catch (error) {
      return connectEnding(error);
    }
  }

  #makeRoom(): Room {
    const room = makeRoom((attempt) => this.#reconnecting(room, attempt));
    this.#room = room;
    this.#sound?.close();
    this.#sound = new Sound(room);
    this.#statistics = new Statistics(room);
    this.#chat.listen(room);
    onChange(room, () => this.#refresh());
    onSwitchedOff(room, (kind, by) => void this.#switchedOff(kind, by));
    room
      .on(RoomEvent.SignalReconnecting, () => this.#reconnecting(room, 1))
      .on(RoomEvent.Reconnecting, () => this.#reconnecting(room, 1))
      .on(RoomEvent.Reconnected, () => this.#reconnected(room))
      .on(RoomEvent.Disconnected, (reason) => this.#disconnected(room, reason))
      .on(RoomEvent.AudioPlaybackStatusChanged, () => {
        if (room === this.#room) this.state.set({ audioBlocked: !room.canPlaybackAudio });
      });
    return room;
  }

  /** Sends a track of the preview; one that cannot be sent must not go on capturing. */
  async #publish(room: Room, track: LocalTrack): Promise<void> {
    const kind = track.kind === 'audio' ? 'microphone' : 'camera';
    this.#wanted[kind] = true;
    try {
      await room.localParticipant.publishTrack(track);
    } catch (error) {
      track.stop();
      if (room !== this.#room) return;
      this.#wanted[kind] = false;
      this.#report('publish-refused', error);
    }
    this.#refresh();
  }

  async #switch(
    kind: InputKind,
    on: boolean,
    action: (self: LocalParticipant) => Promise<unknown>,
  ): Promise<void> {
    const room = this.#room;
    this.#wanted[kind] = on;
    if (room === undefined) return;
    this.state.set({ [`${kind}Busy`]: true });
    try {
      await action(room.localParticipant);
      this.news.emit({ is: kind, on, byOther: false });
    } catch (error) {
      if (room !== this.#room) return;
      this.#wanted[kind] = false;
      this.#report(deviceTrouble(kind, error), error);
    }
    if (room !== this.#room) return;
    this.state.set({ [`${kind}Busy`]: false });
    this.#showOwn();
  }

  #reconnecting(room: Room, attempt: number): void {
    const { phase } = this.state.value;
    if (room !== this.#room || phase.is === 'connecting') return;
    if (phase.is === 'live') this.news.emit({ is: 'reconnecting' });
    const before = phase.is === 'reconnecting' ? phase.attempt : 0;
    if (attempt > before) this.state.set({ phase: { is: 'reconnecting', attempt } });
  }

  #reconnected(room: Room): void {
    if (room !== this.#room) return;
    this.state.set({ phase: { is: 'live' } });
    this.news.emit({ is: 'reconnected' });
    this.#refresh();
  }

  #disconnected(room: Room, reason: DisconnectReason | undefined): void {
    // A failed attempt to come in is told by `#open`, which knows the cause better.
    if (room !== this.#room || this.state.value.phase.is === 'connecting') return;
    // The library leaves by itself when the person goes to another page, and when the browser
    // freezes a page that nobody looks at.
    const frozen = reason === DisconnectReason.CLIENT_INITIATED && document.hidden;
    this.#end(frozen ? 'connection-lost' : endingOf(reason));
  }

  async #switchedOff(kind: InputKind, by: SwitchedOffBy): Promise<void> {
    if (!this.#wanted[kind]) return;
    this.#wanted[kind] = false;
    if (by === 'mute') this.news.emit({ is: kind, on: false, byOther: true });
    else this.#report(await lossTrouble(kind), 'its track ended');
  }

  #end(ending: Ending): void {
    this.#room = undefined;
    clearInterval(this.#measuring);
    this.#measuring = undefined;
    this.#sound?.close();
    this.#poorNetwork = new PoorNetwork();
    this.#ownQuality = 'unknown';
    this.state.set({
      phase: { is: 'ended', ending },
      people: [],
      shares: [],
      sharing: 'no',
      microphoneBusy: false,
      cameraBusy: false,
      audioBlocked: false,
      poorNetwork: false,
    });
  }

  #refresh(): void {
    if (this.#refreshing) return;
    this.#refreshing = true;
    setTimeout(() => {
      this.#refreshing = false;
      // To restore a connection, the library takes everybody and everything down and up again:
      // what was seen last stays until that is done.
      if (this.state.value.phase.is === 'live') this.#show((seen) => seen);
    }, REFRESH_MS);
  }

  /** Shows what the person did, also while the connection is away. */
  #showOwn(): void {
    const before = this.state.value;
    if (before.phase.is === 'reconnecting') this.#show((seen) => withOthersOf(before, seen));
    else this.#refresh();
  }

  #show(part: (seen: Seen) => Seen): void {
    if (this.#room === undefined) return;
    const before = this.state.value;
    this.state.set(part(seenIn(this.#room, this.#ownQuality, before)));
    for (const news of changes(before, this.state.value)) this.news.emit(news);
  }

  async #measure(): Promise<void> {
    const room = this.#room;
    if (room?.state !== ConnectionState.Connected || this.#statistics === undefined) return;
    const own = qualityOf(await this.#statistics.own());
    if (room !== this.#room) return;
    const told = room.localParticipant.connectionQuality as Quality;
    this.#ownQuality = worse(own, told);
    this.state.set({ poorNetwork: this.#poorNetwork.observe(this.#ownQuality) });
    this.#refresh();
  }

  async #attempt(
    trouble: TroubleKind,
    action: () => Promise<unknown> | undefined,
  ): Promise<boolean> {
    try {
      await action();
      return true;
    } catch (error) {
      this.#report(trouble, error);
      return false;
    } finally {
      this.#showOwn();
    }
  }

  #report(trouble: TroubleKind, error: unknown): void {
    console.warn(`${trouble}:`, error);
    this.state.set({ trouble });
  }
}
