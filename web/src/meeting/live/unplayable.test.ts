import { EventEmitter } from 'events';
import { RoomEvent, SubscriptionError, type Room, type TrackPublication } from 'livekit-client';
import { expect, test } from 'vitest';
import { isUnplayable, noteUnplayable } from './unplayable';

const publication = {} as TrackPublication;
const participant = {
  getTrackPublicationBySid: (sid: string) => (sid === 'TR_v' ? publication : undefined),
};

test('what the browser does not know is noted until it is subscribed anew', () => {
  const room = new EventEmitter();
  noteUnplayable(room as unknown as Room);
  const fails = (sid: string, error: SubscriptionError): void =>
    void room.emit(RoomEvent.TrackSubscriptionFailed, sid, participant, error);
  fails('TR_v', SubscriptionError.SE_TRACK_NOTFOUND);
  fails('TR_gone', SubscriptionError.SE_CODEC_UNSUPPORTED);
  expect(isUnplayable(publication)).toBe(false);
  fails('TR_v', SubscriptionError.SE_CODEC_UNSUPPORTED);
  expect(isUnplayable(publication)).toBe(true);
  room.emit(RoomEvent.TrackSubscribed, {}, publication, participant);
  expect(isUnplayable(publication)).toBe(false);
});
