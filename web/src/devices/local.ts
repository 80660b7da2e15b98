// The own camera and microphone before the meeting: preview, choice, and hand-over to the meeting.
import {
  createLocalAudioTrack,
  createLocalVideoTrack,
  createLocalTracks,
  type LocalAudioTrack,
  type LocalTrack,
  type LocalVideoTrack,
} from 'livekit-client';
import { recall, remember } from '../remembered';
import { Store } from '../store';
import type { TroubleKind } from '../trouble';
import { deviceTrouble } from './trouble';
import { refreshDevices } from './list';

const KINDS = ['microphone', 'camera'] as const;
export type InputKind = (typeof KINDS)[number];

export interface InputState {
  status: 'off' | 'starting' | 'on';
  id: string;
  trouble?: TroubleKind | undefined;
}

export interface LocalState {
  microphone: InputState;
  camera: InputState;
  microphoneTrack?: LocalAudioTrack | undefined;
  cameraTrack?: LocalVideoTrack | undefined;
}

/** What the preview leaves to the meeting. */
export interface Taken {
  tracks: LocalTrack[];
  trouble?: TroubleKind;
}

export class LocalDevices {
  readonly state = new Store<LocalState>({
    microphone: { status: 'off', id: recall('microphone').id },
    camera: { status: 'off', id: recall('camera').id },
  });
  /** Grows with each wish, so that a device which starts late does not undo a newer one. */
  readonly #wish = { microphone: 0, camera: 0 };

  /** Switches on what was on last time; both at once where possible, so that one prompt is enough. */
  async start(): Promise<void> {
    const wanted = KINDS.filter((kind) => recall(kind).on);
    const left = wanted.length > 1 ? await this.#startBoth() : wanted;
    await Promise.all(left.map((kind) => this.set(kind, true)));
  }

  async set(kind: InputKind, on: boolean): Promise<void> {
    const { id } = this.state.value[kind];
    remember(kind, { on, id });
    const wish = ++this.#wish[kind];
    this.#stop(kind);
    if (!on) return;
    this.state.set({ [kind]: { status: 'starting', id } });
    try {
      const track = await create(kind, id);
      if (wish !== this.#wish[kind]) return track.stop();
      this.#started(kind, track);
    } catch (error) {
      if (wish !== this.#wish[kind]) return;
      this.state.set({ [kind]: { status: 'off', id, trouble: deviceTrouble(kind, error) } });
    }
    await refreshDevices();
  }

  /** Changes the device; it starts at once when the kind is on. */
  async choose(kind: InputKind, id: string): Promise<void> {
    const { status } = this.state.value[kind];
    this.state.set({ [kind]: { ...this.state.value[kind], id } });
    remember(kind, { on: recall(kind).on, id });
    if (status !== 'off') await this.set(kind, true);
  }

  /**
   * Hands the tracks over: from now on the meeting stops them. Waits for a device that is still
   * starting, or whoever joins fast would be unheard without knowing.
   */
  async take(): Promise<Taken> {
    await this.#settled();
    const { microphone, camera, microphoneTrack, cameraTrack } = this.state.value;
    this.state.set({ microphoneTrack: undefined, cameraTrack: undefined });
    this.#cancel();
    const trouble = microphone.trouble ?? camera.trouble;
    return {
      tracks: [microphoneTrack, cameraTrack].filter((track) => track !== undefined),
      ...(trouble === undefined ? {} : { trouble }),
    };
  }

  release(): void {
    this.#cancel();
    this.#stop('microphone');
    this.#stop('camera');
  }

  #settled(): Promise<void> {
    const starting = (): boolean =>
      this.state.value.microphone.status === 'starting' ||
      this.state.value.camera.status === 'starting';
    if (!starting()) return Promise.resolve();
    return new Promise((resolve) => {
      const stop = this.state.subscribe(() => {
        if (starting()) return;
        stop();
        resolve();
      });
    });
  }

  /** Gives those that are still to be started, one by one. */
  async #startBoth(): Promise<InputKind[]> {
    const wishes = { microphone: ++this.#wish.microphone, camera: ++this.#wish.camera };
    const { microphone, camera } = this.state.value;
    this.state.set({
      microphone: { ...microphone, status: 'starting' },
      camera: { ...camera, status: 'starting' },
    });
    let tracks: LocalTrack[];
    try {
      tracks = await createLocalTracks({
        audio: microphone.id === '' ? true : { deviceId: { ideal: microphone.id } },
        video: camera.id === '' ? true : { deviceId: { ideal: camera.id } },
      });
    } catch (error) {
      // One of the two is missing or refused. Asked for singly, each gives its own cause.
      console.info('Camera and microphone do not start together:', error);
      return KINDS.filter((kind) => wishes[kind] === this.#wish[kind]);
    }
    for (const track of tracks) {
      const kind = track.kind === 'audio' ? 'microphone' : 'camera';
      if (wishes[kind] === this.#wish[kind]) this.#started(kind, track);
      else track.stop();
    }
    await refreshDevices();
    return [];
  }

  #started(kind: InputKind, track: LocalTrack): void {
    const { id } = this.state.value[kind];
    this.state.set({
      [kind]: { status: 'on', id },
      ...(kind === 'microphone'
        ? { microphoneTrack: track as LocalAudioTrack }
        : { cameraTrack: track as LocalVideoTrack }),
    });
  }

  #stop(kind: InputKind): void {
    const key = kind === 'microphone' ? 'microphoneTrack' : 'cameraTrack';
    this.state.value[key]?.stop();
    this.state.set({ [key]: undefined, [kind]: { status: 'off', id: this.state.value[kind].id } });
  }

  #cancel(): void {
    this.#wish.microphone += 1;
    this.#wish.camera += 1;
  }
}

async function create(kind: InputKind, id: string): Promise<LocalTrack> {
  // "Ideal", because a remembered device may be unplugged today.
  const options = id === '' ? {} : { deviceId: { ideal: id } };
  return kind === 'microphone'
    ? await createLocalAudioTrack(options)
    : await createLocalVideoTrack(options);
}
