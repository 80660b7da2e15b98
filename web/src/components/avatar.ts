// The initials of a person on a colour that stays the same for the same name.
import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';

/** White text on each of these has a contrast of at least 4.5. */
const COLOURS = [
  '#1d6b58',
  '#8a4b12',
  '#5b4a9c',
  '#9c3a55',
  '#2f6690',
  '#6b6215',
  '#a1422b',
  '#4c6434',
];

@customElement('lectern-avatar')
export class Avatar extends LitElement {
  static override styles = css`
    :host {
      display: grid;
      place-items: center;
      flex: none;
      width: var(--avatar-size, 36px);
      height: var(--avatar-size, 36px);
      border-radius: var(--r-full);
      color: #fff;
      font-size: calc(var(--avatar-size, 36px) * 0.38);
      font-weight: 620;
      letter-spacing: 0.01em;
      user-select: none;
    }
  `;

  @property() name = '';

  protected override willUpdate(): void {
    this.style.backgroundColor = colourOf(this.name);
  }

  protected override render(): TemplateResult {
    return html`<span aria-hidden="true">${initials(this.name)}</span>`;
  }
}

export function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined]
    .map((word) => [...(word ?? '')][0] ?? '')
    .join('');
  return letters === '' ? '?' : letters.toUpperCase();
}

export function colourOf(name: string): string {
  let hash = 0;
  for (const letter of name) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return COLOURS[hash % COLOURS.length] ?? COLOURS[0]!;
}
