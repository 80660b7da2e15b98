//! What a participant says of itself, and how much that may be: each change sends all of it to
//! everybody in the room.

use lectern_control::limits::MAX_METADATA_BYTES;
use lectern_control::room::{Audience, Listener, Participant};
use std::collections::BTreeMap;

/// Metadata and attributes of somebody who came by a link, in bytes; as much again may say who receives
/// its tracks. A raised hand and a few marks of an application fit; more would let anybody who was sent
/// the link fill everybody's line. Integrators who need more sign tokens themselves.
const MAX_BYTES_BY_LINK: usize = 4 << 10;
/// What an attribute takes in a message beside its text.
const ATTRIBUTE_BYTES: usize = 8;
/// What one of an audience takes in a message beside its identity and its tracks.
const LISTENER_BYTES: usize = 16;
/// What a track of one of an audience takes.
const TRACK_ID_BYTES: usize = 16;

/// Metadata and attributes once everything that was asked for is done. What the controller has told
/// lags behind: changes that overtake it must not add up.
#[derive(Debug)]
pub struct Profile {
    trust: Trust,
    limit: usize,
    metadata_bytes: usize,
    attributes: BTreeMap<String, usize>,
}

/// How a participant came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// By a link that anybody may have been sent.
    Link,
    /// By a token that an integrator signed for it.
    Integrator,
}

impl Profile {
    /// What is known of a participant.
    pub fn new(me: &Participant, trust: Trust) -> Profile {
        let limit = match trust {
            Trust::Link => MAX_BYTES_BY_LINK,
            Trust::Integrator => MAX_METADATA_BYTES,
        };
        let mut profile = Profile { trust, limit, metadata_bytes: 0, attributes: BTreeMap::new() };
        profile.reset(me);
        profile
    }

    /// How the participant came in.
    pub fn trust(&self) -> Trust {
        self.trust
    }

    /// As much of an audience as the participant may name: fewer may receive then, and nobody more.
    pub fn fitting(&self, audience: Audience) -> Audience {
        match (audience, self.trust) {
            (Audience::Only(mut listeners), Trust::Link) => {
                let mut bytes = 0;
                listeners.retain(|listener| {
                    bytes += listener_bytes(listener);
                    bytes <= MAX_BYTES_BY_LINK
                });
                Audience::Only(listeners)
            }
            (audience, _) => audience,
        }
    }

    /// Something that was asked for was not done: what is known counts again.
    pub fn reset(&mut self, me: &Participant) {
        self.metadata_bytes = me.metadata.len();
        self.attributes =
            me.attributes.iter().map(|(key, value)| (key.clone(), value.len())).collect();
    }

    /// Notes a change; false where it would be too long, and then nothing is noted.
    pub fn change(
        &mut self,
        metadata: Option<&str>,
        attributes: &BTreeMap<String, String>,
    ) -> bool {
        let metadata_bytes = metadata.map_or(self.metadata_bytes, str::len);
        let mut changed = self.attributes.clone();
        for (key, value) in attributes {
            if value.is_empty() {
                changed.remove(key);
            } else {
                changed.insert(key.clone(), value.len());
            }
        }
        let bytes = changed.iter().map(|(key, value)| key.len() + value + ATTRIBUTE_BYTES);
        if metadata_bytes + bytes.sum::<usize>() > self.limit {
            return false;
        }
        self.metadata_bytes = metadata_bytes;
        self.attributes = changed;
        true
    }
}

fn listener_bytes(listener: &Listener) -> usize {
    let tracks = listener.tracks.as_ref().map_or(0, Vec::len);
    LISTENER_BYTES + listener.identity.len() + tracks * TRACK_ID_BYTES
}
