// People side by side, as large as the room allows; an incomplete last row stands in the middle.
import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { styleMap } from 'lit/directives/style-map.js';
import type { Person } from '../meeting/state';
import type { Size } from '../zoom';
import { gridOf } from './grid-layout';

const GAP = 12;

@customElement('lectern-grid')
export class Grid extends LitElement {
  static override styles = css`
    :host {
      display: block;
      position: relative;
      min-height: 0;
      overflow: hidden;
    }
    div {
      position: absolute;
      inset: 0;
      display: flex;
      flex-wrap: wrap;
      place-content: center;
    }
    span {
      display: grid;
    }
  `;

  @property({ attribute: false }) people: readonly Person[] = [];
  @property({ attribute: false }) tile!: (person: Person) => TemplateResult;
  @state() private box: Size = { width: 0, height: 0 };

  readonly #observer = new ResizeObserver(([entry]) => {
    const { width, height } = entry!.contentRect;
    this.box = { width, height };
  });

  override connectedCallback(): void {
    super.connectedCallback();
    this.#observer.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#observer.disconnect();
  }

  protected override render(): TemplateResult {
    const { tile } = gridOf(this.people.length, this.box, GAP);
    const size = styleMap({ width: `${tile.width}px`, height: `${tile.height}px` });
    return html`<div style=${styleMap({ gap: `${GAP}px` })}>
      ${repeat(
        this.people,
        ({ identity }) => identity,
        (person) => html`<span style=${size}>${this.tile(person)}</span>`,
      )}
    </div>`;
  }
}
