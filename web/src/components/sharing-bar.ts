// Reminds a presenter, in brass, that the screen is visible to all; with the button that ends it.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { icon } from '../icons';
import type { Share } from '../meeting/state';
import { controls } from '../styles/controls';
import { texts } from '../texts';

@customElement('lectern-sharing-bar')
export class SharingBar extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: flex;
        align-items: center;
        gap: var(--s3);
        min-height: 46px;
        padding: 6px 6px 6px 16px;
        border-radius: 12px;
        background: var(--brass);
        color: var(--on-brass);
        font-size: var(--t-sm);
        --focus: #2a1c00;
      }
      .dot {
        width: 10px;
        height: 10px;
        border-radius: 50%;
        background: #b5271d;
        animation: glow 2s ease-in-out infinite;
      }
      p {
        flex: 1;
        min-width: 0;
      }
      b {
        font-weight: 650;
      }
      .btn {
        background: #2a1c00;
        color: #fff4dc;
        border-color: transparent;
        min-height: 34px;
      }
      .btn:hover {
        background: #46330a;
      }
      @keyframes glow {
        50% {
          opacity: 0.35;
        }
      }
      @media (max-width: 640px) {
        .watching {
          display: none;
        }
      }
    `,
  ];

  @property({ attribute: false }) share!: Share;
  /** How many others see it. */
  @property({ type: Number }) watching = 0;

  protected override render(): TemplateResult {
    return html`<span class="dot"></span>
      <p>
        <b>${texts.sharingBar.text}</b>${
          this.share.withSound ? html` ${texts.sharingBar.withSound}` : nothing
        }.
        <span class="watching">${texts.screen.selfBody(this.watching)}</span>
      </p>
      <button
        class="btn small"
        data-testid="stop-sharing"
        @click=${() => this.dispatchEvent(new CustomEvent('stop'))}
      >
        ${icon('screenOff')} ${texts.stage.stopSharing}
      </button>`;
  }
}
