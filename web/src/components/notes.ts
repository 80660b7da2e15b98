// Short notes of what happens, for eyes; screen readers get the same by their own regions.
import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';

/** Long enough to read a line, short enough not to pile up. */
const SHOWN_MS = 4_500;

/** More at once would cover the screen that people came to see. */
const MOST = 3;

interface Note {
  id: number;
  text: string;
}

@customElement('lectern-notes')
export class Notes extends LitElement {
  static override styles = css`
    :host {
      display: grid;
      gap: 8px;
      justify-items: start;
      pointer-events: none;
    }
    p {
      margin: 0;
      max-width: min(360px, 100%);
      padding: 9px 14px;
      border-radius: 12px;
      background: rgb(14 22 18 / 90%);
      color: #f2f7f4;
      font-size: var(--t-sm);
      line-height: 1.4;
      box-shadow: var(--shadow-2);
      display: -webkit-box;
      -webkit-box-orient: vertical;
      -webkit-line-clamp: 2;
      overflow: hidden;
      overflow-wrap: anywhere;
      animation: come 220ms var(--ease);
    }
    @keyframes come {
      from {
        opacity: 0;
        transform: translateY(8px);
      }
    }
    @media (prefers-reduced-motion: reduce) {
      p {
        animation: none;
      }
    }
  `;

  @state() private notes: Note[] = [];
  #next = 0;

  show(text: string): void {
    const note = { id: this.#next++, text };
    this.notes = [...this.notes, note].slice(-MOST);
    setTimeout(() => (this.notes = this.notes.filter(({ id }) => id !== note.id)), SHOWN_MS);
  }

  protected override render(): TemplateResult {
    return html`${repeat(
      this.notes,
      ({ id }) => id,
      ({ text }) => html`<p aria-hidden="true" data-testid="note">${text}</p>`,
    )}`;
  }
}
