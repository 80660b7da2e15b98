// The look of a small dialog that asks: a sentence, and two buttons.
import { css } from 'lit';

export const confirmStyles = css`
  :host {
    --dialog-width: 420px;
  }
  p {
    color: var(--ink-2);
  }
  .buttons {
    display: flex;
    justify-content: flex-end;
    gap: var(--s3);
    margin-top: var(--s5);
  }
  @media (max-width: 640px) {
    .buttons .btn {
      flex: 1;
      min-height: 48px;
    }
  }
`;
