//! What is written is read, and nonsense is refused.

use super::{Content, Item, Keyframe, Reader, Writer};
use lectern_control::media::CodecName;
use lectern_mux::Size;

fn written(content: Content, frames: &[(u64, &[u8])]) -> Vec<u8> {
    let (mut writer, mut stream) = (Writer::new(content), Vec::new());
    for (at_ms, data) in frames {
        stream.extend_from_slice(writer.head(*at_ms, Keyframe::Yes, data.len()));
        writer.clear();
        stream.extend_from_slice(data);
    }
    stream
}

const SIZE: Size = Size { width: 640, height: 360 };
const CONTENTS: [Content; 3] =
    [Content::Video(CodecName::Vp8, SIZE), Content::Opus, Content::Raw(SIZE)];

#[test]
fn what_is_written_is_read() {
    for content in CONTENTS {
        // Hours apart, and four at most.
        let frames: [(u64, &[u8]); 3] = [(0, b"one"), (33, b""), (14_400_000, &[7; 70_000])];
        let stream = written(content, &frames);
        let mut reader = Reader::new(&stream[..]);
        let mut found = Vec::new();
        while let Some(item) = reader.next(Vec::new()).expect("a stream") {
            if let Item::Block(block) = item {
                assert!(block.keyframe);
                found.push((block.at_ms as u64, block.data));
            }
        }
        let frames = frames.map(|(at_ms, data)| (at_ms, data.to_vec()));
        assert_eq!(found, frames);
    }
}

#[test]
fn a_stream_that_is_cut_or_makes_no_sense_ends_with_an_error() {
    let stream = written(Content::Opus, &[(0, b"one"), (20, b"two")]);
    let last = stream.len() - 1;
    let mut cut = Reader::new(&stream[..last]);
    let read = std::iter::from_fn(|| cut.next(Vec::new()).transpose());
    assert!(read.last().is_some_and(|last| last.is_err()));
    fastrand::seed(11);
    for _ in 0..2_000 {
        let mut noise = stream.clone();
        for _ in 0..fastrand::usize(1..8) {
            let at = fastrand::usize(..noise.len());
            noise[at] = fastrand::u8(..);
        }
        let mut reader = Reader::new(&noise[..]);
        // It ends, whatever it finds.
        while let Ok(Some(_)) = reader.next(Vec::new()) {}
    }
}
