// Before the meeting: a name, and for presenters camera, microphone and speaker.
import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import type { Invitation } from '../api';
import '../components/device-select';
import '../components/preview';
import { canChooseSpeaker, refreshDevices } from '../devices/list';
import type { LocalDevices } from '../devices/local';
import { playTestSound } from '../devices/tone';
import { moment } from '../format';
import { icon } from '../icons';
import { recall, remember } from '../remembered';
import { Watch } from '../store';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { troubles } from '../trouble';
import { pageHeader, pageStyles } from './page';

const t = texts.prejoin;

/** The server's limit for names. */
const NAME_CHARACTERS = 64;

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
      form {
        display: grid;
        gap: var(--s4);
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
      .hint {
        margin-top: var(--s1);
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
        form .btn.primary {
          width: 100%;
        }
      }
    `,
  ];

  @property({ attribute: false }) invitation!: Invitation;
  /** Only for presenters: a viewer's page never touches a device. */
  @property({ attribute: false }) local: LocalDevices | undefined;
  @query('#name') private nameField!: HTMLInputElement;
  @state() private name = recall('name');
  @state() private nameMissing = false;
  @state() private speaker = recall('speaker');
  @state() private speakerFailed = false;

  readonly #watch = new Watch(this);

  protected override willUpdate(): void {
    this.#watch.watch(this.local?.state);
  }

  protected override firstUpdated(): void {
    if (this.local !== undefined) void this.local.start();
    void refreshDevices();
    if (this.name === '') this.nameField.focus();
  }

  protected override render(): TemplateResult {
    const presenter = this.local !== undefined;
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
              ${icon(presenter ? 'share' : 'eye')}
              ${texts.people.roles[this.invitation.role]}
            </span>
            <h1>${this.invitation.meetingName || texts.created.untitled}</h1>
            <p class="lead">${presenter ? t.presenterLead : t.viewerLead}</p>
            ${this.#form()}
          </div>
        </div>
      </main>`;
  }

  #form(): TemplateResult {
    const expires = moment(this.invitation.expiresAt);
    return html`<form @submit=${(event: Event) => this.#join(event)} novalidate>
      <div class="field">
        <label for="name">${t.name}</label>
        <input
          id="name"
          type="text"
          autocomplete="name"
          maxlength=${NAME_CHARACTERS}
          placeholder=${t.namePlaceholder}
          data-testid="name"
          .value=${this.name}
          aria-invalid=${this.nameMissing ? 'true' : 'false'}
          aria-describedby="name-error"
          @input=${() => this.#named()}
        />
        <p class="error" id="name-error" role="alert">${this.nameMissing ? t.nameMissing : ''}</p>
      </div>
      ${this.local === undefined ? nothing : this.#devices(this.local)}
      <button class="btn primary big" data-testid="join">${t.join} ${icon('forward')}</button>
      ${expires === undefined ? nothing : html`<p class="hint">${t.expires(expires)}</p>`}
    </form>`;
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

  #named(): void {
    this.name = this.nameField.value;
    if (this.name.trim() !== '') this.nameMissing = false;
  }

  #join(event: Event): void {
    event.preventDefault();
    const name = this.name.trim();
    this.nameMissing = name === '';
    if (this.nameMissing) return this.nameField.focus();
    remember('name', name);
    this.dispatchEvent(new CustomEvent<string>('join', { detail: name }));
  }
}
