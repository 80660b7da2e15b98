// What this person sends into the room: microphone, camera and screen.
import {
  RoomEvent,
  Track,
  type LocalParticipant,
  type LocalTrack,
  type Room,
} from 'livekit-client';
import { mediaDeviceKind, type DeviceKind } from '../../devices/list';
import type { InputKind } from '../../devices/local';
import { deviceTrouble, lossTrouble } from '../../devices/trouble';
import type { Emitter, Store } from '../../store';
import type { TroubleKind } from '../../trouble';
import type { News } from '../news';
import { captureOptions, publishOptions, shareTrouble, type ShareOptions } from '../sharing';
import type { MeetingState } from '../state';
import { onShareStopped, onSwitchedOff, type SwitchedOffBy } from './events';
import { sharingOf } from './roster';

/** What sending needs of its meeting. */
export interface Sender {
  readonly state: Store<MeetingState>;
  readonly news: Emitter<News>;
  /** The room this person is in now. */
  room(): Room | undefined;
  /** Something own changed. */
  shown(): void;
  report(trouble: TroubleKind, error: unknown): void;
}

export class Sending {
  /** What the person wants to be on, also after a break. */
  readonly wanted = { microphone: false, camera: false };

  constructor(private readonly meeting: Sender) {}

  /** Hears what others do to the own tracks in this room. */
  listen(room: Room): void {
    onSwitchedOff(room, (kind, by) => void this.#switchedOff(kind, by));
    onShareStopped(room, () => {
      if (room === this.meeting.room()) this.meeting.news.emit({ is: 'share-stopped' });
    });
    room.on(RoomEvent.ParticipantPermissionsChanged, (_, participant) => {
      if (participant === room.localParticipant) void this.#permitted(room);
    });
  }

  /** Sends a track of the preview; one that cannot be sent must not go on capturing. */
  async publish(room: Room, track: LocalTrack): Promise<void> {
    const kind = track.kind === 'audio' ? 'microphone' : 'camera';
    this.wanted[kind] = true;
    try {
      await room.localParticipant.publishTrack(track);
    } catch (error) {
      track.stop();
      if (room !== this.meeting.room()) return;
      this.wanted[kind] = false;
      this.meeting.report('publish-refused', error);
    }
    this.meeting.shown();
  }

  /** Switches on again what was on before a break. */
  async restore(): Promise<void> {
    const { microphone, camera } = this.wanted;
    if (microphone) await this.microphone(true);
    if (camera) await this.camera(true);
  }

  async microphone(on: boolean): Promise<void> {
    await this.#switch('microphone', on, (self) => self.setMicrophoneEnabled(on));
  }

  async camera(on: boolean): Promise<void> {
    await this.#switch('camera', on, (self) => self.setCameraEnabled(on));
  }

  async share(options: ShareOptions): Promise<void> {
    const { state } = this.meeting;
    const room = this.meeting.room();
    const { phase, sharing } = state.value;
    if (room === undefined || sharing !== 'no') return;
    if (phase.is !== 'live') return state.set({ trouble: 'share-unconnected' });
    state.set({ sharing: 'choosing', trouble: undefined, shareLost: false });
    const began = performance.now();
    try {
      await room.localParticipant.setScreenShareEnabled(
        true,
        captureOptions(options),
        publishOptions(options),
      );
    } catch (error) {
      this.meeting.report(shareTrouble(error, performance.now() - began), error);
    }
    if (room !== this.meeting.room()) return;
    state.set({ sharing: sharingOf(room) });
    this.meeting.shown();
  }

  async stopShare(): Promise<void> {
    await this.meeting.room()?.localParticipant.setScreenShareEnabled(false);
  }

  async use(kind: DeviceKind, id: string): Promise<void> {
    // The default speaker has an empty id in every browser, the default input one in none.
    const device = id === '' && kind !== 'speaker' ? 'default' : id;
    await this.meeting.room()?.switchActiveDevice(mediaDeviceKind(kind), device, id !== '');
  }

  async #switch(
    kind: InputKind,
    on: boolean,
    action: (self: LocalParticipant) => Promise<unknown>,
  ): Promise<void> {
    const { state, news } = this.meeting;
    const room = this.meeting.room();
    this.wanted[kind] = on;
    if (room === undefined) return;
    state.set({ [`${kind}Busy`]: true });
    try {
      await action(room.localParticipant);
      news.emit({ is: kind, on, byOther: false });
    } catch (error) {
      if (room !== this.meeting.room()) return;
      this.wanted[kind] = false;
      this.meeting.report(deviceTrouble(kind, error), error);
    }
    if (room !== this.meeting.room()) return;
    state.set({ [`${kind}Busy`]: false });
    this.meeting.shown();
  }

  async #switchedOff(kind: InputKind, by: SwitchedOffBy): Promise<void> {
    if (!this.wanted[kind]) return;
    this.wanted[kind] = false;
    if (by === 'mute') this.meeting.news.emit({ is: kind, on: false, byOther: true });
    else this.meeting.report(await lossTrouble(kind), 'its track ended');
    this.meeting.shown();
  }

  /** Whoever presents no longer sends no longer: the server takes nothing more from them. */
  async #permitted(room: Room): Promise<void> {
    if (room.localParticipant.permissions?.canPublish !== false) return;
    Object.assign(this.wanted, { microphone: false, camera: false });
    const tracks = [
      Track.Source.Microphone,
      Track.Source.Camera,
      Track.Source.ScreenShare,
      Track.Source.ScreenShareAudio,
    ].flatMap((source) => room.localParticipant.getTrackPublication(source)?.track ?? []);
    for (const track of tracks) await room.localParticipant.unpublishTrack(track, true);
    this.meeting.shown();
  }
}
