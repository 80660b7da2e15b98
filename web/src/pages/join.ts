// From a link to the end of a meeting: look the link up, set up, wait, take part, go or come back.
import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { troubleOf } from '../api';
import { isSetupFailure, type SetupFailure } from '../components/join-form';
import { LocalDevices, type Taken } from '../devices/local';
import { ApiError } from '../http';
import { dropSession, keptSession, type KeptSession } from '../kept-session';
import { currentWay, keepGood, refusalOf } from '../link';
import { Lobby } from '../lobby';
import { admissionEnding } from '../meeting/live/ending';
import { LiveMeeting } from '../meeting/live/live';
import { presents, type Ending } from '../meeting/state';
import { ownership, recordingsPath } from '../owned';
import { Pass } from '../pass';
import {
  openFreshSession,
  renewSession,
  takeEntry,
  type Entry,
  type Introduction,
  type Session,
  type Way,
} from '../session';
import { Watch } from '../store';
import { Tabs } from '../tabs';
import { texts } from '../texts';
import './loading';
import './lobby';
import './prejoin';
import './stage';
import './trouble';

type Setup = {
  is: 'setup';
  entry: Entry;
  local: LocalDevices | undefined;
  /** The answer of the server is on its way. */
  busy: boolean;
  failure?: SetupFailure;
};

type Step =
  | { is: 'looking' }
  | Setup
  | { is: 'lobby'; lobby: Lobby; meetingName: string; local: LocalDevices | undefined }
  | { is: 'meeting'; meeting: LiveMeeting; pass: Pass }
  | { is: 'trouble'; trouble: Ending; message: string };

/** Trying the same link again does not help these. */
const FINAL: readonly Ending[] = [
  'link-invalid',
  'link-expired',
  'link-revoked',
  'link-missing',
  'removed',
  'meeting-ended',
];

/** After these, a reload must not lead back by itself. */
const OVER: readonly Ending[] = ['left', 'duplicate', ...FINAL];

@customElement('lectern-join')
export class JoinFlow extends LitElement {
  static override styles = css`
    :host {
      display: block;
    }
  `;

  @property({ attribute: false }) way!: Way;
  @state() private step: Step = { is: 'looking' };
  /** Another tab of this browser is in the meeting. */
  @state() private elsewhere = false;

  readonly #watch = new Watch(this);
  #tabs: Tabs | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#close();
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has('way')) void this.#look();
    this.#watch.watch(this.step.is === 'meeting' ? this.step.meeting.state : undefined);
    if (this.step.is === 'meeting') this.#settle(this.step.meeting, this.step.pass);
  }

  protected override render(): TemplateResult {
    const { step } = this;
    switch (step.is) {
      case 'looking':
        return html`<lectern-loading .text=${texts.prejoin.looking}></lectern-loading>`;
      case 'setup':
        return this.#setup(step);
      case 'lobby':
        return html`<lectern-lobby
          .lobby=${step.lobby}
          .meetingName=${step.meetingName || texts.created.untitled}
          .local=${step.local}
          @leave=${() => this.#leaveLobby(step.lobby)}
        ></lectern-lobby>`;
      case 'meeting':
        return this.#meeting(step.meeting);
      case 'trouble':
        return this.#trouble(
          step.trouble,
          step.trouble === 'left' ? texts.ended.rejoin : texts.tryAgain,
          () => void this.#look(),
          step.message,
        );
    }
  }

  #setup(step: Setup): TemplateResult {
    document.title = `${step.entry.meeting.name || texts.prejoin.title} · ${texts.product}`;
    return html`<lectern-prejoin
      .entry=${step.entry}
      .local=${step.local}
      .failure=${step.failure}
      ?busy=${step.busy}
      ?elsewhere=${this.elsewhere}
      @join=${(event: CustomEvent<Introduction>) => void this.#enter(step, event.detail)}
      @continue=${() => void this.#continueHere()}
      @other=${() => (this.elsewhere = false)}
    ></lectern-prejoin>`;
  }

  #meeting(meeting: LiveMeeting): TemplateResult {
    const { phase } = meeting.state.value;
    if (phase.is !== 'ended') return html`<lectern-stage .meeting=${meeting}></lectern-stage>`;
    switch (phase.ending) {
      case 'duplicate':
        return this.#trouble(phase.ending, texts.ended.comeBack, () => void this.#comeBackHere());
      // Nothing is left of the session: the way in begins anew.
      case 'token-refused':
        return this.#trouble(phase.ending, texts.ended.rejoin, () => void this.#look());
      default:
        return this.#trouble(phase.ending, texts.ended.rejoin, () => void meeting.rejoin());
    }
  }

  #trouble(cause: Ending, again: string, action: () => void, message = ''): TemplateResult {
    return html`<lectern-trouble
      cause=${cause}
      again=${FINAL.includes(cause) ? '' : again}
      .message=${message}
      recordings=${this.#recordings()}
      @again=${action}
    ></lectern-trouble>`;
  }

  /** After a meeting of one's own that was recorded. */
  #recordings(): string {
    const { step } = this;
    if (step.is !== 'meeting') return '';
    const { meetingId } = step.meeting.state.value;
    return ownership(meetingId)?.recorded === true ? recordingsPath(meetingId) : '';
  }

  async #look(): Promise<void> {
    const { way } = this;
    // A second link in the same tab takes the place of the first.
    this.#close();
    this.step = { is: 'looking' };
    try {
      const resumed = await this.#resumed(way);
      if (way !== this.way) return;
      if (resumed !== undefined) return this.#placed(resumed.session, resumed.kept, undefined);
      const entry = await takeEntry(currentWay(way));
      // A newer link may have come while this one was looked up.
      if (way !== this.way) return;
      if (way.by === 'link') keepGood(way.secret, entry.expiresAt);
      await this.#ask(entry.meeting.id);
      if (way !== this.way) return;
      const local = presents(entry.role) ? new LocalDevices() : undefined;
      this.step = { is: 'setup', entry, local, busy: false };
    } catch (error) {
      console.info('The link does not open:', error);
      if (way === this.way) this.#fail(error);
    }
  }

  /** The session of this tab before a reload; none where another tab goes on with it. */
  async #resumed(way: Way): Promise<{ session: Session; kept: KeptSession } | undefined> {
    const kept = keptSession(way);
    if (kept === undefined) return undefined;
    try {
      const session = await renewSession(kept.token);
      await this.#ask(session.meeting.id);
      if (!this.elsewhere) return { session, kept };
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 'token_invalid') {
        if (!isPassing(error)) dropSession();
        throw error;
      }
    }
    dropSession();
    return undefined;
  }

  /** Finds out whether another tab is in this meeting, and hears of it from now on. */
  async #ask(meetingId: string): Promise<void> {
    this.#tabs?.close();
    const tabs = new Tabs(meetingId, (here) => {
      if (this.step.is === 'setup' || this.step.is === 'looking') this.elsewhere = here;
    });
    this.#tabs = tabs;
    const found = await tabs.find();
    if (tabs === this.#tabs) this.elsewhere = found;
  }

  async #enter(step: Setup, who: Introduction): Promise<void> {
    if (step.busy) return;
    const { way } = this;
    const busy: Setup = { is: 'setup', entry: step.entry, local: step.local, busy: true };
    this.step = busy;
    try {
      const session = await openFreshSession(currentWay(way), step.entry, who);
      if (this.step !== busy) return;
      this.#placed(session, undefined, step.local, who.name);
    } catch (error) {
      console.info('The meeting does not open:', error);
      if (this.step !== busy) return;
      const trouble = troubleOf(explained(error, way));
      if (!isSetupFailure(trouble)) return this.#fail(error);
      const retryAfterS = error instanceof ApiError ? error.retryAfterS : undefined;
      this.step = { ...busy, busy: false, failure: { trouble, retryAfterS } };
    }
  }

  /** Goes where the session leads: into the meeting, into the lobby, or out. */
  #placed(
    session: Session,
    kept: KeptSession | undefined,
    local: LocalDevices | undefined,
    name = kept?.name ?? '',
  ): void {
    const { admission } = session;
    const pass = new Pass(this.way, session, name);
    if (kept !== undefined) pass.remember(kept);
    if (admission.state === 'waiting') return void this.#wait(pass, kept, local);
    if (admission.state !== 'admitted') return this.#out(pass, local);
    const meeting = new LiveMeeting({
      pass,
      devices: local?.take() ?? restored(session, kept),
      meetingName: session.meeting.name || texts.created.untitled,
      role: session.role,
      shareLost: presents(session.role) && kept?.sharing === true,
    });
    this.elsewhere = false;
    this.step = { is: 'meeting', meeting, pass };
    void meeting.connect();
  }

  async #wait(
    pass: Pass,
    kept: KeptSession | undefined,
    local: LocalDevices | undefined,
  ): Promise<void> {
    const lobby = new Lobby(pass.session, (session) => pass.adopt(session));
    const meetingName = pass.session.meeting.name;
    this.step = { is: 'lobby', lobby, meetingName, local };
    const here = (): boolean => this.step.is === 'lobby' && this.step.lobby === lobby;
    try {
      const session = await lobby.wait();
      if (session === undefined || !here()) return;
      this.#placed(session, kept, local, pass.kept.name);
    } catch (error) {
      console.info('The lobby closed:', error);
      if (!here()) return;
      local?.release();
      dropSession();
      this.#fail(error);
    }
  }

  #leaveLobby(lobby: Lobby): void {
    void lobby.leave();
    if (this.step.is === 'lobby') this.step.local?.release();
    dropSession();
    this.step = { is: 'trouble', trouble: 'left', message: '' };
  }

  #out(pass: Pass, local: LocalDevices | undefined): void {
    local?.release();
    pass.drop();
    const { admission } = pass.session;
    const message = admission.state === 'refused' ? (admission.message ?? '') : '';
    this.step = { is: 'trouble', trouble: admissionEnding(admission.state), message };
  }

  /** Takes over what another tab of this browser was in. */
  async #continueHere(): Promise<void> {
    const { step } = this;
    const kept = await this.#tabs?.take();
    if (step !== this.step || step.is !== 'setup') return;
    if (kept === undefined) return void (this.elsewhere = false);
    try {
      const session = await renewSession(kept.token);
      step.local?.release();
      if (step === this.step) this.#placed(session, kept, undefined);
    } catch (error) {
      console.info('The other tab could not be followed:', error);
      if (step === this.step) this.elsewhere = false;
    }
  }

  /** The way back of the tab whose place another one took. */
  async #comeBackHere(): Promise<void> {
    const { step } = this;
    if (step.is !== 'meeting') return;
    const kept = await this.#tabs?.take();
    if (kept !== undefined) step.pass.refreshed(kept.token);
    if (step === this.step) await step.meeting.rejoin();
  }

  /** What follows from how the meeting stands: which tab is in it, and what a reload leads to. */
  #settle(meeting: LiveMeeting, pass: Pass): void {
    const { phase } = meeting.state.value;
    if (phase.is === 'ended') {
      this.#tabs?.release();
      if (OVER.includes(phase.ending)) pass.drop();
      return;
    }
    this.#tabs?.hold(() => {
      const { kept } = pass;
      void meeting.leave('duplicate');
      return kept;
    });
  }

  #fail(error: unknown): void {
    const trouble = troubleOf(explained(error, this.way));
    this.step = { is: 'trouble', trouble, message: '' };
  }

  /** Lets go of devices, rooms and places that a step holds. */
  #close(): void {
    this.#tabs?.close();
    this.#tabs = undefined;
    this.elsewhere = false;
    const { step } = this;
    if (step.is === 'setup' || step.is === 'lobby') step.local?.release();
    if (step.is === 'lobby') {
      void step.lobby.leave();
      dropSession();
    }
    if (step.is === 'meeting') {
      void step.meeting.leave();
      step.pass.drop();
    }
  }
}

/** Camera and microphone as they were before the page was loaded anew. */
function restored(session: Session, kept: KeptSession | undefined): Promise<Taken> {
  if (kept === undefined || !presents(session.role)) return Promise.resolve({ tracks: [] });
  const local = new LocalDevices();
  if (kept.microphone) void local.set('microphone', true);
  if (kept.camera) void local.set('camera', true);
  return local.take();
}

/** The server is away for a while: what is kept stays good. */
function isPassing(error: unknown): boolean {
  return !(error instanceof ApiError) || error.status === 0 || error.status >= 429;
}

/** Says of a refused link what this tab knows of it. */
function explained(error: unknown, way: Way): unknown {
  if (!(error instanceof ApiError) || error.code !== 'link_invalid' || way.by === 'owner') {
    return error;
  }
  const code = refusalOf(way.secret, Date.now()).replace('-', '_');
  return new ApiError(code, error.status, error.message);
}
