//! H.264 payloads (RFC 6184): which NAL units a packet holds, whether a keyframe begins, and which
//! temporal layer the frame is of where a prefix says so.

mod parameters;

use crate::Error;
use crate::cursor::Reader;

/// NAL units in one STAP-A: parameter sets and some slices.
pub const MAX_AGGREGATED_UNITS: usize = 64;

/// NAL unit types (ITU-T H.264 table 7-1, RFC 6184 section 5.2).
mod unit_type {
    pub const SLICE: u8 = 1;
    pub const IDR_SLICE: u8 = 5;
    pub const SEQUENCE_PARAMETERS: u8 = 7;
    pub const PREFIX: u8 = 14;
    pub const STAP_A: u8 = 24;
    pub const FU_A: u8 = 28;
}

/// What a packet holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Payload {
    /// A slice of a picture that depends on no other begins here.
    pub starts_idr: bool,
    /// Parameters that a decoder needs first.
    pub sequence_parameters: bool,
    /// Whole NAL units, or one fragment.
    pub units: usize,
    /// A fragment that does not begin its NAL unit.
    pub continues: bool,
    /// The temporal layer, where a prefix NAL unit tells it (ITU-T H.264 section G.7.3.1.1).
    pub temporal_layer: Option<u8>,
    /// Of a slice: whether other frames may depend on it (nal_ref_idc).
    pub is_reference: Option<bool>,
    /// The size of the pictures that follow, where parameters tell it.
    pub size: Option<(u16, u16)>,
}

impl Payload {
    /// Reads an RTP payload of packetization mode 0 or 1. Other aggregations and fragmentations,
    /// which browsers do not send, are [`Error::Unsupported`].
    pub fn parse(payload: &[u8]) -> Result<Payload, Error> {
        let mut reader = Reader::new(payload);
        let mut found = Payload::default();
        let first = reader.u8()?;
        match first & 0x1f {
            1..=23 => found.add(first, reader.rest()),
            unit_type::STAP_A => found.aggregated(&mut reader)?,
            unit_type::FU_A => {
                let header = reader.u8()?;
                if reader.is_empty() {
                    return Err(Error::Truncated);
                }
                let starts = header & 0x80 != 0;
                // One fragment cannot be the whole unit (RFC 6184 section 5.8).
                if starts && header & 0x40 != 0 {
                    return Err(Error::Invalid);
                }
                // The rest of the unit is known by its importance alone.
                let unit = if starts { header & 0x1f } else { 0 };
                found.add(first & 0x60 | unit, &[]);
                if !starts && matches!(header & 0x1f, unit_type::SLICE | unit_type::IDR_SLICE) {
                    found.is_reference = Some(first & 0x60 != 0);
                }
                found.continues = !starts;
            }
            _ => return Err(Error::Unsupported),
        }
        Ok(found)
    }

    /// Whether a keyframe begins: with the parameters that every sender on the Web puts before an
    /// IDR slice, and without which no decoder can show it.
    pub fn starts_keyframe(&self) -> bool {
        self.sequence_parameters
    }

    fn aggregated(&mut self, reader: &mut Reader<'_>) -> Result<(), Error> {
        while !reader.is_empty() {
            if self.units >= MAX_AGGREGATED_UNITS {
                return Err(Error::TooMany);
            }
            let len = reader.u16()?;
            let unit = reader.take(usize::from(len))?;
            let (first, rest) = unit.split_first().ok_or(Error::Length)?;
            self.add(*first, rest);
        }
        if self.units == 0 { Err(Error::Truncated) } else { Ok(()) }
    }

    /// Notes a NAL unit: its first byte, and what follows.
    fn add(&mut self, first: u8, rest: &[u8]) {
        self.units = self.units.saturating_add(1);
        match first & 0x1f {
            unit_type::SLICE => self.is_reference = Some(first & 0x60 != 0),
            unit_type::IDR_SLICE => {
                self.starts_idr = true;
                self.is_reference = Some(true);
            }
            unit_type::SEQUENCE_PARAMETERS => {
                self.sequence_parameters = true;
                self.size = parameters::size(rest);
            }
            unit_type::PREFIX => self.temporal_layer = prefix_layer(rest).or(self.temporal_layer),
            _ => {}
        }
    }
}

/// The temporal layer in the three bytes after the first one of a prefix NAL unit, where those are
/// for scalability and not for several views.
fn prefix_layer(rest: &[u8]) -> Option<u8> {
    let [first, _, third, ..] = rest else { return None };
    (first & 0x80 != 0).then_some(third >> 5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn starts_keyframe(payload: &[u8]) -> Result<bool, Error> {
        Payload::parse(payload).map(|found| found.starts_keyframe())
    }

    #[test]
    fn a_single_unit_tells_by_its_type() {
        assert_eq!(starts_keyframe(&[0x65, 0xaa]), Ok(false));
        assert!(Payload::parse(&[0x65, 0xaa]).is_ok_and(|found| found.starts_idr));
        assert_eq!(starts_keyframe(&[0x67, 0xaa]), Ok(true));
        assert_eq!(starts_keyframe(&[0x41, 0xaa]), Ok(false));
        assert_eq!(starts_keyframe(&[0x68, 0xaa]), Ok(false));
        for unsupported in [0u8, 25, 26, 27, 29, 30, 31] {
            assert_eq!(starts_keyframe(&[unsupported, 0, 0]), Err(Error::Unsupported));
        }
    }

    #[test]
    fn an_aggregate_is_searched_and_every_broken_one_refused() {
        let whole = [0x78, 0, 2, 0x67, 1, 0, 1, 0x68, 0, 3, 0x65, 1, 2];
        let found = Payload::parse(&whole).expect("valid");
        assert_eq!((found.units, found.starts_idr, found.sequence_parameters), (3, true, true));
        let ends_of_units = [5, 8, 13];
        for len in 0..whole.len() {
            assert_eq!(starts_keyframe(&whole[..len]).is_ok(), ends_of_units.contains(&len));
        }
        assert_eq!(starts_keyframe(&[0x78, 0, 1, 0x68, 0, 1, 0x65]), Ok(false));
        assert_eq!(starts_keyframe(&[0x78, 0, 0, 0, 1, 0x65]), Err(Error::Length));
        assert_eq!(starts_keyframe(&[0x78, 0xff, 0xff, 0x65]), Err(Error::Truncated));
        let many = [&[0x78][..], &[0, 1, 0x65].repeat(MAX_AGGREGATED_UNITS + 1)].concat();
        assert_eq!(starts_keyframe(&many), Err(Error::TooMany));
    }

    #[test]
    fn only_the_first_fragment_begins_a_keyframe() {
        assert_eq!(starts_keyframe(&[0x7c, 0x87, 0xaa]), Ok(true));
        assert_eq!(starts_keyframe(&[0x7c, 0x85, 0xaa]), Ok(false));
        assert_eq!(starts_keyframe(&[0x7c, 0x05, 0xaa]), Ok(false));
        assert_eq!(starts_keyframe(&[0x7c, 0x45, 0xaa]), Ok(false));
        assert_eq!(starts_keyframe(&[0x7c, 0xc5, 0xaa]), Err(Error::Invalid));
        assert_eq!(starts_keyframe(&[0x7c, 0x85]), Err(Error::Truncated));
        assert_eq!(starts_keyframe(&[0x7c]), Err(Error::Truncated));
        assert_eq!(starts_keyframe(&[]), Err(Error::Truncated));
    }

    #[test]
    fn a_prefix_tells_the_temporal_layer_and_a_slice_whether_it_is_needed() {
        // STAP-A of a prefix (T2) and a slice that nothing depends on.
        let stap = [0x18, 0, 4, 0x0e, 0x80, 0x00, 0x47, 0, 2, 0x01, 0xaa];
        let found = Payload::parse(&stap).expect("valid");
        assert_eq!((found.temporal_layer, found.is_reference), (Some(2), Some(false)));
        let views = Payload::parse(&[0x6e, 0x00, 0x00, 0x47]).expect("valid");
        assert_eq!(views.temporal_layer, None, "the extension of another annex");
        let fragment = |first: u8, header: u8| {
            Payload::parse(&[first, header, 0xaa]).expect("valid").is_reference
        };
        assert_eq!(fragment(0x7c, 0x81), Some(true));
        assert_eq!(fragment(0x1c, 0x01), Some(false));
        assert_eq!(fragment(0x1c, 0x06), None, "supplemental information");
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(found) = Payload::parse(&bytes) {
                prop_assert!((1..=MAX_AGGREGATED_UNITS).contains(&found.units));
            }
        }
    }
}
