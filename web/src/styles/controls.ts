// The look of native controls: buttons, fields, lists of figures. Shared by all components.
import { css } from 'lit';

export const controls = css`
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  :host {
    color: var(--ink);
  }
  [hidden] {
    display: none !important;
  }
  :focus {
    outline: none;
  }
  :focus-visible {
    outline: 2px solid var(--focus);
    outline-offset: 2px;
  }
  h1,
  h2,
  h3,
  p {
    margin: 0;
  }
  h1,
  h2,
  h3 {
    font-weight: 650;
    letter-spacing: -0.015em;
    line-height: 1.2;
    text-wrap: balance;
  }
  svg.icon {
    width: 1.25em;
    height: 1.25em;
    flex: none;
    display: block;
  }
  button {
    font: inherit;
    color: inherit;
    letter-spacing: inherit;
  }
  .btn {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: var(--s2);
    min-height: 42px;
    padding: 0 var(--s4);
    border: 1px solid var(--line);
    border-radius: var(--r2);
    background: var(--surface);
    font-weight: 560;
    font-size: var(--t-md);
    line-height: 1.15;
    text-decoration: none;
    color: var(--ink);
    cursor: pointer;
    transition:
      background var(--fast) var(--ease),
      border-color var(--fast) var(--ease),
      transform var(--fast) var(--ease);
  }
  .btn:hover {
    background: var(--surface-2);
  }
  .btn:active {
    transform: translateY(1px);
  }
  .btn[disabled],
  .btn[aria-disabled='true'] {
    opacity: 0.55;
    cursor: default;
    transform: none;
  }
  .btn.primary {
    background: var(--primary);
    border-color: transparent;
    color: var(--on-primary);
  }
  .btn.primary:hover:not([disabled]) {
    background: var(--primary-hover);
  }
  .btn.brass {
    background: var(--brass);
    border-color: transparent;
    color: var(--on-brass);
  }
  .btn.brass:hover {
    background: var(--brass-hover);
  }
  .btn.danger {
    background: var(--danger);
    border-color: transparent;
    color: var(--on-danger);
  }
  .btn.danger:hover {
    background: var(--danger-hover);
  }
  .btn.quiet {
    background: transparent;
    border-color: transparent;
    color: var(--ink-2);
  }
  .btn.quiet:hover {
    background: var(--surface-2);
    color: var(--ink);
  }
  .btn.big {
    min-height: 52px;
    padding: 0 var(--s5);
    font-size: 1.0625rem;
    border-radius: var(--r3);
  }
  .btn.small {
    min-height: 32px;
    padding: 0 var(--s3);
    font-size: var(--t-sm);
    border-radius: 8px;
  }
  .btn.icon-only {
    width: 40px;
    min-height: 40px;
    padding: 0;
  }
  .btn.icon-only.small {
    width: 32px;
    min-height: 32px;
  }
  .btn[aria-pressed='true'],
  .btn[aria-expanded='true'] {
    background: var(--primary-soft);
    color: var(--primary-ink);
    border-color: transparent;
  }
  .link {
    border: 0;
    padding: 0;
    background: none;
    color: var(--primary-ink);
    font-weight: 560;
    text-decoration: underline;
    text-decoration-color: color-mix(in srgb, currentColor 35%, transparent);
    text-underline-offset: 3px;
    cursor: pointer;
    border-radius: 3px;
  }
  .link:hover {
    text-decoration-color: currentColor;
  }
  .field {
    display: grid;
    gap: 6px;
  }
  .field > label,
  .label {
    font-size: var(--t-sm);
    font-weight: 560;
    color: var(--ink-2);
  }
  input[type='text'],
  textarea,
  select {
    font: inherit;
    color: var(--ink);
    width: 100%;
    min-height: 46px;
    padding: 0 14px;
    border: 1px solid var(--line-strong);
    border-radius: var(--r2);
    background: var(--surface);
    transition: border-color var(--fast) var(--ease);
  }
  input[type='text']::placeholder,
  textarea::placeholder {
    color: var(--ink-3);
    opacity: 1;
  }
  input[type='text']:focus-visible,
  textarea:focus-visible,
  select:focus-visible {
    outline-offset: 0;
    border-color: var(--focus);
  }
  select {
    appearance: none;
    padding-right: 40px;
    text-overflow: ellipsis;
    background-image: url('/chevron.svg');
    background-position: right 10px center;
    background-size: 22px;
    background-repeat: no-repeat;
  }
  .check {
    display: flex;
    align-items: center;
    gap: var(--s3);
    min-height: 32px;
    font-size: var(--t-sm);
    color: var(--ink-2);
    cursor: pointer;
  }
  .check input {
    flex: none;
    width: 20px;
    height: 20px;
    margin: 0;
    accent-color: var(--primary);
  }
  .hint {
    font-size: var(--t-sm);
    color: var(--ink-3);
  }
  .error {
    font-size: var(--t-sm);
    color: var(--danger-ink);
  }
  .visually-hidden {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  .figures {
    font-variant-numeric: tabular-nums;
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
      animation-duration: 1ms !important;
      animation-iteration-count: 1 !important;
      transition-duration: 1ms !important;
    }
  }
`;
