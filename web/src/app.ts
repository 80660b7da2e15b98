// Which page the address asks for.
import { html, LitElement, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type { CreatedMeeting } from './api';
import { browserTrouble } from './browser';
import { keepOwnership, keepSecret, secretOf, takeSecret } from './link';
import './pages/created';
import './pages/start';
import './pages/trouble';
import { texts } from './texts';
import type { TroubleKind } from './trouble';

type Page =
  | { is: 'start' }
  | { is: 'created'; created: CreatedMeeting }
  | { is: 'join'; secret: string }
  | { is: 'trouble'; trouble: TroubleKind };

@customElement('lectern-app')
export class App extends LitElement {
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
          .created=${page.created}
          @next=${() => this.#join(secretOf(page.created.presenter.url) ?? '')}
        ></lectern-created>`;
      case 'join':
        return html`<lectern-join .secret=${page.secret}></lectern-join>`;
      case 'trouble':
        document.title = texts.product;
        return html`<lectern-trouble cause=${page.trouble}></lectern-trouble>`;
    }
  }

  readonly #moved = (): void => {
    this.page = this.#pageOf(location);
  };

  #pageOf({ pathname }: Location): Page {
    const trouble = browserTrouble();
    if (trouble !== undefined) return { is: 'trouble', trouble };
    if (pathname === '/') return { is: 'start' };
    if (pathname !== '/j' && pathname !== '/j/') return { is: 'trouble', trouble: 'page-missing' };
    const secret = takeSecret(location, history);
    if (secret === undefined) return { is: 'trouble', trouble: 'link-missing' };
    this.#loadJoin();
    return { is: 'join', secret };
  }

  #created(created: CreatedMeeting): void {
    const { meeting, ownerKey, presenter, viewer } = created;
    keepOwnership({ meetingId: meeting.id, ownerKey, presenter, viewer });
    this.#loadJoin();
    this.page = { is: 'created', created };
  }

  #join(secret: string): void {
    keepSecret(secret);
    history.pushState(null, '', '/j');
    this.#loadJoin();
    this.page = { is: 'join', secret };
  }

  /** The client library is big: the start page does without it. */
  #loadJoin(): void {
    void import('./pages/join').catch((error: unknown) => {
      console.error('The meeting page does not load:', error);
      this.page = { is: 'trouble', trouble: 'server-unreachable' };
    });
  }
}
