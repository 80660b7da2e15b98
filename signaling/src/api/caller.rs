//! Who calls: somebody with a session, the owner by key, or an integrator by token.

use super::limits::Guess;
use super::problem::Code;
use super::{Api, Problem, secret};
use crate::tls;
use crate::token::scope::Scope;
use crate::token::{InvalidToken, LetInBy, Session};
use axum::extract::ConnectInfo;
use axum::http::HeaderMap;
use lectern_control::RoomId;
use lectern_control::access::Moderator;
use lectern_control::edge::{RequestError, Response};
use std::net::SocketAddr;

/// Somebody who acts on a meeting.
pub struct Caller<'a> {
    /// The meeting's room.
    pub room: RoomId,
    /// In whose name.
    pub by: Moderator,
    /// A key may be a guess.
    guess: Option<Guess<'a>>,
}

impl Caller<'_> {
    /// Passes the controller's answer on; a wrong key counts as a guess.
    pub fn judge(self, answer: Result<Response, RequestError>) -> Result<Response, Problem> {
        let answer = match self.guess {
            Some(guess) => guess.judge(answer),
            None => answer,
        };
        answer.map_err(Problem::from)
    }

    /// What is asked for cannot be there, whoever asks; a key was looked at by nobody, and is no guess.
    pub fn absent(self) -> Problem {
        if let Some(guess) = self.guess {
            guess.give_back();
        }
        unknown()
    }
}

impl Api {
    /// The session of `Authorization: Bearer …`, which takes a call of its holder.
    pub fn session(&self, headers: &HeaderMap) -> Result<Session, Problem> {
        let token = session_token(headers)?;
        let session = self.tokens.verify(token).map_err(refused)?;
        // Sessions of integrators are theirs to give and to take.
        if session.let_in_by != LetInBy::Us {
            return Err(refused(InvalidToken::Invalid));
        }
        self.limits.call(session.room, &session.identity)?;
        Ok(session)
    }

    /// Who acts on the meeting of a path; that takes a call of theirs. That a meeting is another
    /// one's, or none at all, is one answer.
    pub fn caller(
        &self,
        connection: ConnectInfo<SocketAddr>,
        headers: &HeaderMap,
        meeting: &str,
    ) -> Result<Caller<'_>, Problem> {
        self.caller_for(Scope::Administer, connection, headers, meeting)
    }

    /// The same, where integrators' tokens let their holders do something else.
    pub fn caller_for(
        &self,
        scope: Scope,
        connection: ConnectInfo<SocketAddr>,
        headers: &HeaderMap,
        meeting: &str,
    ) -> Result<Caller<'_>, Problem> {
        let shown = session_token(headers)?;
        if !is_token(shown) {
            let (room, guess) = self.key(connection, shown, meeting)?;
            let by = Moderator::Owner { owner_key_hash: secret::hash(shown) };
            return Ok(Caller { room, by, guess: Some(guess) });
        }
        let room: Result<RoomId, Problem> = meeting.parse().map_err(|_| unknown());
        if let Ok(administers) = self.tokens.verify_scope(shown, scope) {
            // Integrators name their rooms as their tokens do; the path is checked all the same.
            let room = if meeting == administers.to_string() { administers } else { room? };
            if room != administers {
                return Err(unknown());
            }
            // Nobody else is called nothing.
            self.limits.call(room, "")?;
            return Ok(Caller { room, by: Moderator::Integrator, guess: None });
        }
        let session = self.tokens.verify(shown).map_err(refused)?;
        if room? != session.room {
            return Err(unknown());
        }
        self.limits.call(session.room, &session.identity)?;
        let by = Moderator::Participant(session.identity);
        Ok(Caller { room: session.room, by, guess: None })
    }

    /// The room of a path for whoever shows what may be its owner's key, as a guess and a call. What
    /// cannot be a key at all is no guess, and asks nothing of anybody.
    pub fn key(
        &self,
        connection: ConnectInfo<SocketAddr>,
        shown: &str,
        meeting: &str,
    ) -> Result<(RoomId, Guess<'_>), Problem> {
        if !secret::is_plausible(shown) {
            return Err(unknown());
        }
        let room: RoomId = meeting.parse().map_err(|_| unknown())?;
        let guess = self.limits.guess(tls::client(connection))?;
        match self.limits.call(room, shown) {
            Ok(()) => Ok((room, guess)),
            Err(too_often) => {
                guess.give_back();
                Err(too_often)
            }
        }
    }
}

/// The text of `Authorization: Bearer …`; without one, a token is asked for.
pub fn session_token(headers: &HeaderMap) -> Result<&str, Problem> {
    secret::bearer(headers)
        .map_err(|_| Problem::new(Code::TokenInvalid, "send Authorization: Bearer and the token"))
}

/// Tokens are three parts with dots between (RFC 7515 section 3.1); keys have none.
fn is_token(text: &str) -> bool {
    text.contains('.')
}

/// Why a token is refused, in the API's words.
pub fn refused(error: InvalidToken) -> Problem {
    match error {
        InvalidToken::Expired => Problem::new(Code::TokenExpired, "get a new one"),
        _ => Problem::new(Code::TokenInvalid, "the token is not good for this"),
    }
}

/// The same answer for a meeting that is not there and for one that is somebody else's.
pub fn unknown() -> Problem {
    Problem::from(RequestError::NotFound)
}
