//! What edges ask.

use super::{Controller, Output, Role};
use crate::clock::Now;
use crate::edges::Hello;
use crate::job::RecordsJob;
use crate::placement::{self, Wish};
use crate::records;
use crate::room::Ticket;
use lectern_control::delivery::Number;
use lectern_control::edge::{FromEdge, Request, RequestError, Response, ToEdge};
use lectern_control::{NodeId, RoomId, Version};
use rand::Rng;

impl Controller {
    pub(super) fn edge_said(&mut self, now: Now, link: u64, message: FromEdge) {
        let (request, body) = match message {
            FromEdge::Hello { version, edge: name, region, heard } => {
                return self.edge_hello(now, link, Hello { version, name, region, heard });
            }
            FromEdge::Heard { notice } => {
                if let Some(edge) = self.edges.on_link(link).cloned() {
                    self.edges.handle_heard(&edge, notice);
                }
                return;
            }
            FromEdge::Request { request, body } => (request, body),
        };
        let Some(edge) = self.edges.on_link(link).cloned() else {
            return self.ignore(Role::Edge, "early");
        };
        self.metrics.requests.with_label_values(&[kind(&body)]).inc();
        self.request(now, Ticket { edge, link, request }, body);
    }

    fn edge_hello(&mut self, now: Now, link: u64, hello: Hello) {
        let edge = hello.name.clone();
        tracing::info!(%edge, region = hello.region, "an edge is here");
        let start = self.start();
        let welcomed = match self.edges.handle_hello(now, link, hello, start) {
            Ok(welcomed) => welcomed,
            Err(refusal) => {
                tracing::warn!(%edge, %refusal, "an edge is refused");
                let said = Number::default();
                let message = ToEdge::Welcome { version: Version::CURRENT, said };
                self.out.push_back(Output::ToEdge { link, message });
                return self.end_link(Role::Edge, link, "refused");
            }
        };
        self.strangers.remove(&link);
        if let Some(replaced) = welcomed.replaced {
            self.end_link(Role::Edge, replaced, "replaced");
        }
        for message in welcomed.messages {
            self.out.push_back(Output::ToEdge { link, message });
        }
        if welcomed.lost {
            self.edge_lost(now, &edge);
        }
    }

    fn request(&mut self, now: Now, ticket: Ticket, body: Request) {
        match body {
            Request::CreateMeeting { .. }
            | Request::Meeting { .. }
            | Request::CreateLink { .. }
            | Request::RevokeLink { .. }
            | Request::OpenEntry { .. } => self.ask_records(now, ticket, body),
            Request::OpenSession { entry, pin } => self.open_session(now, ticket, entry, pin),
            Request::Moderate { .. } | Request::Audit { .. } => self.moderate(now, ticket, body),
            Request::Join { room, .. }
            | Request::Knock { room, .. }
            | Request::EndSession { room, .. } => self.join(now, room, ticket, body),
            Request::Leave { room, .. }
            | Request::UpdateParticipant { room, .. }
            | Request::AddTrack { room, .. }
            | Request::RemoveTrack { room, .. }
            | Request::MuteTrack { room, .. }
            | Request::AskBackup { room, .. }
            | Request::SetAudience { room, .. }
            | Request::OpenPeer { room, .. }
            | Request::Node { room, .. } => {
                let Some(live) = self.rooms.get(&room) else {
                    return self.conclude(&ticket, Err(RequestError::NotFound));
                };
                // Told now and not by the node, so that nobody is sent in again and again.
                if matches!(body, Request::OpenPeer { .. })
                    && self.is_full(&live.home().primary.node)
                {
                    let of = "peers of the media node".to_owned();
                    return self.conclude(&ticket, Err(RequestError::Limit(of)));
                }
                self.with_room(now, room, |room| room.handle_request(now, ticket, body));
            }
            Request::Record { .. } => self.record(now, ticket, body),
            Request::Recordings { .. }
            | Request::Recording { .. }
            | Request::ChangeRecording { .. }
            | Request::SharedRecording { .. }
            | Request::ReadRecording { .. } => self.ask_catalogue(now, ticket, body),
            Request::MoveRoom { room, node } => {
                let result = self.move_room(now, room, node);
                self.conclude(&ticket, result);
            }
            Request::Nodes => {
                let result = Ok(Response::Nodes(self.nodes.infos()));
                self.conclude(&ticket, result);
            }
            Request::Rooms => {
                let mut rooms: Vec<_> = self.rooms.values().map(|room| room.info()).collect();
                rooms.sort_by_key(|info| info.room);
                self.conclude(&ticket, Ok(Response::Rooms(rooms)));
            }
        }
    }

    /// Asks the records something about a meeting.
    pub(super) fn ask_records(&mut self, now: Now, ticket: Ticket, request: Request) {
        let (fresh, now_unix_ms) = (self.ids.next_u64(), now.unix_ms);
        let job = RecordsJob::Ask { ticket, request, fresh, now_unix_ms };
        self.out.push_back(Output::Records(job));
    }

    /// Answers a request that no room answers.
    pub(super) fn conclude(&mut self, ticket: &Ticket, result: Result<Response, RequestError>) {
        self.count_result(&result);
        self.respond(ticket, result);
    }

    pub(super) fn count_result(&mut self, result: &Result<Response, RequestError>) {
        let label = result.as_ref().map_or_else(RequestError::label, |_| "ok");
        self.metrics.responses.with_label_values(&[label]).inc();
    }

    /// Whether a node has as many peers as it can carry. They are counted as they were placed: its
    /// own reports are older than what was opened and ended since.
    fn is_full(&self, node: &NodeId) -> bool {
        let peers = || -> usize { self.rooms.values().map(|room| room.peers_on(node)).sum() };
        self.nodes.capacity(node).is_some_and(|capacity| peers() >= capacity)
    }

    fn move_room(
        &mut self,
        now: Now,
        id: RoomId,
        to: Option<NodeId>,
    ) -> Result<Response, RequestError> {
        let room = self.rooms.get(&id).ok_or(RequestError::NotFound)?;
        let peers = u32::try_from(room.peer_count()).unwrap_or(u32::MAX);
        let from = room.home().primary.node.clone();
        let wish = Wish { region: room.region(), peers, avoid: Some(&from) };
        let (place, standby) = match to {
            None => self.place(&wish).ok_or(RequestError::NoNode)?,
            Some(node) => {
                if self.nodes.is_draining(&node).ok_or(RequestError::NotFound)? {
                    return Err(RequestError::Invalid("the node takes no new rooms".to_owned()));
                }
                let sites = self.sites();
                if !sites.iter().any(|site| site.node == node && site.alive) {
                    return Err(RequestError::NoNode);
                }
                let wish = Wish { avoid: None, ..wish };
                let standby = placement::standby(&wish, &node, &sites);
                let standby = standby.and_then(|node| self.nodes.place(&node));
                (self.nodes.place(&node).ok_or(RequestError::NotFound)?, standby)
            }
        };
        let mut begun = Ok(());
        self.with_room(now, id, |room| begun = room.begin_move(now, place, standby));
        begun.map(|()| Response::Done)
    }
}

/// An error of the records in the edges' words.
pub(super) fn request_error(error: records::Error) -> RequestError {
    match error {
        records::Error::NotFound => RequestError::NotFound,
        records::Error::Absent => RequestError::Absent,
        records::Error::NotPermitted => RequestError::NotPermitted,
        records::Error::Unreachable => {
            RequestError::Unavailable("the recorder cannot be reached".to_owned())
        }
        records::Error::Limit(of) => RequestError::Limit(of.to_owned()),
        records::Error::Invalid(why) => RequestError::Invalid(why.to_owned()),
        records::Error::Unavailable(_) => {
            RequestError::Unavailable("the records do not answer".to_owned())
        }
    }
}

/// A request's kind, as metric labels have it.
fn kind(request: &Request) -> &'static str {
    match request {
        Request::CreateMeeting { .. } => "create_meeting",
        Request::Meeting { .. } => "meeting",
        Request::CreateLink { .. } => "create_link",
        Request::RevokeLink { .. } => "revoke_link",
        Request::OpenEntry { .. } => "open_entry",
        Request::OpenSession { .. } => "open_session",
        Request::Knock { .. } => "knock",
        Request::EndSession { .. } => "end_session",
        Request::Moderate { .. } => "moderate",
        Request::Audit { .. } => "audit",
        Request::SetAudience { .. } => "set_audience",
        Request::Join { .. } => "join",
        Request::Leave { .. } => "leave",
        Request::UpdateParticipant { .. } => "update_participant",
        Request::AddTrack { .. } => "add_track",
        Request::RemoveTrack { .. } => "remove_track",
        Request::MuteTrack { .. } => "mute_track",
        Request::AskBackup { .. } => "ask_backup",
        Request::OpenPeer { .. } => "open_peer",
        Request::Node { .. } => "node",
        Request::MoveRoom { .. } => "move_room",
        Request::Nodes => "nodes",
        Request::Rooms => "rooms",
        Request::Record { .. } => "record",
        Request::Recordings { .. } => "recordings",
        Request::Recording { .. } => "recording",
        Request::ChangeRecording { .. } => "change_recording",
        Request::SharedRecording { .. } => "shared_recording",
        Request::ReadRecording { .. } => "read_recording",
    }
}
