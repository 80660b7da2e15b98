//! A client's answer to our offer: what it will receive, section by section.

use super::candidate::Loopback;
use super::description::{Description, Section};
use super::extension::{self, Use};
use super::transport::{self, Setup, Transport};
use super::{Error, codec};
use lectern_control::media::{Codec, ExtensionId};

/// What a client said to one section of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweredSection {
    /// The mid; empty where the client repeats none.
    pub mid: String,
    /// It will receive.
    pub receives: bool,
    /// Codecs it decodes, with the payload types under which it wants them.
    pub codecs: Vec<Codec>,
    /// Extensions it understands.
    pub extensions: Vec<ExtensionId>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientAnswer {
    /// The client's side of the transport.
    pub transport: Transport,
    /// One for each section of the offer, in its order.
    pub sections: Vec<AnsweredSection>,
}

impl ClientAnswer {
    /// Reads the answer to an offer of `sections` sections.
    pub fn parse(text: &str, sections: usize, loopback: Loopback) -> Result<ClientAnswer, Error> {
        let description = Description::parse(text)?;
        let transport = transport::read(&description, loopback)?;
        if transport.setup == Setup::ActPass {
            // The answerer chooses (RFC 5763 section 5).
            return Err(Error::Invalid("setup"));
        }
        if description.sections.len() != sections {
            return Err(Error::Invalid("the number of sections"));
        }
        Ok(ClientAnswer { transport, sections: description.sections.iter().map(read).collect() })
    }
}

fn read(section: &Section<'_>) -> AnsweredSection {
    AnsweredSection {
        mid: section.value("mid").unwrap_or_default().to_owned(),
        receives: section.port != 0 && section.direction().receives,
        codecs: codec::read(section),
        extensions: extension::read(section, Use::Received),
    }
}
