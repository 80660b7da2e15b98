// The level of the own microphone as a row of lights.
import { css, html, LitElement, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { LevelMeter } from '../devices/level';
import { texts } from '../texts';

const LIGHTS = 14;

/** Often enough to follow a voice, rarely enough to cost nothing. */
const PERIOD_MS = 66;

@customElement('lectern-meter')
export class Meter extends LitElement {
  static override styles = css`
    :host {
      display: flex;
      gap: 3px;
      align-items: center;
    }
    i {
      flex: 1;
      height: 6px;
      border-radius: 3px;
      background: var(--surface-3);
      transition: background 60ms linear;
    }
    i.lit {
      background: var(--good);
    }
    i.hot {
      background: var(--brass);
    }
  `;

  @property({ attribute: false }) track: MediaStreamTrack | undefined;

  #meter: LevelMeter | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #shown = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    this.setAttribute('role', 'meter');
    this.setAttribute('aria-label', texts.prejoin.level);
    this.setAttribute('aria-valuemin', '0');
    this.setAttribute('aria-valuemax', '100');
    this.setAttribute('aria-valuenow', '0');
    this.#timer = setInterval(() => this.#measure(), PERIOD_MS);
    this.#open();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#timer);
    this.#close();
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has('track')) this.#open();
  }

  protected override render(): TemplateResult {
    return html`${Array.from({ length: LIGHTS }, () => html`<i></i>`)}`;
  }

  #open(): void {
    this.#close();
    if (this.track !== undefined) this.#meter = new LevelMeter(this.track);
  }

  #close(): void {
    this.#meter?.close();
    this.#meter = undefined;
  }

  #measure(): void {
    const level = this.#meter?.level ?? 0;
    // Falls slower than it rises, as eyes expect of a meter.
    this.#shown = Math.max(level, this.#shown * 0.86);
    const lit = Math.round(this.#shown * LIGHTS);
    this.renderRoot.querySelectorAll('i').forEach((light, index) => {
      light.className = index >= lit ? '' : index >= LIGHTS - 3 ? 'hot' : 'lit';
    });
    this.setAttribute('aria-valuenow', String(Math.round(this.#shown * 100)));
  }
}
