// The look of one recording in the list of its owner.
import { css } from 'lit';

export const recordingStyles = css`
  :host {
    display: block;
  }
  article {
    display: grid;
    grid-template-columns: 208px minmax(0, 1fr);
    gap: var(--s3) var(--s5);
    padding: var(--s4);
    border: 1px solid var(--line);
    border-radius: var(--r3);
    background: var(--surface);
    box-shadow: var(--shadow-1);
  }
  .picture {
    position: relative;
    align-self: start;
    padding: 0;
    border: 0;
    border-radius: var(--r2);
    background: none;
    cursor: pointer;
  }
  .picture:disabled {
    cursor: default;
  }
  .picture lectern-thumbnail {
    width: 100%;
  }
  .picture .sign {
    position: absolute;
    inset: 0;
    display: grid;
    place-items: center;
  }
  .picture .sign .icon {
    width: 44px;
    height: 44px;
    padding: 12px 10px 12px 13px;
    border-radius: 22px;
    background: rgb(10 15 13 / 72%);
    color: #fff;
    fill: currentColor;
    transition: transform var(--fast) var(--ease);
  }
  .picture:hover .sign .icon {
    transform: scale(1.08);
  }
  .length {
    position: absolute;
    right: 6px;
    bottom: 6px;
    padding: 1px 6px;
    border-radius: 6px;
    background: rgb(10 15 13 / 82%);
    color: #fff;
    font-size: var(--t-xs);
    font-weight: 560;
  }
  .about {
    display: grid;
    gap: var(--s2);
    align-content: start;
    min-width: 0;
  }
  .meta {
    color: var(--ink-2);
    font-size: var(--t-sm);
    overflow-wrap: anywhere;
  }
  .chips {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: var(--s2);
    font-size: var(--t-xs);
    color: var(--ink-3);
  }
  .chip {
    display: inline-flex;
    align-items: center;
    gap: 6px;
    padding: 2px 9px;
    border-radius: var(--r-full);
    font-weight: 600;
    background: var(--brass-soft);
    color: var(--brass-ink);
  }
  .chip.recording,
  .chip.failed {
    background: var(--danger-soft);
    color: var(--danger-ink);
  }
  .chip.shared {
    background: var(--primary-soft);
    color: var(--primary-ink);
  }
  .chip i {
    width: 8px;
    height: 8px;
    border-radius: 4px;
    background: var(--bad);
  }
  .line {
    display: flex;
    gap: var(--s2);
    padding: var(--s2) var(--s3);
    border-radius: var(--r2);
    background: var(--brass-soft);
    color: var(--brass-ink);
    font-size: var(--t-sm);
  }
  .line.bad {
    background: var(--danger-soft);
    color: var(--danger-ink);
  }
  .line .icon {
    margin-top: 1px;
  }
  .buttons {
    display: flex;
    flex-wrap: wrap;
    gap: var(--s2);
    margin-top: var(--s1);
  }
  .buttons .btn {
    min-height: 36px;
  }
  .buttons .icon-only {
    width: 36px;
  }
  lectern-recording-jobs {
    margin-top: var(--s1);
  }
  .wide {
    grid-column: 1 / -1;
    min-width: 0;
  }
  .films {
    display: flex;
    flex-wrap: wrap;
    gap: 6px;
    margin-bottom: var(--s3);
  }
  .films .btn[aria-pressed='true'] {
    background: var(--primary);
    color: var(--on-primary);
  }
  @media (max-width: 640px) {
    article {
      grid-template-columns: minmax(0, 1fr);
      padding: var(--s3);
    }
    .buttons .btn {
      min-height: 42px;
    }
    .buttons .icon-only {
      width: 42px;
    }
    .buttons .btn:not(.icon-only) {
      flex: 1;
    }
    .filmless .picture {
      display: none;
    }
  }
`;
