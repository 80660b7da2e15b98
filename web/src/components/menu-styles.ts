// The look of a list of wishes in a popover.
import { css } from 'lit';

export const menuStyles = css`
  .menu {
    display: grid;
    min-width: 230px;
    margin: -8px;
  }
  .menu button {
    display: flex;
    align-items: center;
    gap: var(--s3);
    min-height: 44px;
    padding: 0 var(--s3);
    border: 0;
    border-radius: 10px;
    background: none;
    text-align: left;
    font-size: var(--t-md);
    cursor: pointer;
  }
  .menu button:hover {
    background: var(--surface-2);
  }
  .menu button[aria-disabled='true'] {
    opacity: 0.5;
    cursor: default;
  }
  .menu .icon {
    color: var(--ink-3);
  }
  .menu .danger,
  .menu .danger .icon {
    color: var(--danger-ink);
  }
  .menu small {
    display: block;
    font-size: var(--t-xs);
    color: var(--ink-3);
    margin-top: 2px;
  }
`;
