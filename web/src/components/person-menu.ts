// What a host or a presenter may do with one person: a button, and the menu behind it.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { menuStyles } from './menu-styles';
import './popover';
import { icon, type IconName } from '../icons';
import type { Person } from '../meeting/state';
import type { Act } from '../moderation';
import type { Role } from '../session';
import { controls } from '../styles/controls';
import { texts } from '../texts';

const t = texts.people;

interface Entry {
  id: string;
  icon: IconName;
  label: string;
  hint?: string;
  act: Act | 'remove';
}

/** What the menu of a person offers to somebody of the own role. */
export function entriesFor(person: Person, own: Role): Entry[] {
  const { identity, role, microphone, sharing } = person;
  const entries: (Entry | false)[] = [
    microphone === 'on' && {
      id: 'mute',
      icon: 'microphoneOff',
      label: t.mute,
      act: { is: 'mute', identity },
    },
    sharing && {
      id: 'stop-share',
      icon: 'screenOff',
      label: t.stopShare,
      act: { is: 'stop-share', identity },
    },
    role === 'viewer' && {
      id: 'make-presenter',
      icon: 'share',
      label: t.makePresenter,
      act: { is: 'role', identity, role: 'presenter' },
    },
    role === 'presenter' && {
      id: 'make-viewer',
      icon: 'eye',
      label: t.makeViewer,
      act: { is: 'role', identity, role: 'viewer' },
    },
    own === 'presenter' && {
      id: 'hand-over',
      icon: 'swap',
      label: t.handOver,
      hint: t.handOverHint,
      act: { is: 'hand-over', identity },
    },
    { id: 'remove', icon: 'userMinus', label: t.remove, act: 'remove' },
  ];
  return entries.filter((entry) => entry !== false);
}

@customElement('lectern-person-menu')
export class PersonMenu extends LitElement {
  static override styles = [
    controls,
    menuStyles,
    css`
      :host {
        display: inline-flex;
      }
    `,
  ];

  @property({ attribute: false }) person!: Person;
  @property() own: Role = 'viewer';
  @property({ attribute: false }) act!: (act: Act) => Promise<boolean>;
  @state() private open = false;
  @query('.more') private button!: HTMLElement;

  protected override render(): TemplateResult {
    return html`<button
        class="btn quiet icon-only small more"
        aria-label=${t.menu(this.person.name)}
        title=${t.menu(this.person.name)}
        aria-haspopup="true"
        aria-expanded=${this.open ? 'true' : 'false'}
        data-testid="person-menu"
        @click=${() => (this.open = !this.open)}
      >
        ${icon('more')}
      </button>
      ${this.open ? this.#menu() : nothing}`;
  }

  #menu(): TemplateResult {
    const { name } = this.person;
    return html`<lectern-popover open .anchor=${this.button} @closed=${() => (this.open = false)}>
      <div class="menu" tabindex="-1" data-focus role="group" aria-label=${t.menu(name)}>
        ${entriesFor(this.person, this.own).map(
          ({ id, icon: picture, label, hint, act }) => html`<button
            class=${id === 'remove' ? 'danger' : ''}
            aria-label="${label}: ${name}"
            data-testid="person-${id}"
            @click=${() => this.#chosen(act)}
          >
            ${icon(picture)}
            <span>${label}${hint === undefined ? nothing : html`<small>${hint}</small>`}</span>
          </button>`,
        )}
      </div>
    </lectern-popover>`;
  }

  #chosen(act: Act | 'remove'): void {
    // The entry goes with the menu: what opens next gives the focus back to this button.
    this.button.focus();
    this.open = false;
    if (act !== 'remove') return void this.act(act);
    const detail = this.person;
    this.dispatchEvent(
      new CustomEvent<Person>('remove-person', { detail, bubbles: true, composed: true }),
    );
  }
}
