//! Identifiers. Random 64-bit numbers with a printed prefix, or short names chosen by an operator.

use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;
use thiserror::Error;

/// Crockford's base 32 in lower case: no letter that can be mistaken for a digit.
static BASE32: LazyLock<Option<Encoding>> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789abcdefghjkmnpqrstvwxyz");
    specification.encoding().ok()
});

/// Why a text is not an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidId {
    /// The prefix, such as `PA_`, is missing or another one.
    #[error("the id does not begin with {0}")]
    Prefix(&'static str),
    /// The part after the prefix is not 13 symbols of base 32.
    #[error("the id is not 13 symbols of base 32 after its prefix")]
    Number,
    /// A name is empty, longer than [`NodeId::MAX_LEN`] bytes, or has other characters than `a-z 0-9 - _ .`.
    #[error("a name has 1 to 64 of the characters a-z, 0-9, '-', '_' and '.'")]
    Name,
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u64);

        impl $name {
            /// What the printed form begins with.
            pub const PREFIX: &'static str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                match &*BASE32 {
                    Some(base32) => f.write_str(&base32.encode(&self.0.to_be_bytes())),
                    None => write!(f, "{:016x}", self.0),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let symbols = text.strip_prefix($prefix).ok_or(InvalidId::Prefix($prefix))?;
                let base32 = BASE32.as_ref().ok_or(InvalidId::Number)?;
                let bytes = base32.decode(symbols.as_bytes()).map_err(|_| InvalidId::Number)?;
                let bytes: [u8; 8] = bytes.try_into().map_err(|_| InvalidId::Number)?;
                Ok($name(u64::from_be_bytes(bytes)))
            }
        }
    };
}

number_id!(
    /// A room: the peers that may see each other. One meeting has one room.
    RoomId, "RM_"
);
impl RoomId {
    /// Set in the ids of rooms that integrators name, and in no meeting's: neither can be taken for
    /// the other, whoever writes down an id.
    const NAMED: u64 = 1 << 63;

    /// The room of a new meeting, from a random number.
    pub fn of_meeting(random: u64) -> RoomId {
        RoomId(random & !RoomId::NAMED)
    }

    /// A room that somebody names, from a hash of who that is and the name.
    pub fn of_name(hash: u64) -> RoomId {
        RoomId(hash | RoomId::NAMED)
    }

    /// Whether somebody named the room: there is no meeting of it, and it opens for whoever comes.
    pub fn is_named(self) -> bool {
        self.0 & RoomId::NAMED != 0
    }
}

number_id!(
    /// The first of two steps into a meeting.
    EntryId, "EN_"
);
number_id!(
    /// A recording of a meeting.
    RecordingId, "RC_"
);
number_id!(
    /// A link by which a recording is shared.
    ShareId, "SH_"
);
number_id!(
    /// Work on a recording that takes a while.
    JobId, "JB_"
);
number_id!(
    /// A person or program in a room, as signaling and the API name it.
    ParticipantId, "PA_"
);
number_id!(
    /// One transport of a participant, on one worker. A participant may have two.
    PeerId, "PE_"
);
number_id!(
    /// One published source.
    TrackId, "TR_"
);
number_id!(
    /// A link by which people come into a meeting; says nothing about the link's secret.
    LinkId, "LK_"
);

/// Pairs a response with its request on one link; chosen by the side that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId(pub u64);

macro_rules! name_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The longest name, in bytes: names stand in metric labels and log lines.
            pub const MAX_LEN: usize = 64;

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(name: String) -> Result<Self, InvalidId> {
                let allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
                if name.is_empty() || name.len() > Self::MAX_LEN || !name.bytes().all(allowed) {
                    return Err(InvalidId::Name);
                }
                Ok($name(name))
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(name: &str) -> Result<Self, InvalidId> {
                $name::try_from(name.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name_id!(
    /// A media node, named by its operator.
    NodeId
);
name_id!(
    /// An edge, named by its operator.
    EdgeId
);
name_id!(
    /// A recorder, named by its operator.
    RecorderId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_id_survives_its_printed_form() {
        for number in [0, 1, 42, u64::MAX, 0x0123_4567_89ab_cdef] {
            let id = TrackId(number);
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(id.to_string().len(), 3 + 13);
        }
    }

    #[test]
    fn a_foreign_prefix_or_a_damaged_number_is_refused() {
        assert_eq!("PA_0000000000000".parse::<TrackId>(), Err(InvalidId::Prefix("TR_")));
        for text in ["TR_", "TR_000000000000", "TR_00000000000000", "TR_u000000000000", "TR_é"] {
            assert_eq!(text.parse::<TrackId>(), Err(InvalidId::Number), "{text}");
        }
    }

    #[test]
    fn a_room_that_is_named_is_no_meeting_s() {
        for number in [0, 1, u64::MAX, 1 << 63] {
            assert!(RoomId::of_name(number).is_named());
            assert!(!RoomId::of_meeting(number).is_named());
        }
    }

    #[test]
    fn a_name_is_short_and_plain() {
        assert!("eu-1.node_7".parse::<NodeId>().is_ok());
        let long = "a".repeat(NodeId::MAX_LEN + 1);
        for text in ["", "Node", "a b", "a/b", long.as_str(), "ä"] {
            assert_eq!(text.parse::<NodeId>(), Err(InvalidId::Name), "{text}");
        }
    }
}
