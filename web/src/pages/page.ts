// The frame of the quiet pages: logo, theme switch, one main part.
import { css, html, type TemplateResult } from 'lit';
import '../components/logo';
import '../components/theme-switch';
import { texts } from '../texts';

export const pageStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    min-height: 100dvh;
    background: var(--paper);
  }
  .page-header {
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: var(--s4);
    width: 100%;
    max-width: 1320px;
    margin: 0 auto;
    padding: 20px clamp(16px, 4vw, 48px);
  }
  .page-header a {
    text-decoration: none;
    border-radius: var(--r2);
  }
  main {
    flex: 1;
    display: grid;
    align-items: center;
    padding: var(--s4) clamp(16px, 4vw, 48px) clamp(40px, 8vh, 96px);
  }
  .lead {
    color: var(--ink-2);
    font-size: 1.0625rem;
    text-wrap: pretty;
  }
  .spin {
    animation: spin 0.9s linear infinite;
    display: inline-block;
  }
  @keyframes spin {
    to {
      transform: rotate(360deg);
    }
  }
  @media (prefers-reduced-motion: reduce) {
    .spin {
      animation-duration: 3s !important;
      animation-iteration-count: infinite !important;
    }
  }
`;

export function pageHeader(): TemplateResult {
  return html`<header class="page-header">
    <a href="/" aria-label="${texts.product}: ${texts.start.title}"><lectern-logo></lectern-logo></a>
    <lectern-theme-switch></lectern-theme-switch>
  </header>`;
}
