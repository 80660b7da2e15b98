// Which page the address asks for.
import { html, LitElement, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type { CreatedMeeting } from './api';
import { browserTrouble } from './browser';
import {
  keepOwnership,
  keepSecret,
  keptOwnership,
  secretOf,
  takeSecret,
  type Ownership,
} from './link';
import './pages/created';
import './pages/loading';
import './pages/start';
import './pages/trouble';
import { texts } from './texts';
import type { TroubleKind } from './trouble';

type Page =
  | { is: 'start' }
  | { is: 'created'; owned: Ownership }
  | { is: 'join'; secret: string }
  | { is: 'trouble'; trouble: TroubleKind };

@customElement('lectern-app')
export class App extends LitElement {
  @state() private joinPage: 'away' | 'here' | 'failed' = 'away';
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
        ></lectern-start>`;
      case 'created':
        document.title = `${texts.created.title} · ${texts.product}`;
        return html`<lectern-created
          .owned=${page.owned}
          @next=${() => this.#join(secretOf(page.owned.presenter.url) ?? '')}
        ></lectern-created>`;
      case 'join':
        return this.#joining(page.secret);
      case 'trouble':
        document.title = texts.product;
        return html`<lectern-trouble cause=${page.trouble}></lectern-trouble>`;
    }
  }

  #joining(secret: string): TemplateResult {
    switch (this.joinPage) {
      case 'away':
        return html`<lectern-loading></lectern-loading>`;
      case 'here':
        return html`<lectern-join .secret=${secret}></lectern-join>`;
      case 'failed':
        return html`<lectern-trouble
          cause="server-unreachable"
          again=${texts.tryAgain}
          @again=${() => void this.#reload()}
        ></lectern-trouble>`;
    }
  }

  readonly #moved = (): void => {
    this.page = this.#pageOf(location);
  };

  #pageOf({ pathname }: Location): Page {
    const trouble = browserTrouble();
    if (trouble !== undefined) return { is: 'trouble', trouble };
    if (pathname === '/') return { is: 'start' };
    if (pathname === '/created') return this.#createdHere();
    if (pathname !== '/j' && pathname !== '/j/') return { is: 'trouble', trouble: 'page-missing' };
    const secret = takeSecret(location, history);
    if (secret === undefined) return { is: 'trouble', trouble: 'link-missing' };
    void this.#loadJoin();
    return { is: 'join', secret };
  }

  /** The links of the meeting that was made in this tab; the address alone says nothing of them. */
  #createdHere(): Page {
    const owned = keptOwnership();
    if (owned === undefined) return { is: 'start' };
    void this.#loadJoin();
    return { is: 'created', owned };
  }

  #created(created: CreatedMeeting): void {
    const { meeting, ownerKey, presenter, viewer } = created;
    const owned = { meetingId: meeting.id, meetingName: meeting.name, ownerKey, presenter, viewer };
    keepOwnership(owned);
    history.pushState(null, '', '/created');
    void this.#loadJoin();
    this.page = { is: 'created', owned };
  }

  #join(secret: string): void {
    keepSecret(secret);
    history.pushState(null, '', '/j');
    void this.#loadJoin();
    this.page = { is: 'join', secret };
  }

  /** The client library is big: the start page does without it. */
  async #loadJoin(): Promise<void> {
    if (this.joinPage === 'failed') this.joinPage = 'away';
    try {
      await import('./pages/join');
      this.joinPage = 'here';
    } catch (error) {
      console.error('The meeting page does not load:', error);
      this.joinPage = 'failed';
    }
  }

  /** Some browsers remember that a module failed: only a new page asks the server for it again. */
  async #reload(): Promise<void> {
    this.joinPage = 'away';
    try {
      await fetch(location.pathname, { cache: 'no-store' });
      location.reload();
    } catch (error) {
      console.info('The server is still away:', error);
      this.joinPage = 'failed';
    }
  }
}
