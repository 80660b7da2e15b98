//! Whether what stands in a request is within the limits. It looks at sizes, not at who asks.

use super::roster::ATTRIBUTE_BYTES;
use lectern_control::edge::RequestError;
use lectern_control::limits::{
    MAX_CANDIDATES_PER_PEER, MAX_CHANNELS_PER_PEER, MAX_CODECS_PER_TRACK, MAX_DATA_MESSAGE_BYTES,
    MAX_ENCODINGS_PER_TRACK, MAX_EXTENSIONS_PER_PEER, MAX_METADATA_BYTES, MAX_NAME_BYTES,
    MAX_PARTICIPANTS_PER_ROOM, MAX_RESERVED_FIELDS, MAX_SOUND_SLOTS, MAX_SPLICE_BYTES,
};
use lectern_control::media::{Codec, EncodingParameters};
use lectern_control::node::Command;
use lectern_control::room::{Participant, Track};
use lectern_control::transport::{
    DataParameters, IceCredentials, PeerParameters, RemoteParameters,
};

/// An ICE user fragment or password (RFC 8445 section 5.3).
const MAX_ICE_BYTES: usize = 256;
/// A value of `a=fmtp`; browsers write under 200 bytes.
const MAX_FORMAT_BYTES: usize = 1 << 10;
/// A mid or a rid; browsers write a few characters, nodes carry at most 16 of them in a packet.
const MAX_MID_BYTES: usize = 64;
/// The label of a data channel.
const MAX_LABEL_BYTES: usize = 256;
/// A certificate or a private key, DER; ours take a few hundred bytes.
const MAX_DER_BYTES: usize = 8 << 10;

type Checked = Result<(), RequestError>;

fn at_most(value: usize, limit: usize, of: &str) -> Checked {
    if value <= limit { Ok(()) } else { Err(RequestError::Limit(of.to_owned())) }
}

/// Identity, name, metadata and attributes.
pub(super) fn participant(participant: &Participant) -> Checked {
    if participant.identity.is_empty() {
        return Err(RequestError::Invalid("an identity is not empty".to_owned()));
    }
    at_most(participant.identity.len(), MAX_NAME_BYTES, "the length of an identity")?;
    at_most(participant.name.len(), MAX_NAME_BYTES, "the length of a name")?;
    let attributes = participant.attributes.iter();
    let bytes = attributes.map(|(key, value)| key.len() + value.len() + ATTRIBUTE_BYTES);
    let bytes = participant.metadata.len() + bytes.sum::<usize>();
    at_most(bytes, MAX_METADATA_BYTES, "metadata")
}

/// A track as others see it.
pub(super) fn track(track: &Track) -> Checked {
    at_most(track.name.len(), MAX_NAME_BYTES, "the length of a track's name")?;
    at_most(track.stream.len(), MAX_NAME_BYTES, "the length of a stream's name")?;
    if let Some(backup) = track.backup_track() {
        media(&backup.codecs, &backup.encodings)?;
    }
    media(&track.codecs, &track.encodings)
}

fn media(codecs: &[Codec], encodings: &[EncodingParameters]) -> Checked {
    at_most(codecs.len(), MAX_CODECS_PER_TRACK, "codecs of a track")?;
    at_most(encodings.len(), MAX_ENCODINGS_PER_TRACK, "encodings of a track")?;
    for codec in codecs {
        at_most(codec.format.len(), MAX_FORMAT_BYTES, "the length of a codec's format")?;
    }
    for encoding in encodings {
        at_most(encoding.rid.len(), MAX_MID_BYTES, "the length of a rid")?;
    }
    Ok(())
}

/// A transport's parameters.
pub(super) fn parameters(parameters: &PeerParameters) -> Checked {
    ice(&parameters.ice)?;
    at_most(parameters.dtls.certificate.len(), MAX_DER_BYTES, "the length of a certificate")?;
    let key = parameters.dtls.private_key.expose();
    at_most(key.len(), MAX_DER_BYTES, "the length of a private key")?;
    if let Some(remote) = &parameters.remote {
        self::remote(remote)?;
    }
    at_most(parameters.extensions.len(), MAX_EXTENSIONS_PER_PEER, "extensions of a peer")?;
    data(&parameters.data)
}

fn ice(ice: &IceCredentials) -> Checked {
    at_most(ice.ufrag.len(), MAX_ICE_BYTES, "the length of ICE credentials")?;
    at_most(ice.pwd.expose().len(), MAX_ICE_BYTES, "the length of ICE credentials")
}

fn remote(remote: &RemoteParameters) -> Checked {
    ice(&remote.ice)?;
    at_most(remote.candidates.len(), MAX_CANDIDATES_PER_PEER, "candidates of a peer")
}

fn data(data: &DataParameters) -> Checked {
    at_most(data.channels.len(), MAX_CHANNELS_PER_PEER, "channels of a peer")?;
    for channel in &data.channels {
        at_most(channel.label.len(), MAX_LABEL_BYTES, "the length of a channel's label")?;
    }
    at_most(data.address.len(), MAX_SPLICE_BYTES, "bytes of a peer's address")?;
    let Some(envelope) = &data.envelope else { return Ok(()) };
    at_most(envelope.reserved.len(), MAX_RESERVED_FIELDS, "reserved fields")?;
    at_most(envelope.splice.len(), MAX_SPLICE_BYTES, "bytes spliced to messages")
}

/// A command of an edge.
pub(super) fn command(command: &Command) -> Checked {
    match command {
        Command::SetRemote { remote, .. } => self::remote(remote),
        Command::SetExtensions { extensions, .. } => {
            at_most(extensions.len(), MAX_EXTENSIONS_PER_PEER, "extensions of a peer")
        }
        Command::RestartIce { local, remote, candidates, .. } => {
            ice(local)?;
            ice(remote)?;
            at_most(candidates.len(), MAX_CANDIDATES_PER_PEER, "candidates of a peer")
        }
        Command::SetData { data, .. } => self::data(data),
        Command::Publish { parameters, .. } => {
            at_most(parameters.mid.len(), MAX_MID_BYTES, "the length of a mid")?;
            media(&parameters.codecs, &parameters.encodings)
        }
        Command::Subscribe { parameters, .. } => {
            at_most(parameters.mid.len(), MAX_MID_BYTES, "the length of a mid")?;
            at_most(parameters.payloads.len(), MAX_CODECS_PER_TRACK, "payload types of a track")
        }
        Command::SetSoundSlots { slots, .. } => {
            at_most(slots.len(), MAX_SOUND_SLOTS, "sound slots of a peer")?;
            for slot in slots {
                at_most(slot.mid.len(), MAX_MID_BYTES, "the length of a mid")?;
                at_most(slot.codecs.len(), MAX_CODECS_PER_TRACK, "codecs of a sound slot")?;
            }
            Ok(())
        }
        Command::SendData { label, to, payload } => {
            at_most(label.len(), MAX_LABEL_BYTES, "the length of a channel's label")?;
            at_most(to.len(), MAX_PARTICIPANTS_PER_ROOM, "receivers of a message")?;
            at_most(payload.len(), MAX_DATA_MESSAGE_BYTES, "the length of a message")
        }
        _ => Ok(()),
    }
}
