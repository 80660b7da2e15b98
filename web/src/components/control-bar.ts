// The row of controls of a meeting. What does not fit on a phone is in the menu.
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { controlBarStyles } from './control-bar-styles';
import { menuStyles } from './menu-styles';
import './popover';
import { icon, type IconName } from '../icons';
import { canSwitch, isRecorded, presents, selfOf, type MeetingState } from '../meeting/state';
import { controls } from '../styles/controls';
import { texts } from '../texts';

const t = texts.stage;

/** What the bar asks for; the page of the meeting does it. */
export type BarAction =
  | 'microphone'
  | 'camera'
  | 'share'
  | 'hand'
  | 'record'
  | 'recordings'
  | 'chat'
  | 'people'
  | 'invite'
  | 'settings'
  | 'help'
  | 'fullscreen'
  | 'leave';

interface Control {
  action: BarAction;
  icon: IconName;
  label: string;
  /** The short text below the icon. */
  short: string;
  look?: string;
  pressed?: boolean;
  disabled?: boolean;
  badge?: number;
}

@customElement('lectern-control-bar')
export class ControlBar extends LitElement {
  static override styles = [controls, menuStyles, controlBarStyles];

  @property({ attribute: false }) state!: MeetingState;
  @property() panel: 'chat' | 'people' | undefined;
  /** The server is asked to record, or to stop: its button waits. */
  @property({ type: Boolean }) recordBusy = false;
  /** This browser holds the key to the recordings of the meeting. */
  @property({ type: Boolean }) hasRecordings = false;
  @state() private menuOpen = false;
  @query('.more') private moreButton!: HTMLElement;

  protected override render(): TemplateResult {
    return html`<div class="bar" role="toolbar" aria-label=${t.controls}>
        <div class="group centre">
          ${this.#middle().map((control) => this.#control(control))}
        </div>
        <div class="group side">
          ${this.#side().map((control) => this.#control(control))} ${this.#more()}
        </div>
      </div>
      <lectern-popover
        .open=${this.menuOpen}
        .anchor=${this.moreButton}
        @closed=${() => (this.menuOpen = false)}
      >
        ${this.#menu()}
      </lectern-popover>`;
  }

  #middle(): Control[] {
    const presenter = presents(this.state.role);
    const raised = selfOf(this.state)?.handRaisedAt !== undefined;
    const hand: Control = {
      action: 'hand',
      icon: 'hand',
      label: raised ? t.handDown : t.hand,
      short: raised ? t.handDown : t.hand,
      look: raised ? 'brass' : '',
      pressed: raised,
    };
    const leave: Control = {
      action: 'leave',
      icon: 'leave',
      label: t.leave,
      short: t.leave,
      look: 'danger',
    };
    return presenter ? [...this.#devices(), this.#share(), hand, leave] : [hand, leave];
  }

  #devices(): Control[] {
    const self = selfOf(this.state);
    const speaking = self?.microphone === 'on';
    const filming = self !== undefined && self.camera.status !== 'off';
    return [
      {
        action: 'microphone',
        icon: speaking ? 'microphone' : 'microphoneOff',
        label: speaking ? t.mute : t.unmute,
        short: speaking ? t.mute : t.unmute,
        look: speaking ? '' : 'off',
        pressed: speaking,
        disabled: !canSwitch(this.state, 'microphone'),
      },
      {
        action: 'camera',
        icon: filming ? 'camera' : 'cameraOff',
        label: filming ? t.cameraStop : t.cameraStart,
        short: filming ? t.cameraStop : t.cameraStart,
        look: filming ? '' : 'off',
        pressed: filming,
        disabled: !canSwitch(this.state, 'camera'),
      },
    ];
  }

  #share(): Control {
    const live = this.state.sharing === 'live';
    return {
      action: 'share',
      icon: live ? 'screenOff' : 'share',
      label: live ? t.stopSharing : t.shareScreen,
      short: live ? t.stopSharing : t.shareScreen,
      look: live ? 'brass' : 'primary',
      pressed: live,
      disabled: this.state.sharing === 'choosing',
    };
  }

  #side(): Control[] {
    const { unread, people, phase, waiting } = this.state;
    const here = phase.is === 'connecting' ? t.people : `${t.people}: ${t.watching(people.length)}`;
    return [
      ...(presents(this.state.role) ? [this.#record()] : []),
      {
        action: 'people',
        icon: 'people',
        label: waiting.length > 0 ? `${here}, ${texts.waiting.count(waiting.length)}` : here,
        short: t.people,
        look: `wide ${this.panel === 'people' ? 'open' : ''}`,
        pressed: this.panel === 'people',
        badge: waiting.length,
      },
      {
        action: 'chat',
        icon: 'chat',
        label: unread > 0 ? `${t.chat}: ${t.unread(unread)}` : t.chat,
        short: t.chat,
        look: this.panel === 'chat' ? 'open' : '',
        pressed: this.panel === 'chat',
        badge: unread,
      },
    ];
  }

  #record(): Control {
    const on = isRecorded(this.state);
    return {
      action: 'record',
      icon: on ? 'recordOff' : 'record',
      label: on ? t.recordStop : t.recordStart,
      short: on ? t.recordStopShort : t.recordShort,
      look: `wide ${on ? 'recording' : ''}`,
      pressed: on,
      disabled: this.recordBusy || this.state.phase.is !== 'live',
    };
  }

  #control(control: Control): TemplateResult {
    const { action, label, pressed, disabled = false, badge = 0 } = control;
    // A button that is disabled for good would drop the focus to the page while a device starts.
    return html`<button
      class="control ${control.look ?? ''}"
      aria-label=${label}
      title=${label}
      aria-pressed=${pressed === undefined ? nothing : pressed ? 'true' : 'false'}
      aria-disabled=${disabled ? 'true' : nothing}
      data-testid="control-${action}"
      @click=${() => disabled || this.#ask(action)}
    >
      ${icon(control.icon)}<span>${control.short}</span>
      ${badgeOf(badge, action === 'chat' ? 'unread' : 'waiting-count')}
    </button>`;
  }

  #more(): TemplateResult {
    return html`<button
      class="control more ${this.menuOpen ? 'open' : ''}"
      aria-label=${t.more}
      title=${t.more}
      aria-haspopup="true"
      aria-expanded=${this.menuOpen ? 'true' : 'false'}
      data-testid="control-more"
      @click=${() => (this.menuOpen = !this.menuOpen)}
    >
      ${icon('more')}<span>${t.more}</span>
      ${badgeOf(this.state.waiting.length, 'waiting-count')}
    </button>`;
  }

  #menu(): TemplateResult {
    const entry = (
      action: BarAction,
      picture: IconName,
      label: string,
      { extra = false, disabled = false } = {},
    ): TemplateResult =>
      html`<button
        class=${extra ? 'extra' : ''}
        aria-disabled=${disabled ? 'true' : nothing}
        data-testid="menu-${action}"
        @click=${() => disabled || this.#ask(action)}
      >
        ${icon(picture)} ${label}
      </button>`;
    const record = presents(this.state.role) ? this.#record() : undefined;
    return html`<div class="menu" tabindex="-1" data-focus>
      ${entry('people', 'people', t.people, { extra: true })}
      ${
        record === undefined
          ? nothing
          : entry('record', record.icon, record.label, { ...record, extra: true })
      }
      ${entry('invite', 'userPlus', t.invite)}
      ${this.hasRecordings ? entry('recordings', 'film', t.recordings) : nothing}
      ${entry('fullscreen', 'fullscreen', t.fullscreen)}
      ${entry('settings', 'settings', t.settings)} ${entry('help', 'keyboard', t.shortcuts)}
    </div>`;
  }

  /** Puts the focus back on the control that opened something. */
  focusControl(action: BarAction): void {
    const control = this.renderRoot.querySelector<HTMLElement>(`[data-testid='control-${action}']`);
    const visible = control !== null && control.offsetParent !== null;
    (visible ? control : this.moreButton).focus();
  }

  #ask(action: BarAction): void {
    // The entry that was pressed goes with the menu: what opens next gives the focus back to this.
    if (this.menuOpen) this.moreButton.focus();
    this.menuOpen = false;
    this.dispatchEvent(new CustomEvent<BarAction>('act', { detail: action }));
  }
}

function badgeOf(count: number, testId: string): TemplateResult | typeof nothing {
  if (count === 0) return nothing;
  return html`<span class="badge" data-testid=${testId}>${Math.min(count, 99)}</span>`;
}
