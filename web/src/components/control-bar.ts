// The row of controls of a meeting. What does not fit on a phone is in the menu.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import './popover';
import { icon, type IconName } from '../icons';
import { selfOf, type MeetingState } from '../meeting/state';
import { canShare } from '../meeting/sharing';
import { controls } from '../styles/controls';
import { texts } from '../texts';

const t = texts.stage;

/** What the bar asks for; the page of the meeting does it. */
export type BarAction =
  | 'microphone'
  | 'camera'
  | 'share'
  | 'hand'
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
  static override styles = [
    controls,
    css`
      :host {
        display: grid;
        grid-template-columns: 1fr auto 1fr;
        align-items: center;
        gap: var(--s3);
        padding: 8px var(--s4) calc(10px + env(safe-area-inset-bottom));
      }
      .group {
        display: flex;
        gap: 4px;
      }
      .centre {
        grid-column: 2;
        gap: 6px;
      }
      .side {
        justify-content: flex-end;
      }
      .control {
        position: relative;
        display: grid;
        justify-items: center;
        align-content: center;
        gap: 4px;
        min-width: 66px;
        height: 56px;
        padding: 0 8px;
        border: 0;
        border-radius: 14px;
        background: transparent;
        color: var(--ink-2);
        font-size: 0.75rem;
        font-weight: 500;
        line-height: 1;
        white-space: nowrap;
        cursor: pointer;
        transition: background var(--fast) var(--ease);
      }
      .control .icon {
        width: 20px;
        height: 20px;
      }
      .control:hover {
        background: var(--surface-2);
        color: var(--ink);
      }
      .control[disabled] {
        opacity: 0.5;
        cursor: default;
      }
      .control.open {
        background: var(--primary-soft);
        color: var(--primary-ink);
      }
      .control.off {
        background: var(--danger-soft);
        color: var(--danger-ink);
      }
      .control.primary {
        background: var(--primary);
        color: var(--on-primary);
        padding: 0 14px;
      }
      .control.primary:hover {
        background: var(--primary-hover);
      }
      .control.brass {
        background: var(--brass);
        color: var(--on-brass);
      }
      .control.brass:hover {
        background: var(--brass-hover);
      }
      .control.danger {
        background: var(--danger);
        color: var(--on-danger);
        margin-left: 10px;
      }
      .control.danger:hover {
        background: var(--danger-hover);
      }
      .badge {
        position: absolute;
        top: 4px;
        left: calc(50% + 5px);
        min-width: 17px;
        height: 17px;
        padding: 0 4px;
        border-radius: 9px;
        display: grid;
        place-items: center;
        background: var(--brass);
        color: var(--on-brass);
        font-size: 0.6875rem;
        font-weight: 680;
      }
      .menu {
        display: grid;
        min-width: 230px;
        margin: -8px;
      }
      .menu button {
        display: flex;
        align-items: center;
        gap: var(--s3);
        min-height: 44px;
        padding: 0 var(--s3);
        border: 0;
        border-radius: 10px;
        background: none;
        text-align: left;
        font-size: var(--t-md);
        cursor: pointer;
      }
      .menu button:hover {
        background: var(--surface-2);
      }
      .menu .icon {
        color: var(--ink-3);
      }
      .menu .extra {
        display: none;
      }
      @media (max-width: 760px) {
        :host {
          grid-template-columns: 1fr;
          justify-items: center;
          padding-inline: 8px;
        }
        .group {
          display: contents;
        }
        .bar {
          display: flex;
          justify-content: center;
          gap: clamp(2px, 1.2vw, 10px);
          width: 100%;
        }
        .control {
          min-width: 0;
          flex: 0 1 56px;
          width: 46px;
          height: 50px;
          padding: 0;
          border-radius: 16px;
        }
        .control.primary {
          padding: 0;
        }
        .control.danger {
          margin-left: 0;
        }
        .control > span:not(.badge) {
          display: none;
        }
        .wide {
          display: none;
        }
        .menu .extra {
          display: flex;
        }
      }
      @media (max-height: 480px) and (min-aspect-ratio: 1/1) {
        :host {
          display: block;
          padding: 8px calc(6px + env(safe-area-inset-right)) 8px 6px;
          height: 100%;
        }
        .bar {
          display: flex;
          flex-direction: column;
          justify-content: center;
          gap: 4px;
          height: 100%;
        }
        .group {
          display: contents;
        }
        .control {
          min-width: 0;
          width: 48px;
          height: 44px;
          flex: 0 1 44px;
          padding: 0;
        }
        .control.primary {
          padding: 0;
        }
        .control.danger {
          margin-left: 0;
        }
        .control > span:not(.badge) {
          display: none;
        }
        .wide {
          display: none;
        }
        .menu .extra {
          display: flex;
        }
      }
      .bar {
        display: contents;
      }
      @media (max-width: 760px), (max-height: 480px) and (min-aspect-ratio: 1/1) {
        .bar {
          display: flex;
        }
      }
    `,
  ];

  @property({ attribute: false }) state!: MeetingState;
  @property() panel: 'chat' | 'people' | undefined;
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
    const presenter = this.state.role === 'presenter';
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
        disabled: this.state.microphoneBusy,
      },
      {
        action: 'camera',
        icon: filming ? 'camera' : 'cameraOff',
        label: filming ? t.cameraStop : t.cameraStart,
        short: filming ? t.cameraStop : t.cameraStart,
        look: filming ? '' : 'off',
        pressed: filming,
        disabled: this.state.cameraBusy,
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
      disabled: this.state.sharing === 'choosing' || !canShare(),
    };
  }

  #side(): Control[] {
    const { unread, people } = this.state;
    return [
      {
        action: 'people',
        icon: 'people',
        label: `${t.people}: ${t.watching(people.length)}`,
        short: t.people,
        look: `wide ${this.panel === 'people' ? 'open' : ''}`,
        pressed: this.panel === 'people',
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

  #control(control: Control): TemplateResult {
    const { action, label, pressed, badge = 0 } = control;
    return html`<button
      class="control ${control.look ?? ''}"
      aria-label=${label}
      title=${label}
      aria-pressed=${pressed === undefined ? nothing : pressed ? 'true' : 'false'}
      ?disabled=${control.disabled ?? false}
      data-testid="control-${action}"
      @click=${() => this.#ask(action)}
    >
      ${icon(control.icon)}<span>${control.short}</span>
      ${badge > 0 ? html`<span class="badge" data-testid="unread">${Math.min(badge, 99)}</span>` : nothing}
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
    </button>`;
  }

  #menu(): TemplateResult {
    const entry = (
      action: BarAction,
      picture: IconName,
      label: string,
      extra = false,
    ): TemplateResult =>
      html`<button
        class=${extra ? 'extra' : ''}
        data-testid="menu-${action}"
        @click=${() => this.#ask(action)}
      >
        ${icon(picture)} ${label}
      </button>`;
    return html`<div class="menu" tabindex="-1" data-focus>
      ${entry('people', 'people', t.people, true)} ${entry('invite', 'userPlus', t.invite)}
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
    this.menuOpen = false;
    this.dispatchEvent(new CustomEvent<BarAction>('act', { detail: action }));
  }
}
