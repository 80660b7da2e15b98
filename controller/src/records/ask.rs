//! Requests of edges, answered from the records.

use super::catalogue::Changed;
use super::known::Present;
use super::reading::{Found, Wanted};
use super::{Error, NewLink, NewMeeting, Records};
use lectern_control::access::{Entry, EntryKey, Moderation, Moderator, PinChange};
use lectern_control::edge::{Request, Response};
use lectern_control::recording::Recording;
use lectern_control::room::Role;
use lectern_control::{EntryId, JobId, LinkId, RecorderId, RoomId};

/// Answers a request about meetings, links and what was done in them.
pub async fn ask(
    records: &Records,
    request: &Request,
    fresh: u64,
    now: u64,
) -> Result<Response, Error> {
    match request {
        Request::CreateMeeting {
            name,
            expires_at_unix_ms,
            owner_key_hash,
            lobby,
            pin,
            keep_recordings_days,
        } => {
            let pin = match pin {
                PinChange::Set(pin) => Some(pin.clone()),
                PinChange::Keep | PinChange::Clear => None,
            };
            let meeting = NewMeeting {
                room: RoomId::of_meeting(fresh),
                name: name.clone(),
                expires_at_unix_ms: *expires_at_unix_ms,
                owner_key_hash: *owner_key_hash,
                lobby: *lobby,
                pin,
                keep_recordings_days: *keep_recordings_days,
            };
            records.create_meeting(now, meeting).await.map(Response::Meeting)
        }
        Request::Meeting { room, owner_key_hash } => {
            records.owned_meeting(now, *room, owner_key_hash).await.map(Response::Meeting)
        }
        Request::CreateLink { room, owner_key_hash, role, expires_at_unix_ms, secret_hash } => {
            let link = NewLink {
                id: LinkId(fresh),
                room: *room,
                owner_key_hash: *owner_key_hash,
                role: *role,
                expires_at_unix_ms: *expires_at_unix_ms,
                secret_hash: *secret_hash,
            };
            records.create_link(now, link).await.map(Response::Link)
        }
        Request::RevokeLink { room, owner_key_hash, link } => {
            records.revoke_link(now, *room, owner_key_hash, *link).await.map(|()| Response::Done)
        }
        Request::OpenEntry { key } => {
            let entry = open_entry(records, key, fresh, now).await?;
            Ok(Response::Entry(Box::new(entry)))
        }
        Request::Moderate { room, by, action } => {
            check_owner(records, *room, by, now).await?;
            match action {
                Moderation::SetAccess(change) if !room.is_named() => {
                    records.set_access(now, *room, change).await.map(Response::Access)
                }
                // The rest is done in the room, where there is one.
                _ => Ok(Response::Done),
            }
        }
        // What follows is the room's to do.
        Request::Record { room, by, .. } => {
            check_owner(records, *room, by, now).await?;
            Ok(Response::Done)
        }
        Request::Audit { room, by, before, limit } => {
            check_owner(records, *room, by, now).await?;
            records.audit(*room, *before, *limit).await.map(Response::Audit)
        }
        _ => Err(Error::Invalid("not a request about meetings and links")),
    }
}

/// An answer about recordings, and what follows from it.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Nothing follows.
    Plain(Response),
    /// Recorders are to make another film.
    Composed {
        /// The recording as it is then.
        recording: Box<Recording>,
        /// Who makes which.
        jobs: Vec<(RecorderId, JobId)>,
    },
    /// A recorder is to let somebody read a file.
    Found(Box<Found>),
}

/// Answers a request about recordings.
pub async fn ask_catalogue(
    records: &Records,
    request: &Request,
    present: &Present,
) -> Result<Answer, Error> {
    match request {
        Request::Recordings { room, by, before_unix_ms } => {
            records.check_keeper(*room, by).await?;
            records.recordings(*room, *before_unix_ms, present).await.map(Answer::Plain)
        }
        Request::Recording { room, by, recording } => {
            records.check_keeper(*room, by).await?;
            records.recording(*room, *recording, present).await.map(Answer::Plain)
        }
        Request::ChangeRecording { room, by, recording, change } => {
            records.check_keeper(*room, by).await?;
            match records.change_recording(*room, *recording, change, present).await? {
                Changed::Done(response) => Ok(Answer::Plain(response)),
                Changed::Composed { recording, jobs } => Ok(Answer::Composed { recording, jobs }),
            }
        }
        Request::SharedRecording { secret_hash } => {
            records.shared(secret_hash, present).await.map(Answer::Plain)
        }
        Request::ReadRecording { by, recording, file, download } => {
            let wanted = Wanted { recording: *recording, file, download: *download };
            let found = records.readable(by, wanted, present).await?;
            Ok(Answer::Found(Box::new(found)))
        }
        _ => Err(Error::Invalid("not a request about recordings")),
    }
}

/// Of those who act only owners outside the room are the records' to know.
async fn check_owner(
    records: &Records,
    room: RoomId,
    by: &Moderator,
    now: u64,
) -> Result<(), Error> {
    match by {
        Moderator::Owner { owner_key_hash } => records.check_owner(now, room, owner_key_hash).await,
        Moderator::Participant(_) | Moderator::Integrator => Ok(()),
    }
}

async fn open_entry(
    records: &Records,
    key: &EntryKey,
    fresh: u64,
    now: u64,
) -> Result<Entry, Error> {
    let id = EntryId(fresh);
    match key {
        EntryKey::Link { secret_hash } => {
            let (link, meeting) = records.resolve_link(now, secret_hash).await?;
            Ok(Entry { id, role: link.role, link: Some(link), meeting })
        }
        EntryKey::Owner { room, owner_key_hash } => {
            let mut meeting = records.owned_meeting(now, *room, owner_key_hash).await?;
            meeting.links.clear();
            Ok(Entry { id, role: Role::Owner, link: None, meeting })
        }
    }
}
