// A meeting over the network: a room of the client library, shown as plain state.
import { DisconnectReason, RoomEvent, type Room } from 'livekit-client';
import type { DeviceKind } from '../../devices/list';
import type { Taken } from '../../devices/local';
import type { Act } from '../../moderation';
import type { Role, Session } from '../../session';
import { Emitter, Store } from '../../store';
import type { TroubleKind } from '../../trouble';
import { changes } from '../changes';
import { Comings } from '../comings';
import type { Details } from '../details';
import type { Meeting } from '../meeting';
import type { News } from '../news';
import type { ShareOptions } from '../sharing';
import { initialState, outside, type Ending, type MeetingState } from '../state';
import { Chat } from './chat';
import { comeBack } from './comeback';
import { comesBack, connectEnding, endingOf, moderationTrouble, NotAdmitted } from './ending';
import { onChange, onTokenRefreshed } from './events';
import { Measuring } from './measuring';
import { moderateBy, type Pass } from './pass';
import { makeRoom } from './room';
import { HAND, seenIn, withOthersOf, type Seen } from './roster';
import { Sending } from './sending';
import { withSlots } from './slots';
import { Sound } from './sound';
import { Statistics } from './statistics';
import { hear } from './surroundings';

/** Changes that come together are shown together. */
const REFRESH_MS = 30;

/** After a sleep, the library gets so long to find that its connection is whole. */
const AFTER_SLEEP_MS = 4_000;

export interface LiveOptions {
  pass: Pass;
  /** Camera and microphone as they run in the preview, once they do. */
  devices: Promise<Taken>;
  meetingName: string;
  role: Role;
  /** A screen was shared before the page was loaded anew. */
  shareLost?: boolean;
}

export class LiveMeeting implements Meeting {
  readonly state: Store<MeetingState>;
  readonly news = new Emitter<News>();
  readonly #chat: Chat;
  readonly #sending: Sending;
  readonly #comings = new Comings((news) => this.news.emit(news));
  /** The room this person is in or on the way to; none once it is over. */
  #room: Room | undefined;
  #sound: Sound | undefined;
  #statistics: Statistics | undefined;
  readonly #measuring = new Measuring();
  #refreshing = false;
  #stopHearing: (() => void) | undefined;
  /** The room that is being entered: its failure is told to whoever enters. */
  #entering: Room | undefined;

  constructor(private readonly options: LiveOptions) {
    const { meetingName, role, shareLost = false } = options;
    this.state = new Store<MeetingState>({ ...initialState, meetingName, role, shareLost });
    this.#chat = new Chat(this.state, this.news);
    this.#sending = new Sending({
      state: this.state,
      news: this.news,
      room: () => this.#room,
      shown: () => this.#showOwn(),
      report: (trouble, error) => this.#report(trouble, error),
    });
  }

  /** Comes in, and sends the tracks of the preview. */
  async connect(): Promise<void> {
    this.state.set({ phase: { is: 'connecting' }, microphoneBusy: true, cameraBusy: true });
    const room = this.#makeRoom();
    const failure = await this.#enter(room, this.options.pass.session);
    const { tracks, trouble } = await this.options.devices;
    if (failure !== undefined || room !== this.#room) {
      for (const track of tracks) track.stop();
      if (failure !== undefined) await this.#refused(room, failure);
      return;
    }
    if (trouble !== undefined) this.state.set({ trouble });
    await Promise.all(tracks.map((track) => this.#sending.publish(room, track)));
    if (room === this.#room) this.state.set({ microphoneBusy: false, cameraBusy: false });
  }

  async rejoin(): Promise<void> {
    this.state.set({ phase: { is: 'connecting' }, trouble: undefined });
    const room = this.#makeRoom();
    const failure = await this.#enterAnew(room);
    if (failure !== undefined) await this.#refused(room, failure);
    else if (room === this.#room) await this.#sending.restore();
  }

  async leave(ending: Ending = 'left'): Promise<void> {
    const room = this.#room;
    // Also one that ended by itself: it must not come back when the computer wakes.
    this.#end(ending);
    await room?.disconnect();
  }

  setMicrophone(on: boolean): Promise<void> {
    return this.#sending.microphone(on);
  }

  setCamera(on: boolean): Promise<void> {
    return this.#sending.camera(on);
  }

  startShare(options: ShareOptions): Promise<void> {
    return this.#sending.share(options);
  }

  async stopShare(): Promise<void> {
    await this.#attempt('share-stop-failed', () => this.#sending.stopShare());
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
    await Promise.all([this.#room?.startAudio(), this.#sound?.start()]);
  }

  async useDevice(kind: DeviceKind, id: string): Promise<void> {
    const trouble: TroubleKind = kind === 'speaker' ? 'speaker-failed' : `${kind}-failed`;
    await this.#attempt(trouble, () => this.#sending.use(kind, id));
  }

  async details(identity: string): Promise<Details> {
    return (await this.#statistics?.details(identity)) ?? { tracks: [] };
  }

  async moderate(act: Act): Promise<boolean> {
    try {
      await moderateBy(this.options.pass, act);
      return true;
    } catch (error) {
      this.#report(moderationTrouble(error, act), error);
      return false;
    }
  }

  dismissTrouble(): void {
    this.state.set({ trouble: undefined });
  }

  dismissShareLost(): void {
    this.state.set({ shareLost: false });
  }

  /** Renews the session and enters; gives what stands in the way. */
  async #enterAnew(room: Room): Promise<unknown> {
    try {
      return await this.#enter(room, await this.options.pass.renew());
    } catch (error) {
      return error;
    }
  }

  /** Undefined when it worked, or when nobody wants it any more. */
  async #enter(room: Room, session: Session): Promise<unknown> {
    if (room !== this.#room) return undefined;
    if (session.admission.state !== 'admitted') return new NotAdmitted(session.admission.state);
    this.state.set({ meetingId: session.meeting.id, role: session.role });
    this.#entering = room;
    try {
      await room.connect(withSlots(session.url, location.href), session.token);
    } catch (error) {
      return error;
    } finally {
      if (room === this.#entering) this.#entering = undefined;
    }
    if (room === this.#room) this.#entered(room);
    return undefined;
  }

  #entered(room: Room): void {
    const again = this.state.value.phase.is === 'reconnecting';
    this.state.set({ phase: { is: 'live' } });
    this.#show((seen) => seen);
    this.#measuring.start(room, this.#statistics!, (poorNetwork) => {
      this.state.set({ poorNetwork });
      this.#refresh();
    });
    if (again) this.news.emit({ is: 'reconnected' });
    else this.news.emit({ is: 'connected', meeting: this.state.value.meetingName });
  }

  async #refused(room: Room, error: unknown): Promise<void> {
    console.warn('Could not join:', error);
    const ending = connectEnding(error);
    const cause = ending === 'room-full' ? await this.#refusal(ending) : ending;
    if (room === this.#room) this.#end(cause);
  }

  /** Turned away although the token was good: perhaps the link ended in between. */
  async #refusal(ending: Ending): Promise<Ending> {
    try {
      await this.options.pass.renew();
      return ending;
    } catch (error) {
      return connectEnding(error);
    }
  }

  #makeRoom(): Room {
    const room = makeRoom((attempt) => this.#reconnecting(room, attempt));
    this.#room = room;
    this.#stopHearing ??= this.#hear();
    this.#sound?.close();
    const blocked = (audioBlocked: boolean): void => {
      if (room === this.#room) this.state.set({ audioBlocked });
    };
    this.#sound = new Sound(room, blocked);
    this.#statistics = new Statistics(room);
    this.#chat.listen(room);
    this.#sending.listen(room);
    onChange(room, () => this.#refresh());
    onTokenRefreshed(room, (token) => this.options.pass.refreshed(token));
    room
      .on(RoomEvent.SignalReconnecting, () => this.#reconnecting(room, 1))
      .on(RoomEvent.Reconnecting, () => this.#reconnecting(room, 1))
      .on(RoomEvent.Reconnected, () => this.#reconnected(room))
      .on(RoomEvent.Disconnected, (reason) => this.#disconnected(room, reason))
      .on(RoomEvent.AudioPlaybackStatusChanged, () => blocked(!room.canPlaybackAudio));
    return room;
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
    // A failed attempt to come in is told by whoever made it, and knows the cause better.
    if (room !== this.#room || room === this.#entering) return;
    // The library leaves by itself when the person goes to another page, and when the browser
    // freezes a page that nobody looks at.
    const frozen = reason === DisconnectReason.CLIENT_INITIATED && document.hidden;
    const ending = frozen ? 'connection-lost' : endingOf(reason);
    if (comesBack(ending)) void this.#comeBack(ending);
    else this.#end(ending);
  }

  /** The library gave up. People should not have to: this goes on by itself. */
  async #comeBack(ending: Ending): Promise<void> {
    this.#loseShare();
    let room = this.#makeRoom();
    const failure = await comeBack({
      begins: (attempt) => {
        if (room !== this.#room) return false;
        if (attempt > 1) room = this.#makeRoom();
        this.#reconnecting(room, attempt);
        return true;
      },
      enter: () => this.#enterAnew(room),
    });
    if (room !== this.#room) return;
    if (failure === undefined) return this.#sending.restore();
    const cause = connectEnding(failure);
    this.#end(comesBack(cause) || cause === 'server-unreachable' ? ending : cause);
  }

  #hear(): () => void {
    return hear({
      network: (there) => this.state.set({ offline: !there }),
      woke: () => this.#woke(),
      // Others are told at once; this page is not, for it is gone, and may be opened again.
      gone: () => {
        const room = this.#room;
        this.#room = undefined;
        void room?.disconnect();
      },
    });
  }

  /** A computer that slept, or a page: what was lost meanwhile is got back without a question. */
  #woke(): void {
    const { phase } = this.state.value;
    if (phase.is === 'ended') {
      if (comesBack(phase.ending)) void this.rejoin();
      return;
    }
    const room = this.#room;
    setTimeout(() => {
      const stuck = room !== undefined && room === this.#room;
      if (!stuck || this.state.value.phase.is !== 'reconnecting') return;
      void this.#comeBack('connection-lost');
      // Its tries to resume what the server gave up long ago would only take time.
      void room.disconnect();
    }, AFTER_SLEEP_MS);
  }

  #loseShare(): void {
    const { sharing } = this.state.value;
    if (sharing === 'live') this.state.set({ shareLost: true, sharing: 'no' });
  }

  #end(ending: Ending): void {
    this.#room = undefined;
    this.#measuring.stop();
    this.#sound?.close();
    this.#comings.clear();
    if (comesBack(ending)) {
      this.#loseShare();
    } else {
      this.#stopHearing?.();
      this.#stopHearing = undefined;
    }
    this.state.set({ ...outside, phase: { is: 'ended', ending } });
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
    this.state.set(part(seenIn(this.#room, this.#measuring.quality, before)));
    for (const news of changes(before, this.state.value)) this.#comings.tell(news);
    this.#remember();
  }

  #remember(): void {
    const sharing = this.state.value.sharing === 'live';
    this.options.pass.remember({ ...this.#sending.wanted, sharing });
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
