// The events of a room as news: who came, who went, who shares, whose hand is up.
import {
  ParticipantEvent,
  RoomEvent,
  Track,
  type LocalTrackPublication,
  type Participant,
  type Room,
  type TrackPublication,
} from 'livekit-client';
import type { Emitter } from '../../store';
import type { News } from '../news';
import { HAND, nameOf } from './roster';

/** All events after which people, tracks or their states may look different. */
const CHANGES = [
  RoomEvent.ParticipantConnected,
  RoomEvent.ParticipantDisconnected,
  RoomEvent.ParticipantNameChanged,
  RoomEvent.ParticipantAttributesChanged,
  RoomEvent.ParticipantPermissionsChanged,
  RoomEvent.TrackPublished,
  RoomEvent.TrackUnpublished,
  RoomEvent.TrackSubscribed,
  RoomEvent.TrackUnsubscribed,
  RoomEvent.TrackMuted,
  RoomEvent.TrackUnmuted,
  RoomEvent.TrackStreamStateChanged,
  RoomEvent.LocalTrackPublished,
  RoomEvent.LocalTrackUnpublished,
  RoomEvent.ActiveSpeakersChanged,
  RoomEvent.ConnectionQualityChanged,
] as const;

export function onChange(room: Room, listener: () => void): void {
  for (const event of CHANGES) room.on(event, listener);
}

/** Tells what others do, and what the own tracks do by themselves. */
export function tellNews(room: Room, news: Emitter<News>): void {
  const self = room.localParticipant;
  room
    .on(RoomEvent.ParticipantConnected, (who) => news.emit({ is: 'joined', name: nameOf(who) }))
    .on(RoomEvent.ParticipantDisconnected, (who) => news.emit({ is: 'left', name: nameOf(who) }))
    .on(RoomEvent.TrackPublished, (track, who) => share(track, who, 'share-started'))
    .on(RoomEvent.TrackUnpublished, (track, who) => share(track, who, 'share-ended'))
    .on(RoomEvent.LocalTrackPublished, (track, who) => share(track, who, 'share-started'))
    .on(RoomEvent.LocalTrackUnpublished, (track, who) => share(track, who, 'share-ended'))
    .on(RoomEvent.ParticipantAttributesChanged, hand);

  function share(
    track: TrackPublication,
    who: Participant,
    is: 'share-started' | 'share-ended',
  ): void {
    if (track.source !== Track.Source.ScreenShare) return;
    news.emit({ is, name: nameOf(who), self: who === self });
  }

  function hand(changed: Record<string, string>, who: Participant): void {
    const value = changed[HAND];
    if (value === undefined) return;
    news.emit({ is: 'hand', name: nameOf(who), self: who === self, raised: value !== '' });
  }
}

/** Calls back when somebody else switched the own microphone off. */
export function onMutedByOther(room: Room, ownWish: () => boolean, muted: () => void): void {
  const listener = (publication: TrackPublication | LocalTrackPublication): void => {
    if (publication.source === Track.Source.Microphone && ownWish()) muted();
  };
  room.localParticipant.on(ParticipantEvent.TrackMuted, listener);
}
