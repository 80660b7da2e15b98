//! Transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1): which
//! packets of a transport arrived, and when.

use super::{Writer, packet_type, transport_format};
use crate::cursor::{self, Reader};
use crate::{Error, Ssrc};
use std::time::Duration;

/// Packets one feedback speaks of: 250 ms of 150 Mb/s. More costs the estimator time for nothing.
pub const MAX_STATUSES: usize = 4_096;

/// Ticks of one unit of the reference time, 64 ms.
const REFERENCE_TICKS: i64 = 256;
const MICROS_PER_TICK: i64 = 250;
const MAX_RUN: usize = 0x1fff;
const ONE_BIT_SYMBOLS: usize = 14;
const TWO_BIT_SYMBOLS: usize = 7;

/// A moment on the receiver's clock, in ticks of 250 µs. Wraps after 12 days with its 24 bits of
/// reference time: only differences mean something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arrival(pub i64);

impl Arrival {
    /// Microseconds from `earlier` to this; negative where it is before.
    pub const fn micros_since(self, earlier: Arrival) -> i64 {
        self.0.saturating_sub(earlier.0).saturating_mul(MICROS_PER_TICK)
    }
}

/// What became of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Its transport-wide sequence number.
    pub sequence: u16,
    /// When it arrived; `None` where it has not.
    pub arrival: Option<Arrival>,
}

/// A feedback packet; every status and time in it is well-formed.
#[derive(Debug, Clone, Copy)]
pub struct TransportFeedback<'a> {
    /// Who received.
    pub sender: Ssrc,
    /// Any of the sender's streams.
    pub media: Ssrc,
    /// The first packet's number.
    pub base_sequence: u16,
    /// How many packets it speaks of.
    pub status_count: u16,
    /// Counts feedback packets.
    pub feedback_count: u8,
    reference: i64,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Symbol {
    Missing,
    SmallDelta,
    LargeDelta,
}

impl Symbol {
    fn from_bits(bits: u16) -> Result<Symbol, Error> {
        match bits & 3 {
            0 => Ok(Symbol::Missing),
            1 => Ok(Symbol::SmallDelta),
            2 => Ok(Symbol::LargeDelta),
            _ => Err(Error::Invalid),
        }
    }

    const fn bits(self) -> u16 {
        match self {
            Symbol::Missing => 0,
            Symbol::SmallDelta => 1,
            Symbol::LargeDelta => 2,
        }
    }

    const fn delta_len(self) -> usize {
        match self {
            Symbol::Missing => 0,
            Symbol::SmallDelta => 1,
            Symbol::LargeDelta => 2,
        }
    }
}

impl<'a> TransportFeedback<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Result<TransportFeedback<'a>, Error> {
        let mut reader = Reader::new(body);
        let sender = Ssrc(reader.u32()?);
        let media = Ssrc(reader.u32()?);
        let base_sequence = reader.u16()?;
        let status_count = reader.u16()?;
        let reference = i64::from((reader.u24()? << 8).cast_signed() >> 8);
        let feedback_count = reader.u8()?;
        if usize::from(status_count) > MAX_STATUSES {
            return Err(Error::TooMany);
        }
        let from_chunks = reader.rest();
        let mut symbols = Symbols::new(from_chunks, status_count);
        let mut deltas_len = 0usize;
        while let Some(symbol) = symbols.step()? {
            deltas_len = deltas_len.saturating_add(symbol.delta_len());
        }
        let chunks_len = from_chunks.len().saturating_sub(symbols.reader.rest().len());
        let chunks = reader.take(chunks_len)?;
        let deltas = reader.take(deltas_len)?;
        Ok(TransportFeedback {
            sender,
            media,
            base_sequence,
            status_count,
            feedback_count,
            reference,
            chunks,
            deltas,
        })
    }

    /// The moment from which the arrivals are counted.
    pub const fn reference(&self) -> Arrival {
        Arrival(self.reference.saturating_mul(REFERENCE_TICKS))
    }

    /// What became of each packet, in the order of their numbers.
    pub fn statuses(&self) -> impl Iterator<Item = Status> + use<'a> {
        let mut symbols = Symbols::new(self.chunks, self.status_count);
        let mut deltas = Reader::new(self.deltas);
        let mut sequence = self.base_sequence;
        let Arrival(mut now) = self.reference();
        std::iter::from_fn(move || {
            let delta = match symbols.step().ok()?? {
                Symbol::Missing => None,
                Symbol::SmallDelta => Some(i64::from(deltas.u8().ok()?)),
                Symbol::LargeDelta => Some(i64::from(deltas.u16().ok()?.cast_signed())),
            };
            let arrival = delta.map(|delta| {
                now = now.saturating_add(delta);
                Arrival(now)
            });
            let status = Status { sequence, arrival };
            sequence = sequence.wrapping_add(1);
            Some(status)
        })
    }
}

/// Walks over the symbols of status chunks.
struct Symbols<'a> {
    reader: Reader<'a>,
    left: u16,
    chunk: Chunk,
}

/// What is left of a status chunk.
enum Chunk {
    Run { symbol: Symbol, left: u16 },
    OneBit { bits: u16, left: u8 },
    TwoBit { bits: u16, left: u8 },
}

impl<'a> Symbols<'a> {
    fn new(chunks: &'a [u8], count: u16) -> Symbols<'a> {
        let none = Chunk::Run { symbol: Symbol::Missing, left: 0 };
        Symbols { reader: Reader::new(chunks), left: count, chunk: none }
    }

    fn step(&mut self) -> Result<Option<Symbol>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        loop {
            if let Some(symbol) = self.chunk.step()? {
                return Ok(Some(symbol));
            }
            self.chunk = Chunk::parse(self.reader.u16()?)?;
        }
    }
}

impl Chunk {
    fn parse(bits: u16) -> Result<Chunk, Error> {
        Ok(match bits >> 14 {
            0 | 1 => Chunk::Run { symbol: Symbol::from_bits(bits >> 13)?, left: bits & 0x1fff },
            2 => Chunk::OneBit { bits: bits << 2, left: 14 },
            _ => Chunk::TwoBit { bits: bits << 2, left: 7 },
        })
    }

    fn step(&mut self) -> Result<Option<Symbol>, Error> {
        match self {
            Chunk::Run { left: 0, .. }
            | Chunk::OneBit { left: 0, .. }
            | Chunk::TwoBit { left: 0, .. } => Ok(None),
            Chunk::Run { symbol, left } => {
                *left = left.saturating_sub(1);
                Ok(Some(*symbol))
            }
            Chunk::OneBit { bits, left } => {
                let symbol = Symbol::from_bits(*bits >> 15)?;
                *bits <<= 1;
                *left = left.saturating_sub(1);
                Ok(Some(symbol))
            }
            Chunk::TwoBit { bits, left } => {
                let symbol = Symbol::from_bits(*bits >> 14)?;
                *bits <<= 2;
                *left = left.saturating_sub(1);
                Ok(Some(symbol))
            }
        }
    }
}

/// What [`Writer::transport_feedback`] writes, beside the arrivals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedbackHeader {
    /// Who received.
    pub sender: Ssrc,
    /// Any of the sender's streams.
    pub media: Ssrc,
    /// The number of the first arrival.
    pub base_sequence: u16,
    /// Counts feedback packets.
    pub feedback_count: u8,
}

/// Turns arrivals into symbols and deltas. Ends where a delta is too large for one packet.
#[derive(Clone)]
struct Deltas<'a> {
    arrivals: std::slice::Iter<'a, Option<Duration>>,
    now: i64,
}

impl Iterator for Deltas<'_> {
    type Item = (Symbol, i16);

    fn next(&mut self) -> Option<(Symbol, i16)> {
        let Some(arrival) = self.arrivals.next()? else { return Some((Symbol::Missing, 0)) };
        let delta = i16::try_from(ticks(*arrival).saturating_sub(self.now)).ok()?;
        self.now = self.now.saturating_add(i64::from(delta));
        let small = (0..=255).contains(&delta);
        Some((if small { Symbol::SmallDelta } else { Symbol::LargeDelta }, delta))
    }
}

fn ticks(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX) / MICROS_PER_TICK
}

impl Writer<'_> {
    /// Adds feedback about consecutive packets: when each arrived, on a clock that counts from any
    /// one moment, `None` where it has not. Returns for how many of them there was room and range;
    /// the rest goes into the next packet. No arrival at all is [`Error::Invalid`].
    pub fn transport_feedback(
        &mut self,
        header: &FeedbackHeader,
        arrivals: &[Option<Duration>],
    ) -> Result<usize, Error> {
        let first = arrivals.iter().flatten().next().ok_or(Error::Invalid)?;
        let reference = ticks(*first) / REFERENCE_TICKS;
        let arrivals = arrivals.get(..MAX_STATUSES).unwrap_or(arrivals);
        let now = reference.saturating_mul(REFERENCE_TICKS);
        let deltas = Deltas { arrivals: arrivals.iter(), now };
        let format = usize::from(transport_format::TRANSPORT_WIDE);
        self.packet(format, packet_type::TRANSPORT_FEEDBACK, |writer| {
            writer.u32(header.sender.0)?;
            writer.u32(header.media.0)?;
            let counted = writer.len().saturating_add(2);
            writer.u16(header.base_sequence)?;
            writer.u16(0)?;
            writer.u24((reference & 0xff_ffff) as u32)?;
            writer.u8(header.feedback_count)?;
            let covered = put_chunks(writer, deltas.clone())?;
            let count = u16::try_from(covered).map_err(|_| Error::TooMany)?;
            writer.patch(counted, &count.to_be_bytes())?;
            for (symbol, delta) in deltas.take(covered) {
                match symbol {
                    Symbol::Missing => {}
                    Symbol::SmallDelta => writer.u8(delta.to_be_bytes()[1])?,
                    Symbol::LargeDelta => writer.put(&delta.to_be_bytes())?,
                }
            }
            Ok(covered)
        })
    }
}

/// Writes status chunks while they and their deltas fit; returns how many packets they cover.
fn put_chunks(writer: &mut cursor::Writer<'_>, mut deltas: Deltas<'_>) -> Result<usize, Error> {
    debug_assert_eq!(writer.len() % 4, 0);
    let mut room = writer.room() & !3;
    let mut covered = 0usize;
    while let Some(room_for_deltas) = room.checked_sub(2) {
        let Some(chunk) = next_chunk(deltas.clone(), room_for_deltas) else { break };
        let Some(left) = room_for_deltas.checked_sub(chunk.deltas_len) else { break };
        room = left;
        writer.u16(chunk.bits)?;
        covered = covered.saturating_add(chunk.covers);
        deltas.by_ref().take(chunk.covers).for_each(drop);
    }
    if covered == 0 { Err(Error::NoSpace) } else { Ok(covered) }
}

/// A status chunk to be written.
struct NextChunk {
    bits: u16,
    covers: usize,
    deltas_len: usize,
}

/// The chunk that covers the most of what comes next: a run where it is longer than a vector.
fn next_chunk(deltas: Deltas<'_>, room_for_deltas: usize) -> Option<NextChunk> {
    let symbols = deltas.map(|(symbol, _)| symbol);
    let first = symbols.clone().next()?;
    let most = room_for_deltas.checked_div(first.delta_len()).unwrap_or(MAX_RUN).min(MAX_RUN);
    let run = symbols.clone().take(most).take_while(|symbol| *symbol == first).count();
    let one_bit = symbols.clone().take(ONE_BIT_SYMBOLS).all(|symbol| symbol != Symbol::LargeDelta);
    let vector = if one_bit { ONE_BIT_SYMBOLS } else { TWO_BIT_SYMBOLS };
    let vector = symbols.clone().take(vector).count();
    if run >= vector {
        let bits = first.bits() << 13 | u16::try_from(run).unwrap_or(0);
        return Some(NextChunk {
            bits,
            covers: run,
            deltas_len: run.saturating_mul(first.delta_len()),
        });
    }
    let mut bits = if one_bit { 0b10u16 } else { 0b11 };
    let (places, width) = if one_bit { (ONE_BIT_SYMBOLS, 1) } else { (TWO_BIT_SYMBOLS, 2) };
    let mut deltas_len = 0usize;
    let padded = symbols.chain(std::iter::repeat(Symbol::Missing));
    for symbol in padded.take(places) {
        bits = bits << width | symbol.bits();
        deltas_len = deltas_len.saturating_add(symbol.delta_len());
    }
    Some(NextChunk { bits, covers: vector, deltas_len })
}
