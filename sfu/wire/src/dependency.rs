//! The dependency descriptor (RTP Payload Format for AV1 v1.0, appendix A): which decode targets a
//! frame belongs to and what it depends on, for any codec, even where the payload is encrypted.

use crate::Error;
use crate::bits::{BitReader, BitWriter};

/// Templates of a structure: ids have six bits (section A.8.2).
pub const MAX_TEMPLATES: usize = 64;
/// Decode targets of a structure: five bits, and one (section A.8.2).
pub const MAX_TARGETS: usize = 32;
/// Spatial layers of AV1 (AV1 specification section 6.4.1).
pub const MAX_SPATIAL_LAYERS: usize = 4;
/// Temporal layers of AV1 (AV1 specification section 6.4.1).
pub const MAX_TEMPORAL_LAYERS: usize = 8;
/// Bytes of the fields that every descriptor has.
pub const MANDATORY_LEN: usize = 3;
/// Frame numbers back to which references are told one by one.
pub const MAX_DISTANCE: u32 = 63;

/// The first bit after the mandatory fields, and after the flags of the extended ones.
const FLAGS_BIT: usize = 8 * MANDATORY_LEN;
const AFTER_FLAGS_BIT: usize = FLAGS_BIT + 5;
/// In the fourth byte: a template structure follows, a mask of active decode targets follows.
const STRUCTURE_FLAG: u8 = 0x80;
const ACTIVE_FLAG: u8 = 0x40;

/// What decode targets make of a frame, one bit for each (section A.4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Indications {
    /// The frame belongs to them: all but "not present".
    pub present: u32,
    /// They can be decoded from this frame on: "switch".
    pub switch: u32,
    /// Nothing in them depends on the frame: "discardable".
    pub discardable: u32,
}

/// What frames of one kind have in common.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Template {
    /// The spatial layer.
    pub spatial: u8,
    /// The temporal layer.
    pub temporal: u8,
    /// What decode targets make of it.
    pub indications: Indications,
    /// The frames it depends on: see [`Descriptor::references`].
    pub references: u64,
}

/// The template dependency structure: it comes with a keyframe and holds until the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    first_id: u8,
    count: u8,
    targets: u8,
    chains: u8,
    templates: [Template; MAX_TEMPLATES],
    target_layers: [(u8, u8); MAX_TARGETS],
    within: [u32; MAX_TARGETS],
    sizes: [Option<(u16, u16)>; MAX_SPATIAL_LAYERS],
}

/// The descriptor of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptor {
    /// First packet of its frame.
    pub starts_frame: bool,
    /// Last packet of its frame.
    pub ends_frame: bool,
    /// Counts frames; wraps after 16 bits.
    pub frame_number: u16,
    /// A structure is attached.
    pub has_structure: bool,
    /// The spatial layer.
    pub spatial: u8,
    /// The temporal layer.
    pub temporal: u8,
    /// What decode targets make of the frame.
    pub indications: Indications,
    /// Bit d, from 1 to 63: it depends on the frame d numbers before. Bit 0: on one further back.
    pub references: u64,
    /// The decode targets that the sender still serves, where it says so.
    pub active_targets: Option<u32>,
    /// Where they stand.
    pub mask: MaskPlace,
}

/// Where the mask of active decode targets stands in a descriptor, or would stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaskPlace {
    /// Its first bit.
    pub bit: u16,
    /// Its bits: one for each decode target.
    pub targets: u8,
    /// It is there.
    pub present: bool,
}

/// Whether a template structure is attached.
pub fn has_structure(value: &[u8]) -> bool {
    value.get(MANDATORY_LEN).is_some_and(|flags| flags & STRUCTURE_FLAG != 0)
}

/// Whether a descriptor begins its frame, whether it ends it, and the frame's number: what can be
/// read without the structure.
pub fn mandatory(value: &[u8]) -> Result<(bool, bool, u16), Error> {
    let [first, high, low, ..] = value else { return Err(Error::Truncated) };
    Ok((first & 0x80 != 0, first & 0x40 != 0, u16::from_be_bytes([*high, *low])))
}

impl Descriptor {
    /// Reads a descriptor, under the structure that is attached or came before.
    pub fn parse(value: &[u8], structure: &Structure) -> Result<Descriptor, Error> {
        let (starts_frame, ends_frame, frame_number) = mandatory(value)?;
        let id = value.first().map_or(0, |first| first & 0x3f);
        let template = structure.template(id).ok_or(Error::Unsupported)?;
        let mut descriptor = Descriptor {
            starts_frame,
            ends_frame,
            frame_number,
            has_structure: false,
            spatial: template.spatial,
            temporal: template.temporal,
            indications: template.indications,
            references: template.references,
            active_targets: None,
            mask: MaskPlace {
                bit: AFTER_FLAGS_BIT as u16,
                targets: structure.targets,
                present: false,
            },
        };
        if value.len() > MANDATORY_LEN {
            descriptor.extend(value, structure)?;
        }
        Ok(descriptor)
    }

    /// The fields that only some descriptors have (section A.8.2, extended_descriptor_fields).
    fn extend(&mut self, value: &[u8], structure: &Structure) -> Result<(), Error> {
        let mut reader = BitReader::new(value);
        reader.bits(FLAGS_BIT as u32)?;
        let mut flag = || reader.flag();
        let (attached, active) = (flag()?, flag()?);
        let (dtis, references, chains) = (flag()?, flag()?, flag()?);
        self.has_structure = attached;
        if attached {
            Structure::read(&mut reader)?;
        }
        self.mask.bit = reader.position() as u16;
        self.mask.present = active;
        if active {
            self.active_targets = Some(reader.bits(u32::from(structure.targets))?);
        }
        if dtis {
            self.indications = read_indications(&mut reader, structure.targets)?;
        }
        if references {
            self.references = read_references(&mut reader)?;
        }
        if chains {
            for _ in 0..structure.chains {
                reader.bits(8)?;
            }
        }
        Ok(())
    }
}

/// Copies a descriptor to `out` with another mask of active decode targets; gives its length. The
/// mask is inserted where none was.
pub fn write_active_targets(
    value: &[u8],
    place: MaskPlace,
    active: u32,
    out: &mut [u8],
) -> Result<usize, Error> {
    let start = usize::from(place.bit);
    let targets = u32::from(place.targets);
    out.get_mut(..value.len()).ok_or(Error::NoSpace)?.copy_from_slice(value);
    if value.len() == MANDATORY_LEN && !place.present {
        *out.get_mut(MANDATORY_LEN).ok_or(Error::NoSpace)? = 0;
    }
    let flags = out.get_mut(MANDATORY_LEN).ok_or(Error::NoSpace)?;
    *flags |= ACTIVE_FLAG;
    let mut writer = BitWriter::after(out, start);
    writer.bits(active, targets)?;
    if !place.present {
        let mut rest = BitReader::after(value, start);
        while let Some(bits) = rest.remaining().filter(|bits| *bits > 0) {
            let count = bits.min(u32::BITS);
            writer.bits(rest.bits(count)?, count)?;
        }
        writer.zeros_to_byte()?;
        return Ok(writer.len());
    }
    Ok(value.len())
}

impl Structure {
    /// Reads the structure that is attached to a descriptor.
    pub fn parse(value: &[u8]) -> Result<Structure, Error> {
        if !has_structure(value) {
            return Err(Error::Unsupported);
        }
        let mut reader = BitReader::after(value, AFTER_FLAGS_BIT);
        Structure::read(&mut reader)
    }

    /// The template that an id means.
    pub fn template(&self, id: u8) -> Option<&Template> {
        let place = usize::from(id.wrapping_sub(self.first_id) & 0x3f);
        self.templates.get(..usize::from(self.count))?.get(place)
    }

    /// How many decode targets there are.
    pub fn targets(&self) -> u8 {
        self.targets
    }

    /// The spatial and temporal layer up to which each decode target goes.
    pub fn target_layers(&self) -> &[(u8, u8)] {
        self.target_layers.get(..usize::from(self.targets)).unwrap_or_default()
    }

    /// The decode targets all of whose frames belong to a given one as well, itself among them.
    pub fn within(&self, target: u8) -> u32 {
        self.within.get(usize::from(target)).copied().unwrap_or(0)
    }

    /// The size in pixels of each spatial layer's pictures, where told.
    pub fn sizes(&self) -> [Option<(u16, u16)>; MAX_SPATIAL_LAYERS] {
        self.sizes
    }

    /// Section A.8.2, template_dependency_structure.
    fn read(reader: &mut BitReader<'_>) -> Result<Structure, Error> {
        let first_id = reader.bits(6)? as u8;
        let targets = (reader.bits(5)? as u8).saturating_add(1);
        let mut structure = Structure {
            first_id,
            count: 0,
            targets,
            chains: 0,
            templates: [Template::default(); MAX_TEMPLATES],
            target_layers: [(0, 0); MAX_TARGETS],
            within: [0; MAX_TARGETS],
            sizes: [None; MAX_SPATIAL_LAYERS],
        };
        let highest = structure.read_layers(reader)?;
        let count = usize::from(structure.count);
        for template in structure.templates.iter_mut().take(count) {
            template.indications = read_indications(reader, targets)?;
        }
        for template in structure.templates.iter_mut().take(count) {
            while reader.flag()? {
                let distance = reader.bits(4)?.saturating_add(1);
                template.references |= 1u64.checked_shl(distance).unwrap_or(1);
            }
        }
        structure.read_chains(reader)?;
        if reader.flag()? {
            for size in structure.sizes.iter_mut().take(usize::from(highest).saturating_add(1)) {
                let (width, height) = (reader.bits(16)? as u16, reader.bits(16)? as u16);
                *size = Some((width.saturating_add(1), height.saturating_add(1)));
            }
        }
        structure.describe_targets();
        Ok(structure)
    }

    /// Section A.8.2, template_layers; gives the highest spatial layer.
    fn read_layers(&mut self, reader: &mut BitReader<'_>) -> Result<u8, Error> {
        let (mut spatial, mut temporal) = (0u8, 0u8);
        loop {
            let place = usize::from(self.count);
            let template = self.templates.get_mut(place).ok_or(Error::TooMany)?;
            (template.spatial, template.temporal) = (spatial, temporal);
            self.count = self.count.saturating_add(1);
            match reader.bits(2)? {
                0 => {}
                1 => temporal = temporal.saturating_add(1),
                2 => (spatial, temporal) = (spatial.saturating_add(1), 0),
                _ => return Ok(spatial),
            }
            if usize::from(spatial) >= MAX_SPATIAL_LAYERS
                || usize::from(temporal) >= MAX_TEMPORAL_LAYERS
            {
                return Err(Error::TooMany);
            }
        }
    }

    /// Section A.8.2, template_chains: how far back each chain goes is not needed here.
    fn read_chains(&mut self, reader: &mut BitReader<'_>) -> Result<(), Error> {
        let targets = u32::from(self.targets);
        let chains = reader.below(targets.saturating_add(1))?;
        self.chains = chains as u8;
        if chains == 0 {
            return Ok(());
        }
        for _ in 0..targets {
            reader.below(chains)?;
        }
        for _ in 0..u32::from(self.count).saturating_mul(chains) {
            reader.bits(4)?;
        }
        Ok(())
    }

    /// Section A.8.2, decode_target_layers; and which targets lie within which.
    fn describe_targets(&mut self) {
        let templates = self.templates.get(..usize::from(self.count)).unwrap_or_default();
        let all = u32::MAX.checked_shr(u32::BITS.saturating_sub(u32::from(self.targets)));
        for (target, bit) in (0..usize::from(self.targets)).zip((0..).map(bit)) {
            let mut layers = (0, 0);
            let mut foreign = 0;
            for template in templates {
                let present = template.indications.present;
                if present & bit != 0 {
                    layers = (template.spatial.max(layers.0), template.temporal.max(layers.1));
                } else {
                    foreign |= present;
                }
            }
            if let Some(place) = self.target_layers.get_mut(target) {
                *place = layers;
            }
            if let Some(place) = self.within.get_mut(target) {
                *place = all.unwrap_or(0) & !foreign;
            }
        }
    }
}

fn bit(place: u32) -> u32 {
    1u32.checked_shl(place).unwrap_or(0)
}

fn read_indications(reader: &mut BitReader<'_>, targets: u8) -> Result<Indications, Error> {
    let mut found = Indications::default();
    for bit in (0..u32::from(targets)).map(bit) {
        let indication = reader.bits(2)?;
        if indication != 0 {
            found.present |= bit;
        }
        match indication {
            1 => found.discardable |= bit,
            2 => found.switch |= bit,
            _ => {}
        }
    }
    Ok(found)
}

/// Section A.8.2, frame_fdiffs.
fn read_references(reader: &mut BitReader<'_>) -> Result<u64, Error> {
    let mut references = 0;
    loop {
        let size = reader.bits(2)?;
        if size == 0 {
            return Ok(references);
        }
        let distance = reader.bits(size.saturating_mul(4))?.saturating_add(1);
        references |=
            if distance > MAX_DISTANCE { 1 } else { 1u64.checked_shl(distance).unwrap_or(1) };
    }
}

#[cfg(test)]
mod tests;
