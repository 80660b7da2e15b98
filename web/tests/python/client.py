"""A LiveKit client from PyPI, driven line by line: commands as JSON on stdin, answers and events as
JSON on stdout. It is independent of our web app, and speaks with libwebrtc."""

import asyncio
import itertools
import json
import sys
import time

import numpy as np
from livekit import rtc

import patterns

FRAME_MS = 40
PICTURES_A_SECOND = 15
VOLUME = 0.3

SOURCES = {
    "microphone": rtc.TrackSource.SOURCE_MICROPHONE,
    "camera": rtc.TrackSource.SOURCE_CAMERA,
    "screen": rtc.TrackSource.SOURCE_SCREENSHARE,
}
KINDS = {rtc.TrackKind.KIND_AUDIO: "audio", rtc.TrackKind.KIND_VIDEO: "video"}


def now_ms():
    return time.time() * 1000


def say(message):
    print(json.dumps(message), flush=True)


def event(name, /, **more):
    say({"event": name, "at": now_ms(), **more})


def reason_name(reason):
    return rtc.DisconnectReason.Name(reason) if reason is not None else None


class Heard:
    """What came of an audio track."""

    def __init__(self, track, publication, participant):
        self.about = about(publication, participant)
        self.samples = 0
        self.level = 0.0
        self.hz = 0.0
        self.sound_at = []
        self.stream = rtc.AudioStream(track, frame_size_ms=FRAME_MS)
        self.task = asyncio.create_task(self.run())

    async def run(self):
        async for received in self.stream:
            frame = received.frame
            samples = np.frombuffer(frame.data, dtype=np.int16)
            self.samples += len(samples)
            self.level, self.hz = patterns.listen(samples, frame.sample_rate)
            if self.level >= patterns.SILENCE:
                self.sound_at.append(now_ms())

    def report(self):
        return {**self.about, "samples": self.samples, "level": self.level, "hz": self.hz,
                "sound_at": self.sound_at}


class Watched:
    """What came of a video track."""

    def __init__(self, track, publication, participant):
        self.about = about(publication, participant)
        self.frames = 0
        self.counters = []
        self.size = None
        self.stream = rtc.VideoStream(track, capacity=4)
        self.task = asyncio.create_task(self.run())

    async def run(self):
        async for received in self.stream:
            frame = received.frame
            self.frames += 1
            self.size = [frame.width, frame.height]
            grey = np.frombuffer(frame.get_plane(0), dtype=np.uint8)
            grey = grey[: frame.width * frame.height].reshape(frame.height, frame.width)
            counter = patterns.read(grey)
            if counter is not None:
                self.counters.append([counter, now_ms()])

    def report(self):
        return {**self.about, "frames": self.frames, "size": self.size, "counters": self.counters}


def about(publication, participant):
    return {
        "sid": publication.sid,
        "kind": KINDS[publication.kind],
        "source": rtc.TrackSource.Name(publication.source),
        "from": participant.identity,
    }


class Client:
    def __init__(self):
        self.room = rtc.Room()
        self.received = {}
        self.sending = {}
        self.listen_to_the_room()

    def listen_to_the_room(self):
        room = self.room

        def on(name, describe):
            room.on(name, lambda *given: event(name, **describe(*given)))

        def track(publication, participant):
            return about(publication, participant)

        on("participant_connected", lambda who: {"identity": who.identity, "name": who.name})
        on("participant_disconnected", lambda who: {
            "identity": who.identity, "reason": reason_name(who.disconnect_reason)})
        on("track_published", track)
        on("track_unpublished", track)
        on("track_muted", lambda who, publication: track(publication, who))
        on("track_unmuted", lambda who, publication: track(publication, who))
        on("local_track_published", lambda publication, _: {"sid": publication.sid})
        on("local_track_unpublished", lambda publication: {"sid": publication.sid})
        on("local_track_republished", lambda publication, former: {
            "sid": publication.sid, "former": former})
        on("local_track_subscribed", lambda track: {"sid": track.sid if track else None})
        on("track_subscription_failed", lambda who, sid, error: {
            "identity": who.identity, "sid": sid, "error": str(error)})
        on("active_speakers_changed", lambda speakers: {
            "identities": [speaker.identity for speaker in speakers]})
        on("room_metadata_changed", lambda _, metadata: {"metadata": metadata})
        on("participant_metadata_changed", lambda who, _, metadata: {
            "identity": who.identity, "metadata": metadata})
        on("participant_name_changed", lambda who, _, name: {
            "identity": who.identity, "name": name})
        on("participant_attributes_changed", lambda changed, who: {
            "identity": who.identity, "changed": dict(changed)})
        on("participant_permissions_changed", lambda who, permission: {
            "identity": who.identity, "can_publish": who.permissions.can_publish})
        on("connection_quality_changed", lambda who, quality: {
            "identity": who.identity, "quality": rtc.ConnectionQuality(int(quality)).name})
        on("connection_state_changed", lambda state: {
            "state": rtc.ConnectionState.Name(state)})
        on("data_received", lambda packet: {
            "text": packet.data.decode(errors="replace"), "topic": packet.topic,
            "from": packet.participant.identity if packet.participant else None,
            "reliable": packet.kind == rtc.DataPacketKind.KIND_RELIABLE})
        on("disconnected", lambda reason: {"reason": reason_name(reason)})
        on("reconnecting", lambda: {})
        on("reconnected", lambda: {})
        on("token_refreshed", lambda: {})
        room.on("track_subscribed", self.subscribed)
        room.on("track_unsubscribed", self.unsubscribed)

    def subscribed(self, track, publication, participant):
        event("track_subscribed", **about(publication, participant))
        is_audio = publication.kind == rtc.TrackKind.KIND_AUDIO
        kind = Heard if is_audio else Watched
        self.received[publication.sid] = kind(track, publication, participant)

    def unsubscribed(self, _track, publication, participant):
        event("track_unsubscribed", **about(publication, participant))
        received = self.received.get(publication.sid)
        if received:
            received.task.cancel()

    # Commands: each gets what the test sent, and gives what the test is told.

    async def join(self, url, token, timeout_s=15.0, auto_subscribe=True):
        options = rtc.RoomOptions(auto_subscribe=auto_subscribe, connect_timeout=timeout_s)
        await self.room.connect(url, token, options)
        me = self.room.local_participant
        return {"identity": me.identity, "sid": me.sid, "name": me.name, **self.roster()}

    def roster(self):
        return {
            "metadata": self.room.metadata,
            "state": rtc.ConnectionState.Name(self.room.connection_state),
            "attributes": dict(self.room.local_participant.attributes),
            "can_publish": self.room.local_participant.permissions.can_publish,
            "others": [
                {
                    "identity": other.identity,
                    "name": other.name,
                    "metadata": other.metadata,
                    "attributes": dict(other.attributes),
                    "tracks": [
                        {**about(publication, other), "muted": publication.muted,
                         "subscribed": publication.subscribed}
                        for publication in other.track_publications.values()
                    ],
                }
                for other in self.room.remote_participants.values()
            ],
        }

    async def publish_audio(self, key="microphone", hz=440.0):
        source = rtc.AudioSource(patterns.SAMPLE_RATE, 1, queue_size_ms=200)
        track = rtc.LocalAudioTrack.create_audio_track(key, source)
        options = rtc.TrackPublishOptions(source=SOURCES["microphone"])
        return await self.publish(key, track, options, self.sound(source, hz))

    async def publish_video(self, key="screen", source="screen", first=0, width=640, height=360):
        pictures = rtc.VideoSource(width, height, is_screencast=source == "screen")
        track = rtc.LocalVideoTrack.create_video_track(key, pictures)
        options = rtc.TrackPublishOptions(
            source=SOURCES[source],
            simulcast=False,
            video_codec=rtc.VideoCodec.VP8,
            video_encoding=rtc.VideoEncoding(
                max_framerate=PICTURES_A_SECOND, max_bitrate=1_000_000
            ),
        )
        return await self.publish(key, track, options, self.pictures(pictures, first, width, height))

    async def publish(self, key, track, options, feed):
        publication = await self.room.local_participant.publish_track(track, options)
        self.sending[key] = {"track": track, "options": options, "sid": publication.sid,
                             "task": asyncio.create_task(feed)}
        return {"sid": publication.sid}

    async def sound(self, source, hz):
        count = patterns.SAMPLE_RATE * 20 // 1000
        first = 0
        while True:
            samples = patterns.tone(hz, VOLUME, first, count)
            first += count
            frame = rtc.AudioFrame(samples.tobytes(), patterns.SAMPLE_RATE, 1, count)
            await source.capture_frame(frame)

    async def pictures(self, source, first, width, height):
        began = time.monotonic()
        for number in itertools.count():
            await asyncio.sleep(max(0, began + number / PICTURES_A_SECOND - time.monotonic()))
            data = patterns.picture(first + number, width, height)
            source.capture_frame(rtc.VideoFrame(width, height, rtc.VideoBufferType.I420, data))

    async def unpublish(self, key):
        await self.room.local_participant.unpublish_track(self.sending[key]["sid"])

    async def republish(self, key):
        sending = self.sending[key]
        participant = self.room.local_participant
        publication = await participant.publish_track(sending["track"], sending["options"])
        sending["sid"] = publication.sid
        return {"sid": publication.sid}

    async def mute(self, key, muted):
        track = self.sending[key]["track"]
        track.mute() if muted else track.unmute()

    async def send(self, text, reliable=True, to=(), topic=""):
        await self.room.local_participant.publish_data(
            text, reliable=reliable, destination_identities=list(to), topic=topic
        )

    async def send_text(self, text, topic, to=()):
        await self.room.local_participant.send_text(
            text, topic=topic, destination_identities=list(to)
        )

    async def receive_text(self, topic):
        async def read(reader, sender):
            event("text_received", topic=topic, text=await reader.read_all(), sender=sender)

        self.room.register_text_stream_handler(
            topic, lambda reader, sender: asyncio.ensure_future(read(reader, sender))
        )

    async def serve_rpc(self, method):
        async def answer(call):
            event("rpc_called", method=method, payload=call.payload, caller=call.caller_identity)
            return f"{call.payload}, {call.caller_identity}"

        self.room.local_participant.register_rpc_method(method, answer)

    async def call_rpc(self, to, method, payload):
        answer = await self.room.local_participant.perform_rpc(
            destination_identity=to, method=method, payload=payload
        )
        return {"answer": answer}

    async def set_metadata(self, metadata):
        await self.room.local_participant.set_metadata(metadata)

    async def set_attributes(self, attributes):
        await self.room.local_participant.set_attributes(attributes)

    async def set_name(self, name):
        await self.room.local_participant.set_name(name)

    async def report(self):
        return {
            **self.roster(),
            "received": [received.report() for received in self.received.values()],
        }

    async def leave(self):
        await self.room.disconnect()


async def serve(client, command):
    number, name = command.pop("id"), command.pop("do")
    try:
        answer = await getattr(client, name)(**command)
        say({"id": number, "ok": answer or {}})
    except Exception as error:  # The test decides what an error means.
        say({"id": number, "error": f"{type(error).__name__}: {error}"})


async def main():
    client = Client()
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    event("ready")
    running = set()
    while line := await lines.readline():
        task = asyncio.create_task(serve(client, json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)


if __name__ == "__main__":
    asyncio.run(main())
