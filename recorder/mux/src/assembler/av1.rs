//! AV1 temporal units from payloads (AOM, RTP Payload Format for AV1, section 4): OBUs with sizes out.

use super::frame::{MAX_FRAME_BYTES, Picture};
use crate::header::av1::{Obu, Sequence, leb128, obu_type};
use crate::unit::Size;
use bytes::{Bytes, BytesMut};
use lectern_wire::Error;
use lectern_wire::av1::Payload;
use lectern_wire::cursor::Reader;

/// A temporal unit in the making.
#[derive(Debug, Default)]
pub struct Av1 {
    bytes: BytesMut,
    /// The OBU whose fragments are coming.
    fragment: Option<BytesMut>,
    sequence: Option<Sequence>,
    has_frame: bool,
    /// The unit begins a coded video sequence, and its first frame is a keyframe of this size.
    keyframe: Option<Size>,
    has_sequence: bool,
}

impl Av1 {
    /// Takes the next payload of the temporal unit.
    pub fn add(&mut self, payload: &Bytes) -> Result<(), Error> {
        let head = Payload::parse(payload)?;
        if head.continues != self.fragment.is_some() {
            return Err(Error::Invalid);
        }
        let mut reader = Reader::new(payload);
        let counted = usize::from(reader.u8()? >> 4 & 0x03);
        for index in 1..=head.elements {
            let len = if index == counted { reader.rest().len() } else { leb128(&mut reader)? };
            let element = reader.take(len)?;
            let goes_on = index == head.elements && head.continued;
            match (self.fragment.take(), goes_on) {
                (None, false) => self.obu(element)?,
                (before, _) => {
                    let mut whole = before.unwrap_or_default();
                    if whole.len().saturating_add(element.len()) > MAX_FRAME_BYTES {
                        return Err(Error::TooMany);
                    }
                    whole.extend_from_slice(element);
                    if goes_on {
                        self.fragment = Some(whole);
                    } else {
                        self.obu(&whole)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// A whole OBU; what belongs to transport is left out (section 5 of the payload format).
    fn obu(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        let obu = Obu::parse(bytes)?;
        match obu.kind {
            obu_type::SEQUENCE_HEADER => {
                self.sequence = Some(Sequence::parse(obu.payload)?);
                self.has_sequence = true;
            }
            obu_type::FRAME | obu_type::FRAME_HEADER => self.frame(&obu)?,
            obu_type::TILE_GROUP | obu_type::METADATA | obu_type::REDUNDANT_FRAME_HEADER => {}
            _ => return Ok(()),
        }
        if self.bytes.len().saturating_add(bytes.len()) > MAX_FRAME_BYTES {
            return Err(Error::TooMany);
        }
        obu.write(&mut self.bytes);
        self.bytes.extend_from_slice(obu.payload);
        Ok(())
    }

    fn frame(&mut self, obu: &Obu<'_>) -> Result<(), Error> {
        if !self.has_frame && self.has_sequence {
            let sequence = self.sequence.ok_or(Error::Unsupported)?;
            self.keyframe = sequence.keyframe_size(obu.payload)?;
        }
        self.has_frame = true;
        Ok(())
    }

    /// The temporal unit, which is whole; `None` where there is no frame in it.
    pub fn take(&mut self) -> Result<Option<Picture>, Error> {
        if self.fragment.is_some() {
            return Err(Error::Truncated);
        }
        let data = self.bytes.split().freeze();
        let picture = Picture { data, keyframe: self.keyframe.is_some(), size: self.keyframe };
        let has_frame = self.has_frame;
        self.clear();
        Ok(has_frame.then_some(picture))
    }

    /// Forgets the temporal unit.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.fragment = None;
        self.has_frame = false;
        self.has_sequence = false;
        self.keyframe = None;
    }
}
