// The title of a recording, which its owner changes in place.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { icon } from '../icons';
import { TITLE_CHARACTERS } from '../recording';
import { controls } from '../styles/controls';
import { texts } from '../texts';

const t = texts.recordings;

@customElement('lectern-recording-title')
export class RecordingTitle extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: block;
        min-width: 0;
      }
      .row {
        display: flex;
        align-items: flex-start;
        gap: 2px;
      }
      h2 {
        font-size: var(--t-lg);
        line-height: 1.35;
        padding: 3px 0;
        overflow-wrap: anywhere;
        display: -webkit-box;
        -webkit-box-orient: vertical;
        -webkit-line-clamp: 3;
        overflow: hidden;
      }
      form {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto auto;
        gap: var(--s2);
      }
      form input[type='text'] {
        min-height: 40px;
        padding: 0 var(--s3);
        font-weight: 560;
      }
      .error {
        grid-column: 1 / -1;
      }
      .error:empty {
        display: none;
      }
      @media (max-width: 480px) {
        form {
          grid-template-columns: 1fr 1fr;
        }
        form input[type='text'] {
          grid-column: 1 / -1;
        }
      }
    `,
  ];

  /** May be empty. */
  @property() value = '';
  /** Gives false when the server refused it. */
  @property({ attribute: false }) rename!: (title: string) => Promise<boolean>;
  @state() private editing = false;
  @state() private busy = false;
  @state() private missing = false;
  @query('input') private field!: HTMLInputElement;
  @query('.edit') private button!: HTMLElement;

  protected override render(): TemplateResult {
    return this.editing ? this.#form() : this.#shown();
  }

  #shown(): TemplateResult {
    const title = this.value || t.untitled;
    return html`<div class="row">
      <h2 dir="auto" data-testid="recording-title">${title}</h2>
      <button
        class="btn quiet icon-only small edit"
        aria-label=${t.renameThis(title)}
        title=${t.rename}
        data-testid="rename"
        @click=${() => void this.#edit()}
      >
        ${icon('edit')}
      </button>
    </div>`;
  }

  #form(): TemplateResult {
    return html`<form
      @submit=${(event: Event) => void this.#save(event)}
      @keydown=${(event: KeyboardEvent) => event.key === 'Escape' && void this.#show()}
      novalidate
    >
      <input
        type="text"
        dir="auto"
        autocomplete="off"
        maxlength=${TITLE_CHARACTERS}
        aria-label=${t.titleLabel}
        aria-invalid=${this.missing ? 'true' : 'false'}
        aria-describedby="missing"
        data-testid="title-field"
        @input=${() => (this.missing = false)}
      />
      <button
        class="btn primary small"
        aria-disabled=${this.busy ? 'true' : nothing}
        data-testid="title-save"
      >
        ${t.save}
      </button>
      <button type="button" class="btn small" @click=${() => void this.#show()}>
        ${texts.cancel}
      </button>
      <p class="error" id="missing" role="alert">${this.missing ? t.titleMissing : ''}</p>
    </form>`;
  }

  async #edit(): Promise<void> {
    this.editing = true;
    this.missing = false;
    await this.updateComplete;
    this.field.value = this.value;
    this.field.select();
  }

  async #show(): Promise<void> {
    this.editing = false;
    await this.updateComplete;
    this.button.focus();
  }

  async #save(event: Event): Promise<void> {
    event.preventDefault();
    if (this.busy) return;
    const title = this.field.value.trim();
    this.missing = title === '';
    if (this.missing) return this.field.focus();
    if (title === this.value) return this.#show();
    this.busy = true;
    const done = await this.rename(title);
    this.busy = false;
    // What was refused stays in the field.
    if (done && this.editing) await this.#show();
  }
}
