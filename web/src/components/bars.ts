// Four bars for the quality of a connection. Their number says it, not their colour alone.
import { css, svg, html, LitElement, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { barsOf, type Quality } from '../meeting/quality';

@customElement('lectern-bars')
export class Bars extends LitElement {
  static override styles = css`
    :host {
      display: inline-block;
      line-height: 0;
      color: var(--good);
    }
    :host([quality='fair']) {
      color: var(--fair);
    }
    :host([quality='poor']),
    :host([quality='lost']) {
      color: var(--bad);
    }
    svg {
      width: 16px;
      height: 14px;
    }
    rect {
      fill: currentColor;
    }
    rect.dim {
      fill: var(--bars-dim, currentColor);
      opacity: 0.28;
    }
    :host([quality='unknown']) {
      color: currentColor;
    }
  `;

  @property({ reflect: true }) quality: Quality = 'unknown';

  protected override render(): TemplateResult {
    const lit = barsOf(this.quality);
    return html`<svg viewBox="0 0 16 14" aria-hidden="true">
      ${[0, 1, 2, 3].map(
        (bar) =>
          svg`<rect class=${bar < lit ? '' : 'dim'} x=${bar * 4.2} y=${9.5 - bar * 3}
            width="3" height=${4.5 + bar * 3} rx="1" />`,
      )}
    </svg>`;
  }
}
