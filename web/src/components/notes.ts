// Short notes of what happens, for eyes; screen readers get the same by their own regions. Some have
// a button, which everybody can reach.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { controls } from '../styles/controls';

/** Long enough to read a line, short enough not to pile up. */
const SHOWN_MS = 4_500;

/** Long enough to reach for the button. */
const WITH_BUTTON_MS = 20_000;

/** More at once would cover the screen that people came to see. */
const MOST = 3;

export interface NoteAction {
  label: string;
  /** The name by which assistive technology calls it; alone, the label says too little. */
  name: string;
  testId: string;
  /** The note goes when this is no longer true. */
  holds: () => boolean;
  run: () => void;
}

interface Note {
  id: number;
  text: string;
  action: NoteAction | undefined;
}

@customElement('lectern-notes')
export class Notes extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: grid;
        gap: 8px;
        justify-items: start;
        pointer-events: none;
      }
      .note {
        display: flex;
        align-items: center;
        gap: var(--s3);
        max-width: min(400px, 100%);
        padding: 9px 14px;
        border-radius: 12px;
        background: rgb(14 22 18 / 90%);
        color: #f2f7f4;
        font-size: var(--t-sm);
        line-height: 1.4;
        box-shadow: var(--shadow-2);
        animation: come 220ms var(--ease);
      }
      .note:has(button) {
        padding-right: 9px;
        pointer-events: auto;
      }
      p {
        margin: 0;
        display: -webkit-box;
        -webkit-box-orient: vertical;
        -webkit-line-clamp: 2;
        overflow: hidden;
        overflow-wrap: anywhere;
      }
      .btn {
        flex: none;
      }
      .btn:focus-visible {
        outline-color: #8ff0d0;
      }
      @keyframes come {
        from {
          opacity: 0;
          transform: translateY(8px);
        }
      }
    `,
  ];

  @state() private notes: Note[] = [];
  #next = 0;

  show(text: string, action?: NoteAction): void {
    const note = { id: this.#next++, text, action };
    this.notes = [...this.notes, note].slice(-MOST);
    const shownMs = action === undefined ? SHOWN_MS : WITH_BUTTON_MS;
    setTimeout(() => this.#drop(note.id), shownMs);
  }

  /** Takes away what is no longer true. */
  refresh(): void {
    const left = this.notes.filter(({ action }) => action?.holds() ?? true);
    if (left.length < this.notes.length) this.notes = left;
  }

  protected override render(): TemplateResult {
    return html`${repeat(
      this.notes,
      ({ id }) => id,
      ({ id, text, action }) => html`<div class="note">
        <p aria-hidden="true" data-testid="note">${text}</p>
        ${action === undefined ? nothing : this.#button(id, action)}
      </div>`,
    )}`;
  }

  #button(id: number, { label, name, testId, run }: NoteAction): TemplateResult {
    return html`<button
      class="btn brass small"
      aria-label=${name}
      data-testid=${testId}
      @click=${() => {
        this.#drop(id);
        run();
      }}
    >
      ${label}
    </button>`;
  }

  #drop(id: number): void {
    this.notes = this.notes.filter((note) => note.id !== id);
  }
}
