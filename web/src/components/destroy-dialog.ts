// Asks before a recording is destroyed, and says what goes with it.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import './dialog';
import { longMoment } from '../format';
import type { Recording } from '../recording';
import { recordingRefusal } from '../recordings';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { troubles, type TroubleKind } from '../trouble';
import { confirmStyles } from './confirm-styles';

const t = texts.destroy;

@customElement('lectern-destroy-dialog')
export class DestroyDialog extends LitElement {
  static override styles = [
    controls,
    confirmStyles,
    css`
      .which {
        margin-bottom: var(--s3);
        padding: var(--s3) var(--s4);
        border-radius: var(--r2);
        background: var(--surface-2);
        color: var(--ink);
        overflow-wrap: anywhere;
      }
      .which b {
        display: block;
      }
      .error {
        margin-top: var(--s3);
        color: var(--danger-ink);
      }
    `,
  ];

  /** None while nothing is asked. */
  @property({ attribute: false }) recording: Recording | undefined;
  @property({ attribute: false }) destroy!: (recording: Recording) => Promise<void>;
  @state() private busy = false;
  @state() private trouble: TroubleKind | undefined;

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    const before = changed.get('recording') as Recording | undefined;
    if (before?.id !== this.recording?.id) this.trouble = undefined;
  }

  protected override render(): TemplateResult {
    const { recording } = this;
    return html`<lectern-dialog
      heading=${t.title}
      .open=${recording !== undefined}
      @closed=${() => this.#close()}
    >
      ${recording === undefined ? nothing : this.#body(recording)}
    </lectern-dialog>`;
  }

  #body(recording: Recording): TemplateResult {
    const { title, startedAt, state } = recording;
    const running = state === 'recording';
    return html`<p class="which">
        <b dir="auto">${title || texts.recordings.untitled}</b>${longMoment(startedAt) ?? ''}
      </p>
      <p data-testid="destroy-body">${running ? t.running : t.body}</p>
      ${
        this.trouble === undefined
          ? nothing
          : html`<p class="error" role="alert">
            <b>${troubles[this.trouble].title}.</b> ${troubles[this.trouble].body}
          </p>`
      }
      <div class="buttons">
        <button class="btn" data-focus data-testid="destroy-cancel" @click=${() => this.#close()}>
          ${t.keep}
        </button>
        ${
          running
            ? nothing
            : html`<button
              class="btn danger"
              aria-disabled=${this.busy ? 'true' : nothing}
              data-testid="destroy-confirm"
              @click=${() => void this.#confirm(recording)}
            >
              ${t.confirm}
            </button>`
        }
      </div>`;
  }

  async #confirm(recording: Recording): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.trouble = undefined;
    try {
      await this.destroy(recording);
    } catch (error) {
      console.info('The recording is not deleted:', error);
      this.trouble = recordingRefusal(error);
    }
    this.busy = false;
  }

  #close(): void {
    this.dispatchEvent(new CustomEvent('closed'));
  }
}
