// Why a connection did not come about, or ended, in the words of the app.
import { ConnectionError, ConnectionErrorReason, DisconnectReason } from 'livekit-client';
import { troubleOf } from '../../api';
import { ApiError } from '../../http';
import type { Act } from '../../moderation';
import type { Admission } from '../../session';
import type { TroubleKind } from '../../trouble';
import type { Ending } from '../state';

/** A session that does not lead into the meeting. */
export class NotAdmitted extends Error {
  constructor(readonly state: Admission['state']) {
    super(state);
  }
}

/** What ends without anybody's wish ends only for a while. */
export function comesBack(ending: Ending): boolean {
  return ending === 'connection-lost' || ending === 'server-shutdown';
}

/** Why a session leads nowhere; one that waits must be asked for anew. */
export function admissionEnding(state: Admission['state']): Ending {
  const endings = {
    refused: 'refused',
    removed: 'removed',
    locked: 'locked',
    ended: 'meeting-ended',
    waiting: 'token-refused',
    admitted: 'token-refused',
  } as const;
  return endings[state];
}

/** The end of a meeting that was under way. */
export function endingOf(reason: DisconnectReason | undefined): Ending {
  switch (reason) {
    case DisconnectReason.CLIENT_INITIATED:
      return 'left';
    case DisconnectReason.DUPLICATE_IDENTITY:
      return 'duplicate';
    case DisconnectReason.PARTICIPANT_REMOVED:
      return 'removed';
    case DisconnectReason.ROOM_DELETED:
    case DisconnectReason.ROOM_CLOSED:
      return 'meeting-ended';
    case DisconnectReason.SERVER_SHUTDOWN:
      return 'server-shutdown';
    case DisconnectReason.MEDIA_FAILURE:
      return 'media-blocked';
    default:
      return 'connection-lost';
  }
}

/** The failure of an attempt to come in. */
export function connectEnding(error: unknown): Ending {
  if (error instanceof ApiError) return troubleOf(error);
  if (error instanceof NotAdmitted) return admissionEnding(error.state);
  if (!(error instanceof ConnectionError)) return 'server-error';
  switch (error.reason) {
    case ConnectionErrorReason.Cancelled:
      return 'left';
    case ConnectionErrorReason.NotAllowed:
      return /full|capacity|limit/i.test(error.message) ? 'room-full' : 'token-refused';
    case ConnectionErrorReason.LeaveRequest: {
      const ending = endingOf(error.context as DisconnectReason | undefined);
      // Sent away at the door: there was no place. The caller looks whether the link is still good.
      return ending === 'left' || ending === 'removed' ? 'room-full' : ending;
    }
    case ConnectionErrorReason.ServerUnreachable:
    case ConnectionErrorReason.WebSocket:
    case ConnectionErrorReason.ServiceNotFound:
      return 'server-unreachable';
    case ConnectionErrorReason.Timeout:
    case ConnectionErrorReason.InternalError:
      // The signalling went through, the media did not: ICE or DTLS found no way.
      return /pc connection|transport|ice/i.test(error.message)
        ? 'media-blocked'
        : 'server-unreachable';
    default:
      return 'server-error';
  }
}

/** Why the server did not do what a moderator asked for. */
export function moderationTrouble(error: unknown, act: Act): TroubleKind {
  const known: readonly TroubleKind[] = [
    'not-permitted',
    'server-unreachable',
    'too-many-tries',
    'recorder-missing',
  ];
  const trouble = troubleOf(error);
  if (known.includes(trouble)) return trouble;
  if (act.is !== 'record') return 'moderation-failed';
  // The same word as of a room that is full.
  return trouble === 'room-full' ? 'recording-limit' : 'recording-failed';
}
