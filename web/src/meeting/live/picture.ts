// A track of the client library as a picture. Attaching through the library is what lets it measure
// the element and ask the server for just that size.
import type { Track } from 'livekit-client';
import type { Picture } from '../state';

const pictures = new WeakMap<Track, Picture>();

/** One picture for each track, always the same: views compare it to see whether it changed. */
export function pictureOf(track: Track): Picture {
  const known = pictures.get(track);
  if (known !== undefined) return known;
  const picture: Picture = {
    id: track.sid ?? track.mediaStreamTrack.id,
    attach: (element) => void track.attach(element),
    detach: (element) => void track.detach(element),
  };
  pictures.set(track, picture);
  return picture;
}
