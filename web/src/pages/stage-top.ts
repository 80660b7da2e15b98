// The line above a meeting: what it is called, who is here, and the way to invite more.
import { html, nothing, type TemplateResult } from 'lit';
import '../components/logo';
import { icon } from '../icons';
import type { MeetingState } from '../meeting/state';
import { texts } from '../texts';

const t = texts.stage;

export function top(
  { meetingName, phase, people, door }: MeetingState,
  act: (action: 'invite' | 'people') => void,
): TemplateResult {
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
