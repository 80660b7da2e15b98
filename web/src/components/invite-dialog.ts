// The links to pass on: both for who made the meeting, else the one by which this person came in.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import './copy';
import './dialog';
import './owned-link';
import { ownLink } from '../link';
import { ownership } from '../owned';
import type { Role } from '../session';
import { controls } from '../styles/controls';
import { texts } from '../texts';

const t = texts.invite;

@customElement('lectern-invite-dialog')
export class InviteDialog extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        --dialog-width: 520px;
      }
      p {
        color: var(--ink-2);
      }
      lectern-copy {
        margin-top: var(--s4);
      }
    `,
  ];

  @property({ type: Boolean }) open = false;
  @property() meetingId = '';
  @property() holder: Role = 'viewer';
  /** Viewers may see this dialog on the shared screen: the presenter link stays hidden. */
  @property({ type: Boolean }) sharing = false;

  protected override render(): TemplateResult {
    return html`<lectern-dialog
      heading=${t.title}
      .open=${this.open}
      @closed=${() => this.dispatchEvent(new CustomEvent('closed'))}
    >
      ${this.open ? this.#body() : nothing}
    </lectern-dialog>`;
  }

  #body(): TemplateResult {
    if (ownership(this.meetingId) !== undefined) {
      return html`<p>${t.lead}</p>
        <lectern-owned-link .meetingId=${this.meetingId} link="viewer"></lectern-owned-link>
        <lectern-owned-link
          .meetingId=${this.meetingId}
          link="presenter"
          ?hides=${this.sharing}
        ></lectern-owned-link>`;
    }
    const link = ownLink(location.origin);
    if (link === undefined) return html`<p>${t.none}</p>`;
    const viewer = this.holder === 'viewer';
    const label = viewer ? texts.created.viewer : texts.created.presenter;
    return html`<p>${viewer ? t.viewerOnly : t.presenterOnly}</p>
      <lectern-copy
        .value=${link}
        label=${label}
        primary
        ?hides=${this.sharing && !viewer}
      ></lectern-copy>`;
  }
}
