// Before the meeting: who comes in, and for presenters camera, microphone and speaker.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import '../components/device-select';
import '../components/join-form';
import type { SetupFailure } from '../components/join-form';
import '../components/preview';
import '../components/recorded-note';
import { canChooseSpeaker, refreshDevices } from '../devices/list';
import type { LocalDevices } from '../devices/local';
import { playTestSound } from '../devices/tone';
import { moment } from '../format';
import { icon } from '../icons';
import { recall, remember } from '../remembered';
import type { Entry, Introduction } from '../session';
import { Watch } from '../store';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { troubles } from '../trouble';
import { pageHeader, pageStyles } from './page';

const t = texts.prejoin;

const roleIcons = { viewer: 'eye', presenter: 'share', owner: 'crown' } as const;

@customElement('lectern-prejoin')
export class PrejoinPage extends LitElement {
  static override styles = [
    controls,
    pageStyles,
    css`
      main {
        width: 100%;
        max-width: 1080px;
        margin: 0 auto;
      }
      .presenter {
        display: grid;
        grid-template-columns: minmax(0, 1.15fr) minmax(300px, 0.85fr);
        gap: clamp(28px, 5vw, 72px);
        align-items: center;
      }
      .viewer {
        max-width: 440px;
        width: 100%;
        margin: 0 auto;
      }
      .role {
        display: inline-flex;
        align-items: center;
        gap: 6px;
        padding: 4px 10px 4px 8px;
        border-radius: var(--r-full);
        background: var(--primary-soft);
        color: var(--primary-ink);
        font-size: var(--t-sm);
        font-weight: 600;
        margin-bottom: var(--s3);
      }
      h1 {
        font-size: clamp(1.6rem, 3vw, 2.25rem);
        font-weight: 700;
        letter-spacing: -0.028em;
        margin-bottom: var(--s2);
        overflow-wrap: anywhere;
      }
      .lead {
        margin-bottom: var(--s5);
        font-size: var(--t-md);
      }
      .elsewhere {
        margin-top: var(--s5);
        padding: var(--s4);
        border: 1px solid var(--line);
        border-radius: var(--r3);
        background: var(--surface);
      }
      .elsewhere h2 {
        display: flex;
        align-items: center;
        gap: var(--s2);
        font-size: var(--t-lg);
      }
      .elsewhere p {
        margin: var(--s2) 0 var(--s4);
        color: var(--ink-2);
      }
      .buttons {
        display: flex;
        flex-wrap: wrap;
        gap: var(--s3);
      }
      .devices {
        display: grid;
        gap: var(--s3);
      }
      .speaker {
        display: grid;
        grid-template-columns: 1fr auto;
        gap: var(--s2);
        align-items: end;
      }
      .speaker .btn {
        min-height: 46px;
      }
      .locked {
        display: flex;
        gap: var(--s2);
        align-items: center;
        margin-bottom: var(--s4);
        padding: var(--s3) var(--s4);
        border-radius: var(--r2);
        background: var(--brass-soft);
        color: var(--brass-ink);
        font-size: var(--t-sm);
      }
      lectern-recorded-note {
        margin-bottom: var(--s4);
      }
      .hint {
        margin-top: var(--s4);
      }
      @media (max-width: 820px) {
        .presenter {
          grid-template-columns: 1fr;
        }
        main {
          align-items: start;
        }
      }
      @media (max-width: 480px) {
        .buttons .btn {
          width: 100%;
        }
      }
    `,
  ];

  @property({ attribute: false }) entry!: Entry;
  /** Only for presenters: a viewer's page never touches a device. */
  @property({ attribute: false }) local: LocalDevices | undefined;
  @property({ attribute: false }) failure: SetupFailure | undefined;
  @property({ type: Boolean }) busy = false;
  /** Another tab of this browser is in the meeting. */
  @property({ type: Boolean }) elsewhere = false;
  @state() private name = recall('name');
  @state() private speaker = recall('speaker');
  @state() private speakerFailed = false;

  readonly #watch = new Watch(this);

  protected override willUpdate(): void {
    this.#watch.watch(this.local?.state);
  }

  protected override firstUpdated(): void {
    if (this.local !== undefined) void this.local.start();
    void refreshDevices();
  }

  protected override render(): TemplateResult {
    const presenter = this.local !== undefined;
    const { role, meeting } = this.entry;
    return html`${pageHeader()}
      <main>
        <div class=${presenter ? 'presenter' : 'viewer'} data-testid="prejoin">
          ${
            this.local === undefined
              ? nothing
              : html`<lectern-preview .local=${this.local} .name=${this.name}></lectern-preview>`
          }
          <div>
            <span class="role">
              ${icon(roleIcons[role])} ${texts.people.roles[role]}
            </span>
            <h1 dir="auto">${meeting.name || texts.created.untitled}</h1>
            ${this.elsewhere ? this.#elsewhere() : this.#form()}
          </div>
        </div>
      </main>`;
  }

  #elsewhere(): TemplateResult {
    const tell = (wish: string) => () => this.dispatchEvent(new CustomEvent(wish));
    return html`<div class="elsewhere" role="status" data-testid="elsewhere">
      <h2>${icon('tabs')} ${t.elsewhere}</h2>
      <p>${t.elsewhereBody}</p>
      <div class="buttons">
        <button class="btn primary" data-testid="continue-here" @click=${tell('continue')}>
          ${t.continueHere}
        </button>
        <button class="btn" data-testid="join-as-other" @click=${tell('other')}>
          ${t.joinAsOther}
        </button>
      </div>
    </div>`;
  }

  #form(): TemplateResult {
    const { role, locked, expiresAt, recordedBy } = this.entry;
    const expires = moment(expiresAt);
    return html`<p class="lead">${t.leads[role]}</p>
      ${
        locked && role !== 'owner'
          ? html`<p class="locked" data-testid="locked">${icon('lock')} ${t.locked}</p>`
          : nothing
      }
      ${
        recordedBy === undefined
          ? nothing
          : html`<lectern-recorded-note .by=${recordedBy} holder=${role}></lectern-recorded-note>`
      }
      <lectern-join-form
        .entry=${this.entry}
        .failure=${this.failure}
        ?busy=${this.busy}
        @named=${(event: CustomEvent<string>) => (this.name = event.detail)}
        @join=${(event: CustomEvent<Introduction>) => this.#join(event.detail)}
      >
        ${this.local === undefined ? nothing : this.#devices(this.local)}
      </lectern-join-form>
      ${expires === undefined || role === 'owner' ? nothing : html`<p class="hint">${t.expires(expires)}</p>`}`;
  }

  #devices(local: LocalDevices): TemplateResult {
    const { microphone, camera } = local.state.value;
    return html`<div class="devices">
      <lectern-device-select
        kind="microphone"
        .value=${microphone.id}
        @chosen=${(event: CustomEvent<string>) => void local.choose('microphone', event.detail)}
      ></lectern-device-select>
      <lectern-device-select
        kind="camera"
        .value=${camera.id}
        @chosen=${(event: CustomEvent<string>) => void local.choose('camera', event.detail)}
      ></lectern-device-select>
      ${canChooseSpeaker() ? this.#speaker() : nothing}
    </div>`;
  }

  #speaker(): TemplateResult {
    return html`<div class="speaker">
        <lectern-device-select
          kind="speaker"
          .value=${this.speaker}
          @chosen=${(event: CustomEvent<string>) => this.#speakerChosen(event.detail)}
        ></lectern-device-select>
        <button
          type="button"
          class="btn"
          data-testid="test-sound"
          @click=${() => void this.#testSound()}
        >
          ${icon('speaker')} ${t.testSound}
        </button>
      </div>
      ${
        this.speakerFailed
          ? html`<p class="error" role="alert">${troubles['speaker-failed'].title}.</p>`
          : nothing
      }`;
  }

  #speakerChosen(id: string): void {
    this.speaker = id;
    remember('speaker', id);
  }

  async #testSound(): Promise<void> {
    this.speakerFailed = false;
    try {
      await playTestSound(this.speaker);
    } catch (error) {
      console.info('The test sound does not play:', error);
      this.speakerFailed = true;
    }
  }

  #join(detail: Introduction): void {
    this.dispatchEvent(new CustomEvent<Introduction>('join', { detail }));
  }
}
