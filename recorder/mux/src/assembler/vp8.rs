//! VP8 pictures from payloads (RFC 7741).

use super::frame::{Gather, Picture};
use crate::unit::Size;
use bytes::Bytes;
use lectern_wire::Error;
use lectern_wire::vp8::Descriptor;

/// A picture in the making.
#[derive(Debug, Default)]
pub struct Vp8 {
    bytes: Gather,
    keyframe: bool,
    size: Option<Size>,
}

impl Vp8 {
    /// Takes the next payload of the picture.
    pub fn add(&mut self, payload: &Bytes) -> Result<(), Error> {
        let descriptor = Descriptor::parse(payload)?;
        if descriptor.starts_frame != self.bytes.is_empty() {
            return Err(Error::Invalid);
        }
        if descriptor.starts_frame {
            self.keyframe = descriptor.starts_keyframe;
            let size = |size: lectern_wire::vp8::Size| Size {
                width: u32::from(size.width),
                height: u32::from(size.height),
            };
            self.size = descriptor.size.map(size);
        }
        self.bytes.push(payload.slice(descriptor.len..))
    }

    /// The picture, which is whole.
    pub fn take(&mut self) -> Result<Option<Picture>, Error> {
        if self.keyframe && self.size.is_none_or(|size| size.width == 0 || size.height == 0) {
            return Err(Error::Invalid);
        }
        let Vp8 { bytes, keyframe, size } = self;
        Ok(Some(Picture { data: bytes.take(), keyframe: *keyframe, size: *size }))
    }
}
