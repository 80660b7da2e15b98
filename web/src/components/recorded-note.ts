// Says at the door that what happens inside is recorded, before anything is sent.
import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { icon } from '../icons';
import { presents } from '../meeting/state';
import type { Role } from '../session';
import { controls } from '../styles/controls';
import { texts } from '../texts';

const t = texts.recorded;

@customElement('lectern-recorded-note')
export class RecordedNote extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: block;
      }
      .note {
        display: flex;
        gap: var(--s3);
        padding: var(--s3) var(--s4);
        border-radius: var(--r2);
        background: var(--danger-soft);
        color: var(--danger-ink);
        font-size: var(--t-sm);
        text-align: start;
        overflow-wrap: anywhere;
      }
      .icon {
        margin-top: 1px;
      }
      b {
        display: block;
        font-size: var(--t-md);
        font-weight: 620;
      }
    `,
  ];

  /** Who turned it on; may be empty. */
  @property() by = '';
  @property() holder: Role = 'viewer';

  protected override render(): TemplateResult {
    const body = presents(this.holder) ? t.noteBody : t.noteViewer;
    return html`<div class="note" role="status" data-testid="recorded-note">
      ${icon('record')}
      <p><b>${t.note}</b> ${body(this.by)}</p>
    </div>`;
  }
}
