// Another film of a recording: how it looks, and who is in it.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import './dialog';
import { icon } from '../icons';
import { hasFilm, layouts, peopleOf, type Known, type Layout, type Recording } from '../recording';
import { recordingRefusal, type NewFilm } from '../recordings';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { troubles, type TroubleKind } from '../trouble';
import { layoutPicture } from './layout-picture';

const t = texts.film;

@customElement('lectern-film-dialog')
export class FilmDialog extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        --dialog-width: 600px;
      }
      .lead {
        color: var(--ink-2);
      }
      fieldset {
        margin: var(--s5) 0 0;
        padding: 0;
        border: 0;
        min-width: 0;
      }
      legend {
        padding: 0;
        margin-bottom: var(--s2);
        font-size: var(--t-sm);
        font-weight: 560;
        color: var(--ink-2);
      }
      .layouts {
        display: grid;
        grid-template-columns: repeat(2, minmax(0, 1fr));
        gap: var(--s3);
      }
      .layouts label {
        position: relative;
        display: grid;
        grid-template-columns: 112px minmax(0, 1fr);
        gap: var(--s3);
        align-items: center;
        padding: var(--s3);
        border: 1px solid var(--line);
        border-radius: var(--r2);
        cursor: pointer;
      }
      .layouts label:hover {
        background: var(--surface-2);
      }
      .layouts label:has(:checked) {
        border-color: var(--primary);
        box-shadow: inset 0 0 0 1px var(--primary);
        background: var(--primary-soft);
      }
      .layouts label:has(:focus-visible) {
        outline: 2px solid var(--focus);
        outline-offset: 2px;
      }
      .layouts input {
        position: absolute;
        opacity: 0;
      }
      .layouts b {
        display: block;
        font-weight: 600;
        line-height: 1.25;
      }
      .layouts small {
        display: block;
        margin-top: 2px;
        font-size: var(--t-xs);
        line-height: 1.35;
        color: var(--ink-2);
      }
      .layouts small.there {
        color: var(--brass-ink);
        font-weight: 560;
      }
      svg.layout {
        display: block;
        width: 100%;
        border-radius: 6px;
        background: var(--hero-frame);
      }
      svg .screen {
        fill: #f6faf8;
      }
      svg .person {
        fill: #5f7a6e;
      }
      svg .face {
        fill: #cfdcd5;
      }
      .people {
        display: grid;
        grid-template-columns: repeat(2, minmax(0, 1fr));
        gap: 0 var(--s4);
        max-height: 216px;
        padding: 2px 4px;
        overflow-y: auto;
      }
      .check {
        min-width: 0;
        min-height: 36px;
      }
      .check bdi {
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
      }
      .buttons {
        display: flex;
        justify-content: flex-end;
        gap: var(--s3);
        margin-top: var(--s5);
      }
      .error {
        margin-top: var(--s4);
      }
      @media (max-width: 640px) {
        .layouts,
        .people {
          grid-template-columns: minmax(0, 1fr);
        }
        .layouts label {
          grid-template-columns: 88px minmax(0, 1fr);
        }
        .buttons .btn {
          flex: 1;
          min-height: 48px;
        }
      }
    `,
  ];

  /** None while it is closed. */
  @property({ attribute: false }) recording: Recording | undefined;
  @property({ attribute: false }) make!: (film: NewFilm) => Promise<void>;
  @state() private layout: Layout = 'screen';
  @state() private without: ReadonlySet<string> = new Set();
  @state() private busy = false;
  @state() private trouble: TroubleKind | undefined;

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    const before = changed.get('recording') as Recording | undefined;
    const { recording } = this;
    if (!changed.has('recording') || before?.id === recording?.id) return;
    this.trouble = undefined;
    this.without = new Set();
    if (recording === undefined) return;
    // What is not there yet is what somebody comes for.
    this.layout = layouts.find((layout) => !hasFilm(recording, layout, [])) ?? 'beside';
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
    const people = peopleOf(recording);
    const nobody = this.#isEmpty();
    return html`<form @submit=${(event: Event) => void this.#make(event)} novalidate>
      <p class="lead">${t.lead}</p>
      <fieldset>
        <legend>${t.layout}</legend>
        <div class="layouts">${layouts.map((layout) => this.#layout(recording, layout))}</div>
      </fieldset>
      ${people.length < 2 ? nothing : this.#people(people)}
      ${nobody ? html`<p class="error" role="alert">${t.nobody}</p>` : nothing}
      ${
        this.trouble === undefined
          ? nothing
          : html`<p class="error" role="alert" data-testid="trouble" data-cause=${this.trouble}>
            <b>${troubles[this.trouble].title}.</b> ${troubles[this.trouble].body}
          </p>`
      }
      <div class="buttons">
        <button type="button" class="btn" @click=${() => this.#close()}>${texts.cancel}</button>
        <button
          class="btn primary"
          aria-disabled=${this.busy || nobody ? 'true' : nothing}
          data-testid="film-make"
        >
          ${icon('film')} ${this.busy ? t.making : t.make}
        </button>
      </div>
    </form>`;
  }

  #layout(recording: Recording, layout: Layout): TemplateResult {
    const { name, hint } = t.layouts[layout];
    const there = hasFilm(recording, layout, [...this.without]);
    return html`<label data-testid="layout-${layout}">
      <input
        type="radio"
        name="layout"
        value=${layout}
        aria-label=${name}
        aria-describedby="hint-${layout}"
        ?data-focus=${this.layout === layout}
        .checked=${this.layout === layout}
        @change=${() => (this.layout = layout)}
      />
      ${layoutPicture(layout)}
      <span>
        <b>${name}</b>
        <small id="hint-${layout}" class=${there ? 'there' : ''}>${there ? t.there : hint}</small>
      </span>
    </label>`;
  }

  #people(people: readonly Known[]): TemplateResult {
    return html`<fieldset>
      <legend>${t.people}</legend>
      <div class="people" data-testid="film-people">
        ${people.map(
          ({ participants, name }) =>
            html`<label class="check">
              <input
                type="checkbox"
                .checked=${!participants.some((one) => this.without.has(one))}
                @change=${() => this.#toggle(participants)}
              />
              <bdi>${t.person(texts.recordings.trackOf(name), participants.length)}</bdi>
            </label>`,
        )}
      </div>
      <p class="hint">${t.peopleHint}</p>
    </fieldset>`;
  }

  #toggle(participants: readonly string[]): void {
    const without = new Set(this.without);
    const out = participants.some((one) => without.has(one));
    for (const one of participants) without[out ? 'delete' : 'add'](one);
    this.without = without;
  }

  #isEmpty(): boolean {
    const people = this.recording?.people ?? [];
    return people.length > 0 && this.without.size >= people.length;
  }

  async #make(event: Event): Promise<void> {
    event.preventDefault();
    if (this.busy || this.#isEmpty()) return;
    this.busy = true;
    this.trouble = undefined;
    try {
      await this.make({ layout: this.layout, without: [...this.without] });
    } catch (error) {
      console.info('No film is made:', error);
      this.trouble = recordingRefusal(error);
    }
    this.busy = false;
  }

  #close(): void {
    this.dispatchEvent(new CustomEvent('closed'));
  }
}
