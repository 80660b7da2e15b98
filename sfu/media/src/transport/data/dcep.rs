//! The Data Channel Establishment Protocol (RFC 8832) on the wire.

use lectern_control::transport::ChannelParameters;
use lectern_wire::cursor::Reader;

/// The longest label of a channel a client opens, in bytes.
pub const MAX_LABEL_LEN: usize = 128;

const ACK: u8 = 0x02;
const OPEN: u8 = 0x03;
const UNORDERED: u8 = 0x80;
const RELIABLE: u8 = 0x00;
const LIMITED_RETRANSMITS: u8 = 0x01;
const LIMITED_TIME: u8 = 0x02;

/// A DCEP message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Opens a channel.
    Open(ChannelParameters),
    /// The channel is open.
    Ack,
}

impl Message {
    /// Reads a message; `None` where it is malformed, or its label too long or not UTF-8.
    ///
    /// A channel limited by time becomes one without retransmissions: what is sent here is of
    /// interest now or never.
    pub fn parse(bytes: &[u8]) -> Option<Message> {
        let mut reader = Reader::new(bytes);
        match reader.u8().ok()? {
            ACK => Some(Message::Ack),
            OPEN => {
                let kind = reader.u8().ok()?;
                reader.u16().ok()?;
                let reliability = reader.u32().ok()?;
                let label_len = usize::from(reader.u16().ok()?);
                let protocol_len = usize::from(reader.u16().ok()?);
                let label = reader.take(label_len).ok()?;
                reader.take(protocol_len).ok()?;
                if label_len > MAX_LABEL_LEN || !reader.is_empty() {
                    return None;
                }
                let max_retransmits = match kind & !UNORDERED {
                    RELIABLE => None,
                    LIMITED_RETRANSMITS => Some(u16::try_from(reliability).unwrap_or(u16::MAX)),
                    LIMITED_TIME => Some(0),
                    _ => return None,
                };
                Some(Message::Open(ChannelParameters {
                    label: std::str::from_utf8(label).ok()?.to_owned(),
                    ordered: kind & UNORDERED == 0,
                    max_retransmits,
                }))
            }
            _ => None,
        }
    }

    /// The message's bytes. A label longer than 65,535 bytes is cut.
    pub fn build(&self) -> Vec<u8> {
        let Message::Open(channel) = self else { return vec![ACK] };
        let kind = match channel.max_retransmits {
            None => RELIABLE,
            Some(_) => LIMITED_RETRANSMITS,
        };
        let order = if channel.ordered { 0 } else { UNORDERED };
        let label = channel.label.as_bytes();
        let label_len = u16::try_from(label.len()).unwrap_or(u16::MAX);
        let mut bytes = vec![OPEN, kind | order, 0, 0];
        bytes.extend(u32::from(channel.max_retransmits.unwrap_or(0)).to_be_bytes());
        bytes.extend(label_len.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(label.iter().take(usize::from(label_len)));
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_read_again() {
        for ordered in [true, false] {
            for max_retransmits in [None, Some(0), Some(3), Some(u16::MAX)] {
                let label = "_lossy".to_owned();
                let open = Message::Open(ChannelParameters { label, ordered, max_retransmits });
                assert_eq!(Message::parse(&open.build()), Some(open));
            }
        }
        assert_eq!(Message::parse(&Message::Ack.build()), Some(Message::Ack));
    }

    #[test]
    fn damaged_messages_and_long_labels_are_refused() {
        let label = "l".repeat(MAX_LABEL_LEN);
        let open = Message::Open(ChannelParameters { label, ordered: true, max_retransmits: None })
            .build();
        assert!(Message::parse(&open).is_some());
        for len in 0..open.len() {
            assert_eq!(Message::parse(&open[..len]), None, "{len}");
        }
        let label = "l".repeat(65_535);
        let long = ChannelParameters { label, ordered: true, max_retransmits: None };
        assert_eq!(Message::parse(&Message::Open(long).build()), None);
        for kind in 0..=u8::MAX {
            let mut other = open.clone();
            other[1] = kind;
            assert_eq!(Message::parse(&other).is_some(), kind & !UNORDERED <= 2);
            let mut other = open.clone();
            other[12] = kind;
            assert_eq!(Message::parse(&other).is_some(), kind < 0x80, "not UTF-8");
        }
    }
}
