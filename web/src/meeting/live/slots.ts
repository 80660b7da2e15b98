// Sound slots: in a large room the server sends whoever is loudest in a few streams that belong to
// nobody, instead of one for each microphone. The client library has no place for them; they are
// played here.
import { EngineEvent, RoomEvent, type Room } from 'livekit-client';

/** So the server names the streams of slots. */
const STREAM = 'sound|';

/** Where to connect to as a page that plays slots. */
export function withSlots(url: string, base: string): string {
  const address = new URL(url, base);
  address.searchParams.set('sound_slots', '1');
  return address.href;
}

export class Slots {
  readonly #elements = new Map<string, HTMLAudioElement>();
  readonly #blocked = new Set<string>();

  constructor(
    private readonly room: Room,
    private readonly box: HTMLElement,
    /** The browser waits for a click before it plays sound, or no longer. */
    private readonly blocked: (blocked: boolean) => void,
  ) {
    room.engine.on(EngineEvent.MediaTrackAdded, (_, stream) => {
      if (stream.id.startsWith(STREAM)) this.#add(stream);
    });
    room.on(RoomEvent.ActiveDeviceChanged, (kind, device) => {
      if (kind === 'audiooutput') this.#elements.forEach((element) => sinkTo(element, device));
    });
  }

  /** After a click: what was blocked plays. */
  async start(): Promise<void> {
    await Promise.all([...this.#elements].map(([name, element]) => this.#play(name, element)));
  }

  /** A connection that was made anew has the same slots again. */
  #add(stream: MediaStream): void {
    this.#elements.get(stream.id)?.remove();
    const element = document.createElement('audio');
    element.dataset['slot'] = stream.id.slice(STREAM.length);
    element.srcObject = stream;
    this.#elements.set(stream.id, element);
    this.box.append(element);
    sinkTo(element, this.room.getActiveDevice('audiooutput'));
    void this.#play(stream.id, element);
  }

  async #play(name: string, element: HTMLAudioElement): Promise<void> {
    const allowed = await element.play().then(
      () => true,
      // A slot that is replaced stops by itself.
      (error: unknown) => !(error instanceof DOMException && error.name === 'NotAllowedError'),
    );
    const before = this.#blocked.size > 0;
    if (allowed) this.#blocked.delete(name);
    else this.#blocked.add(name);
    const now = this.#blocked.size > 0;
    if (now !== before) this.blocked(now);
  }
}

function sinkTo(element: HTMLAudioElement, device: string | undefined): void {
  if (device === undefined || device === '' || device === 'default') return;
  // A device that is gone leaves the sound where it is.
  element.setSinkId?.(device).catch((error: unknown) => console.warn('No such speaker:', error));
}
