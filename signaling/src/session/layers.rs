//! Encodings of a track by rank: 0, 1 and 2 are the lowest, the middle and the highest of three.

use lectern_control::media::{CodecName, EncodingParameters};
use lectern_control::room::Track;

/// The rank of the highest of three.
pub const BEST: u8 = 2;

/// Rids are `q`, `h`, `f` (quarter, half, full) in LiveKit-compatible clients, the lowest of which is
/// always there: a track of two encodings has `q` and `h`.
pub fn rank_of_rid(rid: &str) -> Option<u8> {
    match rid {
        "q" => Some(0),
        "h" => Some(1),
        "f" => Some(BEST),
        _ => None,
    }
}

/// The rank of one of a track's encodings, which stand lowest first. A track of one has but the best.
pub fn rank(encodings: &[EncodingParameters], index: usize) -> u8 {
    if encodings.len() == 1 {
        return BEST;
    }
    let by_rid = encodings.get(index).and_then(|encoding| rank_of_rid(&encoding.rid));
    by_rid.unwrap_or_else(|| u8::try_from(index).unwrap_or(BEST).min(BEST))
}

/// How large a track is in its layer of a rank, in pixels; 0 for all there is.
pub fn size(track: &Track, rank: u8) -> (u32, u32) {
    let encodings = &track.encodings;
    let codec = track.codecs.first().map(|codec| codec.name);
    if encodings.len() == 1 && !matches!(codec, Some(CodecName::Vp9 | CodecName::Av1)) {
        return (0, 0);
    }
    let ranked = encodings.iter().enumerate();
    let named = ranked.clone().find(|(index, _)| self::rank(encodings, *index) >= rank);
    match named {
        // Nothing is above it, or it is the best.
        None => (0, 0),
        Some((index, _)) if encodings.len() > 1 && index + 1 == encodings.len() => (0, 0),
        Some((_, encoding)) if encodings.len() > 1 && encoding.width > 0 && encoding.height > 0 => {
            (encoding.width, encoding.height)
        }
        // Each layer has half the sides of the next.
        Some(_) => {
            let halvings = u32::from(BEST.saturating_sub(rank));
            (track.width >> halvings, track.height >> halvings)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_control::TrackId;
    use lectern_control::media::{Codec, MediaKind, Source};

    fn track(name: CodecName, encodings: &[(&str, u32)]) -> Track {
        let codec = Codec {
            name,
            payload_type: 96,
            rtx_payload_type: None,
            format: String::new(),
            feedback: Default::default(),
        };
        let encoding = |(rid, height): &(&str, u32)| EncodingParameters {
            rid: (*rid).to_owned(),
            width: height * 16 / 9,
            height: *height,
            ..Default::default()
        };
        Track {
            width: 1_280,
            height: 720,
            codecs: vec![codec],
            encodings: encodings.iter().map(encoding).collect(),
            ..Track::new(TrackId(1), MediaKind::Video, Source::Camera)
        }
    }

    #[test]
    fn a_rank_has_the_size_of_its_layer() {
        let camera = track(CodecName::Vp8, &[("q", 180), ("h", 360), ("f", 720)]);
        assert_eq!([0, 1, 2].map(|rank| size(&camera, rank)), [(320, 180), (640, 360), (0, 0)]);
        let unsized_ = track(CodecName::Vp8, &[("q", 0), ("h", 0), ("f", 0)]);
        assert_eq!([0, 1, 2].map(|rank| size(&unsized_, rank)), [(320, 180), (640, 360), (0, 0)]);
        let two = track(CodecName::Vp8, &[("q", 360), ("h", 720)]);
        assert_eq!([0, 1, 2].map(|rank| size(&two, rank)), [(640, 360), (0, 0), (0, 0)]);
        let one = track(CodecName::Vp8, &[("", 720)]);
        assert_eq!([0, 1, 2].map(|rank| size(&one, rank)), [(0, 0); 3]);
        let svc = track(CodecName::Vp9, &[("", 720)]);
        assert_eq!([0, 1].map(|rank| size(&svc, rank)), [(320, 180), (640, 360)]);
    }

    #[test]
    fn encodings_are_ranked_by_rid_and_else_by_order() {
        let ranks = |rids: &[&str]| {
            let encodings: Vec<(&str, u32)> = rids.iter().map(|rid| (*rid, 0)).collect();
            let encodings = track(CodecName::Vp8, &encodings).encodings;
            (0..rids.len()).map(|index| rank(&encodings, index)).collect::<Vec<u8>>()
        };
        assert_eq!(ranks(&["q", "h", "f"]), [0, 1, 2]);
        assert_eq!(ranks(&["q", "h"]), [0, 1]);
        assert_eq!(ranks(&["q", "f"]), [0, 2]);
        assert_eq!(ranks(&["a", "b", "c", "d"]), [0, 1, 2, 2]);
        assert_eq!(ranks(&["q"]), [2]);
    }
}
