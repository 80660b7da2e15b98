// Whether this browser can take part at all.
import type { TroubleKind } from './trouble';

export function browserTrouble(): TroubleKind | undefined {
  if (!window.isSecureContext) return 'insecure';
  const modern =
    typeof RTCPeerConnection === 'function' &&
    'addTransceiver' in RTCPeerConnection.prototype &&
    typeof WebSocket === 'function' &&
    typeof HTMLDialogElement === 'function' &&
    typeof ResizeObserver === 'function' &&
    typeof AbortSignal.timeout === 'function';
  return modern ? undefined : 'browser-too-old';
}
