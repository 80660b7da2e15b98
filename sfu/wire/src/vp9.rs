//! VP9 payload descriptors (RFC 9628 section 4.2): reading, and rewriting the picture id in place.

use crate::Error;
use crate::cursor::Reader;
pub use crate::vp8::PictureId;
use crate::vp8::write_picture_id;

/// References of one picture (RFC 9628 section 4.2: at most three).
const MAX_REFERENCES: usize = 3;
/// Spatial layers: three bits.
pub const MAX_SPATIAL_LAYERS: usize = 8;

/// Layers of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Layer {
    /// Temporal layer, 0 to 7.
    pub temporal: u8,
    /// Spatial layer, 0 to 7.
    pub spatial: u8,
    /// A receiver may begin to show higher temporal layers here.
    pub switching_point: bool,
    /// Depends on the spatial layer below within the same picture.
    pub inter_layer: bool,
    /// Counts pictures of the lowest temporal layer; only in the non-flexible mode.
    pub tl0_picture_index: Option<u8>,
}

/// What the scalability structure says (RFC 9628 section 4.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Structure {
    /// Spatial layers, 1 to 8.
    pub spatial_layers: u8,
    /// Width and height of each layer, lowest first, where told.
    pub sizes: [Option<(u16, u16)>; MAX_SPATIAL_LAYERS],
    /// Pictures of the group that repeats; 0 where none is described.
    pub pictures_in_group: u8,
}

/// Distances in picture ids, 1 to 127; at most three.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct References {
    distances: [u8; MAX_REFERENCES],
    count: u8,
}

impl References {
    /// The distances.
    pub fn iter(&self) -> impl Iterator<Item = u8> {
        self.distances.into_iter().take(usize::from(self.count))
    }
}

/// A packet's descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptor {
    /// The picture's number, where sent.
    pub picture_id: Option<PictureId>,
    /// Depends on earlier pictures.
    pub inter_picture: bool,
    /// First packet of a frame, which is one spatial layer of a picture.
    pub starts_frame: bool,
    /// Last packet of a frame.
    pub ends_frame: bool,
    /// References are listed in each packet, not by the structure.
    pub flexible: bool,
    /// No higher spatial layer depends on this frame.
    pub not_reference_for_upper: bool,
    /// Its layers, where sent.
    pub layer: Option<Layer>,
    /// In the flexible mode: how many pictures before it those are that it depends on (P_DIFF).
    pub references: References,
    /// The scalability structure, where sent.
    pub structure: Option<Structure>,
    /// Bytes of the descriptor.
    pub len: usize,
}

/// The picture id follows the first byte.
const PICTURE_ID_AT: usize = 1;

impl Descriptor {
    /// Reads the descriptor at the front of an RTP payload.
    pub fn parse(payload: &[u8]) -> Result<Descriptor, Error> {
        let mut reader = Reader::new(payload);
        let flags = reader.u8()?;
        let has = |bit: u8| flags & bit != 0;
        let (inter_picture, flexible) = (has(0x40), has(0x10));
        let mut picture_id = None;
        if has(0x80) {
            let byte = reader.u8()?;
            let high = byte & 0x7f;
            picture_id = Some(if byte & 0x80 == 0 {
                PictureId::Short(high)
            } else {
                PictureId::Long(u16::from_be_bytes([high, reader.u8()?]))
            });
        }
        let layer = if has(0x20) { Some(parse_layer(&mut reader, flexible)?) } else { None };
        let references = if flexible && inter_picture {
            parse_references(&mut reader)?
        } else {
            References::default()
        };
        let structure = if has(0x02) { Some(parse_structure(&mut reader)?) } else { None };
        if reader.is_empty() {
            return Err(Error::Truncated);
        }
        Ok(Descriptor {
            picture_id,
            inter_picture,
            starts_frame: has(0x08),
            ends_frame: has(0x04),
            flexible,
            not_reference_for_upper: has(0x01),
            layer,
            references,
            structure,
            len: payload.len().saturating_sub(reader.rest().len()),
        })
    }

    /// First packet of a keyframe: a picture that depends on no other, at its lowest layer.
    pub fn starts_keyframe(&self) -> bool {
        let lowest = self.layer.is_none_or(|layer| layer.spatial == 0 && !layer.inter_layer);
        self.starts_frame && !self.inter_picture && lowest
    }

    /// Overwrites the picture id, and in the non-flexible mode the index of the lowest temporal
    /// layer, in the payload this was read from. Both keep their width; what was not sent is not
    /// written.
    pub fn rewrite(
        &self,
        payload: &mut [u8],
        picture_id: u16,
        tl0_picture_index: u8,
    ) -> Result<(), Error> {
        write_picture_id(payload, PICTURE_ID_AT, self.picture_id, picture_id)?;
        if self.layer.and_then(|layer| layer.tl0_picture_index).is_some() {
            let layers_at = match self.picture_id {
                None => PICTURE_ID_AT,
                Some(PictureId::Short(_)) => PICTURE_ID_AT.saturating_add(1),
                Some(PictureId::Long(_)) => PICTURE_ID_AT.saturating_add(2),
            };
            let at = layers_at.saturating_add(1);
            *payload.get_mut(at).ok_or(Error::Truncated)? = tl0_picture_index;
        }
        Ok(())
    }
}

fn parse_layer(reader: &mut Reader<'_>, flexible: bool) -> Result<Layer, Error> {
    let byte = reader.u8()?;
    let tl0_picture_index = if flexible { None } else { Some(reader.u8()?) };
    Ok(Layer {
        temporal: byte >> 5,
        switching_point: byte & 0x10 != 0,
        spatial: byte >> 1 & 0x07,
        inter_layer: byte & 0x01 != 0,
        tl0_picture_index,
    })
}

fn parse_references(reader: &mut Reader<'_>) -> Result<References, Error> {
    let mut references = References::default();
    for place in &mut references.distances {
        let byte = reader.u8()?;
        *place = byte >> 1;
        references.count = references.count.saturating_add(1);
        if byte & 1 == 0 {
            return Ok(references);
        }
    }
    Err(Error::TooMany)
}

fn parse_structure(reader: &mut Reader<'_>) -> Result<Structure, Error> {
    let byte = reader.u8()?;
    let spatial_layers = (byte >> 5).saturating_add(1);
    let mut sizes = [None; MAX_SPATIAL_LAYERS];
    if byte & 0x10 != 0 {
        for size in sizes.iter_mut().take(usize::from(spatial_layers)) {
            *size = Some((reader.u16()?, reader.u16()?));
        }
    }
    let pictures_in_group = if byte & 0x08 != 0 { reader.u8()? } else { 0 };
    for _ in 0..pictures_in_group {
        let references = reader.u8()? >> 2 & 0x03;
        reader.take(usize::from(references))?;
    }
    Ok(Structure { spatial_layers, sizes, pictures_in_group })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_flexible_mode_lists_its_references() {
        // I, P, L, F, B; picture id 15 bits; T1 U S2 D; two references.
        let bytes = [0xf8, 0x92, 0x34, 0b0011_0101, 0x03, 0x04, 0xaa];
        let descriptor = Descriptor::parse(&bytes).expect("valid");
        assert_eq!(descriptor.picture_id, Some(PictureId::Long(0x1234)));
        let layer = descriptor.layer.expect("sent");
        assert_eq!((layer.temporal, layer.spatial), (1, 2));
        assert!(layer.switching_point && layer.inter_layer);
        assert_eq!(layer.tl0_picture_index, None);
        assert_eq!((descriptor.len, descriptor.starts_keyframe()), (6, false));
        assert_eq!(descriptor.references.iter().collect::<Vec<_>>(), [1, 2]);
        let endless = [0xf8, 0x92, 0x34, 0x00, 0x03, 0x03, 0x03, 0x02, 0xaa];
        assert_eq!(Descriptor::parse(&endless), Err(Error::TooMany));
    }

    #[test]
    fn a_keyframe_tells_its_structure() {
        // I, L, B, V; picture id 7 bits; layer 0; TL0PICIDX; SS with two layers and a group of two.
        let mut bytes = vec![0xaa, 0x12, 0x00, 0x07, 0b0011_1000];
        bytes.extend([0x01, 0x40, 0x00, 0xf0, 0x02, 0x80, 0x01, 0xe0]);
        bytes.extend([2, 0b0000_0100, 1, 0b0010_1000, 1, 2]);
        bytes.push(0xaa);
        let descriptor = Descriptor::parse(&bytes).expect("valid");
        assert!(descriptor.starts_keyframe());
        let structure = descriptor.structure.expect("sent");
        assert_eq!((structure.spatial_layers, structure.pictures_in_group), (2, 2));
        assert_eq!(structure.sizes[..3], [Some((320, 240)), Some((640, 480)), None]);
        assert_eq!(descriptor.len, bytes.len() - 1);
        for len in 0..bytes.len() {
            assert_eq!(Descriptor::parse(&bytes[..len]), Err(Error::Truncated), "{len} bytes");
        }
        descriptor.rewrite(&mut bytes, 0x1281, 0x99).expect("fits");
        assert_eq!(bytes[..4], [0xaa, 0x01, 0x00, 0x99]);
    }

    #[test]
    fn a_group_of_255_pictures_ends_with_the_payload() {
        let mut bytes = vec![0x0a, 0b0000_1000, 255];
        bytes.extend([0b0000_1100; 200]);
        assert_eq!(Descriptor::parse(&bytes), Err(Error::Truncated));
        bytes.truncate(3);
        bytes.extend([0; 255]);
        assert_eq!(Descriptor::parse(&bytes), Err(Error::Truncated));
        bytes.push(0);
        let structure = Descriptor::parse(&bytes).expect("valid").structure.expect("sent");
        assert_eq!(structure.pictures_in_group, 255);
    }

    #[test]
    fn an_upper_spatial_layer_begins_no_keyframe() {
        // B and L, not P; non-flexible; spatial layer 1.
        let upper = Descriptor::parse(&[0x28, 0b0000_0011, 0, 0xaa]).expect("valid");
        assert!(!upper.starts_keyframe());
        let plain = Descriptor::parse(&[0x08, 0xaa]).expect("valid");
        assert!(plain.starts_keyframe());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..80), id: u16, tl0: u8) {
            if let Ok(descriptor) = Descriptor::parse(&bytes) {
                descriptor.rewrite(&mut bytes, id, tl0).expect("of the same length");
                let again = Descriptor::parse(&bytes).expect("still valid");
                prop_assert_eq!(again.len, descriptor.len);
                prop_assert_eq!(again.structure, descriptor.structure);
                prop_assert_eq!(again.starts_keyframe(), descriptor.starts_keyframe());
            }
        }
    }
}
