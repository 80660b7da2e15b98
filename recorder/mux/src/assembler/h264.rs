//! H.264 pictures from payloads (RFC 6184): single NAL units, STAP-A and FU-A; NAL units with
//! lengths out.

use super::frame::{MAX_FRAME_BYTES, Picture};
use crate::header::h264::{MAX_SET_BYTES, Sequence, picture_set_id, unit_type};
use crate::unit::Size;
use bytes::{Bytes, BytesMut};
use lectern_wire::Error;
use lectern_wire::cursor::Reader;
use std::collections::BTreeMap;

const STAP_A: u8 = 24;
const FU_A: u8 = 28;
const LENGTH_BYTES: usize = 4;

/// A picture in the making, and the parameter sets of the stream.
#[derive(Debug, Default)]
pub struct H264 {
    bytes: BytesMut,
    /// Where the length of the unit stands whose fragments are coming.
    fragment: Option<usize>,
    has_idr: bool,
    has_slice: bool,
    has_sequence: bool,
    has_picture_set: bool,
    sequences: BTreeMap<u8, (Bytes, Size)>,
    picture_sets: BTreeMap<u8, Bytes>,
    latest: Option<Size>,
}

impl H264 {
    /// Takes the next payload of the picture.
    pub fn add(&mut self, payload: &Bytes) -> Result<(), Error> {
        let mut reader = Reader::new(payload);
        let first = reader.u8()?;
        if first & 0x80 != 0 {
            return Err(Error::Invalid);
        }
        if self.fragment.is_some() && first & 0x1f != FU_A {
            return Err(Error::Truncated);
        }
        match first & 0x1f {
            1..=23 => self.unit(payload),
            STAP_A => {
                while !reader.is_empty() {
                    let len = usize::from(reader.u16()?);
                    self.unit(reader.take(len)?)?;
                }
                Ok(())
            }
            FU_A => self.fragment(first, &mut reader),
            _ => Err(Error::Unsupported),
        }
    }

    fn fragment(&mut self, indicator: u8, reader: &mut Reader<'_>) -> Result<(), Error> {
        let header = reader.u8()?;
        let (starts, ends) = (header & 0x80 != 0, header & 0x40 != 0);
        if starts != self.fragment.is_none() {
            return Err(Error::Invalid);
        }
        let at = match self.fragment {
            Some(at) => at,
            None => {
                let at = self.bytes.len();
                self.note(header & 0x1f);
                self.put(&[0; LENGTH_BYTES])?;
                self.put(&[indicator & 0xe0 | header & 0x1f])?;
                self.fragment = Some(at);
                at
            }
        };
        self.put(reader.rest())?;
        if ends {
            self.fragment = None;
            let start = at.saturating_add(LENGTH_BYTES);
            let len = self.bytes.len().saturating_sub(start);
            let place = self.bytes.get_mut(at..start).ok_or(Error::Length)?;
            place.copy_from_slice(&u32::try_from(len).map_err(|_| Error::Length)?.to_be_bytes());
            let unit = Bytes::copy_from_slice(
                self.bytes.get(start..).filter(|unit| unit.len() <= MAX_SET_BYTES).unwrap_or(&[]),
            );
            self.keep(&unit)?;
        }
        Ok(())
    }

    /// A whole NAL unit.
    fn unit(&mut self, unit: &[u8]) -> Result<(), Error> {
        let kind = unit.first().ok_or(Error::Length)? & 0x1f;
        if matches!(
            kind,
            unit_type::DELIMITER
                | unit_type::END_OF_SEQUENCE
                | unit_type::END_OF_STREAM
                | unit_type::FILLER
        ) {
            return Ok(());
        }
        self.note(kind);
        let len = u32::try_from(unit.len()).map_err(|_| Error::Length)?;
        self.put(&len.to_be_bytes())?;
        self.put(unit)?;
        self.keep(unit)
    }

    fn note(&mut self, kind: u8) {
        self.has_slice |= matches!(kind, 1..=unit_type::IDR_SLICE);
        self.has_idr |= kind == unit_type::IDR_SLICE;
        self.has_sequence |= kind == unit_type::SEQUENCE_PARAMETERS;
        self.has_picture_set |= kind == unit_type::PICTURE_PARAMETERS;
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.bytes.len().saturating_add(bytes.len()) > MAX_FRAME_BYTES {
            return Err(Error::TooMany);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Keeps parameter sets: senders need not repeat them before each IDR picture.
    fn keep(&mut self, unit: &[u8]) -> Result<(), Error> {
        match unit.first().map_or(0, |first| first & 0x1f) {
            unit_type::SEQUENCE_PARAMETERS => {
                let sequence = Sequence::parse(unit)?;
                self.latest = Some(sequence.size);
                self.sequences.insert(sequence.id, (Bytes::copy_from_slice(unit), sequence.size));
            }
            unit_type::PICTURE_PARAMETERS => {
                self.picture_sets.insert(picture_set_id(unit)?, Bytes::copy_from_slice(unit));
            }
            _ => {}
        }
        Ok(())
    }

    /// The picture, which is whole; `None` where there were parameter sets only.
    pub fn take(&mut self) -> Result<Option<Picture>, Error> {
        if self.fragment.is_some() {
            return Err(Error::Truncated);
        }
        let mut data = self.bytes.split().freeze();
        if !self.has_slice {
            self.clear();
            return Ok(None);
        }
        if self.has_idr && !(self.has_sequence && self.has_picture_set) {
            data = self.with_sets(&data)?;
        }
        let picture =
            Picture { data, keyframe: self.has_idr, size: self.latest.filter(|_| self.has_idr) };
        self.clear();
        Ok(Some(picture))
    }

    fn with_sets(&self, picture: &[u8]) -> Result<Bytes, Error> {
        if self.sequences.is_empty() || self.picture_sets.is_empty() {
            return Err(Error::Unsupported);
        }
        let sequences = self.sequences.values().map(|(unit, _)| unit);
        let mut data = BytesMut::with_capacity(picture.len().saturating_add(256));
        for unit in sequences.chain(self.picture_sets.values()) {
            data.extend_from_slice(&(unit.len() as u32).to_be_bytes());
            data.extend_from_slice(unit);
        }
        data.extend_from_slice(picture);
        Ok(data.freeze())
    }

    /// Forgets the picture, not the parameter sets.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.fragment = None;
        self.has_idr = false;
        self.has_slice = false;
        self.has_sequence = false;
        self.has_picture_set = false;
    }
}
