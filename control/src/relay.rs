//! Node → recorder: the packets of recorded tracks, as publishers sent them, and their clocks.
//!
//! A recorder is a subscriber like any other, but takes packets unencrypted by SRTP, over a link that
//! is encrypted once for all of them. Batches are numbered and kept by the node until the recorder
//! has written them down: a recorder that was killed finds them when it links again.

use crate::media::CodecName;
use crate::{NodeId, RecordingId, TrackId, Version};
use bytes::{BufMut, Bytes};
use serde::{Deserialize, Serialize};

/// Bytes of records in one batch at most: a frame of a shared screen fits, and a frame of the link.
pub const MAX_BATCH_BYTES: usize = 512 << 10;
/// Bytes of one RTP packet in a record.
pub const MAX_RTP_BYTES: usize = 2_048;

/// What a node sends to a recorder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromNode {
    /// The first message.
    Hello {
        /// The node's version.
        version: Version,
        /// Its name.
        node: NodeId,
        /// A random number of the process: batches are counted within it.
        life: u64,
    },
    /// Packets and reports of one recording, in the order in which they came.
    Batch {
        /// The recording.
        recording: RecordingId,
        /// Counts the batches of the recording from this process, from 1.
        number: u64,
        /// Encoded [`Record`]s, one after the other; see [`records`].
        records: Bytes,
    },
    /// Nothing more of a recording will come from here: all before has been said.
    End {
        /// The recording.
        recording: RecordingId,
    },
    /// The answer to [`ToNode::Ping`].
    Pong {
        /// What the ping carried.
        sent_unix_us: u64,
        /// The node's clock when it was answered, in microseconds since 1970.
        at_unix_us: u64,
    },
}

/// What a recorder sends to a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ToNode {
    /// The answer to [`FromNode::Hello`].
    Welcome {
        /// The recorder's version.
        version: Version,
    },
    /// All batches up to this one have been written down: the process may die, and they are still
    /// there.
    Kept {
        /// The recording.
        recording: RecordingId,
        /// The batch's number.
        number: u64,
    },
    /// A picture cannot be decoded any more, or a first one is wanted.
    WantKeyframe {
        /// The recording.
        recording: RecordingId,
        /// The track.
        track: TrackId,
    },
    /// Asks for the node's clock.
    Ping {
        /// The recorder's clock, in microseconds since 1970.
        sent_unix_us: u64,
    },
}

/// One entry of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The track.
    pub track: TrackId,
    /// Which life of which encoding of the track: sequence numbers, timestamps and reports belong to
    /// one of these. Grows within one track on one node.
    pub stream: u32,
    /// The node's clock when it came, in microseconds since 1970.
    pub arrival_unix_us: u64,
    /// What came.
    pub content: Content<'a>,
}

/// What a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content<'a> {
    /// An RTP packet, as it was before it was lost and sent again where it was.
    Packet {
        /// Its sequence number, extended.
        number: u64,
        /// What is in it.
        codec: CodecName,
        /// It begins a picture that needs none before it.
        keyframe: bool,
        /// Clockwise quarter turns that show the picture upright (3GPP TS 26.114 section 7.4.5).
        quarter_turns: u8,
        /// How loud it is, in -dBov (RFC 6464): 0 is loudest, 127 silence; `None` where not said.
        level: Option<u8>,
        /// The packet without header extensions and padding; its SSRC is the stream's number here.
        rtp: &'a [u8],
    },
    /// A sender report (RFC 3550 section 6.4.1).
    Report {
        /// The publisher's clock, in the 64 bits of NTP.
        ntp: u64,
        /// The same moment on the stream's clock.
        rtp: u32,
    },
    /// Packets that could not be sent: the recorder or the link did not keep up.
    Lost {
        /// How many.
        count: u32,
    },
}

const KIND_PACKET: u8 = 1;
const KIND_REPORT: u8 = 2;
const KIND_LOST: u8 = 3;
/// Kind, codec, flags, level, length, track, stream, arrival, number.
const HEADER_BYTES: usize = 1 + 1 + 1 + 1 + 2 + 8 + 4 + 8 + 8;
const FLAG_KEYFRAME: u8 = 1;
const FLAG_LEVEL: u8 = 2;
const TURNS_SHIFT: u8 = 4;

impl Record<'_> {
    /// Bytes it takes in a batch.
    pub fn encoded_len(&self) -> usize {
        HEADER_BYTES
            + match self.content {
                Content::Packet { rtp, .. } => rtp.len(),
                Content::Report { .. } => 12,
                Content::Lost { .. } => 4,
            }
    }

    /// Appends it to a batch; a packet over [`MAX_RTP_BYTES`] is not written, and `false` is given.
    pub fn encode(&self, batch: &mut impl BufMut) -> bool {
        let len = self.encoded_len() - HEADER_BYTES;
        if len > MAX_RTP_BYTES {
            return false;
        }
        let (kind, codec, flags, level, number) = match self.content {
            Content::Packet { number, codec, keyframe, quarter_turns, level, .. } => {
                let keyframe = if keyframe { FLAG_KEYFRAME } else { 0 };
                let known = if level.is_some() { FLAG_LEVEL } else { 0 };
                let turns = (quarter_turns & 3) << TURNS_SHIFT;
                let flags = keyframe | known | turns;
                (KIND_PACKET, codec_number(codec), flags, level.unwrap_or_default(), number)
            }
            Content::Report { .. } => (KIND_REPORT, 0, 0, 0, 0),
            Content::Lost { .. } => (KIND_LOST, 0, 0, 0, 0),
        };
        batch.put_slice(&[kind, codec, flags, level]);
        batch.put_u16(len as u16);
        batch.put_u64(self.track.0);
        batch.put_u32(self.stream);
        batch.put_u64(self.arrival_unix_us);
        batch.put_u64(number);
        match self.content {
            Content::Packet { rtp, .. } => batch.put_slice(rtp),
            Content::Report { ntp, rtp } => {
                batch.put_u64(ntp);
                batch.put_u32(rtp);
            }
            Content::Lost { count } => batch.put_u32(count),
        }
        true
    }
}

/// A batch is damaged: nothing after this point can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the batch is damaged")]
pub struct Damaged;

/// The records of a batch, in order. After the first that is damaged there are none.
pub fn records(batch: &[u8]) -> impl Iterator<Item = Result<Record<'_>, Damaged>> {
    let mut rest = batch;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        match take(rest) {
            Some((record, after)) => {
                rest = after;
                Some(Ok(record))
            }
            None => {
                rest = &[];
                Some(Err(Damaged))
            }
        }
    })
}

fn take(bytes: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    let [kind, codec, flags, level, fields @ ..] = header;
    let (len, fields) = fields.split_first_chunk::<2>()?;
    let (track, fields) = fields.split_first_chunk::<8>()?;
    let (stream, fields) = fields.split_first_chunk::<4>()?;
    let (arrival, number) = fields.split_first_chunk::<8>()?;
    let number = u64::from_be_bytes(*number.first_chunk::<8>()?);
    let len = usize::from(u16::from_be_bytes(*len));
    if len > MAX_RTP_BYTES {
        return None;
    }
    let (body, rest) = rest.split_at_checked(len)?;
    let content = match *kind {
        KIND_PACKET => Content::Packet {
            number,
            codec: codec_of(*codec)?,
            keyframe: flags & FLAG_KEYFRAME != 0,
            quarter_turns: (flags >> TURNS_SHIFT) & 3,
            level: (flags & FLAG_LEVEL != 0).then_some(*level),
            rtp: body,
        },
        KIND_REPORT => {
            let (ntp, rtp) = body.split_first_chunk::<8>()?;
            let rtp: [u8; 4] = rtp.try_into().ok()?;
            Content::Report { ntp: u64::from_be_bytes(*ntp), rtp: u32::from_be_bytes(rtp) }
        }
        KIND_LOST => Content::Lost { count: u32::from_be_bytes(body.try_into().ok()?) },
        _ => return None,
    };
    let record = Record {
        track: TrackId(u64::from_be_bytes(*track)),
        stream: u32::from_be_bytes(*stream),
        arrival_unix_us: u64::from_be_bytes(*arrival),
        content,
    };
    Some((record, rest))
}

/// The number of a codec in records and journals: never given to another one.
pub fn codec_number(codec: CodecName) -> u8 {
    match codec {
        CodecName::Opus => 1,
        CodecName::Red => 2,
        CodecName::Vp8 => 3,
        CodecName::Vp9 => 4,
        CodecName::H264 => 5,
        CodecName::Av1 => 6,
    }
}

/// The codec of a number.
pub fn codec_of(number: u8) -> Option<CodecName> {
    const ALL: [CodecName; 6] = [
        CodecName::Opus,
        CodecName::Red,
        CodecName::Vp8,
        CodecName::Vp9,
        CodecName::H264,
        CodecName::Av1,
    ];
    ALL.into_iter().find(|codec| codec_number(*codec) == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Vec<Record<'static>> {
        let record = |stream, content| Record {
            track: TrackId(0x0123_4567_89ab_cdef),
            stream,
            arrival_unix_us: 1_700_000_000_123_456,
            content,
        };
        let packet = |keyframe, quarter_turns, level, rtp| Content::Packet {
            number: u64::MAX - 7,
            codec: CodecName::Vp9,
            keyframe,
            quarter_turns,
            level,
            rtp,
        };
        vec![
            record(0, packet(true, 3, None, &[7; 1_200])),
            record(u32::MAX, packet(false, 0, Some(0), &[])),
            record(3, Content::Report { ntp: 1 << 63, rtp: 90_000 }),
            record(4, Content::Lost { count: 17 }),
        ]
    }

    fn encoded(records: &[Record<'_>]) -> Vec<u8> {
        let mut batch = Vec::new();
        for record in records {
            let before = batch.len();
            assert!(record.encode(&mut batch));
            assert_eq!(batch.len() - before, record.encoded_len());
        }
        batch
    }

    #[test]
    fn a_batch_is_read_as_it_was_written() {
        let batch = encoded(&some());
        assert_eq!(records(&batch).collect::<Result<Vec<_>, _>>(), Ok(some()));
    }

    #[test]
    fn a_batch_that_is_cut_gives_what_is_whole_and_then_an_error() {
        let batch = encoded(&some());
        let ends: Vec<usize> = (0..=4).map(|count| encoded(&some()[..count]).len()).collect();
        for len in 0..batch.len() {
            let read: Vec<_> = records(&batch[..len]).collect();
            let whole = ends.iter().filter(|end| **end <= len).count() - 1;
            let cut = usize::from(!ends.contains(&len));
            assert_eq!(read.len(), whole + cut, "{len}");
            assert_eq!(read.iter().filter(|record| record.is_err()).count(), cut, "{len}");
        }
    }

    #[test]
    fn what_is_too_long_is_not_written() {
        let rtp = vec![0; MAX_RTP_BYTES + 1];
        let mut long = some()[0];
        if let Content::Packet { rtp: place, .. } = &mut long.content {
            *place = &rtp;
        }
        let mut batch = Vec::new();
        assert!(!long.encode(&mut batch));
        assert!(batch.is_empty());
    }

    #[test]
    fn every_codec_has_a_number_of_its_own() {
        for number in 0..=u8::MAX {
            assert!(codec_of(number).is_none_or(|codec| codec_number(codec) == number));
        }
        assert_eq!((1..=6).filter_map(codec_of).count(), 6);
    }
}
