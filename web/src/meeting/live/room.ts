// The room of the client library, set up the way Lectern needs it.
import { Room, setLogLevel, VideoPresets } from 'livekit-client';
import type { InputKind } from '../../devices/local';
import { recall } from '../../remembered';
import { MAX_BYTES } from '../chat';
import { CountedReconnect } from './reconnect';

setLogLevel('warn');

/** Makes a room that tells of each attempt to come back, from 1 on. */
export function makeRoom(reconnecting: (attempt: number) => void): Room {
  const speaker = recall('speaker');
  return new Room({
    // Each picture is asked for in the pixels that it has on this display.
    adaptiveStream: { pixelDensity: 'screen' },
    dynacast: true,
    publishDefaults: {
      // What every browser decodes. Three layers: a tile, a quarter of the stage, the whole of it.
      videoCodec: 'vp8',
      simulcast: true,
      videoEncoding: VideoPresets.h720.encoding,
      videoSimulcastLayers: [VideoPresets.h180, VideoPresets.h360],
    },
    // A reload must not look to others like leaving: the page comes back as the same person. A page
    // that goes for good leaves by `page-gone.ts`.
    disconnectOnPageLeave: false,
    // The server speaks the older form: asking for the newer first costs four round trips.
    singlePeerConnection: false,
    reconnectPolicy: new CountedReconnect(reconnecting),
    dataStream: { maxPayloadByteLength: MAX_BYTES },
    ...(speaker === '' ? {} : { audioOutput: { deviceId: speaker } }),
    audioCaptureDefaults: captureDefaults('microphone'),
    videoCaptureDefaults: captureDefaults('camera'),
  });
}

function captureDefaults(kind: InputKind): { deviceId?: { ideal: string } } {
  const { id } = recall(kind);
  return id === '' ? {} : { deviceId: { ideal: id } };
}
