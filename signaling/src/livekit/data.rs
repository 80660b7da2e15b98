//! Data channels as LiveKit-compatible clients use them.

use bytes::Bytes;
use lectern_control::room::Participant;
use lectern_control::transport::{ChannelParameters, DataParameters};
use livekit_protocol as proto;
use prost::Message;

/// The labels of both channels.
const RELIABLE: &str = "_reliable";
const LOSSY: &str = "_lossy";

/// The lower transport: we open both channels, and messages of others arrive by them.
pub fn down() -> DataParameters {
    let channel = |label: &str, ordered, max_retransmits| ChannelParameters {
        label: label.to_owned(),
        ordered,
        max_retransmits,
    };
    DataParameters {
        channels: vec![channel(RELIABLE, true, None), channel(LOSSY, false, Some(0))],
        receives: true,
        splice: Bytes::new(),
    }
}

/// The upper transport: the client opens channels, and each message is signed with who sent it.
///
/// In protobuf a later field replaces an earlier one, so that whatever a client claims to be in a
/// `DataPacket` is overruled by what the node appends.
pub fn up(participant: &Participant) -> DataParameters {
    let suffix = proto::DataPacket {
        participant_identity: participant.identity.clone(),
        participant_sid: participant.id.to_string(),
        ..Default::default()
    };
    let splice = Bytes::from(suffix.encode_to_vec());
    DataParameters { channels: Vec::new(), receives: false, splice }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_control::limits::{MAX_NAME_BYTES, MAX_SPLICE_BYTES};
    use lectern_control::room::Role;
    use lectern_control::transport::Permissions;
    use lectern_control::{EdgeId, ParticipantId};
    use std::collections::BTreeMap;

    fn participant(identity: &str) -> Participant {
        Participant {
            id: ParticipantId(1),
            identity: identity.to_owned(),
            name: String::new(),
            role: Role::Presenter,
            permissions: Permissions::ALL,
            metadata: String::new(),
            attributes: BTreeMap::new(),
            joined_at_unix_ms: 0,
            version: 0,
            tracks: Vec::new(),
            edge: "edge-1".parse::<EdgeId>().expect("a name"),
        }
    }

    #[test]
    fn a_forged_sender_is_overruled() {
        let sender = participant("ana");
        let forged = proto::DataPacket {
            participant_identity: "mallory".to_owned(),
            participant_sid: "PA_forged".to_owned(),
            value: Some(proto::data_packet::Value::User(proto::UserPacket {
                payload: b"hello".to_vec(),
                ..Default::default()
            })),
            ..Default::default()
        };
        let mut bytes = forged.encode_to_vec();
        bytes.extend_from_slice(&up(&sender).splice);
        let read = proto::DataPacket::decode(bytes.as_slice()).expect("a packet");
        assert_eq!(read.participant_identity, "ana");
        assert_eq!(read.participant_sid, sender.id.to_string());
        let Some(proto::data_packet::Value::User(user)) = read.value else { panic!("no payload") };
        assert_eq!(user.payload, b"hello");
    }

    #[test]
    fn the_longest_identity_fits() {
        let splice = up(&participant(&"x".repeat(MAX_NAME_BYTES))).splice;
        assert!(splice.len() <= MAX_SPLICE_BYTES);
    }
}
