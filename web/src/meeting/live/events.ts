// The events of a room, as far as a meeting listens to them.
import {
  EngineEvent,
  ParticipantEvent,
  RoomEvent,
  Track,
  TrackEvent,
  type LocalTrackPublication,
  type Room,
  type TrackPublication,
} from 'livekit-client';
import type { InputKind } from '../../devices/local';
import { noteUnplayable } from './unplayable';

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
  RoomEvent.TrackSubscriptionFailed,
  RoomEvent.TrackUnsubscribed,
  RoomEvent.TrackMuted,
  RoomEvent.TrackUnmuted,
  RoomEvent.TrackStreamStateChanged,
  RoomEvent.LocalTrackPublished,
  RoomEvent.LocalTrackUnpublished,
  RoomEvent.ActiveSpeakersChanged,
  RoomEvent.ConnectionQualityChanged,
  RoomEvent.RoomMetadataChanged,
] as const;

export function onChange(room: Room, listener: () => void): void {
  noteUnplayable(room);
  for (const event of CHANGES) room.on(event, listener);
}

/** Who switched a device off: the person or a presenter (a mute), or the device by its end. */
export type SwitchedOffBy = 'mute' | 'device';

const inputs: Partial<Record<Track.Source, InputKind>> = {
  [Track.Source.Microphone]: 'microphone',
  [Track.Source.Camera]: 'camera',
};

/**
 * Calls back when the own microphone or camera goes off. The library mutes a track whose device
 * was unplugged or taken away; muting a camera ends its track too, so only the track's own word
 * that it ended tells the two apart.
 */
export function onSwitchedOff(
  room: Room,
  listener: (kind: InputKind, by: SwitchedOffBy) => void,
): void {
  const ended = new WeakSet<MediaStreamTrack>();
  room.localParticipant
    .on(ParticipantEvent.LocalTrackPublished, ({ track }: LocalTrackPublication) =>
      track?.on(TrackEvent.Ended, () => ended.add(track.mediaStreamTrack)),
    )
    .on(ParticipantEvent.TrackMuted, ({ source, track }: TrackPublication) => {
      const kind = inputs[source];
      if (kind === undefined) return;
      const lost = track !== undefined && ended.has(track.mediaStreamTrack);
      listener(kind, lost ? 'device' : 'mute');
    });
}

/** Calls back with each fresh token that the server gives in the course of a meeting. */
export function onTokenRefreshed(room: Room, listener: (token: string) => void): void {
  room.engine.on(EngineEvent.TokenRefreshed, listener);
}

/**
 * Calls back when the server ends the own share: a presenter asked for it. The client library takes
 * the track down by itself, as it does when the person stops, and then the server may confirm that.
 */
export function onShareStopped(room: Room, listener: () => void): void {
  let shared: string | undefined;
  room.localParticipant
    .on(ParticipantEvent.LocalTrackPublished, ({ source, trackSid }: LocalTrackPublication) => {
      if (source === Track.Source.ScreenShare) shared = trackSid;
    })
    .on(ParticipantEvent.LocalTrackUnpublished, ({ trackSid }: LocalTrackPublication) => {
      // The library is done before the server's word reaches this listener: a moment later.
      setTimeout(() => {
        if (trackSid === shared) shared = undefined;
      });
    });
  room.engine.on(EngineEvent.LocalTrackUnpublished, ({ trackSid }) => {
    if (trackSid === shared) listener();
  });
}
