// Why a connection did not come about, or ended, in the words of the app.
import { ConnectionError, ConnectionErrorReason, DisconnectReason } from 'livekit-client';
import { ApiError, troubleOf } from '../../api';
import type { Ending } from '../state';

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
