// In the lobby: the own place, what was written to the hosts, and a way out. It leads on by itself.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { announce } from '../announce';
import '../components/preview';
import '../components/recorded-note';
import type { LocalDevices } from '../devices/local';
import { icon } from '../icons';
import type { Lobby } from '../lobby';
import { recall } from '../remembered';
import { Watch } from '../store';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { pageHeader, pageStyles } from './page';

const t = texts.lobby;

@customElement('lectern-lobby')
export class LobbyPage extends LitElement {
  static override styles = [
    controls,
    pageStyles,
    css`
      main {
        width: 100%;
        max-width: 560px;
        margin: 0 auto;
        text-align: center;
      }
      .about {
        color: var(--ink-2);
        font-weight: 600;
        margin-bottom: var(--s3);
        overflow-wrap: anywhere;
      }
      .sign {
        display: grid;
        place-items: center;
        width: 72px;
        height: 72px;
        margin: 0 auto var(--s5);
        border-radius: 22px;
        font-size: 1.6rem;
        background: var(--primary-soft);
        color: var(--primary-ink);
        animation: breathe 3.2s ease-in-out infinite;
      }
      h1 {
        font-size: var(--t-2xl);
        margin-bottom: var(--s3);
      }
      h1:focus-visible {
        outline: none;
      }
      .lead {
        max-width: 28em;
        margin: 0 auto;
      }
      .place {
        margin: var(--s5) 0;
        font-size: var(--t-lg);
        font-weight: 600;
        font-variant-numeric: tabular-nums;
      }
      .said {
        margin: 0 auto var(--s5);
        max-width: 28em;
        padding: var(--s3) var(--s4);
        border-radius: var(--r2);
        background: var(--surface-2);
        text-align: start;
        font-size: var(--t-sm);
      }
      .said dd {
        margin: 0;
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      .said dt {
        color: var(--ink-3);
      }
      .troubled {
        display: flex;
        gap: var(--s2);
        text-align: start;
        padding: var(--s3) var(--s4);
        margin-bottom: var(--s5);
        border-radius: var(--r2);
        background: var(--brass-soft);
        color: var(--brass-ink);
        font-size: var(--t-sm);
      }
      lectern-recorded-note {
        max-width: 28em;
        margin: 0 auto var(--s5);
      }
      lectern-preview {
        max-width: 420px;
        margin: 0 auto var(--s5);
      }
      @keyframes breathe {
        50% {
          opacity: 0.55;
        }
      }
      @media (max-width: 480px) {
        .btn {
          width: 100%;
        }
      }
      @media (max-height: 480px) {
        main {
          align-items: start;
        }
        .sign {
          display: none;
        }
      }
    `,
  ];

  @property({ attribute: false }) lobby!: Lobby;
  @property() meetingName = '';
  @property({ attribute: false }) local: LocalDevices | undefined;

  readonly #watch = new Watch(this);
  #told = '';

  protected override willUpdate(): void {
    this.#watch.watch(this.lobby.state);
  }

  protected override firstUpdated(): void {
    this.renderRoot.querySelector('h1')?.focus();
  }

  protected override render(): TemplateResult {
    document.title = `${t.title} · ${texts.product}`;
    const { admission, troubled, recordedBy } = this.lobby.state.value;
    return html`${pageHeader()}
      <main>
        <div data-testid="lobby">
          <div class="sign">${icon('clock')}</div>
          <p class="about" dir="auto">${this.meetingName}</p>
          <h1 tabindex="-1">${t.title}</h1>
          <p class="lead">${t.body}</p>
          ${admission.state === 'waiting' ? this.#place(admission) : nothing}
          ${
            recordedBy === undefined
              ? nothing
              : html`<lectern-recorded-note
                  .by=${recordedBy}
                  holder=${this.local === undefined ? 'viewer' : 'presenter'}
                ></lectern-recorded-note>`
          }
          ${
            troubled
              ? html`<p class="troubled" role="alert" data-testid="lobby-troubled">
                  ${icon('offline')} ${t.troubled}
                </p>`
              : nothing
          }
          ${
            this.local === undefined
              ? nothing
              : html`<lectern-preview
                  .local=${this.local}
                  .name=${recall('name')}
                ></lectern-preview>`
          }
          <button
            class="btn big"
            data-testid="leave-lobby"
            @click=${() => this.dispatchEvent(new CustomEvent('leave'))}
          >
            ${icon('leave')} ${t.leave}
          </button>
        </div>
      </main>`;
  }

  #place({
    position,
    waiting,
    message,
  }: {
    position: number;
    waiting: number;
    message?: string;
  }): TemplateResult {
    const place = t.place(position, waiting);
    if (place !== this.#told) announce(place);
    this.#told = place;
    return html`<p class="place" data-testid="lobby-place">${place}</p>
      ${
        message === undefined
          ? nothing
          : html`<dl class="said">
              <dt>${t.said}</dt>
              <dd dir="auto">${message}</dd>
            </dl>`
      }`;
  }
}
