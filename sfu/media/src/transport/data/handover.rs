//! The SCTP library's state as plain data: it has none of its own form for that.

use dcsctp::api::handover as theirs;
use serde::{Deserialize, Serialize};

/// Makes one form from the other, field by field.
trait Convert<T> {
    fn convert(&self) -> T;
}

macro_rules! same {
    ($($type:ty),*) => {
        $(impl Convert<$type> for $type {
            fn convert(&self) -> $type {
                *self
            }
        })*
    };
}

same!(bool, u8, u16, u32, u64, usize, i32);

impl<A: Convert<B>, B> Convert<Vec<B>> for Vec<A> {
    fn convert(&self) -> Vec<B> {
        self.iter().map(Convert::convert).collect()
    }
}

impl<A: Convert<B>, B> Convert<Option<B>> for Option<A> {
    fn convert(&self) -> Option<B> {
        self.as_ref().map(Convert::convert)
    }
}

macro_rules! mirror {
    ($name:ident, $theirs:ident { $($(#[$attribute:meta])* $field:ident: $type:ty),* $(,)? }) => {
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        struct $name {
            $($(#[$attribute])* $field: $type,)*
        }

        impl Convert<$name> for theirs::$theirs {
            fn convert(&self) -> $name {
                $name { $($field: self.$field.convert(),)* }
            }
        }

        impl Convert<theirs::$theirs> for $name {
            fn convert(&self) -> theirs::$theirs {
                theirs::$theirs { $($field: self.$field.convert(),)* }
            }
        }
    };
}

impl Convert<bool> for theirs::HandoverSocketState {
    fn convert(&self) -> bool {
        matches!(self, theirs::HandoverSocketState::Connected)
    }
}

impl Convert<theirs::HandoverSocketState> for bool {
    fn convert(&self) -> theirs::HandoverSocketState {
        match self {
            true => theirs::HandoverSocketState::Connected,
            false => theirs::HandoverSocketState::Closed,
        }
    }
}

mirror!(
    Capabilities,
    HandoverCapabilities {
        partial_reliability: bool,
        message_interleaving: bool,
        reconfig: bool,
        zero_checksum: bool,
        negotiated_maximum_incoming_streams: u16,
        negotiated_maximum_outgoing_streams: u16,
    }
);

mirror!(QueuedMessage, HandoverStreamMessage {
    stream_id: u16,
    ppid: u32,
    #[serde(with = "serde_bytes")]
    payload: Vec<u8>,
    expires_in_ms: Option<i32>,
    max_retransmissions: u16,
    unordered: bool,
    lifecycle_id: u64,
    message_id: u64,
    remaining_offset: usize,
    mid: Option<u32>,
    ssn: Option<u16>,
    fsn: u32,
});

mirror!(Outstanding, HandoverOutstandingData {
    mid: u32,
    stream_id: u16,
    ssn: u16,
    fsn: u32,
    ppid: u32,
    #[serde(with = "serde_bytes")]
    payload: Vec<u8>,
    expires_in_ms: Option<i32>,
    max_retransmissions: u16,
    is_beginning: bool,
    is_end: bool,
    is_unordered: bool,
    lifecycle_id: u64,
    time_since_sent_ms: i32,
    retransmission_count: u16,
    acked: bool,
    is_abandoned: bool,
    is_nacked: bool,
    is_to_be_retransmitted: bool,
    message_id: u64,
});

mirror!(
    OutgoingStream,
    HandoverOutgoingStream {
        id: u16,
        next_ssn: u16,
        next_unordered_mid: u32,
        next_ordered_mid: u32,
        priority: u16,
    }
);

mirror!(Transmission, HandoverTransmission {
    next_tsn: u32,
    next_outgoing_message_id: u64,
    next_reset_req_sn: u32,
    cwnd: u32,
    rwnd: u32,
    ssthresh: u32,
    partial_bytes_acked: u32,
    streams: Vec<OutgoingStream>,
    queued_messages: Vec<QueuedMessage>,
    outstanding_data: Vec<Outstanding>,
    last_cumulative_tsn_ack: u32,
});

mirror!(OrderedStream, HandoverOrderedStream { id: u16, next_ssn: u32 });

mirror!(UnorderedStream, HandoverUnorderedStream { id: u16 });

mirror!(Receive, HandoverReceive {
    seen_packet: bool,
    last_cumulative_acked_tsn: u32,
    last_assembled_tsn: u32,
    last_completed_deferred_reset_req_sn: u32,
    last_completed_reset_req_sn: u32,
    ordered_streams: Vec<OrderedStream>,
    unordered_streams: Vec<UnorderedStream>,
});

mirror!(
    Socket,
    SocketHandoverState {
        socket_state: bool,
        my_verification_tag: u32,
        my_initial_tsn: u32,
        peer_verification_tag: u32,
        peer_initial_tsn: u32,
        tie_tag: u64,
        capabilities: Capabilities,
        tx: Transmission,
        rx: Receive,
    }
);

/// An SCTP association as plain data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Association(Socket);

impl Association {
    /// From the library's form.
    pub fn new(state: &theirs::SocketHandoverState) -> Association {
        Association(state.convert())
    }

    /// Keeps what is known of streams that have a channel, and nothing of others: a client may use
    /// as many as it likes.
    pub fn keep_streams(&mut self, is_kept: impl Fn(u16) -> bool) {
        let Socket { tx, rx, .. } = &mut self.0;
        rx.ordered_streams.retain(|stream| is_kept(stream.id));
        rx.unordered_streams.retain(|stream| is_kept(stream.id));
        tx.streams.retain(|stream| is_kept(stream.id));
    }

    /// Up to which number everything has come from the client.
    pub fn acked(&self) -> u32 {
        self.0.rx.last_cumulative_acked_tsn
    }

    /// In the library's form.
    pub fn to_library(&self) -> theirs::SocketHandoverState {
        self.0.convert()
    }
}
