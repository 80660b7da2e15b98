// From a link to the end of a meeting: look the link up, set up, take part, go or come back.
import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { ApiError, inspectLink, join, troubleOf, type Invitation, type Ticket } from '../api';
import { LocalDevices } from '../devices/local';
import { currentSecret, keepGood, refusalOf } from '../link';
import { LiveMeeting } from '../meeting/live/live';
import type { Ending } from '../meeting/state';
import { Watch } from '../store';
import { texts } from '../texts';
import './loading';
import './prejoin';
import './stage';
import './trouble';

type Step =
  | { is: 'looking' }
  | { is: 'setup'; invitation: Invitation; local?: LocalDevices }
  | { is: 'meeting'; meeting: LiveMeeting }
  | { is: 'trouble'; trouble: Ending };

/** Trying the same link again does not help these. */
const FINAL: readonly Ending[] = ['link-invalid', 'link-expired', 'link-revoked', 'link-missing'];

@customElement('lectern-join')
export class JoinFlow extends LitElement {
  static override styles = css`
    :host {
      display: block;
    }
  `;

  @property() secret = '';
  @state() private step: Step = { is: 'looking' };

  readonly #watch = new Watch(this);

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    end(this.step);
  }

  protected override willUpdate(changed: Map<PropertyKey, unknown>): void {
    if (changed.has('secret')) void this.#look();
    this.#watch.watch(this.step.is === 'meeting' ? this.step.meeting.state : undefined);
  }

  protected override render(): TemplateResult {
    const { step } = this;
    switch (step.is) {
      case 'looking':
        return html`<lectern-loading .text=${texts.prejoin.looking}></lectern-loading>`;
      case 'setup':
        document.title = `${step.invitation.meetingName || texts.prejoin.title} · ${texts.product}`;
        return html`<lectern-prejoin
          .invitation=${step.invitation}
          .local=${step.local}
          @join=${(event: CustomEvent<string>) => this.#enter(step, event.detail)}
        ></lectern-prejoin>`;
      case 'meeting':
        return this.#meeting(step.meeting);
      case 'trouble':
        return this.#trouble(step.trouble, texts.tryAgain, () => void this.#look());
    }
  }

  #meeting(meeting: LiveMeeting): TemplateResult {
    const { phase } = meeting.state.value;
    if (phase.is !== 'ended') return html`<lectern-stage .meeting=${meeting}></lectern-stage>`;
    // Only another name helps, and that is asked for in the setup.
    if (phase.ending === 'name-refused') {
      return this.#trouble(phase.ending, texts.ended.rename, () => void this.#look());
    }
    const again = phase.ending === 'meeting-ended' ? '' : texts.ended.rejoin;
    return this.#trouble(phase.ending, again, () => void meeting.rejoin());
  }

  #trouble(cause: Ending, again: string, action: () => void): TemplateResult {
    return html`<lectern-trouble
      cause=${cause}
      again=${FINAL.includes(cause) ? '' : again}
      @again=${action}
    ></lectern-trouble>`;
  }

  async #look(): Promise<void> {
    const { secret } = this;
    // A second link in the same tab takes the place of the first.
    end(this.step);
    this.step = { is: 'looking' };
    try {
      const invitation = await inspectLink(secret);
      // A newer link may have come while this one was looked up.
      if (secret !== this.secret) return;
      keepGood(secret, invitation.expiresAt);
      const presenter = invitation.role === 'presenter';
      this.step = {
        is: 'setup',
        invitation,
        ...(presenter ? { local: new LocalDevices() } : {}),
      };
    } catch (error) {
      console.info('The link does not open:', error);
      if (secret === this.secret) {
        this.step = { is: 'trouble', trouble: troubleOf(explained(error, secret)) };
      }
    }
  }

  #enter(step: Step & { is: 'setup' }, name: string): void {
    const { secret } = this;
    const meeting = new LiveMeeting({
      ticket: () => ticketFor(currentSecret() ?? secret, name),
      devices: step.local?.take() ?? Promise.resolve({ tracks: [] }),
      meetingName: step.invitation.meetingName || texts.created.untitled,
      role: step.invitation.role,
    });
    this.step = { is: 'meeting', meeting };
    void meeting.connect();
  }
}

/** Lets go of devices and rooms that a step holds. */
function end(step: Step): void {
  if (step.is === 'setup') step.local?.release();
  if (step.is === 'meeting') void step.meeting.leave();
}

async function ticketFor(secret: string, name: string): Promise<Ticket> {
  try {
    return await join(secret, name);
  } catch (error) {
    throw explained(error, secret);
  }
}

/** Says of a refused link what this tab knows of it. */
function explained(error: unknown, secret: string): unknown {
  if (!(error instanceof ApiError) || error.code !== 'link_invalid') return error;
  const code = refusalOf(secret, Date.now()).replace('-', '_');
  return new ApiError(code, error.status, error.message);
}
