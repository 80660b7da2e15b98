// Who is here: presenters and viewers, with what they do at the moment, and for those who may,
// everything about who comes in and who does what.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import './access';
import './avatar';
import './person-menu';
import './quality';
import './waiting-list';
import { icon, type IconName } from '../icons';
import type { Details } from '../meeting/details';
import { handsOf, mayModerate, presents, type MeetingState, type Person } from '../meeting/state';
import type { Act } from '../moderation';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { panelStyles } from './panel-styles';

const t = texts.people;

/** In a list this long people search; showing more only makes the page slow. */
const SHOWN = 100;

/** From so many on, a field to find somebody is worth its place. */
const SEARCH_FROM = 12;

@customElement('lectern-people-panel')
export class PeoplePanel extends LitElement {
  static override styles = [
    controls,
    panelStyles,
    css`
      .lists {
        flex: 1;
        overflow-y: auto;
        overscroll-behavior: contain;
        padding: 0 var(--s2) var(--s4);
      }
      .find {
        padding: 0 var(--s4) var(--s2);
      }
      .heading {
        display: flex;
        align-items: baseline;
        justify-content: space-between;
        min-height: 40px;
      }
      .heading .btn {
        padding: 0 var(--s2);
        font-size: var(--t-xs);
      }
      h3 {
        padding: var(--s3) var(--s2) var(--s1);
        font-size: var(--t-xs);
        font-weight: 620;
        letter-spacing: 0.01em;
        color: var(--ink-3);
      }
      ul {
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: flex;
        align-items: center;
        gap: var(--s3);
        min-height: 48px;
        padding: 0 var(--s2);
        border-radius: 10px;
      }
      .who {
        flex: 1;
        min-width: 0;
      }
      .who b {
        display: block;
        font-weight: 560;
        line-height: 1.25;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .who span {
        font-size: var(--t-xs);
        color: var(--ink-3);
      }
      .who .host {
        display: inline-flex;
        align-items: center;
        vertical-align: bottom;
        gap: 3px;
        color: var(--primary-ink);
        font-weight: 560;
        margin-right: var(--s2);
      }
      .who .live {
        color: var(--brass-ink);
        font-weight: 560;
      }
      .signs {
        display: flex;
        align-items: center;
        gap: 8px;
        color: var(--ink-3);
        font-size: 0.85rem;
      }
      .signs .speaking {
        color: var(--good);
      }
      .hand {
        display: flex;
        align-items: center;
        gap: 4px;
        height: 24px;
        padding: 0 8px 0 6px;
        border-radius: 12px;
        background: var(--brass);
        color: var(--on-brass);
        font-size: var(--t-xs);
        font-weight: 650;
      }
      .none {
        padding: 0 var(--s2);
        color: var(--ink-3);
        font-size: var(--t-sm);
      }
    `,
  ];

  @property({ attribute: false }) state!: MeetingState;
  @property({ attribute: false }) act!: (act: Act) => Promise<boolean>;
  @property({ attribute: false }) details!: (identity: string) => Promise<Details>;
  @state() private search = '';

  override focus(): void {
    void this.updateComplete.then(() =>
      this.renderRoot.querySelector<HTMLElement>('header button')?.focus(),
    );
  }

  protected override render(): TemplateResult {
    const { people, role, waiting, door } = this.state;
    const found = people.filter(({ name }) =>
      name.toLocaleLowerCase().includes(this.search.toLocaleLowerCase()),
    );
    return html`<header>
        <h2>${t.title} <span class="figures">(${people.length})</span></h2>
        <button
          class="btn quiet icon-only"
          aria-label="${texts.close}: ${t.title}"
          data-testid="close-panel"
          @click=${() => this.dispatchEvent(new CustomEvent('close'))}
        >
          ${icon('close')}
        </button>
      </header>
      <lectern-waiting .waiting=${waiting} .act=${this.act} ?hidden=${waiting.length === 0}></lectern-waiting>
      ${people.length < SEARCH_FROM ? nothing : this.#find()}
      <div class="lists" tabindex="0" aria-label=${t.title} role="group">
        ${this.#list(t.presenters, 'presenter', found)} ${this.#list(t.viewers, 'viewer', found)}
      </div>
      ${
        presents(role)
          ? html`<lectern-access .door=${door} own=${role} .act=${this.act}></lectern-access>`
          : nothing
      }`;
  }

  #find(): TemplateResult {
    return html`<div class="find">
      <input
        type="text"
        placeholder=${t.find}
        aria-label=${t.find}
        data-testid="find-person"
        @input=${(event: Event) => (this.search = (event.target as HTMLInputElement).value)}
      />
    </div>`;
  }

  #list(title: string, list: 'presenter' | 'viewer', found: readonly Person[]): TemplateResult {
    const people = found.filter(({ role }) => presents(role) === (list === 'presenter'));
    const hands = handsOf(this.state.people);
    // Raised hands are at the top, in the order in which they went up.
    const place = (person: Person): number => {
      const index = hands.indexOf(person);
      return index < 0 ? hands.length : index;
    };
    const sorted = [...people].sort((a, b) => place(a) - place(b));
    const more = sorted.length - SHOWN;
    return html`<div class="heading">
        <h3>${title} · <span class="figures">${people.length}</span></h3>
        ${list === 'presenter' ? this.#muteAll() : nothing}
      </div>
      ${people.length === 0 ? html`<p class="none">${t.none}</p>` : nothing}
      <ul aria-label=${title} data-testid="list-${list}">
        ${repeat(
          sorted.slice(0, SHOWN),
          ({ identity }) => identity,
          (person) => this.#person(person, hands.indexOf(person) + 1),
        )}
      </ul>
      ${more > 0 ? html`<p class="none">${t.more(more)}</p>` : nothing}`;
  }

  #muteAll(): TemplateResult | typeof nothing {
    const { people, role } = this.state;
    const others = people.filter((person) => mayModerate(role, person));
    if (!others.some(({ microphone }) => microphone === 'on')) return nothing;
    return html`<button
      class="btn quiet small"
      data-testid="mute-all"
      @click=${() => void this.act({ is: 'mute-all' })}
    >
      ${icon('microphoneOff')} ${t.muteAll}
    </button>`;
  }

  #person(person: Person, handPlace: number): TemplateResult {
    return html`<li data-testid="person" data-identity=${person.identity}>
      <lectern-avatar .name=${person.name}></lectern-avatar>
      <div class="who">
        <b><bdi>${person.name}</bdi>${person.self ? ` (${texts.you})` : ''}</b>
        ${
          person.role === 'owner'
            ? html`<span class="host" data-testid="host">${icon('crown')} ${t.roles.owner}</span>`
            : nothing
        }
        ${person.sharing ? html`<span class="live">${t.sharing}</span>` : nothing}
      </div>
      <div class="signs">
        ${
          handPlace === 0
            ? nothing
            : html`<span class="hand" title=${t.handNumber(handPlace)}>
              ${icon('hand')}<span aria-hidden="true">${handPlace}</span>
              <span class="visually-hidden">${t.handNumber(handPlace)}</span>
            </span>`
        }
        ${person.role === 'viewer' && person.microphone === 'none' ? nothing : this.#devices(person)}
        <lectern-quality
          .name=${person.name}
          .quality=${person.quality}
          .read=${() => this.details(person.identity)}
        ></lectern-quality>
        ${
          mayModerate(this.state.role, person)
            ? html`<lectern-person-menu
                .person=${person}
                own=${this.state.role}
                .act=${this.act}
              ></lectern-person-menu>`
            : nothing
        }
      </div>
    </li>`;
  }

  #devices(person: Person): TemplateResult {
    const sign = (picture: IconName, label: string, look = ''): TemplateResult =>
      html`<span class=${look} title=${label}
        >${icon(picture)}<span class="visually-hidden">${label}</span></span
      >`;
    return html`${
      person.speaking
        ? sign('speaking', t.speaking, 'speaking')
        : person.microphone === 'on'
          ? sign('microphone', t.unmuted)
          : sign('microphoneOff', t.muted)
    }
    ${
      person.camera.status === 'off'
        ? sign('cameraOff', texts.screen.cameraOff)
        : sign('camera', t.cameraOn)
    }`;
  }
}
