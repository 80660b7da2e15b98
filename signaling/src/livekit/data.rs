//! Data channels as LiveKit-compatible clients use them.

use bytes::Bytes;
use lectern_control::room::Participant;
use lectern_control::transport::{ChannelParameters, DataParameters, Envelope};
use livekit_protocol as proto;
use prost::Message;

/// The labels of both channels.
const RELIABLE: &str = "_reliable";
const LOSSY: &str = "_lossy";

/// Numbers of the fields of `DataPacket` that a node looks at.
mod field {
    /// `speaker`: who speaks is for the server to say.
    pub const SPEAKER: u32 = 3;
    /// `destination_identities`: who alone gets the packet.
    pub const DESTINATION_IDENTITIES: u32 = 5;
}

/// The lower transport: we open both channels, and messages of others arrive by them. What a client
/// sends by it is signed by nobody and not passed on.
pub fn down(participant: &Participant) -> DataParameters {
    let channel = |label: &str, ordered, max_retransmits| ChannelParameters {
        label: label.to_owned(),
        ordered,
        max_retransmits,
    };
    DataParameters {
        channels: vec![channel(RELIABLE, true, None), channel(LOSSY, false, Some(0))],
        receives: true,
        address: Bytes::copy_from_slice(participant.identity.as_bytes()),
        envelope: None,
    }
}

/// The upper transport: the client opens channels, and each message is signed with who sent it.
///
/// In protobuf a later field replaces an earlier one, so that whatever a client claims to be in a
/// `DataPacket` is overruled by what the node appends; the node appends to whole fields only.
pub fn up(participant: &Participant) -> DataParameters {
    let suffix = proto::DataPacket {
        participant_identity: participant.identity.clone(),
        participant_sid: participant.id.to_string(),
        ..Default::default()
    };
    let envelope = Envelope {
        splice: Bytes::from(suffix.encode_to_vec()),
        reserved: vec![field::SPEAKER],
        destination: Some(field::DESTINATION_IDENTITIES),
    };
    DataParameters { envelope: Some(envelope), ..DataParameters::default() }
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
            audience: lectern_control::room::Audience::Everybody,
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

    fn splice(participant: &Participant) -> Bytes {
        up(participant).envelope.expect("messages are signed").splice
    }

    #[test]
    fn the_node_knows_the_fields_by_their_numbers() {
        let to_bob = proto::DataPacket {
            destination_identities: vec!["bob".to_owned()],
            ..Default::default()
        };
        let number = field::DESTINATION_IDENTITIES as u8;
        assert_eq!(to_bob.encode_to_vec(), [&[number << 3 | 2, 3][..], b"bob"].concat());
        assert_eq!(down(&participant("bob")).address, "bob");
        let speaks = [(field::SPEAKER as u8) << 3 | 2, 0];
        let speaks = proto::DataPacket::decode(&speaks[..]).expect("a packet").value;
        assert!(format!("{speaks:?}").contains("ActiveSpeakerUpdate"), "{speaks:?}");
    }

    #[test]
    fn nobody_speaks_by_the_lower_transport() {
        assert_eq!(down(&participant("bob")).envelope, None);
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
        bytes.extend_from_slice(&splice(&sender));
        let read = proto::DataPacket::decode(bytes.as_slice()).expect("a packet");
        assert_eq!(read.participant_identity, "ana");
        assert_eq!(read.participant_sid, sender.id.to_string());
        let Some(proto::data_packet::Value::User(user)) = read.value else { panic!("no payload") };
        assert_eq!(user.payload, b"hello");
    }

    #[test]
    fn the_longest_identity_fits() {
        let splice = splice(&participant(&"x".repeat(MAX_NAME_BYTES)));
        assert!(splice.len() <= MAX_SPLICE_BYTES);
    }
}
