//! Which tickets open which files, and until when. Tickets are random; who has one may read.

use crate::clock::unix_ms;
use lectern_control::recorder::Ticket;
use lectern_control::{RecordingId, Secret};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Tickets at once: some thousand viewers, each with a film and its pictures.
const MAX_GRANTS: usize = 65_536;
/// No ticket is good for longer, whatever the controller says: a mistake there ends by itself.
const MAX_MS: u64 = 24 * 60 * 60 * 1_000;

/// What a ticket opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    /// The recording.
    pub(crate) recording: RecordingId,
    /// The file's name.
    pub(crate) file: String,
    until_unix_ms: u64,
}

/// All tickets.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    table: Mutex<HashMap<Ticket, Grant>>,
}

impl Grants {
    fn table(&self) -> MutexGuard<'_, HashMap<Ticket, Grant>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets somebody read a file. Where there are too many tickets, those that end first go.
    pub(crate) fn grant(
        &self,
        ticket: &Secret<Ticket>,
        recording: RecordingId,
        file: String,
        until_unix_ms: u64,
    ) {
        let now = unix_ms();
        let mut table = self.table();
        if table.len() >= MAX_GRANTS {
            table.retain(|_, grant| grant.until_unix_ms > now);
        }
        if table.len() >= MAX_GRANTS {
            let mut ends: Vec<u64> = table.values().map(|grant| grant.until_unix_ms).collect();
            ends.sort_unstable();
            let end = ends.get(MAX_GRANTS / 16).copied().unwrap_or_default();
            table.retain(|_, grant| grant.until_unix_ms > end);
        }
        let until_unix_ms = until_unix_ms.min(now.saturating_add(MAX_MS));
        table.insert(*ticket.expose(), Grant { recording, file, until_unix_ms });
    }

    /// What a ticket opens now.
    pub(crate) fn find(&self, ticket: &Secret<Ticket>) -> Option<Grant> {
        let grant = self.table().get(ticket.expose()).cloned()?;
        (grant.until_unix_ms > unix_ms()).then_some(grant)
    }

    /// Nobody reads a recording any more.
    pub(crate) fn revoke(&self, recording: RecordingId) {
        self.table().retain(|_, grant| grant.recording != recording);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(number: u32) -> Secret<Ticket> {
        let mut ticket = [0; 16];
        ticket[..4].copy_from_slice(&number.to_be_bytes());
        Secret::new(ticket)
    }

    fn grant(grants: &Grants, number: u32, recording: u64, until: u64) {
        let name = "film-JB_1.mp4".to_owned();
        grants.grant(&ticket(number), RecordingId(recording), name, until);
    }

    #[test]
    fn a_ticket_opens_its_file_until_its_time_is_over_or_it_is_revoked() {
        let (grants, now) = (Grants::default(), unix_ms());
        grant(&grants, 1, 1, now + 60_000);
        grant(&grants, 2, 2, now + 60_000);
        grant(&grants, 3, 1, now.saturating_sub(1));
        assert_eq!(grants.find(&ticket(1)).map(|grant| grant.recording), Some(RecordingId(1)));
        assert_eq!((grants.find(&ticket(3)), grants.find(&ticket(4))), (None, None));
        grants.revoke(RecordingId(1));
        assert!(grants.find(&ticket(1)).is_none() && grants.find(&ticket(2)).is_some());
    }

    #[test]
    fn tickets_are_bounded_and_those_that_last_stay() {
        let (grants, now) = (Grants::default(), unix_ms());
        let many = MAX_GRANTS as u32 + 10;
        for number in 0..many {
            grant(&grants, number, 1, now + 60_000 + u64::from(number));
        }
        assert!(grants.table().len() <= MAX_GRANTS);
        assert!(grants.find(&ticket(many - 1)).is_some() && grants.find(&ticket(0)).is_none());
    }

    #[test]
    fn no_ticket_is_good_for_ever() {
        let grants = Grants::default();
        grant(&grants, 1, 1, u64::MAX);
        let until = grants.find(&ticket(1)).expect("opens").until_unix_ms;
        assert!(until <= unix_ms() + MAX_MS);
    }
}
