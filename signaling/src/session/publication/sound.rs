//! What is asked of a publisher of sound: redundancy, silence suppression, channels.

use crate::sdp::codec;
use crate::sdp::offer::Media;
use crate::session::event::Announcement;
use lectern_control::media::{Codec, CodecName};

/// The codecs a publisher may send: the chosen one, and where that is sound, redundancy around it.
/// Redundancy comes first where the client announced a track without ruling it out, as clients of the
/// LiveKit protocol do that mean to send it (`disable_red`); otherwise second, so that a browser sends
/// it only where the page prefers it.
pub(super) fn codecs(
    media: &Media,
    codec: Codec,
    announcement: Option<&Announcement>,
) -> Vec<Codec> {
    let codec = with_sound_format(codec, announcement);
    let redundancy = codec::redundancy(&media.codecs, &codec);
    let disabled = announcement.is_some_and(|announcement| announcement.disable_red);
    match redundancy.filter(|_| !disabled) {
        None => vec![codec],
        Some(redundancy) if announcement.is_some() => vec![redundancy, codec],
        Some(redundancy) => vec![codec, redundancy],
    }
}

/// What we ask of an Opus sender (RFC 7587 section 6.1): browsers send two channels or suppress
/// silence only where the answer says so.
pub(super) fn with_sound_format(mut codec: Codec, announcement: Option<&Announcement>) -> Codec {
    if codec.name == CodecName::Opus {
        let mut format = "minptime=10;useinbandfec=1".to_owned();
        if !announcement.is_some_and(|announcement| announcement.disable_dtx) {
            format.push_str(";usedtx=1");
        }
        if announcement.is_some_and(|announcement| announcement.stereo) {
            format.push_str(";stereo=1;maxaveragebitrate=510000");
        }
        codec.format = format;
    }
    codec
}
