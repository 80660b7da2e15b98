//! What is asked of a room, and when: while it moves most of it waits.

use super::Room;
use super::moderation::Authority;
use super::output::{Output, Ticket};
use super::relocation::Relocation;
use crate::clock::Now;
use lectern_control::access::Moderation;
use lectern_control::edge::{Request, RequestError};

/// Requests that wait while a room moves; a move takes a fraction of a second.
const MAX_DEFERRED: usize = 4_096;

/// Something that is asked of a room.
#[derive(Debug)]
pub(super) enum Ask {
    /// By an edge.
    Request(Request),
    /// By a moderator whose right was looked up elsewhere.
    Moderate(Authority, Moderation),
}

impl Ask {
    /// Whether it does not wait while the room moves: what ends somebody's stay ends it everywhere.
    fn is_urgent(&self) -> bool {
        let ends =
            |action: &Moderation| matches!(action, Moderation::Remove { .. } | Moderation::End);
        match self {
            Ask::Request(Request::Moderate { action, .. }) => ends(action),
            Ask::Request(request) => matches!(request, Request::EndSession { .. }),
            Ask::Moderate(_, action) => ends(action),
        }
    }
}

impl Room {
    /// An edge asks for something; the answer comes out before all that follows from it.
    pub fn handle_request(&mut self, now: Now, ticket: Ticket, request: Request) {
        self.handle(now, ticket, Ask::Request(request));
    }

    /// Somebody outside the room acts on those in it, and may.
    pub fn handle_moderation(
        &mut self,
        now: Now,
        ticket: Ticket,
        by: Authority,
        action: Moderation,
    ) {
        self.handle(now, ticket, Ask::Moderate(by, action));
    }

    fn handle(&mut self, now: Now, ticket: Ticket, ask: Ask) {
        let moving = self.relocation.as_ref().is_some_and(Relocation::is_moving);
        if !moving || ask.is_urgent() {
            return self.answer(now, ticket, ask);
        }
        if self.deferred.len() >= MAX_DEFERRED {
            let error = RequestError::Unavailable("the room is moving".to_owned());
            return self.out.push_back(Output::Respond(ticket, Err(error)));
        }
        self.deferred.push_back((ticket, ask));
    }

    fn answer(&mut self, now: Now, ticket: Ticket, ask: Ask) {
        let before = self.out.len();
        let result = match ask {
            Ask::Request(request) => self.execute(now, &ticket, request),
            Ask::Moderate(by, action) => self.moderate(now, &by, action),
        };
        self.out.insert(before, Output::Respond(ticket, result));
        self.sync_recording(now);
    }

    /// Answers what waited for a move to end.
    pub(super) fn answer_deferred(&mut self, now: Now) {
        while let Some((ticket, ask)) = self.deferred.pop_front() {
            self.answer(now, ticket, ask);
        }
    }
}
