//! VP9 pictures from payloads (RFC 9628): spatial layers become one superframe.

use super::frame::{Gather, Picture};
use crate::header::vp9::Frame;
use crate::header::vp9_layers::References;
use crate::unit::Size;
use bytes::Bytes;
use lectern_wire::Error;
use lectern_wire::vp9::{Descriptor, MAX_SPATIAL_LAYERS};

/// A picture in the making.
#[derive(Debug, Default)]
pub struct Vp9 {
    bytes: Gather,
    /// Where each frame begins.
    starts: Vec<usize>,
    keyframe: bool,
    size: Option<Size>,
    references: References,
}

impl Vp9 {
    /// Takes the next payload of the picture.
    pub fn add(&mut self, payload: &Bytes) -> Result<(), Error> {
        let descriptor = Descriptor::parse(payload)?;
        let payload = payload.slice(descriptor.len..);
        if descriptor.starts_frame {
            self.begin(&descriptor, &payload)?;
        } else if self.starts.is_empty() {
            return Err(Error::Invalid);
        }
        self.bytes.push(payload)
    }

    /// A frame begins: one spatial layer of the picture.
    fn begin(&mut self, descriptor: &Descriptor, payload: &Bytes) -> Result<(), Error> {
        if self.starts.len() >= MAX_SPATIAL_LAYERS {
            return Err(Error::TooMany);
        }
        let header = Frame::parse(payload);
        if self.starts.is_empty() {
            self.keyframe = descriptor.starts_keyframe() && header.is_ok_and(|h| h.keyframe);
            self.size = None;
        }
        let area = |size: Option<Size>| size.map_or(0, |s| s.width.saturating_mul(s.height));
        let size = header.ok().and_then(|header| header.size);
        if area(size) > area(self.size) {
            self.size = size;
        }
        self.starts.push(self.bytes.len());
        Ok(())
    }

    /// The picture, which is whole. Senders mark each layer to be shown, and rely on decoders that
    /// show the last one of a superframe only; others would show them all. So lower layers are marked
    /// as hidden, which is what the format asks for (VP9 bitstream specification annex B.3).
    pub fn take(&mut self) -> Result<Option<Picture>, Error> {
        let mut data = self.bytes.take();
        let starts = std::mem::take(&mut self.starts);
        let ends = starts.iter().skip(1).copied().chain([data.len()]);
        let frames: Vec<Bytes> =
            starts.iter().zip(ends).map(|(start, end)| data.slice(*start..end)).collect();
        let lower = frames.len().saturating_sub(1);
        let mut hidden = Vec::with_capacity(frames.len());
        for (index, frame) in frames.iter().enumerate() {
            let written = self.references.decode(frame, index < lower);
            hidden.push(written.map_or_else(|| frame.clone(), Bytes::from));
        }
        if lower > 0 {
            let index = superframe_index(&hidden);
            data = hidden.into_iter().chain([Bytes::from(index)]).flatten().collect();
        }
        let size = self.size.filter(|_| self.keyframe);
        Ok(Some(Picture { data, keyframe: self.keyframe, size }))
    }

    /// Forgets the picture, not what the decoder has.
    pub fn clear(&mut self) {
        self.bytes.take();
        self.starts.clear();
    }
}

/// What tells a decoder where each frame ends (VP9 bitstream specification annex B).
fn superframe_index(frames: &[Bytes]) -> Vec<u8> {
    let marker = 0b1101_1000 | (frames.len().saturating_sub(1) & 0x07) as u8;
    let mut index = vec![marker];
    for frame in frames {
        index.extend((frame.len() as u32).to_le_bytes());
    }
    index.push(marker);
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_says_the_length_of_each_frame() {
        let frames = [300, 1, 70_000].map(|len| Bytes::from(vec![0; len]));
        let index = superframe_index(&frames);
        let lengths = [[44, 1, 0, 0], [1, 0, 0, 0], [0x70, 0x11, 1, 0]].concat();
        assert_eq!(index, [&[0xda][..], &lengths, &[0xda]].concat());
    }
}
