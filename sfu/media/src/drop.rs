//! Why a packet was dropped. Every drop is counted under one of these reasons, none is logged.

macro_rules! drop_reasons {
    ($($(#[$doc:meta])* $name:ident => $label:literal,)*) => {
        /// Why a packet was dropped.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum DropReason {
            $($(#[$doc])* $name,)*
        }

        impl DropReason {
            /// All reasons, in the order of their numbers.
            pub const ALL: &'static [DropReason] = &[$(DropReason::$name,)*];

            /// The name that stands in metric labels.
            pub fn name(self) -> &'static str {
                match self {
                    $(DropReason::$name => $label,)*
                }
            }
        }
    };
}

drop_reasons! {
    /// The first byte belongs to no protocol of RFC 9443.
    UnknownProtocol => "unknown_protocol",
    /// Too short, too long, or contradicting itself.
    Malformed => "malformed",
    /// From an address that no authenticated check has opened.
    UnknownAddress => "unknown_address",
    /// An authenticated check from an address at which another peer has answered one of ours.
    AddressTaken => "address_taken",
    /// A STUN check that names no ICE credentials of ours.
    UnknownUfrag => "unknown_ufrag",
    /// The peer is not connected, or gave its transport away.
    NotConnected => "not_connected",
    /// The RTP packet belongs to no track of its publisher.
    UnknownStream => "unknown_stream",
    /// The publisher has more SSRCs than the limit.
    TooManyStreams => "too_many_streams",
    /// A payload type that was not negotiated.
    UnknownPayloadType => "unknown_payload_type",
    /// The publisher may not publish, or the subscriber may not subscribe.
    NotPermitted => "not_permitted",
    /// The track is muted by its publisher.
    Muted => "muted",
    /// A packet that came before, or is older than what is kept.
    Duplicate => "duplicate",
    /// A packet without payload: padding of the sender's probing.
    Padding => "padding",
    /// The subscriber has paused the track.
    Paused => "paused",
    /// An encoding that is not the one forwarded to the subscriber.
    NotSelected => "not_selected",
    /// A frame of a layer that is not among those forwarded to the subscriber.
    LayerNotSelected => "layer_not_selected",
    /// There is no room for the track on the subscriber's link.
    NotAllocated => "not_allocated",
    /// The subscriber's path is full: more would wait longer than it is of use.
    PacerFull => "pacer_full",
    /// It waited for its turn when the subscriber, or its path, had no more use for it.
    Withdrawn => "withdrawn",
    /// It has waited for its turn until it was no longer kept.
    PacedTooLong => "paced_too_long",
    /// The subscriber waits for a keyframe.
    AwaitsKeyframe => "awaits_keyframe",
    /// A late packet from before the subscriber's first one or its latest switch.
    BeforeSwitch => "before_switch",
    /// What goes to a recorder was not taken away fast enough.
    RelayFull => "relay_full",
    /// The payload type is not mapped to one of the subscriber.
    UnmappedPayloadType => "unmapped_payload_type",
    /// A packet longer than is taken, or one that would not fit into a datagram once rewritten.
    TooLarge => "too_large",
    /// A data message from a peer that may not send any.
    DataNotPermitted => "data_not_permitted",
    /// A data message on a channel without a label, or over a limit.
    DataTooLarge => "data_too_large",
    /// Data messages come faster than the limit.
    DataRate => "data_rate",
    /// A data message that is no row of fields, or holds one that clients may not fill.
    DataMalformed => "data_malformed",
    /// A data message to a peer whose transport was given away.
    DataMoved => "data_moved",
    /// More data from a peer than is held back while its room moves.
    DataHeld => "data_held",
    /// A NACK for a packet that is no longer kept.
    NackMissed => "nack_missed",
    /// A NACK beyond the rate at which retransmissions are served.
    NackRate => "nack_rate",
    /// RTCP about an SSRC that the peer neither sends nor receives.
    UnknownReport => "unknown_report",
    /// A standby that was not told to answer yet.
    Mute => "mute",
    /// STUN that our credentials do not authenticate.
    StunUnauthenticated => "stun_unauthenticated",
    /// STUN that answers no check of ours, or asks for what we do not do.
    StunUnexpected => "stun_unexpected",
    /// SRTP or SRTCP with a wrong tag, or not encrypted.
    SrtpUnauthenticated => "srtp_unauthenticated",
    /// SRTP or SRTCP whose index was seen before or is too old.
    SrtpReplayed => "srtp_replayed",
    /// An index that was used already: encrypting under it again would give the key away.
    SrtpIndexReused => "srtp_index_reused",
    /// A DTLS record that has no place now: an old epoch, an alert in the clear, a renegotiation.
    DtlsUnexpected => "dtls_unexpected",
    /// A handshake message that cannot lead to a connection: nothing in common, a wrong cookie or
    /// certificate.
    DtlsRefused => "dtls_refused",
    /// A DTLS record with a wrong tag, or one seen before.
    DtlsUnauthenticated => "dtls_unauthenticated",
    /// More of a handshake than is kept for one peer.
    DtlsOverflow => "dtls_overflow",
    /// A data message for a channel that does not exist.
    DataUnknownChannel => "data_unknown_channel",
    /// A client opens more data channels than the limit.
    DataTooManyChannels => "data_too_many_channels",
    /// A data message for a channel whose reader is too slow.
    DataBufferFull => "data_buffer_full",
    /// SCTP faster than the limit, or more of it than can be put together.
    DataFlood => "data_flood",
}

impl DropReason {
    /// How many reasons there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The number of the reason, below [`Self::COUNT`].
    pub fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_reason_has_its_own_number_and_name() {
        let names: BTreeSet<_> = DropReason::ALL.iter().map(|reason| reason.name()).collect();
        assert_eq!(names.len(), DropReason::COUNT);
        for (number, reason) in DropReason::ALL.iter().enumerate() {
            assert_eq!(reason.index(), number);
        }
    }
}
