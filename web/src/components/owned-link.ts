// A link of one's own meeting: to be copied, or replaced when it went to the wrong people.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { announce } from '../announce';
import { replaceLink, troubleOf, type LinkRole } from '../api';
import './copy';
import { icon } from '../icons';
import { followReplaced } from '../link';
import { keepReplaced, ownership } from '../owned';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { troubles, type TroubleKind } from '../trouble';

const t = texts.invite;

@customElement('lectern-owned-link')
export class OwnedLink extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: block;
        margin-top: var(--s5);
      }
      .title {
        display: flex;
        align-items: center;
        justify-content: space-between;
        min-height: 32px;
      }
      h3 {
        font-size: var(--t-md);
      }
      .hint {
        margin-bottom: var(--s3);
      }
      .ask {
        display: flex;
        align-items: center;
        gap: var(--s2);
        margin-top: var(--s3);
        padding: 8px 8px 8px 14px;
        border-radius: var(--r2);
        background: var(--brass-soft);
        color: var(--brass-ink);
        font-size: var(--t-sm);
      }
      .ask p {
        flex: 1;
      }
      .error {
        margin-top: var(--s2);
      }
    `,
  ];

  @property() meetingId = '';
  @property() link: LinkRole = 'viewer';
  @property({ type: Boolean }) hides = false;
  @state() private asking = false;
  @state() private busy = false;
  @state() private trouble: TroubleKind | undefined;

  protected override render(): TemplateResult | typeof nothing {
    const owned = ownership(this.meetingId);
    if (owned === undefined) return nothing;
    const viewer = this.link === 'viewer';
    const title = viewer ? texts.created.viewer : texts.created.presenter;
    return html`<div class="title">
        <h3>${title}</h3>
        <button
          class="btn quiet icon-only small"
          aria-label="${t.replace}: ${title}"
          title=${t.replace}
          aria-expanded=${this.asking ? 'true' : 'false'}
          data-testid="replace-${this.link}"
          @click=${() => (this.asking = !this.asking)}
        >
          ${icon('reload')}
        </button>
      </div>
      <p class="hint">${viewer ? texts.created.viewerHint : texts.created.presenterHint}</p>
      <lectern-copy
        .value=${owned[this.link].url}
        label=${title}
        ?primary=${viewer}
        ?hides=${this.hides}
      ></lectern-copy>
      ${this.asking ? this.#ask() : nothing}
      ${
        this.trouble === undefined
          ? nothing
          : html`<p class="error" role="alert">
            <b>${troubles[this.trouble].title}.</b> ${troubles[this.trouble].body}
          </p>`
      }`;
  }

  #ask(): TemplateResult {
    return html`<div class="ask" role="group" aria-label=${t.replace}>
      <p>${t.replaceAsk}</p>
      <button class="btn small" @click=${() => (this.asking = false)}>${t.replaceNo}</button>
      <button
        class="btn brass small"
        data-testid="replace-confirm"
        ?disabled=${this.busy}
        @click=${() => void this.#replace()}
      >
        ${t.replaceYes}
      </button>
    </div>`;
  }

  async #replace(): Promise<void> {
    const owned = ownership(this.meetingId);
    if (owned === undefined || this.busy) return;
    this.busy = true;
    this.trouble = undefined;
    try {
      const { meetingId, ownerKey } = owned;
      const made = await replaceLink(meetingId, ownerKey, owned[this.link].id, this.link);
      followReplaced(owned[this.link].url, made.url);
      keepReplaced(owned, this.link, made);
      this.asking = false;
      announce(t.replaced);
    } catch (error) {
      this.trouble = troubleOf(error);
    }
    this.busy = false;
  }
}
