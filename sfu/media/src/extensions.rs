//! The header extension ids of one peer, both ways: id to meaning, meaning to id.

use lectern_control::media::{EXTENSION_URIS, Extension, ExtensionId};

/// Meanings there are.
const KINDS: usize = EXTENSION_URIS.len();
/// The highest id of the one-byte form (RFC 8285 section 4.2).
const MAX_ONE_BYTE_ID: u8 = 14;

/// The extensions that a forwarder passes on; the others are between neighbours.
pub const END_TO_END: [Extension; 8] = [
    Extension::AudioLevel,
    Extension::AbsoluteCaptureTime,
    Extension::PlayoutDelay,
    Extension::VideoOrientation,
    Extension::VideoContentType,
    Extension::DependencyDescriptor,
    Extension::ColorSpace,
    Extension::VideoTiming,
];

/// Which id means which extension for one peer.
#[derive(Debug, Clone)]
pub struct Extensions {
    by_id: [Option<Extension>; 256],
    ids: [u8; KINDS],
    two_byte: bool,
    counts: bool,
}

impl Extensions {
    /// The extensions as negotiated. Id 0 means nothing and is left out.
    pub fn new(negotiated: &[ExtensionId]) -> Extensions {
        let mut table =
            Extensions { by_id: [None; 256], ids: [0; KINDS], two_byte: false, counts: false };
        for ExtensionId { id, extension } in negotiated.iter().filter(|entry| entry.id != 0) {
            table.by_id[usize::from(*id)] = Some(*extension);
            table.ids[*extension as usize] = *id;
            table.two_byte |= *id > MAX_ONE_BYTE_ID;
        }
        table
    }

    /// What an id means.
    #[inline]
    pub fn meaning(&self, id: u8) -> Option<Extension> {
        self.by_id[usize::from(id)]
    }

    /// The id of an extension, where it was negotiated.
    #[inline]
    pub fn id(&self, extension: Extension) -> Option<u8> {
        Some(self.ids[extension as usize]).filter(|id| *id != 0)
    }

    /// From now on packets to the peer carry transport-wide numbers, where that was negotiated.
    pub fn start_counting(&mut self) {
        self.counts = true;
    }

    /// The id of transport-wide numbers, where packets to the peer carry them.
    #[inline]
    pub fn number_id(&self) -> Option<u8> {
        self.id(Extension::TransportWideSequence).filter(|_| self.counts)
    }

    /// Whether an id needs the two-byte form.
    #[inline]
    pub fn needs_two_bytes(&self) -> bool {
        self.two_byte
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_meanings_belong_together() {
        let negotiated: Vec<_> = EXTENSION_URIS
            .iter()
            .enumerate()
            .map(|(place, (extension, _))| ExtensionId { id: place as u8, extension: *extension })
            .collect();
        let table = Extensions::new(&negotiated);
        assert_eq!(table.id(EXTENSION_URIS[0].0), None, "id 0 means nothing");
        for entry in &negotiated[1..] {
            assert_eq!(table.meaning(entry.id), Some(entry.extension));
            assert_eq!(table.id(entry.extension), Some(entry.id));
        }
        assert_eq!(table.meaning(255), None);
        assert!(!table.needs_two_bytes());
        let high = ExtensionId { id: 15, extension: Extension::Mid };
        assert!(Extensions::new(&[high]).needs_two_bytes());
    }
}
