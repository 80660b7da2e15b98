// The look of the row of controls, and where it stands on phones.
import { css } from 'lit';

export const controlBarStyles = css`
  :host {
    display: grid;
    grid-template-columns: 1fr auto 1fr;
    align-items: center;
    gap: var(--s3);
    padding: 8px var(--s4) calc(10px + env(safe-area-inset-bottom));
  }
  .bar {
    display: contents;
  }
  .group {
    display: flex;
    gap: 4px;
  }
  .centre {
    grid-column: 2;
    gap: 6px;
  }
  .side {
    justify-content: flex-end;
  }
  .control {
    position: relative;
    display: grid;
    justify-items: center;
    align-content: center;
    gap: 4px;
    min-width: 66px;
    height: 56px;
    padding: 0 8px;
    border: 0;
    border-radius: 14px;
    background: transparent;
    color: var(--ink-2);
    font-size: 0.75rem;
    font-weight: 500;
    line-height: 1;
    white-space: nowrap;
    cursor: pointer;
    transition: background var(--fast) var(--ease);
  }
  .control .icon {
    width: 20px;
    height: 20px;
  }
  .control:hover {
    background: var(--surface-2);
    color: var(--ink);
  }
  .control[aria-disabled='true'] {
    opacity: 0.5;
    cursor: default;
  }
  .control.open {
    background: var(--primary-soft);
    color: var(--primary-ink);
  }
  .control.off {
    background: var(--danger-soft);
    color: var(--danger-ink);
  }
  .control.recording {
    background: var(--danger-soft);
    color: var(--danger-ink);
  }
  .control.primary {
    background: var(--primary);
    color: var(--on-primary);
    padding: 0 14px;
  }
  .control.primary:hover {
    background: var(--primary-hover);
  }
  .control.brass {
    background: var(--brass);
    color: var(--on-brass);
  }
  .control.brass:hover {
    background: var(--brass-hover);
  }
  .control.danger {
    background: var(--danger);
    color: var(--on-danger);
    margin-left: 10px;
  }
  .control.danger:hover {
    background: var(--danger-hover);
  }
  .badge {
    position: absolute;
    top: 4px;
    left: calc(50% + 5px);
    min-width: 17px;
    height: 17px;
    padding: 0 4px;
    border-radius: 9px;
    display: grid;
    place-items: center;
    background: var(--brass);
    color: var(--on-brass);
    font-size: 0.6875rem;
    font-weight: 680;
  }
  .menu .extra {
    display: none;
  }
  .more .badge {
    display: none;
  }
  @media (max-width: 760px) {
    .more .badge {
      display: grid;
    }
    :host {
      grid-template-columns: 1fr;
      justify-items: center;
      padding-inline: 8px;
    }
    .group {
      display: contents;
    }
    .bar {
      display: flex;
      justify-content: center;
      gap: clamp(2px, 1.2vw, 10px);
      width: 100%;
    }
    .control {
      min-width: 0;
      flex: 0 1 56px;
      width: 46px;
      height: 50px;
      padding: 0;
      border-radius: 16px;
    }
    .control.primary {
      padding: 0;
    }
    .control.danger {
      margin-left: 0;
    }
    .control > span:not(.badge) {
      display: none;
    }
    .wide {
      display: none;
    }
    .menu .extra {
      display: flex;
    }
  }
  @media (max-height: 480px) and (min-aspect-ratio: 1/1) {
    .more .badge {
      display: grid;
    }
    :host {
      display: block;
      padding: 8px calc(6px + env(safe-area-inset-right)) 8px 6px;
      height: 100%;
    }
    .bar {
      display: flex;
      flex-direction: column;
      justify-content: center;
      gap: 4px;
      height: 100%;
    }
    .group {
      display: contents;
    }
    .control {
      min-width: 0;
      width: 48px;
      height: 44px;
      flex: 0 1 44px;
      padding: 0;
    }
    .control.primary {
      padding: 0;
    }
    .control.danger {
      margin-left: 0;
    }
    .control > span:not(.badge) {
      display: none;
    }
    .wide {
      display: none;
    }
    .menu .extra {
      display: flex;
    }
  }
`;
