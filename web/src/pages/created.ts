// The meeting is made: its two links, and on to the setup.
import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import '../components/copy';
import { moment } from '../format';
import { icon } from '../icons';
import type { Ownership } from '../owned';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { pageHeader, pageStyles } from './page';

const t = texts.created;

@customElement('lectern-created')
export class CreatedPage extends LitElement {
  static override styles = [
    controls,
    pageStyles,
    css`
      main {
        width: 100%;
        max-width: 640px;
        margin: 0 auto;
        align-content: center;
      }
      h1 {
        font-size: clamp(1.9rem, 4vw, 2.6rem);
        font-weight: 700;
        letter-spacing: -0.03em;
        margin-bottom: var(--s2);
      }
      h1:focus-visible {
        outline: none;
      }
      .about {
        display: inline-flex;
        align-items: center;
        gap: var(--s2);
        color: var(--primary-ink);
        font-weight: 600;
        font-size: var(--t-sm);
        margin-bottom: var(--s3);
      }
      .lead {
        margin-bottom: var(--s5);
      }
      section {
        padding: var(--s5);
        border: 1px solid var(--line);
        border-radius: var(--r3);
        background: var(--surface);
        box-shadow: var(--shadow-1);
        margin-bottom: var(--s4);
      }
      section.second {
        background: transparent;
        box-shadow: none;
      }
      h2 {
        display: flex;
        align-items: center;
        gap: var(--s2);
        font-size: var(--t-lg);
      }
      h2 .icon {
        color: var(--ink-3);
      }
      section .hint {
        margin: 4px 0 var(--s3);
      }
      .foot {
        display: flex;
        align-items: center;
        justify-content: space-between;
        gap: var(--s4);
        margin-top: var(--s2);
        flex-wrap: wrap-reverse;
      }
      @media (max-width: 640px) {
        section {
          padding: var(--s4);
        }
        .foot .btn {
          width: 100%;
        }
      }
    `,
  ];

  @property({ attribute: false }) owned!: Ownership;

  protected override firstUpdated(): void {
    this.renderRoot.querySelector('h1')?.focus();
  }

  protected override render(): TemplateResult {
    const { meetingName, viewer, presenter } = this.owned;
    const expires = moment(viewer.expiresAt);
    return html`${pageHeader()}
      <main>
        <div>
          <p class="about">${icon('check')} ${meetingName === '' ? t.untitled : meetingName}</p>
          <h1 tabindex="-1">${t.headline}</h1>
          <p class="lead">${t.lead}</p>
          <section data-testid="viewer-link">
            <h2>${icon('eye')} ${t.viewer}</h2>
            <p class="hint">${t.viewerHint}</p>
            <lectern-copy .value=${viewer.url} label=${t.viewer} primary></lectern-copy>
          </section>
          <section class="second" data-testid="presenter-link">
            <h2>${icon('share')} ${t.presenter}</h2>
            <p class="hint">${t.presenterHint}</p>
            <lectern-copy .value=${presenter.url} label=${t.presenter}></lectern-copy>
          </section>
          <div class="foot">
            <p class="hint">${expires === undefined ? '' : t.expires(expires)}</p>
            <button class="btn primary big" data-testid="continue" @click=${() => this.#next()}>
              ${t.next} ${icon('forward')}
            </button>
          </div>
        </div>
      </main>`;
  }

  #next(): void {
    this.dispatchEvent(new CustomEvent('next'));
  }
}
