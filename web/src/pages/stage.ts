// A meeting as people see it: the stage, the strip beside it, panels, controls and dialogs.
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { announce } from '../announce';
import '../components/banner';
import '../components/chat-panel';
import type { BarAction, ControlBar } from '../components/control-bar';
import '../components/control-bar';
import '../components/empty-stage';
import '../components/grid';
import type { Notes } from '../components/notes';
import '../components/notes';
import '../components/own-share';
import '../components/people-panel';
import type { Screen, ZoomAction } from '../components/screen';
import '../components/screen';
import '../components/sharing-bar';
import '../components/tile';
import { icon } from '../icons';
import { focusOf, keepPin, stripOf, type Focus, type Pin } from '../meeting/layout';
import type { Meeting } from '../meeting/meeting';
import { begun, tell, type News } from '../meeting/news';
import { WakeLock } from '../meeting/presence';
import { canShare, type ShareOptions } from '../meeting/sharing';
import {
  canSwitch,
  initialState,
  isRecorded,
  presents,
  selfOf,
  type MeetingState,
  type Person,
  type Share,
} from '../meeting/state';
import type { Act } from '../moderation';
import { keepRecorded, ownership, showRecordings } from '../owned';
import type { Action } from '../shortcuts';
import { Listen, Watch } from '../store';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { dialogs, isSettled, type Dialog } from './stage-dialogs';
import { Immersion } from './stage-immersion';
import { StageKeys } from './stage-keys';
import { actionOf } from './stage-notes';
import { stageStyles } from './stage-styles';
import { top } from './stage-top';
import { stageTopStyles } from './stage-top-styles';

const t = texts.stage;

type Panel = 'chat' | 'people';

@customElement('lectern-stage')
export class Stage extends LitElement {
  static override styles = [controls, stageStyles, stageTopStyles];

  @property({ attribute: false }) meeting!: Meeting;
  @property({ type: Boolean, reflect: true }) immersive = false;
  @property({ type: Boolean, reflect: true }) resting = false;
  @state() private pin: Pin | undefined;
  @state() private panel: Panel | undefined;
  @state() private dialog: Dialog | undefined;
  @state() private talking = false;
  @state() private recordBusy = false;
  @query('lectern-screen') private screen!: Screen | null;
  @query('lectern-notes') private notes!: Notes;
  @query('lectern-control-bar') private bar!: ControlBar;

  readonly #watch = new Watch(this);
  readonly #wakeLock = new WakeLock();
  readonly #news = new Listen<News>(this, (news) => this.#tell(news));
  #announced: MeetingState = initialState;
  readonly #immersion = new Immersion(this);

  constructor() {
    super();
    new StageKeys(this, {
      act: (action) => this.#act(action),
      talk: (on) => this.#talk(on),
      escape: () => this.#escape(),
    });
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#wakeLock.start();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#wakeLock.stop();
    // The chat goes with the stage: what is written from now on is unread.
    this.meeting.setChatOpen(false);
  }

  protected override willUpdate(): void {
    const { state, news } = this.meeting;
    this.#watch.watch(state);
    this.#news.watch(news);
    for (const told of begun(this.#announced, state.value)) announce(told.text, told.urgent);
    this.#announced = state.value;
    this.pin = keepPin(state.value, this.pin);
    if (isSettled(this.dialog, state.value)) this.dialog = undefined;
  }

  protected override updated(): void {
    this.notes.refresh();
  }

  protected override render(): TemplateResult {
    const state = this.meeting.state.value;
    this.#setTitle(state);
    const focus = focusOf(state, this.pin);
    return html`${top(state, (action) => this.#act(action))}
      <div class="news">
        ${this.#sharingBar(state)}
        <lectern-banner
          .state=${state}
          @dismiss=${() => this.meeting.dismissTrouble()}
          @start-audio=${() => void this.meeting.startAudio()}
          @share-again=${() => this.#act('share')}
          @dismiss-share-lost=${() => this.meeting.dismissShareLost()}
          @record-again=${() => this.#act('record')}
        ></lectern-banner>
      </div>
      <div class="middle">
        <main>${this.#shareTabs(state, focus)} ${this.#focus(state, focus)}</main>
        ${this.#strip(state, focus)} ${this.#panel(state)}
      </div>
      <lectern-control-bar
        .state=${state}
        .panel=${this.panel}
        ?recordBusy=${this.recordBusy}
        ?hasRecordings=${ownership(state.meetingId) !== undefined}
        @act=${(event: CustomEvent<BarAction>) => this.#act(event.detail)}
      ></lectern-control-bar>
      <lectern-notes></lectern-notes>
      ${
        this.talking
          ? html`<p class="talking" data-testid="talking">${icon('microphone')} ${texts.news.talking}</p>`
          : nothing
      }
      ${dialogs(this.dialog, state, {
        closed: () => (this.dialog = undefined),
        share: (options) => this.#startShare(options),
        device: ({ kind, id }) => void this.meeting.useDevice(kind, id),
        leave: () => void this.meeting.leave(),
        moderate: (act) => void this.meeting.moderate(act),
        record: (on) => void this.#record(on),
      })}`;
  }

  #sharingBar(state: MeetingState): TemplateResult | typeof nothing {
    const own = state.shares.find(({ self }) => self);
    if (own === undefined) return nothing;
    return html`<lectern-sharing-bar
      role="region"
      aria-label=${texts.sharingBar.label}
      data-testid="sharing-bar"
      .share=${own}
      .watching=${state.people.length - 1}
      @stop=${() => void this.meeting.stopShare()}
    ></lectern-sharing-bar>`;
  }

  #shareTabs(state: MeetingState, focus: Focus): TemplateResult | typeof nothing {
    if (state.shares.length < 2) return nothing;
    return html`<div class="shares" role="group" aria-label=${t.screens} data-testid="shares">
      ${state.shares.map(
        (share) => html`<button
          class="btn small"
          aria-pressed=${focus.is === 'share' && focus.share.id === share.id ? 'true' : 'false'}
          @click=${() => (this.pin = { share: share.id })}
        >
          ${icon('screen')} ${share.self ? texts.screen.self : share.name}
        </button>`,
      )}
    </div>`;
  }

  #focus(state: MeetingState, focus: Focus): TemplateResult {
    switch (focus.is) {
      case 'share':
        return this.#share(state, focus.share);
      case 'person':
        return this.#tile(focus.person, 'focus');
      case 'grid':
        return this.#grid(state, focus.people);
      case 'empty':
        return html`<lectern-empty-stage
          class="focus"
          .state=${state}
          @share=${() => this.#act('share')}
          @invite=${() => this.#act('invite')}
        ></lectern-empty-stage>`;
    }
  }

  #share(state: MeetingState, share: Share): TemplateResult {
    if (share.self) {
      return html`<lectern-own-share
        class="focus"
        .share=${share}
        .watching=${state.people.length - 1}
        @stop=${() => void this.meeting.stopShare()}
      ></lectern-own-share>`;
    }
    const pinned = this.pin !== undefined && 'share' in this.pin;
    return html`<lectern-screen
      class="focus"
      .share=${share}
      ?held=${state.phase.is === 'reconnecting'}
      ?pinned=${pinned}
      ?immersive=${this.immersive}
      ?resting=${this.resting}
      @pin=${() => (this.pin = pinned ? undefined : { share: share.id })}
      @fullscreen=${() => this.#act('fullscreen')}
    ></lectern-screen>`;
  }

  #grid(state: MeetingState, people: readonly Person[]): TemplateResult {
    return html`<div class="focus grid-box" data-testid="grid">
      <div class="call">
        ${icon('screen')}
        <p>${texts.screen.nothingShared}</p>
        ${
          presents(state.role) && canShare()
            ? html`<button class="btn primary small" @click=${() => this.#act('share')}>
              ${t.shareScreen}
            </button>`
            : nothing
        }
      </div>
      <lectern-grid
        .people=${people}
        .tile=${(person: Person) => this.#tile(person)}
      ></lectern-grid>
    </div>`;
  }

  #strip(state: MeetingState, focus: Focus): TemplateResult | typeof nothing {
    const { shown, hidden } = stripOf(state, focus);
    if (shown.length === 0) return nothing;
    return html`<aside class="strip" aria-label=${t.speakers} data-testid="strip">
      ${repeat(
        shown,
        ({ identity }) => identity,
        (person) => this.#tile(person),
      )}
      ${
        hidden > 0
          ? html`<button class="btn small others" @click=${() => this.#open('people')}>
            ${t.others(hidden)}
          </button>`
          : nothing
      }
    </aside>`;
  }

  #tile(person: Person, place = ''): TemplateResult {
    const { identity } = person;
    const pinned = this.pin !== undefined && 'person' in this.pin && this.pin.person === identity;
    return html`<lectern-tile
      class=${place}
      .person=${person}
      ?held=${this.meeting.state.value.phase.is === 'reconnecting'}
      ?pinned=${pinned}
      .details=${(who: string) => this.meeting.details(who)}
      @pin=${() => (this.pin = pinned ? undefined : { person: identity })}
    ></lectern-tile>`;
  }

  #panel(state: MeetingState): TemplateResult | typeof nothing {
    if (this.panel === undefined) return nothing;
    const chat = this.panel === 'chat';
    return html`<aside class="panel" aria-label=${chat ? t.chat : t.people} data-testid="panel">
      ${
        chat
          ? html`<lectern-chat-panel
            .messages=${state.messages}
            .send=${(text: string) => this.meeting.say(text)}
            @close=${() => this.#open(undefined)}
          ></lectern-chat-panel>`
          : html`<lectern-people-panel
            .state=${state}
            .details=${(who: string) => this.meeting.details(who)}
            .act=${(act: Act) => this.meeting.moderate(act)}
            @remove-person=${(event: CustomEvent<Person>) => (this.dialog = { remove: event.detail })}
            @close=${() => this.#open(undefined)}
          ></lectern-people-panel>`
      }
    </aside>`;
  }

  /** Does what a key or a button asks for. */
  #act(action: BarAction | Exclude<Action, 'talk'>): void {
    const state = this.meeting.state.value;
    const self = selfOf(state);
    switch (action) {
      case 'microphone':
        if (canSwitch(state, action)) void this.meeting.setMicrophone(self?.microphone !== 'on');
        return;
      case 'camera':
        if (canSwitch(state, action)) void this.meeting.setCamera(self?.camera.status === 'off');
        return;
      case 'share':
        return presents(state.role) ? this.#toggleShare(state) : undefined;
      case 'record':
        if (presents(state.role) && state.phase.is === 'live' && !this.recordBusy) {
          this.dialog = { record: !isRecorded(state) };
        }
        return;
      case 'recordings':
        return showRecordings(state.meetingId);
      case 'hand':
        return void this.meeting.setHand(self?.handRaisedAt === undefined);
      case 'chat':
      case 'people':
        return this.#open(this.panel === action ? undefined : action);
      case 'fullscreen':
        return void this.#immersion.toggle();
      case 'invite':
      case 'leave':
      case 'settings':
      case 'help':
        this.dialog = action;
        return;
      default:
        return this.screen?.act(action satisfies ZoomAction);
    }
  }

  #toggleShare(state: MeetingState): void {
    if (state.sharing === 'live') void this.meeting.stopShare();
    else if (state.sharing === 'no') this.dialog = 'share';
  }

  #startShare(options: ShareOptions): void {
    this.dialog = undefined;
    void this.meeting.startShare(options);
  }

  async #record(on: boolean): Promise<void> {
    this.recordBusy = true;
    await this.meeting.moderate({ is: 'record', on });
    this.recordBusy = false;
  }

  #open(panel: Panel | undefined): void {
    const before = this.panel;
    this.panel = panel;
    this.meeting.setChatOpen(panel === 'chat');
    void this.updateComplete.then(() => {
      if (panel !== undefined) {
        this.renderRoot.querySelector<HTMLElement>('.panel > *')?.focus();
      } else if (before !== undefined) {
        this.bar.focusControl(before);
      }
    });
  }

  #talk(on: boolean): void {
    const state = this.meeting.state.value;
    // Whoever is on already does not need to hold a key.
    const opens = canSwitch(state, 'microphone') && selfOf(state)?.microphone !== 'on';
    // What the key opened, it closes, whatever happened meanwhile.
    if (on ? !opens : !this.talking) return;
    this.talking = on;
    void this.meeting.setMicrophone(on);
  }

  #escape(): void {
    if (this.panel !== undefined) this.#open(undefined);
    else if (this.immersive && document.fullscreenElement === null) this.immersive = false;
  }

  #tell(news: News): void {
    const told = tell(news);
    announce(told.text, told.urgent);
    if (news.is === 'recording-started') keepRecorded(this.meeting.state.value.meetingId);
    const inChat = news.is === 'message' && this.panel === 'chat';
    if (!told.shown || inChat) return;
    const action = actionOf(news, this.meeting, () => this.#open('people'));
    this.notes.show(told.text, action);
  }

  #setTitle({ meetingName, unread }: MeetingState): void {
    const title = `${meetingName} · ${texts.product}`;
    document.title = unread > 0 ? `(${unread}) ${title}` : title;
  }
}
