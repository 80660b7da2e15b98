// A small panel that hangs on a button: it opens beside its anchor, inside the window, and closes
// on Escape or a click elsewhere.
import { css, html, LitElement, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { controls } from '../styles/controls';

const GAP = 8;
const MARGIN = 10;

@customElement('lectern-popover')
export class Popover extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        position: fixed;
        inset: auto;
        z-index: 30;
        margin: 0;
        padding: var(--s4);
        max-width: calc(100vw - 20px);
        max-height: calc(100dvh - 20px);
        overflow: auto;
        border: 1px solid var(--line);
        border-radius: var(--r3);
        background: var(--surface);
        color: var(--ink);
        box-shadow: var(--shadow-2);
      }
      :host(:not([open])) {
        display: none;
      }
    `,
  ];

  @property({ type: Boolean, reflect: true }) open = false;
  @property({ attribute: false }) anchor: HTMLElement | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    // The top layer lifts it over clipped boxes, where the browser has one for popovers.
    if ('popover' in HTMLElement.prototype) this.setAttribute('popover', 'manual');
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#listen(false);
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (!changed.has('open')) return;
    if (this.hasAttribute('popover') && this.isConnected) this.togglePopover(this.open);
    this.#listen(this.open);
    if (!this.open) return;
    this.place();
    this.querySelector<HTMLElement>('[data-focus]')?.focus();
  }

  /** Moves it to its anchor; call again when its content changes size. */
  place(): void {
    const anchor = this.anchor?.getBoundingClientRect();
    if (anchor === undefined) return;
    const { width, height } = this.getBoundingClientRect();
    const above = anchor.top - GAP - height;
    const below = anchor.bottom + GAP;
    const top = above >= MARGIN ? above : Math.min(below, window.innerHeight - height - MARGIN);
    const centred = anchor.left + anchor.width / 2 - width / 2;
    const left = Math.min(Math.max(MARGIN, centred), window.innerWidth - width - MARGIN);
    this.style.top = `${Math.max(MARGIN, top)}px`;
    this.style.left = `${Math.max(MARGIN, left)}px`;
  }

  protected override render(): TemplateResult {
    return html`<slot @slotchange=${() => this.place()}></slot>`;
  }

  #listen(on: boolean): void {
    const change = on ? 'addEventListener' : 'removeEventListener';
    document[change]('pointerdown', this.#pressed as EventListener, true);
    document[change]('keydown', this.#key as EventListener, true);
    window[change]('resize', this.#resized);
  }

  readonly #resized = (): void => this.place();

  readonly #pressed = (event: PointerEvent): void => {
    const path = event.composedPath();
    if (path.includes(this) || (this.anchor !== undefined && path.includes(this.anchor))) return;
    this.#close();
  };

  readonly #key = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    event.stopPropagation();
    this.#close();
    this.anchor?.focus();
  };

  #close(): void {
    this.open = false;
    this.dispatchEvent(new CustomEvent('closed'));
  }
}
