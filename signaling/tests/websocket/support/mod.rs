//! The far end of an edge's link: a controller that keeps one roster for each room in memory and
//! tells of every request. Real messages, real framing; only the nodes are missing.

use bytes::Bytes;
use lectern_control::delivery::Number;
use lectern_control::edge::{FromEdge, Joined, Notice, Request, RequestError, Response, ToEdge};
use lectern_control::room::{Participant, Placement};
use lectern_control::transport::{Candidate, candidate_priority};
use lectern_control::{EdgeId, ParticipantId, RoomId, Version, frame};
use lectern_signaling::Link;
use std::collections::BTreeMap;
use tokio::sync::mpsc;

/// A controller at the end of a link.
pub struct Controller {
    /// Every request, in order.
    pub requests: mpsc::UnboundedReceiver<Request>,
    say: mpsc::UnboundedSender<ToEdge>,
    serving: tokio::task::AbortHandle,
}

/// Where everything is.
pub fn placement(room: RoomId, generation: u16) -> Placement {
    let candidate = |generation: u16| Candidate {
        address: ([127, 0, 0, 1], 7_000 + generation).into(),
        priority: candidate_priority(generation, 0),
    };
    Placement {
        room,
        node: "node-1".parse().expect("a name"),
        standby: (generation == 0).then(|| "node-2".parse().expect("a name")),
        generation,
        candidates: vec![candidate(generation)],
        standby_candidates: if generation == 0 { vec![candidate(1)] } else { Vec::new() },
    }
}

impl Controller {
    /// A link and the controller at its end.
    pub fn start() -> (Link, Controller) {
        let (to_edge, incoming) = mpsc::channel(256);
        let (outgoing, from_edge) = mpsc::channel(256);
        let (heard, requests) = mpsc::unbounded_channel();
        let (say, said) = mpsc::unbounded_channel();
        let serving = tokio::spawn(serve(from_edge, to_edge, heard, said)).abort_handle();
        ((outgoing, incoming), Controller { requests, say, serving })
    }

    /// Breaks the link.
    pub fn cut(&self) {
        self.serving.abort();
    }

    /// Tells the edge something.
    pub fn notice(&self, room: RoomId, notice: Notice) {
        let number = Number::default();
        self.say.send(ToEdge::Notice { room, notice, number }).expect("the link is open");
    }

    /// The next request that is wanted; others are skipped.
    pub async fn wait<T>(&mut self, mut wanted: impl FnMut(&Request) -> Option<T>) -> T {
        let found = async {
            loop {
                let request = self.requests.recv().await.expect("the link is open");
                if let Some(found) = wanted(&request) {
                    return found;
                }
            }
        };
        let limit = std::time::Duration::from_secs(10);
        tokio::time::timeout(limit, found).await.expect("the request did not come")
    }
}

async fn serve(
    mut from_edge: mpsc::Receiver<Bytes>,
    to_edge: mpsc::Sender<Bytes>,
    heard: mpsc::UnboundedSender<Request>,
    mut said: mpsc::UnboundedReceiver<ToEdge>,
) {
    let mut rooms = Rooms::default();
    loop {
        let messages = tokio::select! {
            Some(message) = from_edge.recv() => {
                match frame::decode(&message).expect("a message of an edge") {
                    FromEdge::Hello { .. } => {
                        vec![ToEdge::Welcome { version: Version::CURRENT, said: Number::default() }]
                    }
                    FromEdge::Heard { .. } => Vec::new(),
                    FromEdge::Request { request, body } => {
                        let (result, notices) = rooms.answer(body.clone());
                        // A test that is over does not listen any more.
                        let _ = heard.send(body);
                        let notices = notices.into_iter();
                        let number = Number::default();
                        let notices =
                            notices.map(|(room, notice)| ToEdge::Notice { room, notice, number });
                        std::iter::once(ToEdge::Response { request, result }).chain(notices).collect()
                    }
                }
            }
            Some(message) = said.recv() => vec![message],
            else => return,
        };
        for message in messages {
            let message = frame::encode(&message).expect("encodes");
            if to_edge.send(message).await.is_err() {
                return;
            }
        }
    }
}

#[derive(Default)]
struct Rooms {
    rooms: BTreeMap<RoomId, BTreeMap<ParticipantId, Participant>>,
    ids: u64,
}

type Answer = (Result<Response, RequestError>, Vec<(RoomId, Notice)>);

impl Rooms {
    fn answer(&mut self, request: Request) -> Answer {
        match request {
            Request::Join { .. } => self.join(request),
            Request::Leave { room, participant, reason } => {
                let left = self.rooms.get_mut(&room).and_then(|room| room.remove(&participant));
                let notice = left.map(|left| {
                    let identity = left.identity;
                    (room, Notice::ParticipantLeft { participant, identity, reason })
                });
                (Ok(Response::Done), notice.into_iter().collect())
            }
            Request::AddTrack { room, participant, track } => {
                self.change(room, participant, |changed| {
                    changed.tracks.retain(|known| known.id != track.id);
                    changed.tracks.push(track);
                })
            }
            Request::RemoveTrack { room, participant, track } => {
                self.change(room, participant, |changed| {
                    changed.tracks.retain(|known| known.id != track);
                })
            }
            Request::MuteTrack { room, participant, track, muted } => {
                self.change(room, participant, |changed| {
                    let tracks = changed.tracks.iter_mut().filter(|known| known.id == track);
                    tracks.for_each(|track| track.muted = muted);
                })
            }
            Request::UpdateParticipant { room, participant, name, metadata, attributes } => self
                .change(room, participant, |changed| {
                    if let Some(name) = name {
                        changed.name = name;
                    }
                    if let Some(metadata) = metadata {
                        changed.metadata = metadata;
                    }
                    changed.attributes.extend(attributes);
                    changed.attributes.retain(|_, value| !value.is_empty());
                }),
            _ => (Ok(Response::Done), Vec::new()),
        }
    }

    fn join(&mut self, request: Request) -> Answer {
        let Request::Join { room, identity, name, role, permissions, metadata, attributes, .. } =
            request
        else {
            panic!("not a join")
        };

        self.ids += 1;
        let participant = Participant {
            audience: lectern_control::room::Audience::Everybody,
            id: ParticipantId(self.ids),
            identity,
            name,
            role,
            permissions,
            metadata,
            attributes,
            joined_at_unix_ms: 1_000 * self.ids,
            version: 1,
            tracks: Vec::new(),
            edge: "edge-1".parse::<EdgeId>().expect("a name"),
        };
        let others = self.rooms.entry(room).or_default();
        let joined = Joined {
            reception: lectern_control::edge::Reception::default(),
            participant: participant.clone(),
            others: others.values().cloned().collect(),
            room_name: "A meeting".to_owned(),
            created_at_unix_ms: 1_000,
            placement: placement(room, 0),
        };
        others.insert(participant.id, participant.clone());
        let notice = Notice::Participant(participant);
        (Ok(Response::Joined(Box::new(joined))), vec![(room, notice)])
    }

    fn change(
        &mut self,
        room: RoomId,
        participant: ParticipantId,
        change: impl FnOnce(&mut Participant),
    ) -> Answer {
        let known = self.rooms.get_mut(&room).and_then(|room| room.get_mut(&participant));
        let Some(known) = known else { return (Err(RequestError::NotFound), Vec::new()) };
        change(known);
        known.version += 1;
        (Ok(Response::Done), vec![(room, Notice::Participant(known.clone()))])
    }
}
