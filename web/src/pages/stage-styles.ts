// The arrangement of a meeting: wide, narrow, phone upright, phone on its side, full screen.
import { css } from 'lit';

export const stageStyles = css`
  :host {
    position: fixed;
    inset: 0;
    display: grid;
    grid-template: 'top' auto 'news' auto 'middle' minmax(0, 1fr) 'bar' auto / minmax(0, 1fr);
    background: var(--stage);
    overflow: hidden;
  }
  .news {
    grid-area: news;
    display: grid;
    gap: 6px;
    padding: 0 var(--s4);
  }
  .news:has(> :not([hidden])) {
    padding-bottom: 6px;
  }
  .middle {
    grid-area: middle;
    display: flex;
    gap: var(--s3);
    padding: 2px var(--s4);
    min-height: 0;
  }
  main {
    flex: 1;
    display: flex;
    flex-direction: column;
    gap: var(--s2);
    min-width: 0;
    min-height: 0;
  }
  main > .focus {
    flex: 1;
    min-height: 0;
  }
  .shares {
    display: flex;
    gap: 6px;
    overflow-x: auto;
    padding: 2px;
  }
  .shares .btn {
    flex: none;
  }
  .shares .btn[aria-pressed='true'] {
    background: var(--primary);
    color: var(--on-primary);
  }
  .grid-box {
    display: grid;
    grid-template-rows: auto minmax(0, 1fr);
    gap: var(--s3);
  }
  .call {
    display: flex;
    align-items: center;
    gap: var(--s3);
    padding: 8px 8px 8px 16px;
    border-radius: 12px;
    background: var(--surface);
    border: 1px solid var(--line);
    font-size: var(--t-sm);
    color: var(--ink-2);
  }
  .call p {
    flex: 1;
  }
  .strip {
    display: flex;
    flex-direction: column;
    gap: var(--s2);
    width: clamp(180px, 16vw, 264px);
    overflow-y: auto;
    scrollbar-width: thin;
  }
  .strip lectern-tile {
    flex: none;
    aspect-ratio: 16 / 10;
  }
  .strip .others {
    flex: none;
  }
  .panel {
    width: 348px;
    min-height: 0;
    border: 1px solid var(--line);
    border-radius: var(--r3);
    overflow: hidden;
    background: var(--surface);
  }
  lectern-control-bar {
    grid-area: bar;
  }
  lectern-notes {
    position: absolute;
    z-index: 5;
    left: var(--s5);
    bottom: 92px;
    max-width: min(380px, calc(100vw - 48px));
  }
  .talking {
    position: absolute;
    z-index: 6;
    left: 50%;
    bottom: 92px;
    transform: translateX(-50%);
    display: flex;
    align-items: center;
    gap: var(--s2);
    padding: 10px 16px;
    border-radius: var(--r-full);
    background: var(--primary);
    color: var(--on-primary);
    font-weight: 560;
    font-size: var(--t-sm);
    box-shadow: var(--shadow-2);
  }

  /* A panel takes width: the strip goes below the stage, where there is height to spare. */
  @media (max-width: 1640px) {
    .middle:has(.panel) {
      display: grid;
      grid-template: minmax(0, 1fr) auto / minmax(0, 1fr) auto;
    }
    .middle:has(.panel):not(:has(.strip)) {
      grid-template-rows: minmax(0, 1fr);
    }
    .middle:has(.panel) .strip {
      grid-area: 2 / 1;
      flex-direction: row;
      width: auto;
      overflow: auto hidden;
    }
    .middle:has(.panel) .strip lectern-tile {
      height: clamp(84px, 15vh, 140px);
    }
    .middle .panel {
      grid-area: 1 / 2 / 3 / 3;
    }
  }

  /* Narrow: the strip is always below. */
  @media (max-width: 1080px) {
    .middle {
      flex-direction: column;
    }
    .strip {
      flex: none;
      flex-direction: row;
      width: auto;
      overflow: auto hidden;
    }
    .strip lectern-tile {
      height: clamp(84px, 15vh, 128px);
    }
  }

  /* Phones: panels are sheets. */
  @media (max-width: 760px) {
    .middle {
      padding: 2px 8px;
      gap: 8px;
    }
    .news {
      padding: 0 8px;
    }
    .strip lectern-tile {
      height: clamp(72px, 13vh, 104px);
    }
    .panel {
      position: fixed;
      z-index: 20;
      inset: auto 0 0;
      width: auto;
      height: min(78dvh, 640px);
      border-radius: var(--r4) var(--r4) 0 0;
      border-width: 1px 0 0;
      box-shadow: var(--shadow-3);
      animation: sheet var(--slow) var(--ease);
    }
    lectern-notes {
      left: 12px;
      right: 12px;
      bottom: auto;
      top: 52px;
      justify-items: center;
      max-width: none;
    }
  }
  @keyframes sheet {
    from {
      transform: translateY(24px);
      opacity: 0;
    }
  }

  /* A phone on its side: every line of height goes to the screen. */
  @media (max-height: 480px) and (min-aspect-ratio: 1/1) {
    :host {
      grid-template: 'top bar' auto 'news bar' auto 'middle bar' minmax(0, 1fr) / minmax(0, 1fr) auto;
      padding-left: env(safe-area-inset-left);
    }
    .news:has(> :not([hidden])) {
      padding: 6px 0 0 8px;
    }
    .middle,
    .middle:has(.panel) {
      display: flex;
      flex-direction: row;
      padding: 8px 0 8px 8px;
      gap: 8px;
    }
    .strip,
    .middle:has(.panel) .strip {
      flex-direction: column;
      width: 116px;
      overflow: hidden auto;
    }
    .strip lectern-tile,
    .middle:has(.panel) .strip lectern-tile {
      height: auto;
    }
    .panel {
      position: fixed;
      z-index: 20;
      inset: 0 0 0 auto;
      width: min(360px, 60vw);
      height: auto;
      border-radius: var(--r4) 0 0 var(--r4);
      border-width: 0 0 0 1px;
      box-shadow: var(--shadow-3);
    }
    lectern-notes {
      bottom: 16px;
    }
    .talking {
      bottom: 16px;
    }
  }

  /* Full screen: the shared screen alone; the bar comes when the pointer moves. */
  :host([immersive]) {
    display: block;
  }
  :host([immersive]) .strip,
  :host([immersive]) .shares {
    display: none;
  }
  :host([immersive]) .middle {
    position: absolute;
    inset: 0;
    padding: 0;
    display: block;
  }
  :host([immersive]) main {
    height: 100%;
    gap: 0;
  }
  :host([immersive]) .news {
    position: absolute;
    z-index: 7;
    top: 12px;
    left: 50%;
    width: min(620px, calc(100vw - 32px));
    transform: translateX(-50%);
  }
  :host([immersive]) .panel {
    position: absolute;
    z-index: 8;
    inset: 12px 12px 84px auto;
    width: min(348px, calc(100vw - 24px));
    height: auto;
    border-radius: var(--r3);
    box-shadow: var(--shadow-3);
  }
  :host([immersive]) lectern-control-bar {
    position: absolute;
    z-index: 6;
    inset: auto 0 0;
    background: color-mix(in srgb, var(--stage) 88%, transparent);
    backdrop-filter: blur(14px);
    transition: opacity var(--slow) var(--ease);
  }
  @media (max-height: 480px) and (min-aspect-ratio: 1/1) {
    :host([immersive]) lectern-control-bar {
      inset: 0 0 0 auto;
    }
  }
  :host([immersive][resting]) lectern-control-bar:not(:focus-within) {
    opacity: 0;
    pointer-events: none;
  }
  :host([immersive][resting]) {
    cursor: none;
  }
`;
