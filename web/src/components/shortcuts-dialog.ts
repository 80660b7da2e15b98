// The list of all shortcuts.
import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import './dialog';
import { shortcutGroups } from '../shortcuts';
import { controls } from '../styles/controls';
import { texts } from '../texts';

@customElement('lectern-shortcuts-dialog')
export class ShortcutsDialog extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        --dialog-width: 720px;
      }
      .groups {
        display: grid;
        grid-template-columns: repeat(3, minmax(0, 1fr));
        gap: var(--s5) var(--s6);
        margin-top: var(--s4);
      }
      .lead {
        color: var(--ink-2);
      }
      h3 {
        font-size: var(--t-sm);
        font-weight: 600;
        color: var(--ink-3);
        margin-bottom: var(--s2);
      }
      dl {
        margin: 0;
      }
      dl div {
        display: flex;
        flex-direction: row-reverse;
        align-items: center;
        justify-content: space-between;
        gap: var(--s3);
        min-height: 36px;
        font-size: var(--t-sm);
        border-top: 1px solid var(--line);
      }
      dd {
        margin: 0;
        line-height: 1.3;
      }
      kbd {
        display: inline-grid;
        place-items: center;
        min-width: 26px;
        height: 25px;
        padding: 0 7px;
        border: 1px solid var(--line-strong);
        border-bottom-width: 2px;
        border-radius: 7px;
        background: var(--surface-2);
        font-family: var(--font);
        font-size: var(--t-xs);
        font-weight: 600;
        white-space: nowrap;
      }
      @media (max-width: 760px) {
        .groups {
          grid-template-columns: 1fr;
        }
      }
    `,
  ];

  @property({ type: Boolean }) open = false;

  protected override render(): TemplateResult {
    return html`<lectern-dialog
      heading=${texts.shortcuts.title}
      .open=${this.open}
      @closed=${() => this.dispatchEvent(new CustomEvent('closed'))}
    >
      <p class="lead">${texts.shortcuts.lead}</p>
      <div class="groups" data-testid="shortcuts">
        ${shortcutGroups.map(
          ({ title, rows }) => html`<section>
            <h3>${title}</h3>
            <dl>
              ${rows.map(
                ({ keys, name }) =>
                  html`<div>
                    <dt>${keys.map((key) => html`<kbd>${key}</kbd>`)}</dt>
                    <dd>${name}</dd>
                  </div>`,
              )}
            </dl>
          </section>`,
        )}
      </div>
    </lectern-dialog>`;
  }
}
