//! What integrators' tokens let their holders do beside coming in: administer a room, or record it.

use super::{InvalidToken, LetInBy, Tokens, integrator_room};
use lectern_control::RoomId;
use std::time::Duration;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Act on those in the room.
    Administer,
    /// Record the room, and keep its recordings; whoever administers it may as well.
    Record,
}

impl Tokens {
    /// The room in which an integrator's token lets its holder do so; it needs not let it in. Meetings
    /// of ours belong to those who have their keys.
    pub fn verify_scope(&self, token: &str, scope: Scope) -> Result<RoomId, InvalidToken> {
        let (claims, by) = self.claims(token, Duration::ZERO)?;
        let grant = &claims.video;
        let may = match scope {
            Scope::Administer => grant.room_admin,
            Scope::Record => grant.room_admin || grant.room_record,
        };
        if by != LetInBy::Integrator || !may || grant.room.is_empty() {
            return Err(InvalidToken::NoAdmin);
        }
        let room = integrator_room(&claims.iss, &grant.room);
        if room.is_named() { Ok(room) } else { Err(InvalidToken::NoAdmin) }
    }
}
