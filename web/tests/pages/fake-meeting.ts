// A meeting without a network: it does at once what it is asked, and tells of it.
import type { DeviceKind } from '../../src/devices/list';
import type { Details } from '../../src/meeting/details';
import type { Meeting } from '../../src/meeting/meeting';
import type { News } from '../../src/meeting/news';
import type { Act } from '../../src/moderation';
import type { MeetingState, Person } from '../../src/meeting/state';
import { Emitter, Store } from '../../src/store';
import { camera, slide } from './pictures';

export class FakeMeeting implements Meeting {
  readonly state: Store<MeetingState>;
  readonly news = new Emitter<News>();
  /** Every call, for the tests to look at. */
  readonly calls: string[] = [];
  chatOpen = false;

  constructor(state: MeetingState) {
    this.state = new Store(state);
  }

  setMicrophone(on: boolean): Promise<void> {
    this.calls.push(`microphone ${on}`);
    this.#self({ microphone: on ? 'on' : 'muted' });
    this.news.emit({ is: 'microphone', on, byOther: false });
    return Promise.resolve();
  }

  setCamera(on: boolean): Promise<void> {
    this.calls.push(`camera ${on}`);
    this.#self({
      camera: on ? { status: 'live', picture: camera('Ada Lovelace', 0) } : { status: 'off' },
    });
    return Promise.resolve();
  }

  startShare(): Promise<void> {
    this.calls.push('share');
    const share = {
      id: 'TR_own',
      identity: 'ada',
      name: 'Ada Lovelace',
      self: true,
      withSound: true,
      view: { status: 'live' as const, picture: slide('own') },
    };
    this.state.set({ sharing: 'live', shares: [...this.state.value.shares, share] });
    this.news.emit({ is: 'share-started', name: 'Ada Lovelace', self: true });
    return Promise.resolve();
  }

  stopShare(): Promise<void> {
    this.calls.push('stop share');
    this.state.set({ sharing: 'no', shares: this.state.value.shares.filter(({ self }) => !self) });
    this.news.emit({ is: 'share-ended', name: 'Ada Lovelace', self: true });
    return Promise.resolve();
  }

  setHand(raised: boolean): Promise<void> {
    this.calls.push(`hand ${raised}`);
    const people = this.state.value.people.map((person) => {
      if (!person.self) return person;
      const { handRaisedAt: _, ...rest } = person;
      return raised ? { ...rest, handRaisedAt: 1 } : rest;
    });
    this.state.set({ people });
    return Promise.resolve();
  }

  say(text: string): Promise<boolean> {
    this.calls.push(`say ${text}`);
    const message = {
      id: text,
      identity: 'ada',
      name: 'Ada Lovelace',
      self: true,
      text,
      at: Date.now(),
    };
    this.state.set({ messages: [...this.state.value.messages, message] });
    return Promise.resolve(true);
  }

  setChatOpen(open: boolean): void {
    this.chatOpen = open;
    if (open) this.state.set({ unread: 0 });
  }

  startAudio(): Promise<void> {
    this.state.set({ audioBlocked: false });
    return Promise.resolve();
  }

  useDevice(kind: DeviceKind, id: string): Promise<void> {
    this.calls.push(`device ${kind} ${id}`);
    return Promise.resolve();
  }

  details(identity: string): Promise<Details> {
    const sent = identity === 'ada';
    return Promise.resolve({
      roundTripMs: 38,
      path: { protocol: 'UDP', relayed: false },
      cipher: 'AEAD_AES_128_GCM',
      tracks: [
        {
          row: 'screen',
          sent,
          bitrate: 1_840_000,
          lossRatio: 0.002,
          width: 1920,
          height: 1080,
          fps: 15,
          codec: 'VP8',
        },
        {
          row: 'camera',
          sent,
          bitrate: 620_000,
          lossRatio: 0.011,
          width: 640,
          height: 360,
          fps: 30,
          codec: 'VP8',
          limited: 'bandwidth',
        },
        { row: 'microphone', sent, bitrate: 38_000, lossRatio: 0, codec: 'opus' },
      ],
    });
  }

  moderate(act: Act): Promise<boolean> {
    const { is, ...rest } = act;
    this.calls.push([is, ...Object.values(rest).map((value) => JSON.stringify(value))].join(' '));
    const { waiting, door } = this.state.value;
    if (act.is === 'admit' || act.is === 'refuse') {
      this.state.set({ waiting: waiting.filter(({ identity }) => identity !== act.identity) });
    }
    if (act.is === 'admit-all') this.state.set({ waiting: [] });
    if (act.is === 'record') {
      const recording = { id: 'RC_1', by: 'Ada Lovelace', since: Date.now() };
      this.state.set({ recording: act.on ? recording : undefined });
    }
    if (act.is === 'access') {
      const { pin = door.pin ? '' : null, ...change } = act.change;
      this.state.set({ door: { ...door, ...change, pin: pin !== null } });
    }
    return Promise.resolve(true);
  }

  dismissShareLost(): void {
    this.state.set({ shareLost: false });
  }

  dismissTrouble(): void {
    const { trouble: _, ...rest } = this.state.value;
    this.state.set({ ...rest, trouble: undefined } as Partial<MeetingState>);
  }

  rejoin(): Promise<void> {
    this.state.set({ phase: { is: 'live' } });
    return Promise.resolve();
  }

  leave(): Promise<void> {
    this.calls.push('leave');
    this.state.set({ phase: { is: 'ended', ending: 'left' } });
    return Promise.resolve();
  }

  #self(change: Partial<Person>): void {
    const people = this.state.value.people.map((person) =>
      person.self ? { ...person, ...change } : person,
    );
    this.state.set({ people });
  }
}
