// System, light or dark.
import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import { icon, type IconName } from '../icons';
import { Watch } from '../store';
import { controls } from '../styles/controls';
import { texts } from '../texts';
import { chooseTheme, theme, type ThemeChoice } from '../theme';

const choices: readonly [ThemeChoice, IconName][] = [
  ['system', 'system'],
  ['light', 'light'],
  ['dark', 'night'],
];

@customElement('lectern-theme-switch')
export class ThemeSwitch extends LitElement {
  static override styles = [
    controls,
    css`
      :host {
        display: inline-block;
      }
      fieldset {
        display: flex;
        gap: 2px;
        margin: 0;
        padding: 3px;
        border: 0;
        border-radius: var(--r-full);
        background: var(--surface-2);
      }
      label {
        display: grid;
        place-items: center;
        width: 34px;
        height: 30px;
        border-radius: var(--r-full);
        color: var(--ink-3);
        cursor: pointer;
        font-size: var(--t-sm);
      }
      label:hover {
        color: var(--ink);
      }
      label:has(:checked) {
        background: var(--surface);
        color: var(--ink);
        box-shadow: var(--shadow-1);
      }
      label:has(:focus-visible) {
        outline: 2px solid var(--focus);
        outline-offset: 1px;
      }
    `,
  ];

  readonly #watch = new Watch(this);

  override connectedCallback(): void {
    super.connectedCallback();
    this.#watch.watch(theme);
  }

  protected override render(): TemplateResult {
    return html`<fieldset>
      <legend class="visually-hidden">${texts.settings.theme}</legend>
      ${choices.map(
        ([choice, picture]) => html`<label title=${texts.settings.themes[choice]}>
          <input
            class="visually-hidden"
            type="radio"
            name="theme"
            data-testid="theme-${choice}"
            .checked=${theme.value.choice === choice}
            @change=${() => chooseTheme(choice)}
          />
          ${icon(picture)}
          <span class="visually-hidden">${texts.settings.themes[choice]}</span>
        </label>`,
      )}
    </fieldset>`;
  }
}
