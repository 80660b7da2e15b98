//! What the engine counts: plain numbers, copied by the worker for metrics.

use crate::DropReason;

/// Everything the engine counts. Numbers only grow, except the gauges at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counters {
    /// Packets dropped, by [`DropReason::index`].
    pub drops: [u64; DropReason::COUNT],
    /// Datagrams received.
    pub datagrams_in: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Datagrams handed to the outbox.
    pub datagrams_out: u64,
    /// Bytes handed to the outbox.
    pub bytes_out: u64,
    /// STUN messages received.
    pub stun_in: u64,
    /// DTLS records received.
    pub dtls_in: u64,
    /// RTP packets received and authenticated.
    pub rtp_in: u64,
    /// RTP packets forwarded for the first time, one for each subscriber.
    pub rtp_out: u64,
    /// RTP packets given to recorders, one for each.
    pub relayed: u64,
    /// RTCP datagrams received and authenticated.
    pub rtcp_in: u64,
    /// RTCP datagrams sent.
    pub rtcp_out: u64,
    /// Packets of publishers that came as retransmissions (RFC 4588).
    pub rtx_in: u64,
    /// Packets sent to subscribers as retransmissions.
    pub rtx_out: u64,
    /// Packets of sound that a publisher's path lost and that its redundancy brought back (RFC 2198).
    pub restored: u64,
    /// Packets sent to fill probes of subscribers' paths.
    pub padding_out: u64,
    /// Transport-wide feedback that tells of packets which were never sent.
    pub disbelieved: u64,
    /// Packets asked for again from publishers.
    pub nacked_out: u64,
    /// Packets asked for again by subscribers.
    pub nacked_in: u64,
    /// Keyframe requests sent to publishers.
    pub keyframe_requests_out: u64,
    /// Keyframe requests received from subscribers.
    pub keyframe_requests_in: u64,
    /// Packets of publishers that could not be kept for retransmission, for want of memory.
    pub uncached: u64,
    /// Subscriptions of restored peers that could not go on when their track was restored.
    pub unattached: u64,
    /// Exports that waited for data messages and then could not be made.
    pub unexported: u64,
    /// Data messages received.
    pub messages_in: u64,
    /// Data messages sent, one for each receiver.
    pub messages_out: u64,
    /// Rooms now.
    pub rooms: u64,
    /// Peers now.
    pub peers: u64,
    /// Tracks now.
    pub tracks: u64,
    /// Subscriptions now.
    pub subscriptions: u64,
}

impl Default for Counters {
    fn default() -> Self {
        Counters {
            drops: [0; DropReason::COUNT],
            datagrams_in: 0,
            bytes_in: 0,
            datagrams_out: 0,
            bytes_out: 0,
            stun_in: 0,
            dtls_in: 0,
            rtp_in: 0,
            rtp_out: 0,
            relayed: 0,
            rtcp_in: 0,
            rtcp_out: 0,
            rtx_in: 0,
            rtx_out: 0,
            restored: 0,
            padding_out: 0,
            disbelieved: 0,
            nacked_out: 0,
            nacked_in: 0,
            keyframe_requests_out: 0,
            keyframe_requests_in: 0,
            uncached: 0,
            unattached: 0,
            unexported: 0,
            messages_in: 0,
            messages_out: 0,
            rooms: 0,
            peers: 0,
            tracks: 0,
            subscriptions: 0,
        }
    }
}

impl Counters {
    /// Counts one dropped packet.
    pub fn drop(&mut self, reason: DropReason) {
        self.drops[reason.index()] += 1;
    }

    /// Counts several packets dropped for one reason.
    pub fn drop_all(&mut self, reason: DropReason, packets: u64) {
        self.drops[reason.index()] += packets;
    }

    /// Packets dropped for a reason.
    pub fn dropped(&self, reason: DropReason) -> u64 {
        self.drops[reason.index()]
    }
}
