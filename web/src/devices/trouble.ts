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

/** Why a device that ran came to its end: it was taken back from this page, or it is gone. */
export async function lossTrouble(kind: 'microphone' | 'camera'): Promise<TroubleKind> {
  try {
    const { state } = await navigator.permissions.query({ name: kind as PermissionName });
    return state === 'denied' ? `${kind}-denied` : `${kind}-missing`;
  } catch (error) {
    console.info('This browser does not tell of permissions:', error);
    return `${kind}-missing`;
  }
}
