// Why a device does not start, from the errors of getUserMedia.
import type { TroubleKind } from '../trouble';

type Fault = 'denied' | 'missing' | 'busy' | 'failed';

const faults: Record<string, Fault> = {
  NotAllowedError: 'denied',
  PermissionDeniedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'missing',
  DevicesNotFoundError: 'missing',
  OverconstrainedError: 'missing',
  NotReadableError: 'busy',
  TrackStartError: 'busy',
  AbortError: 'busy',
};

export function deviceTrouble(kind: 'microphone' | 'camera', error: unknown): TroubleKind {
  const name = error instanceof Error ? error.name : '';
  return `${kind}-${faults[name] ?? 'failed'}`;
}
