// The stage while nothing is on it: viewers wait, presenters are asked to share.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import './avatar';
import { icon } from '../icons';
import { canShare } from '../meeting/sharing';
import { presents, type MeetingState } from '../meeting/state';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { troubles } from '../trouble';
import { mark } from './logo';

const t = texts.screen;

/** More faces would not be looked at. */
const FACES = 5;

@customElement('lectern-empty-stage')
export class EmptyStage extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: grid;
        place-items: center;
        min-height: 0;
        border-radius: var(--r3);
        background: var(--surface);
        border: 1px solid var(--line);
        overflow: auto;
      }
      .box {
        display: grid;
        justify-items: center;
        gap: var(--s2);
        padding: var(--s5);
        text-align: center;
        max-width: 460px;
      }
      .mark {
        width: 84px;
        height: 84px;
        margin-bottom: var(--s4);
      }
      .waiting .mark {
        animation: breathe 3.2s ease-in-out infinite;
      }
      h2 {
        font-size: var(--t-2xl);
        letter-spacing: -0.025em;
      }
      p {
        color: var(--ink-2);
        text-wrap: balance;
      }
      .buttons {
        display: flex;
        flex-wrap: wrap;
        justify-content: center;
        gap: var(--s3);
        margin-top: var(--s4);
      }
      .others {
        display: flex;
        align-items: center;
        gap: var(--s3);
        margin-top: var(--s5);
        padding: 6px 16px 6px 6px;
        border-radius: var(--r-full);
        background: var(--surface-2);
        color: var(--ink-2);
        font-size: var(--t-sm);
      }
      .faces {
        display: flex;
      }
      .faces lectern-avatar {
        --avatar-size: 30px;
        box-shadow: 0 0 0 2px var(--surface-2);
      }
      .faces lectern-avatar + lectern-avatar {
        margin-left: -8px;
      }
      @keyframes breathe {
        50% {
          opacity: 0.55;
        }
      }
      @media (max-width: 640px), (max-height: 480px) {
        h2 {
          font-size: var(--t-xl);
        }
        .mark {
          width: 56px;
          height: 56px;
          margin-bottom: var(--s2);
        }
      }
    `,
  ];

  @property({ attribute: false }) state!: MeetingState;

  protected override render(): TemplateResult {
    const { phase, role } = this.state;
    const is = phase.is === 'connecting' ? 'connecting' : presents(role) ? 'ready' : 'waiting';
    const content = {
      connecting: () => html`<h2>${t.connecting}</h2>`,
      ready: () => this.#presenter(),
      waiting: () => this.#viewer(),
    };
    return html`<div class="box ${is === 'ready' ? '' : 'waiting'}" data-testid=${is}>
      <svg class="mark" viewBox="0 0 64 64" aria-hidden="true">${mark}</svg>
      ${content[is]()}
    </div>`;
  }

  #viewer(): TemplateResult {
    const presenters = this.state.people.some(({ role }) => presents(role));
    return html`<h2>${presenters ? t.nothingShared : t.waitingForPresenter}</h2>
      <p>${t.waitingBody}</p>
      ${this.#others()}`;
  }

  /** Company makes waiting easier. */
  #others(): TemplateResult | typeof nothing {
    const others = this.state.people.filter(({ self }) => !self);
    if (others.length === 0) return nothing;
    return html`<div class="others">
      <span class="faces">
        ${others
          .slice(0, FACES)
          .map(({ name }) => html`<lectern-avatar .name=${name} title=${name}></lectern-avatar>`)}
      </span>
      ${t.alsoHere(others.length)}
    </div>`;
  }

  #presenter(): TemplateResult {
    const others = this.state.people.length - 1;
    return html`<h2>${t.ready}</h2>
      <p>${others > 0 ? t.readyWith(others) : t.readyAlone}</p>
      <div class="buttons">
        ${
          canShare()
            ? html`<button
              class="btn primary big"
              data-testid="share-now"
              @click=${() => this.dispatchEvent(new CustomEvent('share'))}
            >
              ${icon('share')} ${texts.stage.shareScreen}
            </button>`
            : nothing
        }
        <button
          class="btn big"
          data-testid="invite-now"
          @click=${() => this.dispatchEvent(new CustomEvent('invite'))}
        >
          ${icon('userPlus')} ${texts.stage.invite}
        </button>
      </div>
      ${canShare() ? nothing : html`<p class="hint">${troubles['share-unsupported'].body}</p>`}`;
  }
}
