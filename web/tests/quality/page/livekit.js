// One participant by LiveKit's client, as the app is one. Needs that client, `path.js` and `watch.js`;
// installs `client`.
(() => {
  'use strict';

  const { Room, RoomEvent, Track, VideoQuality, createLocalVideoTrack } = LivekitClient;
  const { note } = watch;
  let room;

  function subscribed(track, publication) {
    watch.receives(publication.source, track.mediaStreamTrack, track.attach());
  }

  /** Goes in by one way; others to the server are shut. */
  async function join({ url, token, way, isAdaptive, autoSubscribe }) {
    path.only(way);
    room = new Room({ adaptiveStream: isAdaptive, dynacast: true, singlePeerConnection: false });
    room.on(RoomEvent.TrackSubscribed, subscribed);
    room.on(RoomEvent.TrackStreamStateChanged, (publication, streamState) =>
      note('stream state', { source: publication.source, streamState }),
    );
    room.on(RoomEvent.Reconnecting, () => note('reconnecting'));
    room.on(RoomEvent.Disconnected, (reason) => note('disconnected', { reason }));
    note('joining');
    watch.begin();
    const address = new URL(url);
    address.searchParams.set('sound_slots', '1');
    await room.connect(address.href, token, { autoSubscribe });
    note('joined');
  }

  function published(publication) {
    watch.sends(publication.source, publication.track.mediaStreamTrack);
  }

  async function publishCamera({ width, height, frameRate, options }) {
    const track = await createLocalVideoTrack({ resolution: { width, height, frameRate } });
    const source = Track.Source.Camera;
    published(await room.localParticipant.publishTrack(track, { source, ...options }));
  }

  async function publishScreen({ capture, publish }) {
    published(await room.localParticipant.setScreenShareEnabled(true, capture, publish));
  }

  async function publishMicrophone() {
    const source = Track.Source.Microphone;
    published(await room.localParticipant.publishTrack(await watch.voice(), { source }));
  }

  /** Asks for a layer of a track, as an application does. */
  function want(source, quality) {
    for (const person of room.remoteParticipants.values()) {
      person.getTrackPublication(source)?.setVideoQuality(VideoQuality[quality]);
    }
    note('wants', { source, quality });
  }

  globalThis.client = { join, publishCamera, publishScreen, publishMicrophone, want };
})();
