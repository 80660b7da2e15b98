//! Who may come into a meeting, and what moderators do about people: entries, the lobby, removal.

pub use crate::meeting::Access;

use crate::meeting::{LinkInfo, Meeting};
use crate::recording::Recorded;
use crate::room::{Participant, Role};
use crate::{EntryId, LinkId, RoomId, Secret, TrackId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What is to be different.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessChange {
    /// Locked, or no longer.
    pub locked: Option<bool>,
    /// With a lobby, or no longer.
    pub lobby: Option<bool>,
    /// The PIN.
    pub pin: PinChange,
}

/// What becomes of the PIN.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PinChange {
    /// It stays.
    #[default]
    Keep,
    /// None is asked for any more.
    Clear,
    /// This one from now on.
    Set(Secret<String>),
}

/// How long an entry is good: a name is typed, a PIN is looked up, devices are chosen.
pub const ENTRY_LIFETIME: Duration = Duration::from_secs(300);

/// What opens an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryKey {
    /// A link.
    Link {
        /// SHA-256 of its secret.
        secret_hash: [u8; 32],
    },
    /// The owner's key.
    Owner {
        /// The meeting's room.
        room: RoomId,
        /// SHA-256 of the key.
        owner_key_hash: [u8; 32],
    },
}

/// The first of two steps into a meeting: good for one session, and for nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its id.
    pub id: EntryId,
    /// What its holder will be.
    pub role: Role,
    /// The link; `None` for owners.
    pub link: Option<LinkInfo>,
    /// The meeting, without its other links.
    pub meeting: Meeting,
}

/// The second step was granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// What its holder is.
    pub role: Role,
    /// The link it came by.
    pub link: Option<LinkId>,
    /// The meeting.
    pub meeting: Meeting,
}

/// Somebody with a session asks whether to come in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Knock {
    /// The link it came by.
    pub link: Option<LinkId>,
    /// Who it is.
    pub identity: String,
    /// The name shown to those who admit.
    pub name: String,
    /// What its session says it is.
    pub role: Role,
    /// Its session says that it was admitted before.
    pub admitted: bool,
    /// A word to those who admit.
    pub message: String,
}

/// How it stands with somebody who wants to come in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Admission {
    /// It may come in.
    Admitted {
        /// Whatever the room does afterwards: somebody has admitted it, or it was in before.
        lasting: bool,
    },
    /// It waits in the lobby.
    Waiting {
        /// Its place in the line, from 1.
        position: u32,
        /// How many wait.
        waiting: u32,
        /// Its own word to those who admit.
        #[serde(default)]
        message: String,
    },
    /// Somebody refused it.
    Refused {
        /// A word from who did.
        message: String,
    },
    /// It was removed, and stays out.
    Removed,
    /// The room is locked.
    Locked,
    /// Its session is over.
    Ended,
}

/// Somebody in the lobby, as moderators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Who.
    pub identity: String,
    /// The name.
    pub name: String,
    /// A word to moderators.
    pub message: String,
    /// Since when, in milliseconds since 1970.
    pub since_unix_ms: u64,
}

/// How a room receives people now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reception {
    /// The rules.
    pub access: Access,
    /// Somebody is there who admits.
    pub host: bool,
    /// The first in the lobby, for moderators only; see [`crate::limits::MAX_WAITING_SHOWN`].
    pub waiting: Vec<Waiting>,
    /// How many wait.
    pub waiting_count: u32,
    /// It is recorded: everybody is told, and by whom.
    #[serde(default)]
    pub recorded: Option<Recorded>,
}

/// Who acts on others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Moderator {
    /// Somebody in the room, by identity; its role there counts.
    Participant(String),
    /// Who shows the owner's key.
    Owner {
        /// SHA-256 of the key.
        owner_key_hash: [u8; 32],
    },
    /// An integrator's token that lets its holder administer the room.
    Integrator,
}

/// What a moderator does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Moderation {
    /// Looks who is there; answered by [`crate::edge::Response::People`].
    Look,
    /// Changes how people are received; answered by [`crate::edge::Response::Access`].
    SetAccess(AccessChange),
    /// Admits somebody who waits.
    Admit {
        /// Who.
        identity: String,
    },
    /// Admits all who wait.
    AdmitAll,
    /// Refuses somebody who waits.
    Refuse {
        /// Who.
        identity: String,
        /// A word to it.
        message: String,
    },
    /// Mutes somebody, who may unmute again.
    Mute {
        /// Who.
        identity: String,
        /// Which track; `None` for the microphone.
        track: Option<TrackId>,
    },
    /// Mutes every microphone but that of who asks.
    MuteAll,
    /// Ends what somebody shares.
    StopShare {
        /// Who.
        identity: String,
    },
    /// Removes somebody, who stays out.
    Remove {
        /// Who.
        identity: String,
    },
    /// Makes somebody a viewer or a presenter.
    SetRole {
        /// Who.
        identity: String,
        /// What.
        role: Role,
    },
    /// Makes somebody a presenter, and who asks a viewer, unless it is the owner.
    HandOver {
        /// To whom.
        identity: String,
    },
    /// Ends the meeting for everybody.
    End,
}

impl Moderation {
    /// Its kind as one word, for the audit log.
    pub fn label(&self) -> &'static str {
        match self {
            Moderation::Look => "look",
            Moderation::SetAccess(_) => "set_access",
            Moderation::Admit { .. } => "admit",
            Moderation::AdmitAll => "admit_all",
            Moderation::Refuse { .. } => "refuse",
            Moderation::Mute { .. } => "mute",
            Moderation::MuteAll => "mute_all",
            Moderation::StopShare { .. } => "stop_share",
            Moderation::Remove { .. } => "remove",
            Moderation::SetRole { .. } => "set_role",
            Moderation::HandOver { .. } => "hand_over",
            Moderation::End => "end",
        }
    }
}

impl AccessChange {
    /// What is to be different, in words without the PIN.
    pub fn describe(&self) -> String {
        let flag = |name: &str, value: Option<bool>| value.map(|value| format!("{name}={value}"));
        let pin = match self.pin {
            PinChange::Keep => None,
            PinChange::Clear => Some("pin=none".to_owned()),
            PinChange::Set(_) => Some("pin=new".to_owned()),
        };
        let all = [flag("locked", self.locked), flag("lobby", self.lobby), pin];
        all.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// Who is in a room and who wants to be.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct People {
    /// In the room.
    pub participants: Vec<Participant>,
    /// At its door.
    pub reception: Reception,
}

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLine {
    /// Its number in the log.
    pub id: u64,
    /// When, in milliseconds since 1970.
    pub at_unix_ms: u64,
    /// What happened, as one word.
    pub kind: String,
    /// Who did it.
    pub actor: String,
    /// More, in words.
    pub detail: String,
}
