// A line for as long as something is on its way: a page, or what a link leads to.
import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { icon } from '../icons';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { pageHeader, pageStyles } from './page';

@customElement('lectern-loading')
export class LoadingPage extends LitElement {
  static override styles = [
    controls,
    pageStyles,
    css`
      main {
        justify-items: center;
      }
      p {
        display: flex;
        gap: var(--s3);
        align-items: center;
        color: var(--ink-2);
        font-size: var(--t-lg);
      }
    `,
  ];

  @property() text: string = texts.loading;

  protected override render(): TemplateResult {
    return html`${pageHeader()}
      <main>
        <p role="status" data-testid="loading">
          <span class="spin">${icon('loading')}</span> ${this.text}
        </p>
      </main>`;
  }
}
