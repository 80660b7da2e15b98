// A modal dialog; on phones a sheet that rises from the bottom. Focus goes in and comes back.
import { css, html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { announceIn } from '../announce';
import { icon } from '../icons';
import { controls } from '../styles/controls';
import { texts } from '../texts';

@customElement('lectern-dialog')
export class Dialog extends LitElement {
  static override styles = [
    controls,
    css`
      dialog {
        width: min(var(--dialog-width, 460px), calc(100vw - 32px));
        max-height: min(820px, calc(100dvh - 48px));
        padding: 0;
        border: 1px solid var(--line);
        border-radius: var(--r4);
        background: var(--surface);
        color: var(--ink);
        box-shadow: var(--shadow-3);
        overflow: hidden;
        flex-direction: column;
      }
      dialog[open] {
        display: flex;
        animation: rise var(--slow) var(--ease);
      }
      dialog::backdrop {
        background: var(--scrim);
        animation: fade var(--slow) var(--ease);
      }
      header {
        display: flex;
        align-items: center;
        gap: var(--s3);
        padding: var(--s4) var(--s4) 0 var(--s5);
      }
      h2 {
        flex: 1;
        font-size: var(--t-xl);
        padding: var(--s2) 0;
      }
      h2:focus-visible {
        outline: none;
      }
      .body {
        padding: var(--s2) var(--s5) var(--s5);
        overflow: auto;
        overscroll-behavior: contain;
      }
      @keyframes rise {
        from {
          opacity: 0;
          transform: translateY(12px);
        }
      }
      @keyframes fade {
        from {
          opacity: 0;
        }
      }
      @media (max-width: 640px) {
        dialog {
          width: 100vw;
          max-width: 100vw;
          margin: auto 0 0;
          border-radius: var(--r4) var(--r4) 0 0;
          border-width: 1px 0 0;
          padding-bottom: env(safe-area-inset-bottom);
        }
      }
    `,
  ];

  @property({ type: Boolean, reflect: true }) open = false;
  @property() heading = '';
  @query('dialog') private dialog!: HTMLDialogElement;
  @query('h2') private headline!: HTMLElement;
  @query('.body') private body!: HTMLElement;
  @state() private scrolls = false;

  #hush: (() => void) | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#hush?.();
    this.#hush = undefined;
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (!changed.has('open')) return;
    if (this.open && !this.dialog.open) {
      this.dialog.showModal();
      this.#hush = announceIn(this.dialog);
      const wished = this.querySelector<HTMLElement>('[data-focus]');
      (wished ?? this.headline).focus();
      // What scrolls must scroll by keyboard too.
      this.scrolls = this.body.scrollHeight > this.body.clientHeight;
    } else if (!this.open) {
      this.#hush?.();
      this.#hush = undefined;
      this.dialog.close();
    }
  }

  protected override render(): TemplateResult {
    return html`<dialog
      aria-labelledby="title"
      @close=${() => this.#closed()}
      @click=${(event: MouseEvent) => this.#clickedBeside(event)}
    >
      <header>
        <h2 id="title" tabindex="-1">${this.heading}</h2>
        <button
          class="btn quiet icon-only"
          aria-label=${texts.close}
          data-testid="dialog-close"
          @click=${() => this.dialog.close()}
        >
          ${icon('close')}
        </button>
      </header>
      <div
        class="body"
        role=${this.scrolls ? 'region' : nothing}
        tabindex=${this.scrolls ? '0' : nothing}
        aria-labelledby=${this.scrolls ? 'title' : nothing}
      >
        <slot></slot>
      </div>
    </dialog>`;
  }

  #closed(): void {
    this.open = false;
    this.dispatchEvent(new CustomEvent('closed'));
  }

  #clickedBeside(event: MouseEvent): void {
    if (event.target !== this.dialog) return;
    const { left, right, top, bottom } = this.dialog.getBoundingClientRect();
    const inside =
      event.clientX >= left &&
      event.clientX <= right &&
      event.clientY >= top &&
      event.clientY <= bottom;
    if (!inside) this.dialog.close();
  }
}
