// What a presenter sees while sharing: that it works, and a small preview. A large one of the own
// screen would show itself, again and again.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import './video';
import { icon } from '../icons';
import type { Share } from '../meeting/state';
import { controls } from '../styles/controls';
import { texts } from '../texts';

const t = texts.screen;

@customElement('lectern-own-share')
export class OwnShare extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: grid;
        place-items: center;
        min-height: 0;
        border-radius: var(--r3);
        border: 1px solid var(--line);
        background: var(--surface);
        overflow: auto;
      }
      .box {
        display: grid;
        justify-items: center;
        gap: var(--s2);
        padding: var(--s5);
        text-align: center;
        width: min(100%, 560px);
      }
      h2 {
        font-size: var(--t-2xl);
      }
      p {
        color: var(--ink-2);
      }
      figure {
        /* Small enough that the button below is seen without scrolling. */
        width: clamp(120px, (100dvh - 600px) * 16 / 9, min(100%, 420px));
        margin: var(--s4) 0;
      }
      lectern-video {
        aspect-ratio: 16 / 9;
        border-radius: var(--r2);
        background: var(--surface-3);
        box-shadow: 0 0 0 3px var(--brass);
      }
      figcaption {
        margin-top: var(--s3);
        font-size: var(--t-sm);
        color: var(--ink-3);
      }
      @media (max-height: 560px) {
        figure {
          display: none;
        }
      }
    `,
  ];

  @property({ attribute: false }) share!: Share;
  @property({ type: Number }) watching = 0;

  protected override render(): TemplateResult {
    const { picture } = this.share.view;
    return html`<div class="box" data-testid="own-share">
      <h2>${t.self}</h2>
      <p>${t.selfBody(this.watching)}</p>
      ${
        picture === undefined
          ? nothing
          : html`<figure>
            <lectern-video fit="contain" .picture=${picture} label=${t.selfPreview}></lectern-video>
            <figcaption>${t.selfPreview}</figcaption>
          </figure>`
      }
      <button
        class="btn brass"
        data-testid="stop-sharing-stage"
        @click=${() => this.dispatchEvent(new CustomEvent('stop'))}
      >
        ${icon('screenOff')} ${texts.stage.stopSharing}
      </button>
    </div>`;
  }
}
