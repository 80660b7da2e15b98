//! BYE (RFC 3550 section 6.6): streams that end.

use super::{Writer, packet_type, ssrcs};
use crate::cursor::Reader;
use crate::{Error, Ssrc};

/// Sources that end, and why.
#[derive(Debug, Clone, Copy)]
pub struct Goodbye<'a> {
    sources: &'a [u8],
    /// Why: should be UTF-8, is whatever came; empty where nothing was said.
    pub reason: &'a [u8],
}

impl<'a> Goodbye<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Result<Goodbye<'a>, Error> {
        let mut reader = Reader::new(body);
        let sources = reader.take(usize::from(count).saturating_mul(4))?;
        let mut reason = &[][..];
        if !reader.is_empty() {
            let len = reader.u8()?;
            reason = reader.take(usize::from(len))?;
        }
        Ok(Goodbye { sources, reason })
    }

    /// The sources that end.
    pub fn sources(&self) -> impl Iterator<Item = Ssrc> + use<'a> {
        ssrcs(self.sources)
    }
}

impl Writer<'_> {
    /// Adds a goodbye for up to 31 sources.
    pub fn goodbye(&mut self, sources: &[Ssrc]) -> Result<(), Error> {
        self.packet(sources.len(), packet_type::GOODBYE, |writer| {
            sources.iter().try_for_each(|ssrc| writer.u32(ssrc.0))
        })
    }
}
