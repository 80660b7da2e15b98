//! What a recorder kept of a track: packets and sender reports, on the session clock.

use bytes::Bytes;
use lectern_control::TrackId;
use lectern_control::media::CodecName;

/// One life of one encoding of a track, as one node saw it. Sequence numbers, timestamps and reports
/// belong to one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// The node, as the journal numbers them.
    pub node: u16,
    /// Its number on that node (`lectern_control::relay::Record::stream`).
    pub number: u32,
}

/// An RTP packet, as it was before it was lost and sent again where it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// The track.
    pub track: TrackId,
    /// The stream.
    pub stream: StreamId,
    /// When it came, in microseconds of the recording.
    pub arrival_us: i64,
    /// Its sequence number, extended by the node.
    pub number: u64,
    /// What is in it.
    pub codec: CodecName,
    /// It begins a picture that needs none before it.
    pub keyframe: bool,
    /// Clockwise quarter turns that show the picture upright.
    pub quarter_turns: u8,
    /// Header, extensions, payload, padding.
    pub rtp: Bytes,
}

/// A sender report (RFC 3550 section 6.4.1): one moment on two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// The track.
    pub track: TrackId,
    /// The stream.
    pub stream: StreamId,
    /// When it came, in microseconds of the recording.
    pub arrival_us: i64,
    /// The publisher's clock, in the 64 bits of NTP.
    pub ntp: u64,
    /// The same moment on the stream's clock.
    pub rtp: u32,
}
