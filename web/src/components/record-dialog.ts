// Asks before everything is recorded, and before that ends.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import './dialog';
import { icon } from '../icons';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { confirmStyles } from './confirm-styles';

const t = texts.record;

@customElement('lectern-record-dialog')
export class RecordDialog extends LitElement {
  static override styles = [
    controls,
    confirmStyles,
    css`
      :host {
        --dialog-width: 460px;
      }
      ul {
        display: grid;
        gap: var(--s3);
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: flex;
        gap: var(--s3);
        color: var(--ink-2);
      }
      li .icon {
        margin-top: 2px;
        color: var(--ink-3);
      }
    `,
  ];

  /** Whether recording is to be turned on or off; none while nothing is asked. */
  @property({ attribute: false }) wish: boolean | undefined;
  /** The film comes to the recordings page of this browser. */
  @property({ type: Boolean }) owner = false;

  protected override render(): TemplateResult {
    return html`<lectern-dialog
      heading=${this.wish === false ? t.stopTitle : t.startTitle}
      .open=${this.wish !== undefined}
      @closed=${() => this.#close()}
    >
      ${this.wish === undefined ? nothing : this.wish ? this.#start() : this.#stop()}
    </lectern-dialog>`;
  }

  #start(): TemplateResult {
    return html`<ul data-testid="record-start">
        <li>${icon('eye')} <span>${t.startBody}</span></li>
        <li>${icon('record')} <span>${t.startWhat}</span></li>
        <li>${icon('film')} <span>${this.owner ? t.startWhere : t.startElsewhere}</span></li>
      </ul>
      ${this.#buttons(texts.cancel, t.start, 'primary')}`;
  }

  #stop(): TemplateResult {
    return html`<p data-testid="record-stop">${t.stopBody}</p>
      ${this.#buttons(t.goOn, t.stop, 'danger')}`;
  }

  #buttons(no: string, yes: string, look: 'primary' | 'danger'): TemplateResult {
    return html`<div class="buttons">
      <button class="btn" data-testid="record-cancel" @click=${() => this.#close()}>${no}</button>
      <button
        class="btn ${look}"
        data-focus
        data-testid="record-confirm"
        @click=${() => this.#confirm()}
      >
        ${yes}
      </button>
    </div>`;
  }

  #confirm(): void {
    this.dispatchEvent(new CustomEvent<boolean>('record', { detail: this.wish === true }));
    this.#close();
  }

  #close(): void {
    this.dispatchEvent(new CustomEvent('closed'));
  }
}
