//! Data messages: how much a peer may send, and what its messages become on the way.

use crate::DropReason;
use crate::bucket::Bucket;
use crate::limits::{
    DATA_BURST_BYTES, DATA_BURST_MESSAGES, DATA_BYTES_PER_SECOND, DATA_MESSAGES_PER_SECOND,
    MAX_DATAGRAM_BYTES, MAX_DESTINATIONS, MAX_HELD_BYTES, MAX_LABEL_BYTES, PEER_BURST_DELIVERIES,
    PEER_DELIVERIES_PER_SECOND, ROOM_BURST_DELIVERIES, ROOM_DELIVERIES_PER_SECOND,
};
use lectern_control::limits::MAX_DATA_MESSAGE_BYTES;
use lectern_control::transport::Envelope;
use lectern_wire::protobuf;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// How many messages and bytes a peer may still send, and to how many.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    messages: Bucket,
    bytes: Bucket,
    /// What its messages cost on the way to everybody.
    pub deliveries: Bucket,
}

impl Allowance {
    /// A full allowance.
    pub fn new(now: Instant) -> Allowance {
        Allowance {
            messages: Bucket::new(now, DATA_BURST_MESSAGES, DATA_MESSAGES_PER_SECOND),
            bytes: Bucket::new(now, DATA_BURST_BYTES, DATA_BYTES_PER_SECOND),
            deliveries: Bucket::new(now, PEER_BURST_DELIVERIES, PEER_DELIVERIES_PER_SECOND),
        }
    }

    /// Whether a message may pass; if so it is counted.
    pub fn admit(&mut self, now: Instant, label: &str, payload: &[u8]) -> Result<(), DropReason> {
        if label.is_empty()
            || label.len() > MAX_LABEL_BYTES
            || payload.len() > MAX_DATA_MESSAGE_BYTES
        {
            return Err(DropReason::DataTooLarge);
        }
        // A message that finds no room for its bytes has used up its place among the messages.
        let admitted = self.messages.take(now, 1)
            && self.bytes.take(now, payload.len())
            && self.deliveries.is_positive(now);
        if admitted { Ok(()) } else { Err(DropReason::DataRate) }
    }
}

/// A peer's messages that wait until its room has moved, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    messages: Vec<HeldMessage>,
    bytes: usize,
}

/// A message that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldMessage {
    /// The channel's label.
    pub label: String,
    /// Bytes, not text.
    pub binary: bool,
    /// As its sender sent it.
    #[serde(with = "serde_bytes")]
    pub payload: Vec<u8>,
}

impl Held {
    /// Keeps a message, if there is room.
    pub fn push(&mut self, message: HeldMessage) -> Result<(), DropReason> {
        let bytes = self.bytes + message.label.len() + message.payload.len();
        if bytes > MAX_HELD_BYTES {
            return Err(DropReason::DataHeld);
        }
        self.bytes = bytes;
        self.messages.push(message);
        Ok(())
    }

    /// All of them, and forgets them.
    pub fn take(&mut self) -> Vec<HeldMessage> {
        std::mem::take(self).messages
    }
}

/// What the messages of all peers of a room may cost on their way.
pub fn room_deliveries(now: Instant) -> Bucket {
    Bucket::new(now, ROOM_BURST_DELIVERIES, ROOM_DELIVERIES_PER_SECOND)
}

/// What a message costs for each of its receivers, in packets.
pub fn packets(message: &[u8]) -> usize {
    message.len().div_ceil(MAX_DATAGRAM_BYTES).max(1)
}

/// A message that may be passed on.
#[derive(Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// As others get it.
    pub bytes: Vec<u8>,
    /// Who alone gets it; nobody named: everybody.
    pub destinations: Vec<&'a [u8]>,
}

impl<'a> Message<'a> {
    /// Signs what a peer sent. Only a row of whole fields can be signed: in anything else the
    /// appended fields could become the content of an unfinished one.
    pub fn sign(payload: &'a [u8], envelope: &Envelope) -> Result<Message<'a>, DropReason> {
        let mut destinations = Vec::new();
        for field in protobuf::fields(payload) {
            let field = field.map_err(|_| DropReason::DataMalformed)?;
            if envelope.reserved.contains(&field.number) {
                return Err(DropReason::DataMalformed);
            }
            if Some(field.number) == envelope.destination {
                destinations.push(field.content.ok_or(DropReason::DataMalformed)?);
            }
            if destinations.len() > MAX_DESTINATIONS {
                return Err(DropReason::DataTooLarge);
            }
        }
        Ok(Message { bytes: [payload, &envelope.splice].concat(), destinations })
    }

    /// Whether somebody of this address gets it.
    pub fn is_for(&self, address: &[u8]) -> bool {
        self.destinations.is_empty() || self.destinations.contains(&address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::time::Duration;

    #[test]
    fn a_flood_is_held_to_the_rate() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        let mut passed = 0;
        for millisecond in 0..10_000 {
            let now = start + Duration::from_millis(millisecond);
            for _ in 0..10 {
                passed += u32::from(allowance.admit(now, "chat", b"hello").is_ok());
            }
        }
        let most = DATA_BURST_MESSAGES + 10 * DATA_MESSAGES_PER_SECOND;
        assert!((most - 5..=most).contains(&passed), "{passed} messages in 10 s");
    }

    #[test]
    fn bytes_are_held_to_their_rate_too() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        let big = vec![0; MAX_DATA_MESSAGE_BYTES];
        let passed = (0..1_000).filter(|_| allowance.admit(start, "file", &big).is_ok()).count();
        assert_eq!(passed, DATA_BURST_BYTES as usize / MAX_DATA_MESSAGE_BYTES);
        let later = start + Duration::from_secs(1);
        assert_eq!(allowance.admit(later, "file", &big), Ok(()));
    }

    #[test]
    fn what_goes_to_thousands_is_held_to_its_cost() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        let mut passed = 0;
        for millisecond in 0..10_000 {
            let now = start + Duration::from_millis(millisecond);
            if allowance.admit(now, "chat", b"hello").is_ok() {
                passed += 1;
                allowance.deliveries.owe(2_000 * packets(b"hello"));
            }
        }
        assert!((28..=32).contains(&passed), "{passed} messages in 10 s to 2,000 people");
    }

    #[test]
    fn a_message_over_a_limit_is_refused() {
        let start = Instant::now();
        let mut allowance = Allowance::new(start);
        let too_big = vec![0; MAX_DATA_MESSAGE_BYTES + 1];
        let long_label = "x".repeat(MAX_LABEL_BYTES + 1);
        for (label, payload) in [("", &b"x"[..]), (&long_label, b"x"), ("a", &too_big)] {
            assert_eq!(allowance.admit(start, label, payload), Err(DropReason::DataTooLarge));
        }
        assert_eq!(allowance.admit(start, "a", b""), Ok(()));
    }

    #[test]
    fn what_is_held_is_bounded() {
        let message = |payload| HeldMessage { label: "a".to_owned(), binary: true, payload };
        let mut held = Held::default();
        assert_eq!(held.push(message(vec![1; MAX_HELD_BYTES - 1])), Ok(()));
        assert_eq!(held.push(message(vec![2])), Err(DropReason::DataHeld));
        assert_eq!(held.take(), [message(vec![1; MAX_HELD_BYTES - 1])]);
        assert_eq!(held.push(message(vec![2])), Ok(()));
    }

    fn envelope() -> Envelope {
        Envelope {
            splice: Bytes::from_static(b"\x22\x01a"),
            reserved: vec![3],
            destination: Some(5),
        }
    }

    #[test]
    fn a_message_is_signed_and_knows_whom_it_is_for() {
        let payload = b"\x12\x02hi\x2a\x03bob\x2a\x03eve";
        let message = Message::sign(payload, &envelope()).expect("a row of fields");
        assert_eq!(message.bytes, b"\x12\x02hi\x2a\x03bob\x2a\x03eve\x22\x01a");
        assert!(message.is_for(b"bob") && message.is_for(b"eve"));
        assert!(!message.is_for(b"ana") && !message.is_for(b""));
        let message = Message::sign(b"\x12\x02hi", &envelope()).expect("a row of fields");
        assert!(message.is_for(b"ana") && message.is_for(b""));
    }

    #[test]
    fn what_would_swallow_the_signature_is_dropped() {
        // Whoever it claims to be, and then an unknown field that is as long as the signature.
        let swallows = b"\x22\x05maria\x7a\x03";
        assert_eq!(Message::sign(swallows, &envelope()), Err(DropReason::DataMalformed));
        let server_only = b"\x1a\x00";
        assert_eq!(Message::sign(server_only, &envelope()), Err(DropReason::DataMalformed));
        let no_name = b"\x28\x01";
        assert_eq!(Message::sign(no_name, &envelope()), Err(DropReason::DataMalformed));
        let many = b"\x2a\x00".repeat(MAX_DESTINATIONS + 1);
        assert_eq!(Message::sign(&many, &envelope()), Err(DropReason::DataTooLarge));
    }
}
