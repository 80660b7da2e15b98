//! A room goes live: its meeting is read, the room claimed and placed, then those who wait come in.
//! Rooms that integrators name have no meeting that could be read.

use super::edge::request_error;
use super::{Controller, EXPECTED_PEERS, MAX_ROOMS, Output};
use crate::clock::Now;
use crate::job::{LeaseJob, RecordsJob};
use crate::placement::Wish;
use crate::records::{self, Standings};
use crate::room::{Home, Room, Start, Ticket};
use lectern_control::access::Access;
use lectern_control::edge::{LinkInfo, Meeting, Request, RequestError};
use lectern_control::{LinkId, Revision, RoomId};
use rand::Rng;

/// Joins that wait for one room: a whole room at once.
const MAX_WAITING: usize = lectern_control::limits::MAX_PARTICIPANTS_PER_ROOM;

/// A room that is going live.
#[derive(Debug)]
pub(super) struct Opening {
    region: String,
    waiting: Vec<(Ticket, Request)>,
    meeting: Option<Meeting>,
    standings: Standings,
    /// How people are received since the meeting was read.
    pub(super) access: Option<Access>,
    /// What changed while the meeting was being read.
    pub(super) links_made: Vec<LinkInfo>,
    pub(super) links_revoked: Vec<LinkId>,
}

impl Opening {
    /// Nobody waits any more for the answer on this link.
    pub(super) fn forget_link(&mut self, link: u64) {
        self.waiting.retain(|(ticket, _)| ticket.link != link);
    }
}

impl Controller {
    pub(super) fn join(&mut self, now: Now, id: RoomId, ticket: Ticket, request: Request) {
        if self.rooms.contains_key(&id) {
            return self.with_room(now, id, |room| room.handle_request(now, ticket, request));
        }
        if let Some(opening) = self.opening.get_mut(&id) {
            if opening.waiting.len() < MAX_WAITING {
                return opening.waiting.push((ticket, request));
            }
            return self.conclude(&ticket, Err(RequestError::Limit("people in a room".to_owned())));
        }
        if self.rooms.len() + self.opening.len() >= MAX_ROOMS {
            return self.conclude(&ticket, Err(RequestError::Limit("live rooms".to_owned())));
        }
        if self.lease.id().is_none() {
            return self.conclude(&ticket, Err(no_lease()));
        }
        // No link leads to a room that was named: only tokens of API keys do.
        let meeting = id.is_named().then(|| named(now, id));
        let is_named = meeting.is_some();
        let opening = Opening {
            region: self.edges.region(&ticket.edge).to_owned(),
            waiting: vec![(ticket, request)],
            meeting,
            standings: Vec::new(),
            access: None,
            links_made: Vec::new(),
            links_revoked: Vec::new(),
        };
        self.opening.insert(id, opening);
        if is_named {
            self.claim(id);
            return;
        }
        let job = RecordsJob::Load { room: id, now_unix_ms: now.unix_ms };
        self.out.push_back(Output::Records(job));
    }

    pub(super) fn loaded(
        &mut self,
        id: RoomId,
        result: Result<(Meeting, Standings), records::Error>,
    ) {
        let Some(opening) = self.opening.get_mut(&id) else { return };
        match result {
            Ok((meeting, standings)) => {
                (opening.meeting, opening.standings) = (Some(meeting), standings);
                if !self.claim(id) {
                    self.opening_failed(id, &no_lease());
                }
            }
            Err(error) => self.opening_failed(id, &request_error(error)),
        }
    }

    pub(super) fn is_claiming(&self, id: RoomId) -> bool {
        self.opening.get(&id).is_some_and(|opening| opening.meeting.is_some())
    }

    pub(super) fn opening_failed(&mut self, id: RoomId, error: &RequestError) {
        let Some(opening) = self.opening.remove(&id) else { return };
        for (ticket, _) in opening.waiting {
            self.conclude(&ticket, Err(error.clone()));
        }
    }

    /// The room is ours.
    pub(super) fn opened(&mut self, now: Now, id: RoomId, revision: Revision) {
        let Some(opening) = self.opening.remove(&id) else { return };
        let Opening { region, waiting, meeting, standings, access, links_made, links_revoked } =
            opening;
        let wish = Wish { region: &region, peers: EXPECTED_PEERS, avoid: None };
        let placed = self.place(&wish);
        let (Some(meeting), Some((primary, standby))) = (meeting, placed) else {
            self.out.push_back(Output::Lease(LeaseJob::Release { room: id, revision }));
            for (ticket, _) in waiting {
                self.conclude(&ticket, Err(RequestError::NoNode));
            }
            return;
        };
        tracing::info!(room = %id, node = %primary.node, "a room goes live");
        let home = Home { primary, standby, generation: 0 };
        let seed = self.ids.next_u64();
        let mut room = Room::new(now, Start { meeting, standings, region, revision, home, seed });
        for link in links_made {
            room.add_link(link);
        }
        for link in links_revoked {
            room.revoke_link(now, link);
        }
        if let Some(access) = access {
            room.set_access(now, access);
        }
        self.rooms.insert(id, room);
        // It went on while this process, or another room of that id, was not there.
        if let Some((recording, _)) = self.recordings.of_room(id) {
            self.record_in_room(now, recording);
        }
        for (ticket, request) in waiting {
            self.with_room(now, id, |room| room.handle_request(now, ticket, request));
        }
    }
}

/// What stands for the meeting of a room that an integrator named. It goes on while there is anybody.
fn named(now: Now, room: RoomId) -> Meeting {
    Meeting {
        room,
        name: room.to_string(),
        created_at_unix_ms: now.unix_ms,
        expires_at_unix_ms: u64::MAX,
        links: Vec::new(),
        access: Access::default(),
    }
}

fn no_lease() -> RequestError {
    RequestError::Unavailable("this controller has no lease".to_owned())
}
