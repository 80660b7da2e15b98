// The mark: an L whose board is tilted like the desk of a lectern, under the brass of its lamp.
import { svg, html, css, LitElement, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { texts } from '../texts';

export const mark = svg`
  <rect width="64" height="64" rx="15" fill="var(--mark-ground, #0f5c49)" />
  <path d="M25 33v15a3 3 0 0 0 3 3h19" fill="none" stroke="#fff" stroke-width="7" stroke-linecap="round" />
  <rect x="9" y="17.500" width="45" height="11" rx="3" fill="#f3b73b" transform="rotate(-17 31.500 23)" />
`;

@customElement('lectern-logo')
export class Logo extends LitElement {
  static override styles = css`
    :host {
      display: inline-flex;
      align-items: center;
      gap: 10px;
      color: var(--ink);
      font-weight: 680;
      font-size: 1.25rem;
      letter-spacing: -0.025em;
      line-height: 1;
    }
    svg {
      width: var(--mark-size, 30px);
      height: var(--mark-size, 30px);
      flex: none;
    }
  `;

  /** The mark alone, without the name beside it. */
  @property({ type: Boolean }) bare = false;

  protected override render(): TemplateResult {
    return html`<svg viewBox="0 0 64 64" aria-hidden="true">${mark}</svg>
      ${this.bare ? '' : html`<span>${texts.product}</span>`}`;
  }
}
