// The line above a meeting: what it is called, who is here, and the way to invite more.
import { html, nothing, type TemplateResult } from 'lit';
import '../components/logo';
import { icon } from '../icons';
import { isRecorded, waits, type MeetingState } from '../meeting/state';
import { texts } from '../texts';

const t = texts.stage;

export function top(
  state: MeetingState,
  act: (action: 'invite' | 'people') => void,
): TemplateResult {
  const { meetingName, phase, people, door } = state;
  return html`<header class="top">
    <lectern-logo bare></lectern-logo>
    <h1 dir="auto" data-testid="meeting-title">${meetingName}</h1>
    ${
      door.locked
        ? html`<span class="locked" title=${texts.news.door.locked.on} data-testid="locked">
            ${icon('lock')}<span class="visually-hidden">${texts.news.door.locked.on}</span>
          </span>`
        : nothing
    }
    ${recorded(state)}
    <span class="space"></span>
    ${phase.is === 'connecting' ? nothing : count(people.length, () => act('people'))}
    <button
      class="btn small invite"
      aria-label=${t.invite}
      data-testid="invite"
      @click=${() => act('invite')}
    >
      ${icon('userPlus')} <span>${t.invite}</span>
    </button>
  </header>`;
}

/** For as long as the meeting is recorded, and then that it stopped by itself. */
function recorded({ recording }: MeetingState): TemplateResult | typeof nothing {
  if (recording === undefined) return nothing;
  const t = texts.recorded;
  if (!isRecorded({ recording })) {
    return html`<p class="recorded stopped" data-testid="recording-stopped">
      ${icon('recordOff')} ${t.stopped}
    </p>`;
  }
  const by = t.by(recording.by);
  const sign = waits(recording) ? t.interrupted : t.sign;
  return html`<p
    class="recorded ${waits(recording) ? 'waiting' : ''}"
    title="${sign} ${by}"
    data-testid="recording"
  >
    <i aria-hidden="true"></i> <b>${sign}</b>
    ${by === '' ? nothing : html`<span class="by"><span aria-hidden="true">·</span> ${by}</span>`}
  </p>`;
}

function count(people: number, open: () => void): TemplateResult {
  return html`<button
    class="btn quiet small count"
    aria-label=${t.watching(people)}
    title=${t.watching(people)}
    data-testid="count"
    @click=${open}
  >
    ${icon('people')} ${people}
  </button>`;
}
