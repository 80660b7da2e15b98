// Pictures in a format that this browser does not know: the server says so, once it has heard what the
// browser takes. The library has a track for them all the same, through which nothing ever comes.
import { RoomEvent, SubscriptionError, type Room, type TrackPublication } from 'livekit-client';

const unplayable = new WeakSet<TrackPublication>();

export function isUnplayable(publication: TrackPublication): boolean {
  return unplayable.has(publication);
}

/** Notes which pictures cannot be shown, before anybody looks at the room. */
export function noteUnplayable(room: Room): void {
  room
    .on(RoomEvent.TrackSubscriptionFailed, (trackSid, participant, error) => {
      const publication = participant.getTrackPublicationBySid(trackSid);
      if (publication !== undefined && error === SubscriptionError.SE_CODEC_UNSUPPORTED) {
        unplayable.add(publication);
      }
    })
    // Subscribed anew, in a format that it may know.
    .on(RoomEvent.TrackSubscribed, (_, publication) => void unplayable.delete(publication));
}
