//! What an SCTP packet must pass before the library sees it.
//!
//! The library keeps what it cannot put together yet in sorted lists, bounds them by the bytes of
//! their payloads alone, and moves whole lists for one chunk. Nothing that a sender does by the rules
//! (RFC 9260) fills them; here whatever would is dropped.

use super::MAX_STREAMS;
use crate::DropReason;
use crate::bucket::Bucket;
use dcsctp::api::DcSctpSocket;
use dcsctp::api::handover::HandoverReadiness;
use lectern_wire::cursor::Reader;
use std::time::Instant;

/// How far ahead of our acknowledgement a chunk may be: four receive windows of full chunks, or five
/// seconds of the messages a client may send. What lies further ahead is sent again by the client.
const WINDOW: u32 = 1_024;
/// Messages whose ends have come and which were not delivered: a whole window, and what was abandoned
/// halfway meanwhile.
const MAX_WAITING: usize = 1_536;
/// Chunks a client may send a second: twice what a link of 20 Mbit/s carries, so that only floods of
/// small ones are held back.
const CHUNKS_PER_SECOND: u32 = 4_000;
/// Chunks a client may send at once: a full window of small messages, and its acknowledgements.
const CHUNKS_AT_ONCE: u32 = 4_000;
/// Chunks remembered: the window, and as many behind it, so that each meets the one before it.
const REMEMBERED: usize = 2 * WINDOW as usize;

/// Chunk types (RFC 9260 section 3.2, RFC 3758 section 3.2, RFC 8260 sections 2.1 and 2.3.1).
mod chunk {
    pub const DATA: u8 = 0;
    pub const INIT: u8 = 1;
    pub const INIT_ACK: u8 = 2;
    pub const SACK: u8 = 3;
    pub const COOKIE_ECHO: u8 = 10;
    pub const I_DATA: u8 = 64;
    pub const FORWARD_TSN: u8 = 192;
    pub const I_FORWARD_TSN: u8 = 194;
}

const HEADER_LEN: usize = 12;
const CHUNK_HEADER_LEN: usize = 4;

/// Flags of DATA (RFC 9260 section 3.3.1).
const IS_END: u8 = 1;
const IS_BEGINNING: u8 = 2;
const IS_UNORDERED: u8 = 4;

/// What is remembered of a DATA chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    tsn: u32,
    stream: u16,
    ssn: u16,
    flags: u8,
}

impl Seen {
    fn parse(flags: u8, body: &[u8]) -> Option<Seen> {
        let mut reader = Reader::new(body);
        let (tsn, stream, ssn) = (reader.u32().ok()?, reader.u16().ok()?, reader.u16().ok()?);
        Some(Seen { tsn, stream, ssn, flags: flags & (IS_END | IS_BEGINNING | IS_UNORDERED) })
    }

    fn is(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether the chunk with the next number can be this one: the fragments of a message follow
    /// each other (RFC 9260 section 6.9).
    fn may_be_followed_by(self, next: Seen) -> bool {
        if self.is(IS_END) || next.is(IS_BEGINNING) {
            return self.is(IS_END) && next.is(IS_BEGINNING);
        }
        let same_order = self.is(IS_UNORDERED) == next.is(IS_UNORDERED);
        let same_message = self.is(IS_UNORDERED) || self.ssn == next.ssn;
        self.stream == next.stream && same_order && same_message
    }
}

/// Watches one association's chunks.
#[derive(Debug)]
pub(super) struct Guard {
    chunks: Bucket,
    /// All up to this number has come: what our latest acknowledgement says.
    acked: Option<u32>,
    /// The number before the first one that the client has announced.
    announced: Option<u32>,
    /// The latest DATA chunks, each at its number modulo the length; made with the first one.
    seen: Vec<Option<Seen>>,
    /// Messages whose ends have come and which were not delivered.
    waiting: usize,
    /// What was let through is by the rules only if the association begins anew with it.
    awaits_restart: bool,
    /// The client has broken the rules; its association is of no more use.
    is_broken: bool,
}

impl Guard {
    /// Before an association; one that is taken over has acknowledged `acked`.
    pub(super) fn new(now: Instant, acked: Option<u32>) -> Guard {
        Guard {
            chunks: Bucket::new(now, CHUNKS_AT_ONCE, CHUNKS_PER_SECOND),
            acked,
            announced: None,
            seen: Vec::new(),
            waiting: 0,
            awaits_restart: false,
            is_broken: false,
        }
    }

    /// Whether a packet of the client may go to the library.
    pub(super) fn admit(&mut self, now: Instant, packet: &[u8]) -> Result<(), DropReason> {
        if self.is_broken || !self.chunks.take(now, chunks(packet).count()) {
            return Err(DropReason::DataFlood);
        }
        let begins_anew =
            chunks(packet).next().is_some_and(|(kind, ..)| kind == chunk::COOKIE_ECHO);
        chunks(packet).try_for_each(|(kind, flags, body)| match kind {
            chunk::INIT | chunk::INIT_ACK => {
                // After tag, window and numbers of streams (RFC 9260 section 3.3.2).
                self.announced = number(body, 12).map(|first| first.wrapping_sub(1));
                Ok(())
            }
            chunk::DATA => {
                let data = Seen::parse(flags, body).ok_or(DropReason::Malformed)?;
                self.admit_data(data, begins_anew)
            }
            chunk::FORWARD_TSN => {
                self.skip(number(body, 0).ok_or(DropReason::Malformed)?);
                let (skipped, _) = body.get(4..).unwrap_or_default().as_chunks::<4>();
                let stream = |[high, low, ..]: &[u8; 4]| u16::from_be_bytes([*high, *low]);
                let is_known = skipped.iter().map(stream).all(|stream| stream < MAX_STREAMS);
                if is_known { Ok(()) } else { Err(DropReason::Malformed) }
            }
            // Never negotiated, and yet the library would take them.
            chunk::I_DATA | chunk::I_FORWARD_TSN => Err(DropReason::Malformed),
            _ => Ok(()),
        })
    }

    fn admit_data(&mut self, data: Seen, begins_anew: bool) -> Result<(), DropReason> {
        if data.stream >= MAX_STREAMS {
            return Err(DropReason::Malformed);
        }
        let ahead = |base: Option<u32>| base.map(|base| data.tsn.wrapping_sub(base).cast_signed());
        let fits = |ahead: Option<i32>| ahead.is_some_and(|ahead| ahead <= WINDOW as i32);
        let base = self.acked.or(self.announced);
        if !fits(ahead(base)) {
            if !begins_anew || !fits(ahead(self.announced)) {
                return Err(DropReason::DataFlood);
            }
            self.awaits_restart = true;
            return Ok(());
        }
        if ahead(base).is_some_and(|ahead| ahead <= 0) || self.at(data.tsn) == Some(data) {
            return Ok(());
        }
        let before = self.at(data.tsn.wrapping_sub(1));
        let after = self.at(data.tsn.wrapping_add(1));
        if self.at(data.tsn).is_some()
            || before.is_some_and(|before| !before.may_be_followed_by(data))
            || after.is_some_and(|after| !data.may_be_followed_by(after))
        {
            return Err(DropReason::Malformed);
        }
        if self.waiting >= MAX_WAITING {
            return Err(DropReason::DataFlood);
        }
        self.waiting += usize::from(data.is(IS_END));
        if self.seen.is_empty() {
            self.seen = vec![None; REMEMBERED];
        }
        if let Some(slot) = self.seen.get_mut(data.tsn as usize % REMEMBERED) {
            *slot = Some(data);
        }
        Ok(())
    }

    /// The client abandons what comes before a number (RFC 3758 section 3.5), perhaps in the middle
    /// of a message: what has come of it waits until the library forgets it.
    fn skip(&mut self, tsn: u32) {
        let slot = self.seen.get_mut(tsn as usize % REMEMBERED);
        let last = slot.and_then(Option::as_mut).filter(|seen| seen.tsn == tsn);
        if let Some(last) = last.filter(|last| !last.is(IS_END)) {
            last.flags |= IS_END;
            self.waiting += 1;
        }
    }

    fn at(&self, tsn: u32) -> Option<Seen> {
        let slot = self.seen.get(tsn as usize % REMEMBERED).copied().flatten();
        slot.filter(|seen| seen.tsn == tsn)
    }

    /// The library has taken what was admitted, and said what came of it.
    pub(super) fn settle(&mut self, socket: &dyn DcSctpSocket) {
        self.is_broken |= std::mem::take(&mut self.awaits_restart);
        let waits = HandoverReadiness::STREAM_HAS_UNASSEMBLED_CHUNKS
            | HandoverReadiness::STREAM_RESET_DEFERRED;
        if self.waiting > MAX_WAITING / 2 && !socket.get_handover_readiness().contains(waits) {
            // What was counted is not there any more: the client has abandoned it.
            self.waiting = 0;
        }
    }

    /// The library sends a packet: it may say how far it has come.
    pub(super) fn sent(&mut self, packet: &[u8]) {
        let acks = chunks(packet).filter(|(kind, ..)| *kind == chunk::SACK);
        if let Some(acked) = acks.filter_map(|(.., body)| number(body, 0)).last() {
            self.acked = Some(acked);
        }
    }

    /// A message was delivered.
    pub(super) fn delivered(&mut self) {
        self.waiting = self.waiting.saturating_sub(1);
    }

    /// An association has begun, under the numbers announced last.
    pub(super) fn begin_anew(&mut self) {
        self.acked = None;
        self.waiting = 0;
        self.awaits_restart = false;
        self.seen.fill(None);
    }
}

/// Type, flags and body of each chunk of a packet; ends where they contradict themselves.
pub(super) fn chunks(packet: &[u8]) -> impl Iterator<Item = (u8, u8, &[u8])> {
    let mut rest = packet.get(HEADER_LEN..).unwrap_or_default();
    std::iter::from_fn(move || {
        let [kind, flags, high, low] = *rest.first_chunk()?;
        let len = usize::from(u16::from_be_bytes([high, low]));
        let body = rest.get(CHUNK_HEADER_LEN..len)?;
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, flags, body))
    })
}

fn number(body: &[u8], at: usize) -> Option<u32> {
    let bytes = body.get(at..)?.first_chunk()?;
    Some(u32::from_be_bytes(*bytes))
}
