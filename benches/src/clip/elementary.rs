//! Single frames of what FFmpeg writes: H.264 with start codes, IVF, Ogg. `None` where it makes no sense.

use super::Frame;

/// NAL unit types (ITU-T H.264 table 7-1).
const IDR_SLICE: u8 = 5;
const DELIMITER: u8 = 9;
/// Ogg pages have a header of this size, then a table of lengths (RFC 3533).
const OGG_HEADER_BYTES: usize = 27;
/// Two packets of Opus in Ogg are headers (RFC 7845).
const OPUS_HEADERS: usize = 2;

/// The pictures of a stream of H.264, each of which begins with a delimiter.
pub fn access_units(stream: &[u8]) -> Option<Vec<Frame>> {
    let mut frames: Vec<Frame> = Vec::new();
    for unit in nal_units(stream) {
        let kind = unit.first()? & 0x1f;
        if kind == DELIMITER {
            frames.push(Frame { data: Vec::new(), keyframe: false });
            continue;
        }
        let frame = frames.last_mut()?;
        frame.keyframe |= kind == IDR_SLICE;
        frame.data.extend([0, 0, 0, 1]);
        frame.data.extend_from_slice(unit);
    }
    Some(frames)
}

/// The NAL units of a stream with start codes, without these.
pub fn nal_units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_start = |(_, window): &(usize, &[u8])| *window == [0, 0, 1];
    let starts = stream.windows(3).enumerate().filter(is_start).map(|(at, _)| at + 3);
    let starts: Vec<usize> = starts.collect();
    let ends = starts.iter().skip(1).map(|start| start - 3).chain([stream.len()]);
    let ends: Vec<usize> = ends.collect();
    starts.into_iter().zip(ends).filter_map(|(start, end)| {
        let mut unit = stream.get(start..end)?;
        while let Some((0, rest)) = unit.split_last() {
            unit = rest;
        }
        Some(unit)
    })
}

/// The pictures of an IVF file with VP8.
pub fn frames_of_ivf(bytes: &[u8]) -> Option<Vec<Frame>> {
    let header = u16::from_le_bytes(*bytes.get(6..)?.first_chunk()?);
    let mut rest = bytes.get(usize::from(header)..)?;
    let mut frames = Vec::new();
    while let Some((header, after)) = rest.split_first_chunk::<12>() {
        let len = u32::from_le_bytes(*header.first_chunk()?) as usize;
        let (data, after) = after.split_at_checked(len)?;
        // RFC 6386 section 9.1: the first bit is the reverse of what one expects.
        let keyframe = data.first()? & 1 == 0;
        frames.push(Frame { data: data.to_vec(), keyframe });
        rest = after;
    }
    Some(frames)
}

/// The packets of an Ogg file with Opus.
pub fn packets_of_ogg(bytes: &[u8]) -> Option<Vec<Frame>> {
    let (mut packets, mut packet) = (Vec::new(), Vec::new());
    let mut rest = bytes;
    while !rest.is_empty() {
        let count = usize::from(*rest.get(OGG_HEADER_BYTES - 1)?);
        let (header, mut data) = rest.split_at_checked(OGG_HEADER_BYTES + count)?;
        for len in header.get(OGG_HEADER_BYTES..)? {
            let (piece, after) = data.split_at_checked(usize::from(*len))?;
            packet.extend_from_slice(piece);
            data = after;
            if *len < u8::MAX {
                packets.push(std::mem::take(&mut packet));
            }
        }
        rest = data;
    }
    let sound = packets.into_iter().skip(OPUS_HEADERS);
    Some(sound.map(|data| Frame { data, keyframe: true }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_begin_with_delimiters() {
        let stream = [
            &[0, 0, 0, 1, 9, 0x10][..],
            &[0, 0, 1, 0x67, 7, 0, 0, 0, 1, 0x65, 8, 8],
            &[0, 0, 0, 1, 9, 0x30, 0, 0, 1, 0x41, 5],
        ];
        let frames = access_units(&stream.concat()).expect("whole");
        assert_eq!(frames.len(), 2);
        assert!(frames[0].keyframe && !frames[1].keyframe);
        let units: Vec<&[u8]> = nal_units(&frames[0].data).collect();
        assert_eq!(units, [&[0x67, 7][..], &[0x65, 8, 8]]);
    }

    #[test]
    fn packets_lie_over_several_pages() {
        let page = |lens: &[u8], data: &[u8]| {
            let mut page = vec![0; OGG_HEADER_BYTES - 1];
            page.push(lens.len() as u8);
            [&page, lens, data].concat()
        };
        let file = [page(&[1, 1], b"ht"), page(&[255], &[7; 255]), page(&[3, 2], &[7, 7, 7, 8, 8])];
        let packets = packets_of_ogg(&file.concat()).expect("whole");
        let lens: Vec<usize> = packets.iter().map(|packet| packet.data.len()).collect();
        assert_eq!(lens, [258, 2]);
    }
}
