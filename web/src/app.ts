// Which page the address asks for.
import { html, LitElement, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type { CreatedMeeting } from './api';
import { browserTrouble } from './browser';
import { keepOwnWay, keepSecret, secretOf, takeWay } from './link';
import { createdHere, keepCreated, keepOwnership, type Ownership } from './owned';
import './pages/created';
import './pages/loading';
import './pages/start';
import './pages/trouble';
import type { Way } from './session';
import { texts } from './texts';
import type { TroubleKind } from './trouble';

type Page =
  | { is: 'start' }
  | { is: 'created'; owned: Ownership }
  | { is: 'join'; way: Way }
  | { is: 'recordings'; meetingId: string }
  | { is: 'recording'; secret: string | undefined }
  | { is: 'trouble'; trouble: TroubleKind };

/** Pages that are loaded when somebody comes to them: the start page does without. */
const parts = {
  // The client library is big.
  join: () => import('./pages/join'),
  recordings: () => import('./pages/recordings'),
  recording: () => import('./pages/recording'),
};

type Part = keyof typeof parts;

/** As meetings are named: anything else is none. */
const RECORDINGS = /^\/recordings\/([\w-]{1,64})\/?$/;

@customElement('lectern-app')
export class App extends LitElement {
  @state() private parts: Partial<Record<Part, 'here' | 'failed'>> = {};
  @state() private page: Page = this.#pageOf(location);

  override connectedCallback(): void {
    super.connectedCallback();
    window.addEventListener('popstate', this.#moved);
    window.addEventListener('hashchange', this.#moved);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    window.removeEventListener('popstate', this.#moved);
    window.removeEventListener('hashchange', this.#moved);
  }

  protected override render(): TemplateResult {
    const { page } = this;
    switch (page.is) {
      case 'start':
        document.title = `${texts.product} · ${texts.start.title}`;
        return html`<lectern-start
          @created=${(event: CustomEvent<CreatedMeeting>) => this.#created(event.detail)}
          @join=${(event: CustomEvent<string>) => this.#join(event.detail)}
          @own=${(event: CustomEvent<Ownership>) => this.#host(event.detail)}
        ></lectern-start>`;
      case 'created':
        document.title = `${texts.created.title} · ${texts.product}`;
        return html`<lectern-created
          .owned=${page.owned}
          @next=${() => this.#host(page.owned)}
        ></lectern-created>`;
      case 'join':
        return this.#loaded('join', html`<lectern-join .way=${page.way}></lectern-join>`);
      case 'recordings':
        return this.#loaded(
          'recordings',
          html`<lectern-recordings .meetingId=${page.meetingId}></lectern-recordings>`,
        );
      case 'recording':
        return this.#loaded(
          'recording',
          html`<lectern-shared-recording .secret=${page.secret}></lectern-shared-recording>`,
        );
      case 'trouble':
        document.title = texts.product;
        return html`<lectern-trouble cause=${page.trouble}></lectern-trouble>`;
    }
  }

  #loaded(part: Part, page: TemplateResult): TemplateResult {
    switch (this.parts[part]) {
      case undefined:
        return html`<lectern-loading></lectern-loading>`;
      case 'here':
        return page;
      case 'failed':
        return html`<lectern-trouble
          cause="server-unreachable"
          again=${texts.tryAgain}
          @again=${() => void this.#reload(part)}
        ></lectern-trouble>`;
    }
  }

  readonly #moved = (): void => {
    this.page = this.#pageOf(location);
  };

  #pageOf({ pathname, hash }: Location): Page {
    const trouble = browserTrouble();
    if (trouble !== undefined) return { is: 'trouble', trouble };
    if (pathname === '/') return { is: 'start' };
    if (pathname === '/created') return this.#createdHere();
    const [, meetingId] = RECORDINGS.exec(pathname) ?? [];
    if (meetingId !== undefined) {
      void this.#load('recordings');
      return { is: 'recordings', meetingId };
    }
    if (pathname === '/recording' || pathname === '/recording/') {
      void this.#load('recording');
      return { is: 'recording', secret: secretOf(hash) };
    }
    if (pathname !== '/j' && pathname !== '/j/') return { is: 'trouble', trouble: 'page-missing' };
    const way = takeWay(location, history);
    if (way === undefined) return { is: 'trouble', trouble: 'link-missing' };
    void this.#load('join');
    return { is: 'join', way };
  }

  /** The links of the meeting that was made in this tab; the address alone says nothing of them. */
  #createdHere(): Page {
    const owned = createdHere();
    if (owned === undefined) return { is: 'start' };
    void this.#load('join');
    return { is: 'created', owned };
  }

  #created(created: CreatedMeeting): void {
    const { meeting, ...kept } = created;
    const owned = { meetingId: meeting.id, meetingName: meeting.name, ...kept };
    keepOwnership(owned);
    keepCreated(meeting.id);
    history.pushState(null, '', '/created');
    void this.#load('join');
    this.page = { is: 'created', owned };
  }

  #join(secret: string): void {
    keepSecret(secret);
    this.#open({ by: 'link', secret });
  }

  /** Into a meeting of one's own, as its host. */
  #host({ meetingId, ownerKey }: Ownership): void {
    keepOwnWay(meetingId);
    this.#open({ by: 'owner', meetingId, ownerKey });
  }

  #open(way: Way): void {
    history.pushState(null, '', '/j');
    void this.#load('join');
    this.page = { is: 'join', way };
  }

  async #load(part: Part): Promise<void> {
    if (this.parts[part] === 'failed') this.parts = { ...this.parts, [part]: undefined };
    try {
      await parts[part]();
      this.parts = { ...this.parts, [part]: 'here' };
    } catch (error) {
      console.error('The page does not load:', error);
      this.parts = { ...this.parts, [part]: 'failed' };
    }
  }

  /** Some browsers remember that a module failed: only a new page asks the server for it again. */
  async #reload(part: Part): Promise<void> {
    this.parts = { ...this.parts, [part]: undefined };
    try {
      await fetch(location.pathname, { cache: 'no-store' });
      location.reload();
    } catch (error) {
      console.info('The server is still away:', error);
      this.parts = { ...this.parts, [part]: 'failed' };
    }
  }
}
