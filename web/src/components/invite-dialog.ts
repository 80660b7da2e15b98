// The links to pass on: both for who made the meeting, else the one by which this person came in.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { Role } from '../api';
import './copy';
import './dialog';
import { ownership, ownLink } from '../link';
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
      section {
        margin-top: var(--s5);
      }
      h3 {
        font-size: var(--t-md);
      }
      section p {
        font-size: var(--t-sm);
        margin: 2px 0 var(--s3);
        color: var(--ink-3);
      }
      lectern-copy {
        margin-top: var(--s4);
      }
      section lectern-copy {
        margin-top: 0;
      }
    `,
  ];

  @property({ type: Boolean }) open = false;
  @property() meetingId = '';
  @property() holder: Role = 'viewer';

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
    const owned = ownership(this.meetingId);
    if (owned !== undefined) {
      const c = texts.created;
      return html`<p>${t.lead}</p>
        ${section(c.viewer, c.viewerHint, owned.viewer.url, true)}
        ${section(c.presenter, c.presenterHint, owned.presenter.url, false)}`;
    }
    const link = ownLink(location.origin);
    if (link === undefined) return html`<p>${t.none}</p>`;
    const viewer = this.holder === 'viewer';
    const label = viewer ? texts.created.viewer : texts.created.presenter;
    return html`<p>${viewer ? t.viewerOnly : t.presenterOnly}</p>
      <lectern-copy .value=${link} label=${label} primary></lectern-copy>`;
  }
}

function section(title: string, hint: string, url: string, primary: boolean): TemplateResult {
  return html`<section>
    <h3>${title}</h3>
    <p>${hint}</p>
    <lectern-copy .value=${url} label=${title} ?primary=${primary}></lectern-copy>
  </section>`;
}
