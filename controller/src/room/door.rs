//! The door: who may come in, who waits, who stays out. Asked by those who knock and again by those
//! who join, so that nobody gets past by leaving a step out.

use super::lobby::Waiter;
use super::{Output, Room};
use crate::clock::Now;
use crate::records::AuditKind;
use crate::standing::{MAX_STANDINGS, Out, Standing};
use lectern_control::access::{Access, Admission, Knock, Reception, Waiting};
use lectern_control::edge::{Notice, RequestError, Response};
use lectern_control::limits::{MAX_KNOCK_BYTES, MAX_NAME_BYTES};
use lectern_control::room::{LeaveReason, Role};
use lectern_control::{EdgeId, LinkId, ParticipantId};
use std::collections::BTreeMap;
use std::time::Duration;

/// How often edges are told of the door, at most: a crowd that comes at once is told of a few times.
const RECEPTION_INTERVAL: Duration = Duration::from_millis(250);

/// What the door knows of somebody who wants to come in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guest<'a> {
    pub(super) identity: &'a str,
    pub(super) link: Option<LinkId>,
    /// As the session says.
    pub(super) role: Role,
    /// The session says that it was admitted before.
    pub(super) admitted: bool,
    /// When the session was signed.
    pub(super) issued_at_unix_ms: u64,
}

/// What was decided about people.
#[derive(Debug, Default)]
pub(super) struct Standings {
    known: BTreeMap<String, Standing>,
}

impl Standings {
    pub(super) fn new(known: Vec<(String, Standing)>) -> Standings {
        Standings { known: known.into_iter().collect() }
    }

    fn get(&self, identity: &str) -> Option<&Standing> {
        self.known.get(identity)
    }

    fn set(&mut self, identity: &str, standing: Standing) {
        self.known.insert(identity.to_owned(), standing);
        if self.known.len() > MAX_STANDINGS {
            // What people end themselves is forgotten first, who was removed last.
            let weight = |one: &Standing| {
                let rank = match one.out {
                    Some(Out::Ended) => 0,
                    None => 1,
                    Some(Out::Refused) => 2,
                    Some(Out::Removed) => 3,
                };
                (rank, one.at_unix_ms)
            };
            let others = self.known.iter().filter(|(known, _)| *known != identity);
            let oldest = others.min_by_key(|(_, one)| weight(one)).map(|(known, _)| known.clone());
            oldest.and_then(|oldest| self.known.remove(&oldest));
        }
    }
}

impl Room {
    /// Somebody asks whether it may come in.
    pub(super) fn knock(
        &mut self,
        now: Now,
        edge: &EdgeId,
        knock: Knock,
    ) -> Result<Response, RequestError> {
        let long = knock.message.len() > MAX_KNOCK_BYTES
            || knock.name.len() > MAX_NAME_BYTES
            || knock.identity.len() > MAX_NAME_BYTES;
        if long || knock.identity.is_empty() {
            return Err(RequestError::Invalid("a name or a message is too long".to_owned()));
        }
        let guest = Guest {
            identity: &knock.identity,
            link: knock.link,
            role: knock.role,
            admitted: knock.admitted,
            // Only sessions of ours knock, and these are not signed anew by anybody else.
            issued_at_unix_ms: 0,
        };
        let (admission, role) = self.ask_door(now, guest)?;
        let admission = match admission {
            Admission::Waiting { .. } => self.wait(now, edge, knock)?,
            decided => {
                if self.lobby.take(&knock.identity).is_some() {
                    self.reception_changed();
                }
                decided
            }
        };
        let room_name = self.meeting.name.clone();
        Ok(Response::Admission { admission, role, room_name })
    }

    fn wait(&mut self, now: Now, edge: &EdgeId, knock: Knock) -> Result<Admission, RequestError> {
        let identity = knock.identity.clone();
        let (name, message) = (knock.name, knock.message);
        let shown =
            Waiting { identity: identity.clone(), name, message, since_unix_ms: now.unix_ms };
        let waiter = Waiter { shown, link: knock.link, edge: edge.clone(), knocked_at: now.at };
        if self.lobby.knock(waiter)? {
            self.audit(AuditKind::Knocked, identity.clone(), String::new());
            self.reception_changed();
        }
        Ok(self.lobby.place(&identity))
    }

    /// What the rules say of somebody, and what role it has here.
    pub(super) fn ask_door(
        &self,
        now: Now,
        guest: Guest<'_>,
    ) -> Result<(Admission, Role), RequestError> {
        let standing = self.standings.get(guest.identity);
        // A link's role is its own; sessions live longer than what was decided about them.
        let granted = match guest.link {
            Some(link) => self.grant(now, link)?,
            None => guest.role,
        };
        let role = standing.and_then(|standing| standing.role).unwrap_or(granted);
        if let Some(out) = standing.and_then(|standing| still_out(standing, guest)) {
            let message = self.lobby.last_word(guest.identity, now.at);
            return Ok((with_word(out, message), role));
        }
        let lasting = guest.admitted || self.lobby.is_admitted(guest.identity, now.at);
        let admission = if lasting || role == Role::Owner {
            Admission::Admitted { lasting: true }
        } else if self.meeting.access.locked {
            Admission::Locked
        } else if self.meeting.access.lobby && role == Role::Viewer && guest.link.is_some() {
            Admission::Waiting { position: 0, waiting: 0, message: String::new() }
        } else {
            Admission::Admitted { lasting: false }
        };
        Ok((admission, role))
    }

    /// Somebody joins: the door is asked again.
    pub(super) fn check_door(&mut self, now: Now, guest: Guest<'_>) -> Result<Role, RequestError> {
        let (admission, role) = self.ask_door(now, guest)?;
        let refused = match admission {
            Admission::Admitted { .. } => return Ok(role),
            Admission::Waiting { .. } => RequestError::InLobby,
            Admission::Locked => RequestError::Locked,
            Admission::Refused { .. } | Admission::Removed | Admission::Ended => {
                RequestError::Removed
            }
        };
        let detail = refused.to_string();
        self.audit(AuditKind::JoinRefused, guest.identity.to_owned(), detail);
        Err(refused)
    }

    /// What a link lets its holder be, while it is good.
    fn grant(&self, now: Now, link: LinkId) -> Result<Role, RequestError> {
        let mut links = self.meeting.links.iter();
        let good = links.find(|known| known.id == link && known.is_good(now.unix_ms));
        good.map(|link| link.role).ok_or(RequestError::NotFound)
    }

    /// Whether a moderator has given somebody a role.
    pub(super) fn has_given_role(&self, identity: &str) -> bool {
        self.standings.get(identity).is_some_and(|standing| standing.role.is_some())
    }

    /// Decides about somebody for longer than it is here.
    pub(super) fn decide(
        &mut self,
        now: Now,
        identity: &str,
        role: Option<Role>,
        out: Option<Out>,
    ) {
        let role = role.or(self.standings.get(identity).and_then(|standing| standing.role));
        // Each later than the one before, so that the records keep the last of two at once.
        let at_unix_ms = now.unix_ms.max(self.decided_at_unix_ms + 1);
        self.decided_at_unix_ms = at_unix_ms;
        let standing = Standing { role, out, at_unix_ms };
        self.standings.set(identity, standing);
        self.out.push_back(Output::Remember { identity: identity.to_owned(), standing });
    }

    /// A session ends for good, by its holder's wish.
    pub(super) fn end_session(&mut self, now: Now, identity: &str) -> Response {
        // Who was sent out does not become somebody who left by ending the session.
        let standing = self.standings.get(identity);
        if standing.is_none_or(|standing| standing.out.is_none()) {
            self.decide(now, identity, None, Some(Out::Ended));
            self.audit(AuditKind::SessionEnded, identity.to_owned(), String::new());
        }
        if self.lobby.take(identity).is_some() {
            self.reception_changed();
        }
        if let Some(participant) = self.roster.by_identity(identity) {
            self.leave(now, participant, LeaveReason::ClientLeft);
        }
        Response::Done
    }

    /// The rules are others now; those who wait for nothing any more come in.
    pub fn set_access(&mut self, now: Now, access: Access) {
        if self.meeting.access == access {
            return;
        }
        self.meeting.access = access;
        if !access.lobby && !access.locked {
            for waiter in self.lobby.take_if(|_| true) {
                self.audit(AuditKind::Admitted, String::new(), waiter.shown.identity.clone());
                self.admit(now, waiter);
            }
        }
        self.reception_changed();
    }

    /// Lets somebody in who waited.
    pub(super) fn admit(&mut self, now: Now, waiter: Waiter) {
        self.lobby.admit(now.at, &waiter.shown.identity);
        self.tell_waiter(waiter, Admission::Admitted { lasting: true });
    }

    pub(super) fn tell_waiter(&mut self, waiter: Waiter, admission: Admission) {
        let notice = Notice::Decided { identity: waiter.shown.identity, admission };
        self.out.push_back(Output::Notice { edge: waiter.edge, notice });
    }

    /// Whoever came by a link that is ended goes, and does not wait any longer.
    pub(super) fn dismiss_link(&mut self, now: Now, link: LinkId) {
        let waiters = self.lobby.take_if(|waiter| waiter.link == Some(link));
        let fewer = !waiters.is_empty();
        for waiter in waiters {
            self.tell_waiter(waiter, Admission::Ended);
        }
        let came = |(id, by): (&ParticipantId, &LinkId)| (*by == link).then_some(*id);
        for participant in self.came_by.iter().filter_map(came).collect::<Vec<_>>() {
            self.leave(now, participant, LeaveReason::Removed);
        }
        if fewer {
            self.reception_changed();
        }
    }

    /// How the room receives people now.
    pub(super) fn reception(&self) -> Reception {
        Reception {
            access: self.meeting.access,
            host: self.roster.participants().any(|one| one.role >= Role::Presenter),
            waiting: self.lobby.shown(),
            waiting_count: self.lobby.len(),
            recorded: self.recorded().cloned(),
        }
    }

    /// Something about the door may be different: edges are told of it soon.
    pub(super) fn reception_changed(&mut self) {
        self.reception_stale = true;
    }

    /// Tells edges how people are received, not more often than anybody could follow.
    pub(super) fn tell_reception(&mut self, now: Now) {
        if !self.reception_stale || now.at < self.reception_at {
            return;
        }
        self.reception_stale = false;
        self.reception_at = now.at + RECEPTION_INTERVAL;
        let reception = self.reception();
        if self.reception_told.as_ref() != Some(&reception) {
            self.notify_all(&Notice::Reception(reception.clone()));
            self.reception_told = Some(reception);
        }
    }
}

/// Adds what a moderator said to who is refused.
fn with_word(admission: Admission, word: Option<String>) -> Admission {
    match (admission, word) {
        (Admission::Refused { .. }, Some(message)) => Admission::Refused { message },
        (admission, _) => admission,
    }
}

/// Why somebody stays out, if it does. An integrator lets somebody in again by a new token; links are
/// given to all alike.
fn still_out(standing: &Standing, guest: Guest<'_>) -> Option<Admission> {
    let again = guest.link.is_none() && guest.issued_at_unix_ms > standing.at_unix_ms;
    match standing.out? {
        Out::Removed | Out::Ended if again => None,
        Out::Removed => Some(Admission::Removed),
        Out::Refused => Some(Admission::Refused { message: String::new() }),
        Out::Ended => Some(Admission::Ended),
    }
}
