// The look of the line above a meeting. On a phone on its side and in full screen nothing is left of
// it but the sign of a recording, which lies over the picture.
import { css } from 'lit';

export const stageTopStyles = css`
  .top {
    grid-area: top;
    display: flex;
    align-items: center;
    gap: var(--s3);
    padding: 10px var(--s4) 6px;
    min-height: 52px;
    --mark-size: 28px;
  }
  .top h1 {
    font-size: var(--t-md);
    font-weight: 620;
    letter-spacing: -0.01em;
    min-width: 0;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .top .locked {
    color: var(--ink-3);
    font-size: 0.85rem;
  }
  .recorded {
    flex: 0 1 auto;
    min-width: 7.2em;
    max-width: 26em;
    margin: 0 0 0 var(--s1);
    padding: 5px 12px 5px 10px;
    border-radius: var(--r-full);
    background: var(--danger-soft);
    color: var(--danger-ink);
    font-size: var(--t-sm);
    line-height: 1.35;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .recorded b {
    font-weight: 640;
  }
  .recorded i {
    display: inline-block;
    width: 10px;
    height: 10px;
    margin-right: 3px;
    border-radius: 5px;
    background: var(--bad);
    animation: breathe 3.2s ease-in-out infinite;
  }
  .recorded.waiting i {
    background: none;
    border: 2px solid var(--bad);
    animation: none;
  }
  .recorded.stopped {
    display: flex;
    align-items: center;
    gap: 6px;
    background: var(--surface-2);
    color: var(--ink-2);
  }
  @keyframes breathe {
    50% {
      opacity: 0.45;
    }
  }
  .top .space {
    flex: 1;
  }
  .count {
    gap: 6px;
    color: var(--ink-2);
    font-variant-numeric: tabular-nums;
  }

  /* Phones: the sign has a line of its own. */
  @media (max-width: 760px) {
    .top {
      flex-wrap: wrap;
      padding: 8px 12px 4px;
      min-height: 46px;
    }
    /* As wide as its words and no wider, without making the line wrap. */
    .top h1 {
      flex: 1000 1 0;
      max-width: max-content;
    }
    .recorded {
      order: 1;
      flex: 1 0 100%;
      max-width: none;
      margin: -4px 0 2px;
      border-radius: var(--r2);
    }
    .invite span {
      display: none;
    }
  }

  @media (max-height: 480px) and (min-aspect-ratio: 1/1) {
    .top {
      display: contents;
    }
    .top > :not(.recorded) {
      display: none;
    }
    .recorded {
      grid-area: top;
      margin: 6px 0 0 8px;
      padding-block: 2px;
      border-radius: var(--r2);
    }
  }

  :host([immersive]) .top {
    display: contents;
  }
  :host([immersive]) .recorded {
    position: absolute;
    z-index: 5;
    top: 14px;
    left: 50%;
    transform: translateX(-50%);
    max-width: 40vw;
    margin: 0;
    padding: 6px 14px 6px 12px;
    border-radius: var(--r-full);
    box-shadow: var(--shadow-2);
  }
  :host([immersive]) .top:has(.recorded) ~ .news {
    top: 56px;
  }
  /* Nothing lies over the picture while nobody moves, but this much must. */
  :host([immersive][resting]) .recorded .by {
    display: none;
  }
  :host([immersive]) .top > :not(.recorded) {
    display: none;
  }
  /* At the top, no room is left between the name and the zoom. */
  @media (max-width: 1000px) {
    :host([immersive]) .recorded {
      inset: auto auto calc(84px + env(safe-area-inset-bottom)) 50%;
      max-width: calc(100vw - 32px);
      width: max-content;
    }
    :host([immersive]) .top:has(.recorded) ~ .news {
      top: 12px;
    }
  }
  @media (max-height: 480px) and (min-aspect-ratio: 1/1) {
    :host([immersive]) .recorded {
      bottom: 12px;
    }
  }
`;
