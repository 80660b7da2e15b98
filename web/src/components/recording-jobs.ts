// What is being made of a recording: a bar for each film, and what failed.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { icon } from '../icons';
import { isRunning, type Job } from '../recording';
import { controls } from '../styles/controls';
import { texts } from '../texts';

const t = texts.jobs;

@customElement('lectern-recording-jobs')
export class RecordingJobs extends LitElement {
  static override styles = [
    controls,
    css`
      ul {
        display: grid;
        gap: var(--s2);
        margin: 0;
        padding: 0;
        list-style: none;
        font-size: var(--t-sm);
      }
      li.running {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: 4px var(--s3);
        color: var(--ink-2);
      }
      progress {
        grid-column: 1 / -1;
        appearance: none;
        width: 100%;
        height: 6px;
        border: 0;
        border-radius: 3px;
        background: var(--surface-3);
        overflow: hidden;
      }
      progress::-webkit-progress-bar {
        background: var(--surface-3);
      }
      progress::-webkit-progress-value {
        background: var(--primary);
        transition: width var(--slow) var(--ease);
      }
      progress::-moz-progress-bar {
        background: var(--primary);
      }
      li.failed {
        display: flex;
        align-items: center;
        gap: var(--s3);
        padding: 8px 8px 8px 12px;
        border-radius: var(--r2);
        background: var(--danger-soft);
        color: var(--danger-ink);
      }
      li.failed p {
        flex: 1;
        min-width: 0;
        overflow-wrap: anywhere;
      }
      @media (max-width: 480px) {
        li.failed {
          flex-wrap: wrap;
        }
        li.failed p {
          flex-basis: 80%;
        }
      }
    `,
  ];

  @property({ attribute: false }) jobs: readonly Job[] = [];
  /** A film can be asked for once more. */
  @property({ type: Boolean }) again = false;

  protected override render(): TemplateResult | typeof nothing {
    const shown = this.jobs.filter((job) => isRunning(job) || job.state === 'failed');
    if (shown.length === 0) return nothing;
    return html`<ul data-testid="jobs">
      ${repeat(
        shown,
        ({ id }) => id,
        (job) => (job.state === 'failed' ? this.#failed(job) : this.#running(job)),
      )}
    </ul>`;
  }

  #running(job: Job): TemplateResult {
    const label = t.label(job);
    const waits = job.state === 'waiting';
    return html`<li class="running" data-testid="job" data-state=${job.state}>
      <span>${label}</span>
      <span class="figures" aria-hidden="true">${waits ? t.waiting : t.percent(job.progress)}</span>
      <progress
        max="1"
        .value=${waits ? 0 : job.progress}
        aria-label=${waits ? `${label}, ${t.waiting}` : label}
      ></progress>
    </li>`;
  }

  #failed(job: Job): TemplateResult {
    return html`<li class="failed" data-testid="job" data-state="failed">
      ${icon('alert')}
      <p>
        <b>${t.label(job)}.</b> ${t.failed}
        ${job.reason === '' ? nothing : html`<bdi>${job.reason}</bdi>`}
      </p>
      ${
        job.kind === 'film' && this.again
          ? html`<button
              class="btn small"
              aria-label="${t.again}: ${t.label(job)}"
              data-testid="job-again"
              @click=${() => this.dispatchEvent(new CustomEvent<Job>('again', { detail: job }))}
            >
              ${t.again}
            </button>`
          : nothing
      }
    </li>`;
  }
}
