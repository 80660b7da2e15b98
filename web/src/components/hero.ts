// The picture of the start page: one screen, and the same screen on a laptop, a tablet and a phone.
import { css, html, LitElement, svg, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import { texts } from '../texts';

/** The slide that is shown four times, 320 by 180. */
const slide = svg`
  <symbol id="slide" viewBox="0 0 320 180">
    <rect width="320" height="180" fill="var(--slide)" />
    <rect x="24" y="24" width="132" height="13" rx="4" fill="var(--slide-ink)" />
    <rect x="24" y="48" width="92" height="7" rx="3.5" fill="var(--slide-ink)" opacity=".32" />
    <rect x="24" y="62" width="108" height="7" rx="3.5" fill="var(--slide-ink)" opacity=".32" />
    <rect x="24" y="76" width="74" height="7" rx="3.5" fill="var(--slide-ink)" opacity=".32" />
    <g fill="var(--slide-bar)">
      <rect x="178" y="112" width="18" height="44" rx="4" />
      <rect x="204" y="94" width="18" height="62" rx="4" />
      <rect x="230" y="102" width="18" height="54" rx="4" />
      <rect x="256" y="72" width="18" height="84" rx="4" />
    </g>
    <rect class="grow" x="282" y="38" width="18" height="118" rx="4" fill="var(--brass)" />
    <path d="M24 144 C 56 138, 66 112, 92 118 S 124 132, 152 104" fill="none"
      stroke="var(--slide-line)" stroke-width="4" stroke-linecap="round" />
    <circle cx="152" cy="104" r="6" fill="var(--slide-line)" />
  </symbol>
`;

@customElement('lectern-hero')
export class Hero extends LitElement {
  static override styles = css`
    :host {
      display: block;
      --slide: #ffffff;
      --slide-ink: #13201b;
      --slide-bar: #b8d5ca;
      --slide-line: #0f5c49;
      --frame: var(--hero-frame);
      --wire: var(--hero-wire);
    }
    svg {
      display: block;
      width: 100%;
      height: auto;
      overflow: visible;
    }
    .grow {
      transform-origin: 291px 156px;
      animation: grow 7s var(--ease) infinite;
    }
    .wire {
      stroke: var(--wire);
      stroke-width: 2;
      fill: none;
      stroke-dasharray: 2 8;
      stroke-linecap: round;
      animation: run 1.6s linear infinite;
    }
    .soft {
      filter: drop-shadow(0 14px 24px rgb(19 32 27 / 18%));
    }
    @keyframes grow {
      0%,
      12% {
        transform: scaleY(0.34);
      }
      30%,
      88% {
        transform: scaleY(1);
      }
      100% {
        transform: scaleY(0.34);
      }
    }
    @keyframes run {
      to {
        stroke-dashoffset: -20;
      }
    }
    @media (prefers-reduced-motion: reduce) {
      .grow,
      .wire {
        animation: none;
      }
    }
  `;

  protected override render(): TemplateResult {
    return html`<svg viewBox="0 0 600 520" role="img" aria-label=${texts.start.picture}>
      ${slide}
      <path class="wire" d="M300 300 C 300 356, 128 330, 128 384" />
      <path class="wire" d="M300 300 V 384" />
      <path class="wire" d="M300 300 C 300 356, 470 330, 470 384" />
      <g class="soft">
        <rect x="68" y="20" width="464" height="276" rx="18" fill="var(--frame)" />
        <svg x="80" y="32" width="440" height="247.500"><use href="#slide" /></svg>
        <rect x="80" y="32" width="440" height="247.500" fill="none" stroke="var(--frame)" />
      </g>
      <g transform="translate(258 7)">
        <rect width="84" height="26" rx="13" fill="var(--brass)" />
        <circle cx="17" cy="13" r="4.500" fill="#2a1c00" />
        <text x="28" y="17.500" font-size="12" font-weight="650" fill="#2a1c00">sharing</text>
      </g>
      <g class="soft">
        <rect x="48" y="388" width="160" height="98" rx="9" fill="var(--frame)" />
        <svg x="55" y="395" width="146" height="82.100"><use href="#slide" /></svg>
        <path d="M30 490 H226 L218 500 H38 Z" fill="var(--frame)" />
      </g>
      <g class="soft">
        <rect x="250" y="388" width="100" height="118" rx="10" fill="var(--frame)" />
        <rect x="257" y="396" width="86" height="102" fill="var(--slide)" />
        <svg x="257" y="420" width="86" height="48.400"><use href="#slide" /></svg>
      </g>
      <g class="soft">
        <rect x="392" y="404" width="156" height="82" rx="13" fill="var(--frame)" />
        <svg x="405" y="411" width="128" height="68" preserveAspectRatio="xMidYMid slice">
          <use href="#slide" />
        </svg>
      </g>
    </svg>`;
  }
}
