// What each person of a recording sent, as files to download.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { size, timecode } from '../format';
import { icon } from '../icons';
import { tracksOf, type MediaFile, type Recording } from '../recording';
import { controls } from '../styles/controls';
import { texts } from '../texts';

const t = texts.recordings;

@customElement('lectern-recording-tracks')
export class RecordingTracks extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: block;
      }
      summary {
        display: inline-flex;
        align-items: center;
        gap: 6px;
        min-height: 32px;
        padding: 0 8px 0 0;
        border-radius: 8px;
        color: var(--ink-2);
        font-size: var(--t-sm);
        font-weight: 560;
        list-style: none;
        cursor: pointer;
      }
      summary::-webkit-details-marker {
        display: none;
      }
      details[open] summary .icon {
        transform: rotate(180deg);
      }
      .hint {
        margin: var(--s1) 0 var(--s3);
      }
      h3 {
        margin: var(--s3) 0 var(--s1);
        font-size: var(--t-sm);
        overflow-wrap: anywhere;
      }
      ul {
        display: grid;
        gap: 2px;
        margin: 0;
        padding: 0;
        list-style: none;
      }
      li {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto auto;
        align-items: center;
        gap: 2px var(--s3);
        min-height: 40px;
        padding: 2px 4px 2px 10px;
        border-radius: 8px;
        background: var(--surface-2);
        font-size: var(--t-sm);
      }
      .about {
        color: var(--ink-3);
      }
      @media (max-width: 560px) {
        li {
          grid-template-columns: minmax(0, 1fr) auto;
          padding-block: 6px;
        }
        .about {
          grid-area: 2 / 1;
        }
        li .btn {
          grid-area: 1 / 2 / 3 / 3;
        }
      }
      li .icon {
        color: inherit;
      }
      li .btn:hover {
        background: var(--surface-3);
      }
    `,
  ];

  @property({ attribute: false }) recording!: Recording;

  protected override render(): TemplateResult | typeof nothing {
    const people = tracksOf(this.recording);
    const count = people.reduce((sum, { files }) => sum + files.length, 0);
    if (count === 0) return nothing;
    return html`<details data-testid="tracks">
      <summary>${icon('down')} ${t.tracks(count)}</summary>
      <p class="hint">${t.tracksHint}</p>
      ${people.map(
        ({ name, files }) =>
          html`<h3><bdi>${t.trackOf(name)}</bdi></h3>
            <ul>
              ${files.map((file) => this.#track(file, t.trackOf(name)))}
            </ul>`,
      )}
    </details>`;
  }

  #track(file: MediaFile, name: string): TemplateResult {
    const what = file.width === 0 ? t.sound : t.picture(file.width, file.height);
    const from = t.trackFrom(timecode(file.offsetMs));
    return html`<li data-testid="track">
      <span>${what}</span>
      <span class="about">${from} · ${timecode(file.durationMs)} · ${size(file.bytes)}</span>
      <button
        class="btn quiet icon-only small"
        aria-label=${t.downloadThis(`${name}, ${what}, ${from}`, size(file.bytes))}
        title=${t.download}
        ?disabled=${this.recording.unreachable}
        data-testid="download-track"
        @click=${() => this.#download(file)}
      >
        ${icon('download')}
      </button>
    </li>`;
  }

  #download(file: MediaFile): void {
    this.dispatchEvent(new CustomEvent<MediaFile>('download', { detail: file }));
  }
}
