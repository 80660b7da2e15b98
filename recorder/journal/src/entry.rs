//! What a journal holds.

use crate::Error;
use crate::block::Kinds;
use bytes::{Buf, Bytes};
use lectern_control::relay::{self, Content, MAX_BATCH_BYTES};
use lectern_control::{NodeId, frame, recorder};

/// Bytes of records in one entry: a batch of the relay.
pub const MAX_RECORDS_BYTES: usize = MAX_BATCH_BYTES;
/// Bytes of an event: a name is a few hundred at most, and speakers are few.
const MAX_EVENT_BYTES: usize = 64 << 10;

/// One entry of a journal.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// Packets and reports that came from a node.
    Records {
        /// The node, as an [`Entry::Node`] of this journal or the session's names it.
        node: u16,
        /// Encoded [`Record`](lectern_control::relay::Record)s, one after the other.
        records: Bytes,
    },
    /// The number of a node from here on.
    Node {
        /// The number.
        index: u16,
        /// The node.
        node: NodeId,
    },
    /// A sample of a node's clock.
    Clock {
        /// The node.
        node: u16,
        /// When, on the recorder's clock, in microseconds since 1970.
        at_unix_us: u64,
        /// The node's clock less the recorder's, in microseconds.
        offset_us: i64,
        /// How long the question and the answer took, in microseconds.
        rtt_us: u32,
    },
    /// Something that the picture must show.
    Event {
        /// When, in milliseconds since 1970.
        at_unix_ms: u64,
        /// What.
        event: recorder::Event,
    },
    /// The recording has ended: nothing is missing after this.
    End,
}

/// What a block's header says of an entry.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Traits {
    pub(crate) kinds: Kinds,
    /// The earliest and latest time in it, in microseconds since 1970.
    pub(crate) span: Option<(u64, u64)>,
}

const KIND_RECORDS: u8 = 1;
const KIND_NODE: u8 = 2;
const KIND_CLOCK: u8 = 3;
const KIND_EVENT: u8 = 4;
const KIND_END: u8 = 5;
/// Kind and length.
const PREFIX_BYTES: usize = 5;

impl Entry {
    /// Appends it to a block; after an error the block is as it was.
    pub(crate) fn encode(&self, block: &mut Vec<u8>) -> Result<Traits, Error> {
        let from = block.len();
        block.extend_from_slice(&[0; PREFIX_BYTES]);
        let done = self.encode_body(block).and_then(|(kind, traits)| {
            let len = u32::try_from(block.len() - from - PREFIX_BYTES).map_err(|_| Error::Entry)?;
            block[from] = kind;
            block[from + 1..from + PREFIX_BYTES].copy_from_slice(&len.to_be_bytes());
            Ok(traits)
        });
        if done.is_err() {
            block.truncate(from);
        }
        done
    }

    fn encode_body(&self, block: &mut Vec<u8>) -> Result<(u8, Traits), Error> {
        Ok(match self {
            Entry::Records { node, records } => {
                let traits = records_traits(records)?;
                block.extend_from_slice(&node.to_be_bytes());
                block.extend_from_slice(records);
                (KIND_RECORDS, traits)
            }
            Entry::Node { index, node } => {
                block.extend_from_slice(&index.to_be_bytes());
                block.extend_from_slice(node.as_str().as_bytes());
                (KIND_NODE, Traits { kinds: Kinds::NODES, span: None })
            }
            Entry::Clock { node, at_unix_us, offset_us, rtt_us } => {
                block.extend_from_slice(&node.to_be_bytes());
                block.extend_from_slice(&at_unix_us.to_be_bytes());
                block.extend_from_slice(&offset_us.to_be_bytes());
                block.extend_from_slice(&rtt_us.to_be_bytes());
                let span = Some((*at_unix_us, *at_unix_us));
                (KIND_CLOCK, Traits { kinds: Kinds::CLOCKS, span })
            }
            Entry::Event { at_unix_ms, event } => {
                let event = frame::encode(event).map_err(|_| Error::Entry)?;
                if event.len() > MAX_EVENT_BYTES {
                    return Err(Error::Entry);
                }
                block.extend_from_slice(&at_unix_ms.to_be_bytes());
                block.extend_from_slice(&event);
                let at = at_unix_ms.saturating_mul(1_000);
                (KIND_EVENT, Traits { kinds: Kinds::EVENTS, span: Some((at, at)) })
            }
            Entry::End => (KIND_END, Traits { kinds: Kinds::END, span: None }),
        })
    }

    fn decode(kind: u8, mut body: Bytes) -> Option<Entry> {
        match kind {
            KIND_RECORDS => {
                let node = body.try_get_u16().ok()?;
                (body.len() <= MAX_RECORDS_BYTES).then_some(Entry::Records { node, records: body })
            }
            KIND_NODE => {
                let index = body.try_get_u16().ok()?;
                let name = std::str::from_utf8(&body).ok()?;
                Some(Entry::Node { index, node: name.parse().ok()? })
            }
            KIND_CLOCK => {
                let node = body.try_get_u16().ok()?;
                let at_unix_us = body.try_get_u64().ok()?;
                let offset_us = body.try_get_i64().ok()?;
                let rtt_us = body.try_get_u32().ok()?;
                body.is_empty().then_some(Entry::Clock { node, at_unix_us, offset_us, rtt_us })
            }
            KIND_EVENT => {
                let at_unix_ms = body.try_get_u64().ok()?;
                if body.len() > MAX_EVENT_BYTES {
                    return None;
                }
                Some(Entry::Event { at_unix_ms, event: frame::decode(&body).ok()? })
            }
            KIND_END => body.is_empty().then_some(Entry::End),
            _ => None,
        }
    }
}

/// Looks through records: well-formed all of them, and when they came.
fn records_traits(records: &[u8]) -> Result<Traits, Error> {
    if records.len() > MAX_RECORDS_BYTES {
        return Err(Error::Entry);
    }
    let mut traits = Traits { kinds: Kinds::RECORDS, span: None };
    for record in relay::records(records) {
        let record = record.map_err(|_| Error::Entry)?;
        let at = record.arrival_unix_us;
        traits.span = Some(traits.span.map_or((at, at), |(a, b)| (a.min(at), b.max(at))));
        if matches!(record.content, Content::Packet { keyframe: true, .. }) {
            traits.kinds = traits.kinds.with(Kinds::KEYFRAME);
        }
    }
    Ok(traits)
}

/// What stands in a block where an entry should: of a kind that is not known here, or damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Strange;

/// Takes the next entry from an opened block. Its records are not looked through again.
pub(crate) fn take(block: &mut Bytes) -> Option<Result<Entry, Strange>> {
    if block.is_empty() {
        return None;
    }
    let kind = block.try_get_u8();
    let len = block.try_get_u32().ok().and_then(|len| usize::try_from(len).ok());
    match (kind, len) {
        (Ok(kind), Some(len)) if len <= block.len() => {
            Some(Entry::decode(kind, block.split_to(len)).ok_or(Strange))
        }
        _ => {
            block.clear();
            Some(Err(Strange))
        }
    }
}

#[cfg(test)]
mod tests;
