// The frame of the side panels: chat and people.
import { css } from 'lit';

export const panelStyles = css`
  :host {
    display: flex;
    flex-direction: column;
    min-height: 0;
    height: 100%;
    background: var(--surface);
  }
  header {
    display: flex;
    align-items: center;
    justify-content: space-between;
    padding: var(--s3) var(--s3) var(--s2) var(--s4);
  }
  h2 {
    font-size: var(--t-lg);
  }
`;
