// A meeting over the network: a room of the client library, shown as plain state.
import {
  ConnectionState,
  Room,
  RoomEvent,
  setLogLevel,
  Track,
  type LocalTrack,
} from 'livekit-client';
import type { Ticket } from '../../api';
import { mediaDeviceKind, type DeviceKind } from '../../devices/list';
import type { Taken } from '../../devices/local';
import { deviceTrouble } from '../../devices/trouble';
import { recall } from '../../remembered';
import { Emitter, Store } from '../../store';
import type { TroubleKind } from '../../trouble';
import { MAX_BYTES } from '../chat';
import type { Details } from '../details';
import type { Meeting } from '../meeting';
import type { News } from '../news';
import { PoorNetwork, qualityOf, worse, type Quality } from '../quality';
import { captureOptions, publishOptions, shareTrouble, type ShareOptions } from '../sharing';
import { initialState, selfOf, type Ending, type MeetingState } from '../state';
import { Chat } from './chat';
import { connectEnding, endingOf } from './ending';
import { onChange, onMutedByOther, tellNews } from './events';
import { CountedReconnect } from './reconnect';
import { HAND, inOrder, peopleOf, sharesOf } from './roster';
import { Sound } from './sound';
import { Statistics } from './statistics';

/** Changes that come together are shown together. */
const REFRESH_MS = 30;

/** How often the own connection is measured. */
const MEASURE_MS = 3_000;

setLogLevel('warn');

export interface LiveOptions {
  /** Gets a fresh way in; called again for each rejoin. */
  ticket: () => Promise<Ticket>;
  /** Camera and microphone as they run in the preview, once they do. */
  devices: Promise<Taken>;
  meetingName: string;
}

export class LiveMeeting implements Meeting {
  readonly state: Store<MeetingState>;
  readonly news = new Emitter<News>();
  readonly #chat: Chat;
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
    this.state = new Store<MeetingState>({ ...initialState, meetingName: options.meetingName });
    this.#chat = new Chat(this.state, this.news);
    window.addEventListener('offline', () => this.state.set({ offline: true }));
    window.addEventListener('online', () => this.state.set({ offline: false }));
  }

  /** Comes in, and sends the tracks of the preview. */
  async connect(): Promise<void> {
    this.state.set({ microphoneBusy: true, cameraBusy: true });
    const room = await this.#open();
    const { tracks, trouble } = await this.options.devices;
    if (trouble !== undefined) this.state.set({ trouble });
    if (room?.state === ConnectionState.Connected) {
      await Promise.all(tracks.map((track) => this.#publish(room, track)));
    } else {
      for (const track of tracks) track.stop();
    }
    this.state.set({ microphoneBusy: false, cameraBusy: false });
  }

  async rejoin(): Promise<void> {
    const { microphone, camera } = this.#wanted;
    if ((await this.#open()) === undefined) return;
    if (microphone) await this.setMicrophone(true);
    if (camera) await this.setCamera(true);
  }

  async leave(): Promise<void> {
    await this.#room?.disconnect();
    this.#end('left');
  }

  async setMicrophone(on: boolean): Promise<void> {
    this.#wanted.microphone = on;
    this.state.set({ microphoneBusy: true });
    try {
      await this.#room?.localParticipant.setMicrophoneEnabled(on);
      this.news.emit({ is: 'microphone', on, byOther: false });
    } catch (error) {
      this.#wanted.microphone = false;
      this.#report(deviceTrouble('microphone', error), error);
    }
    this.state.set({ microphoneBusy: false });
    this.#refresh();
  }

  async setCamera(on: boolean): Promise<void> {
    this.#wanted.camera = on;
    this.state.set({ cameraBusy: true });
    try {
      await this.#room?.localParticipant.setCameraEnabled(on);
      this.news.emit({ is: 'camera', on });
    } catch (error) {
      this.#wanted.camera = false;
      this.#report(deviceTrouble('camera', error), error);
    }
    this.state.set({ cameraBusy: false });
    this.#refresh();
  }

  async startShare(options: ShareOptions): Promise<void> {
    const room = this.#room;
    const { phase, sharing } = this.state.value;
    if (room === undefined || phase.is !== 'live' || sharing !== 'no') return;
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
    this.#showSharing();
  }

  async stopShare(): Promise<void> {
    await this.#room?.localParticipant.setScreenShareEnabled(false);
    this.#showSharing();
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
    await this.#attempt(trouble, () =>
      this.#room?.switchActiveDevice(mediaDeviceKind(kind), id === '' ? 'default' : id, id !== ''),
    );
  }

  async details(identity: string): Promise<Details> {
    return (await this.#statistics?.details(identity)) ?? { tracks: [] };
  }

  dismissTrouble(): void {
    this.state.set({ trouble: undefined });
  }

  /** Makes a room, and enters it. Undefined when that failed; the state says why. */
  async #open(): Promise<Room | undefined> {
    this.state.set({
      phase: { is: 'connecting' },
      trouble: undefined,
      poorNetwork: false,
    });
    const room = this.#makeRoom();
    try {
      const ticket = await this.options.ticket();
      this.state.set({ meetingId: ticket.meeting.id, role: ticket.role });
      await room.connect(new URL(ticket.url, location.href).href, ticket.token);
    } catch (error) {
      console.warn('Could not join:', error);
      const ending = connectEnding(error);
      this.#end(ending === 'room-full' ? await this.#refusal(ending) : ending);
      return undefined;
    }
    this.state.set({ phase: { is: 'live' } });
    this.#measuring ??= setInterval(() => void this.#measure(), MEASURE_MS);
    this.#refresh();
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
    const speaker = recall('speaker');
    const room = new Room({
      adaptiveStream: true,
      dynacast: true,
      // The server speaks the older form: asking for the newer first costs four round trips.
      singlePeerConnection: false,
      reconnectPolicy: new CountedReconnect((attempt) => this.#reconnecting(attempt)),
      dataStream: { maxPayloadByteLength: MAX_BYTES },
      ...(speaker === '' ? {} : { audioOutput: { deviceId: speaker } }),
      audioCaptureDefaults: captureDefaults('microphone'),
      videoCaptureDefaults: captureDefaults('camera'),
    });
    this.#room = room;
    this.#sound?.close();
    this.#sound = new Sound(room);
    this.#statistics = new Statistics(room);
    this.#chat.listen(room);
    onChange(room, () => this.#refresh());
    tellNews(room, this.news);
    onMutedByOther(
      room,
      () => this.#wanted.microphone,
      () => this.#mutedByOther(),
    );
    room
      .on(RoomEvent.SignalReconnecting, () => this.#reconnecting(1))
      .on(RoomEvent.Reconnecting, () => this.#reconnecting(1))
      .on(RoomEvent.Reconnected, () => this.#reconnected())
      .on(RoomEvent.Disconnected, (reason) => {
        // A failed attempt to come in is told by `#open`, which knows the cause better.
        if (room === this.#room && this.state.value.phase.is !== 'connecting') {
          this.#end(endingOf(reason));
        }
      })
      .on(RoomEvent.LocalTrackUnpublished, () => this.#showSharing())
      .on(RoomEvent.AudioPlaybackStatusChanged, () =>
        this.state.set({ audioBlocked: !room.canPlaybackAudio }),
      );
    return room;
  }

  async #publish(room: Room, track: LocalTrack): Promise<void> {
    const kind = track.kind === 'audio' ? 'microphone' : 'camera';
    this.#wanted[kind] = true;
    await this.#attempt('publish-refused', () => room.localParticipant.publishTrack(track));
  }

  #reconnecting(attempt: number): void {
    const { phase } = this.state.value;
    if (phase.is === 'ended' || phase.is === 'connecting') return;
    if (phase.is === 'live') this.news.emit({ is: 'reconnecting' });
    const before = phase.is === 'reconnecting' ? phase.attempt : 0;
    if (attempt > before) this.state.set({ phase: { is: 'reconnecting', attempt } });
  }

  #reconnected(): void {
    this.state.set({ phase: { is: 'live' } });
    this.news.emit({ is: 'reconnected' });
    this.#refresh();
  }

  #mutedByOther(): void {
    this.#wanted.microphone = false;
    this.news.emit({ is: 'microphone', on: false, byOther: true });
  }

  #showSharing(): void {
    const share = this.#room?.localParticipant.getTrackPublication(Track.Source.ScreenShare);
    this.state.set({ sharing: share === undefined ? 'no' : 'live' });
    this.#refresh();
  }

  #end(ending: Ending): void {
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
      audioBlocked: false,
      poorNetwork: false,
    });
  }

  #refresh(): void {
    if (this.#refreshing) return;
    this.#refreshing = true;
    setTimeout(() => {
      this.#refreshing = false;
      const room = this.#room;
      if (room === undefined || room.state === ConnectionState.Disconnected) return;
      const people = peopleOf(room, this.#ownQuality);
      const shares = inOrder(sharesOf(room), this.state.value.shares);
      this.state.set({
        people,
        shares,
        role: selfOf({ ...this.state.value, people })?.role ?? 'viewer',
      });
    }, REFRESH_MS);
  }

  async #measure(): Promise<void> {
    const room = this.#room;
    if (room?.state !== ConnectionState.Connected || this.#statistics === undefined) return;
    const own = qualityOf(await this.#statistics.own());
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
      this.#refresh();
    }
  }

  #report(trouble: TroubleKind, error: unknown): void {
    console.warn(`${trouble}:`, error);
    this.state.set({ trouble });
  }
}

function captureDefaults(kind: 'microphone' | 'camera'): { deviceId?: { ideal: string } } {
  const { id } = recall(kind);
  return id === '' ? {} : { deviceId: { ideal: id } };
}
