// The look of a shared screen and its tools.
import { css } from 'lit';

export const screenStyles = css`
  :host {
    position: relative;
    display: flex;
    flex-direction: column;
    gap: var(--s2);
    min-width: 0;
    min-height: 0;
  }
  .window {
    order: 2;
    position: relative;
    flex: 1;
    min-height: 0;
    overflow: hidden;
    border-radius: var(--r3);
    touch-action: none;
    cursor: zoom-in;
  }
  .window.zoomed {
    cursor: grab;
    background: var(--surface-3);
  }
  .window.zoomed:active {
    cursor: grabbing;
  }
  .window:focus-visible {
    outline-offset: -2px;
  }
  .picture {
    position: absolute;
    left: 50%;
    top: 50%;
    border-radius: 10px;
    background: #fff;
    box-shadow: var(--shadow-1);
  }
  .zoomed .picture {
    border-radius: 0;
  }
  .instead {
    position: absolute;
    inset: 0;
    display: grid;
    place-content: center;
    justify-items: center;
    gap: var(--s4);
    padding: var(--s5);
    text-align: center;
    color: var(--ink-2);
    background: var(--surface-2);
    border-radius: var(--r3);
  }
  .instead p {
    max-width: 26em;
  }
  .sign {
    display: grid;
    place-items: center;
    width: 76px;
    height: 76px;
    border-radius: 24px;
    background: var(--surface);
    color: var(--primary-ink);
    font-size: 1.7rem;
    box-shadow: var(--shadow-1);
  }
  .pulse {
    animation: pulse 1.8s ease-in-out infinite;
  }
  @keyframes pulse {
    50% {
      opacity: 0.45;
    }
  }
  .tools {
    order: 1;
    z-index: 1;
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: var(--s3);
    min-height: 36px;
    font-size: var(--t-sm);
  }
  .label,
  .toolbar {
    display: flex;
    align-items: center;
    color: var(--ink-2);
  }
  .label {
    min-width: 0;
    gap: 2px;
    padding-left: 2px;
  }
  .who {
    display: flex;
    align-items: center;
    gap: 8px;
    min-width: 0;
    font-weight: 560;
  }
  .who > span:nth-child(2) {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .who .icon {
    width: 16px;
    height: 16px;
  }
  .who b {
    font-weight: 620;
    color: var(--ink);
  }
  .toolbar {
    flex: none;
  }
  .toolbar i {
    width: 1px;
    height: 18px;
    margin: 0 5px;
    background: var(--line-strong);
    opacity: 0.5;
  }
  .label button,
  .toolbar button {
    display: grid;
    place-items: center;
    min-width: 36px;
    height: 36px;
    padding: 0 6px;
    border: 0;
    border-radius: 9px;
    background: none;
    color: inherit;
    font-size: var(--t-sm);
    cursor: pointer;
  }
  .label button {
    height: 34px;
  }
  .label button .icon {
    width: 16px;
    height: 16px;
  }
  .label button:hover,
  .toolbar button:hover {
    background: var(--surface-3);
    color: var(--ink);
  }
  .label button[aria-pressed='true'] {
    background: var(--brass);
    color: var(--on-brass);
  }
  .percent {
    min-width: 52px;
    text-align: center;
  }
  /* Full screen, and phones on their side: the tools float over the picture. */
  :host([immersive]) {
    background: #000;
  }
  :host([immersive]) .window,
  :host([immersive]) .instead,
  :host([immersive]) .picture {
    border-radius: 0;
    box-shadow: none;
  }
  :host([immersive]) .tools {
    position: absolute;
    gap: 6px;
    inset: 14px 14px auto;
    pointer-events: none;
    transition: opacity var(--slow) var(--ease);
  }
  :host([immersive]) .label,
  :host([immersive]) .toolbar {
    pointer-events: auto;
    padding: 2px 4px;
    border-radius: 12px;
    background: rgb(14 22 18 / 84%);
    color: #f2f7f4;
    --focus: #8ff0d0;
  }
  :host([immersive]) .label {
    padding-left: 12px;
  }
  :host([immersive]) .who b {
    color: inherit;
  }
  :host([immersive]) .label button:hover,
  :host([immersive]) .toolbar button:hover {
    background: rgb(255 255 255 / 18%);
    color: inherit;
  }
  :host([immersive][resting]) .tools:not(:focus-within) {
    opacity: 0;
  }
  .instead.over {
    inset: auto 0 0;
    place-content: end center;
    padding: 0 var(--s4) var(--s4);
    background: none;
    pointer-events: none;
  }
  .instead.over .sign {
    display: none;
  }
  .instead.over p {
    max-width: none;
    padding: 10px 16px;
    border-radius: 12px;
    background: rgb(14 22 18 / 88%);
    color: #f2f7f4;
    font-size: var(--t-sm);
  }
  .window:has(.over) .picture {
    filter: saturate(0.4) brightness(0.82);
  }
  @media (max-width: 640px) {
    .tools {
      flex-wrap: wrap;
      gap: 0;
    }
    .label {
      flex: 1 1 100%;
    }
    .toolbar {
      width: 100%;
      justify-content: space-between;
    }
  }
  @media (max-width: 640px), (max-height: 480px) {
    .window,
    .instead {
      border-radius: 10px;
    }
    .picture {
      border-radius: 6px;
    }
  }
  @media (max-height: 480px) {
    :host(:not([immersive])) {
      flex-direction: row;
    }
    :host(:not([immersive])) .tools {
      position: absolute;
      inset: auto 6px 6px auto;
      border-radius: 12px;
      background: rgb(14 22 18 / 84%);
      --focus: #8ff0d0;
    }
    :host(:not([immersive])) .tools {
      transition: opacity var(--slow) var(--ease);
    }
    :host([resting]) .tools:not(:focus-within) {
      opacity: 0;
      pointer-events: none;
    }
    /* The controls of the meeting are at the right. */
    :host([immersive]) .tools {
      right: calc(74px + env(safe-area-inset-right));
    }
    :host(:not([immersive])) .label {
      display: none;
    }
    :host(:not([immersive])) .toolbar {
      color: #f2f7f4;
    }
  }
`;
