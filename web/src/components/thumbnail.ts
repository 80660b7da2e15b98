// A small picture of a film. It is asked for when it comes into sight: a long list is a burst else.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { icon } from '../icons';
import type { MediaFile } from '../recording';
import type { MediaSource } from '../recordings';
import { controls } from '../styles/controls';

/** Pictures that are nearly in sight are asked for, too. */
const MARGIN = '200px';

@customElement('lectern-thumbnail')
export class Thumbnail extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        position: relative;
        display: grid;
        place-items: center;
        aspect-ratio: 16 / 9;
        border-radius: var(--r2);
        overflow: hidden;
        background: var(--surface-3);
        color: var(--ink-3);
        font-size: 1.4rem;
      }
      img {
        position: absolute;
        inset: 0;
        width: 100%;
        height: 100%;
        object-fit: cover;
      }
    `,
  ];

  /** None while there is no film. */
  @property({ attribute: false }) file: MediaFile | undefined;
  @property({ attribute: false }) files!: MediaSource;
  @state() private url = '';

  #shown = '';
  #sight: IntersectionObserver | undefined;
  #inSight = false;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#sight = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting !== true) return;
        this.#sight?.disconnect();
        this.#inSight = true;
        this.requestUpdate();
      },
      { rootMargin: MARGIN },
    );
    this.#sight.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#sight?.disconnect();
  }

  protected override updated(): void {
    const name = this.file?.name ?? '';
    if (!this.#inSight || name === this.#shown) return;
    this.#shown = name;
    void this.#load(name);
  }

  protected override render(): TemplateResult {
    return html`${icon('film')}
    ${
      this.url === ''
        ? nothing
        : html`<img src=${this.url} alt="" @error=${() => (this.url = '')} />`
    }`;
  }

  async #load(name: string): Promise<void> {
    if (name === '') return void (this.url = '');
    try {
      const { url } = await this.files.address(name, 'play');
      if (name === this.#shown) this.url = url;
    } catch (error) {
      // It is an ornament: the sign of a film stands in its place.
      console.info('A thumbnail does not come:', error);
    }
  }
}
