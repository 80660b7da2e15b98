//! The link to the controller: requests with their responses, and notices to those who follow a room.

use crate::news::News;
use bytes::Bytes;
use dashmap::DashMap;
use lectern_control::delivery::Number;
use lectern_control::edge::{FromEdge, Notice, Request, RequestError, Response, ToEdge};
use lectern_control::room::LeaveReason;
use lectern_control::{EdgeId, ParticipantId, RequestId, RoomId, Version, frame};
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

/// One end of a link: messages out, messages in.
pub type Link = (mpsc::Sender<Bytes>, mpsc::Receiver<Bytes>);

/// How long an answer may take: a controller that takes longer is as good as gone.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Requests that wait for an answer at once: several for each of the sockets an edge may hold.
const MAX_PENDING: usize = 20_000;
/// Notices that may wait for one follower: a whole room joining at once fits.
const QUEUED_NOTICES: usize = 4_096;

/// Notices heard before the controller is told so: it keeps as many a little longer, and is told less.
const CONFIRM_EVERY: u64 = 64;

/// What the link counts.
#[derive(Debug, Clone)]
pub struct Metrics {
    undecodable: IntCounter,
    requests: IntCounterVec,
}

impl Metrics {
    /// Registers the counters.
    pub fn new(registry: &Registry) -> Result<Metrics, prometheus::Error> {
        let undecodable = IntCounter::new(
            "lectern_edge_controller_undecodable_total",
            "Messages of the controller that could not be read, and were ignored",
        )?;
        let requests = Opts::new(
            "lectern_edge_controller_requests_total",
            "Requests to the controller by how they went",
        );
        let requests = IntCounterVec::new(requests, &["result"])?;
        registry.register(Box::new(undecodable.clone()))?;
        registry.register(Box::new(requests.clone()))?;
        Ok(Metrics { undecodable, requests })
    }

    fn answered(&self, result: &Result<Response, RequestError>) {
        let name = result.as_ref().map_or_else(RequestError::label, |_| "ok");
        self.requests.with_label_values(&[name]).inc();
    }
}

/// What is known of the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// No link, or no welcome yet.
    Away,
    /// It has welcomed us.
    Linked,
}

/// A handle to the controller, cheap to clone.
#[derive(Clone)]
pub struct Controller {
    shared: Arc<Shared>,
}

struct Shared {
    next_request: AtomicU64,
    next_follower: AtomicU64,
    outgoing: watch::Sender<Option<mpsc::Sender<Bytes>>>,
    standing: watch::Sender<Standing>,
    pending: DashMap<RequestId, oneshot::Sender<Result<Response, RequestError>>>,
    followers: DashMap<RoomId, Vec<Follower>>,
    metrics: Metrics,
}

struct Follower {
    id: u64,
    notices: mpsc::Sender<Arc<News>>,
}

/// Receives a room's notices, in order. Ends if the follower was too slow to take them.
pub struct Following {
    id: u64,
    room: RoomId,
    shared: Arc<Shared>,
    notices: mpsc::Receiver<Arc<News>>,
}

impl Following {
    /// The next notice; `None` when too many were left waiting, or some were lost for good.
    pub async fn next(&mut self) -> Option<Arc<News>> {
        self.notices.recv().await
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        if let Some(mut followers) = self.shared.followers.get_mut(&self.room) {
            followers.retain(|follower| follower.id != self.id);
        }
        self.shared.followers.remove_if(&self.room, |_, followers| followers.is_empty());
    }
}

/// An answer that is on its way.
pub struct Answer {
    request: RequestId,
    answered: oneshot::Receiver<Result<Response, RequestError>>,
    shared: Arc<Shared>,
}

impl Answer {
    /// Waits for it.
    pub async fn wait(mut self) -> Result<Response, RequestError> {
        let unavailable = |why: &str| Err(RequestError::Unavailable(why.to_owned()));
        let result = match tokio::time::timeout(REQUEST_TIMEOUT, &mut self.answered).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => unavailable("the link broke"),
            Err(_) => unavailable("it did not answer in time"),
        };
        self.shared.metrics.answered(&result);
        result
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.shared.pending.remove(&self.request);
    }
}

impl Controller {
    /// A handle whose link is yet to come.
    pub fn new(metrics: Metrics) -> Controller {
        Controller {
            shared: Arc::new(Shared {
                next_request: AtomicU64::new(1),
                next_follower: AtomicU64::new(1),
                outgoing: watch::Sender::new(None),
                standing: watch::Sender::new(Standing::Away),
                pending: DashMap::new(),
                followers: DashMap::new(),
                metrics,
            }),
        }
    }

    /// Whether the controller has welcomed us.
    pub fn standing(&self) -> Standing {
        *self.shared.standing.borrow()
    }

    /// Tells whenever what is known of the controller changes.
    pub fn standings(&self) -> watch::Receiver<Standing> {
        self.shared.standing.subscribe()
    }

    /// Follows a room from now on; begin before joining it, so that nothing is missed.
    pub fn follow(&self, room: RoomId) -> Following {
        let (sender, notices) = mpsc::channel(QUEUED_NOTICES);
        let id = self.shared.next_follower.fetch_add(1, Ordering::Relaxed);
        self.shared.followers.entry(room).or_default().push(Follower { id, notices: sender });
        Following { id, room, shared: self.shared.clone(), notices }
    }

    /// Asks, and waits for the answer.
    pub async fn request(&self, body: Request) -> Result<Response, RequestError> {
        self.submit(body).await?.wait().await
    }

    /// Asks; the answer can be waited for later. What one caller submits goes out in its order.
    pub async fn submit(&self, body: Request) -> Result<Answer, RequestError> {
        let unavailable = |why: &str| RequestError::Unavailable(why.to_owned());
        if self.shared.pending.len() >= MAX_PENDING {
            return Err(unavailable("too many requests wait for it"));
        }
        let outgoing = self.shared.outgoing.borrow().clone();
        let outgoing = outgoing.ok_or_else(|| unavailable("no link to it"))?;
        let request = RequestId(self.shared.next_request.fetch_add(1, Ordering::Relaxed));
        let message = frame::encode(&FromEdge::Request { request, body })
            .map_err(|error| RequestError::Invalid(error.to_string()))?;
        let (answer, answered) = oneshot::channel();
        self.shared.pending.insert(request, answer);
        let answer = Answer { request, answered, shared: self.shared.clone() };
        let sent = tokio::time::timeout(REQUEST_TIMEOUT, outgoing.send(message)).await;
        match sent {
            Ok(Ok(())) => Ok(answer),
            Ok(Err(_)) => Err(unavailable("the link broke")),
            Err(_) => Err(unavailable("it takes no more requests")),
        }
    }

    /// Serves one link after the other until stopped; a new link replaces the former one.
    pub async fn run(
        self,
        edge: EdgeId,
        region: String,
        mut links: mpsc::Receiver<Link>,
        stop: CancellationToken,
    ) {
        let (mut next, mut heard) = (None, None);
        loop {
            let link = match next.take() {
                Some(link) => Some(link),
                None => tokio::select! {
                    () = stop.cancelled() => None,
                    link = links.recv() => link,
                },
            };
            let Some((outgoing, incoming)) = link else { break };
            let hello = FromEdge::Hello {
                version: Version::CURRENT,
                edge: edge.clone(),
                region: region.clone(),
                heard,
            };
            let greeted = match frame::encode(&hello) {
                Ok(hello) => outgoing.send(hello).await.is_ok(),
                Err(_) => false,
            };
            if greeted {
                self.shared.outgoing.send_replace(Some(outgoing.clone()));
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = self.receive(incoming, &outgoing, &mut heard) => {}
                    link = links.recv() => next = link,
                }
            }
            self.lose_link();
        }
    }

    async fn receive(
        &self,
        mut incoming: mpsc::Receiver<Bytes>,
        outgoing: &mpsc::Sender<Bytes>,
        heard: &mut Option<Number>,
    ) {
        let mut confirmed = Number::default();
        while let Some(message) = incoming.recv().await {
            match frame::decode::<ToEdge>(&message) {
                Ok(ToEdge::Welcome { version, said }) => {
                    if !version.is_compatible(Version::CURRENT) {
                        tracing::error!(?version, ours = ?Version::CURRENT,
                            "the controller speaks another version: upgrade the older side");
                        return;
                    }
                    if heard.replace(said).is_some_and(|heard| heard != said) {
                        tracing::warn!("the controller has lost our participants: they come again");
                        self.shared.followers.clear();
                    }
                    confirmed = said;
                    self.shared.standing.send_replace(Standing::Linked);
                }
                Ok(ToEdge::Response { request, result }) => {
                    let unclaimed = match self.shared.pending.remove(&request) {
                        Some((_, answer)) => answer.send(result).err(),
                        None => Some(result),
                    };
                    // Whoever asked has given up meanwhile.
                    if let Some(Ok(Response::Joined(joined))) = unclaimed {
                        self.leave_unclaimed(joined.placement.room, joined.participant.id);
                    }
                }
                Ok(ToEdge::Notice { room, notice, number }) => {
                    self.spread(room, notice);
                    *heard = Some(number);
                    if number.0.saturating_sub(confirmed.0) >= CONFIRM_EVERY {
                        confirmed = number;
                        confirm(outgoing, number);
                    }
                }
                Err(error) => {
                    self.shared.metrics.undecodable.inc();
                    tracing::warn!(%error, "ignored a message of the controller");
                }
            }
        }
    }

    /// Nobody waits for a participant that came in: left alone it would stand in the roster for good.
    pub fn leave_unclaimed(&self, room: RoomId, participant: ParticipantId) {
        let reason = LeaveReason::ConnectionLost;
        let (controller, leave) = (self.clone(), Request::Leave { room, participant, reason });
        tokio::spawn(async move {
            if let Err(error) = controller.request(leave).await {
                tracing::warn!(%participant, %error, "somebody nobody waits for stays in the room");
            }
        });
    }

    fn spread(&self, room: RoomId, notice: Notice) {
        let news = Arc::new(News::new(notice));
        if let Some(mut followers) = self.shared.followers.get_mut(&room) {
            // A follower that does not keep up is let go: it resumes, and is told everything anew.
            followers.retain(|follower| follower.notices.try_send(news.clone()).is_ok());
        }
    }

    fn lose_link(&self) {
        self.shared.outgoing.send_replace(None);
        self.shared.standing.send_replace(Standing::Away);
        self.shared.pending.clear();
    }
}

/// Tells the controller what has been heard. Where the link takes no more, the next one tells.
fn confirm(outgoing: &mpsc::Sender<Bytes>, notice: Number) {
    match frame::encode(&FromEdge::Heard { notice }) {
        Ok(message) => drop(outgoing.try_send(message)),
        Err(error) => tracing::error!(%error, "cannot confirm a notice"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_control::edge::Joined;
    use lectern_control::node::Quality;
    use lectern_control::room::{Participant, Placement, Role};
    use std::collections::BTreeMap;

    fn metrics() -> Metrics {
        Metrics::new(&Registry::new()).expect("fresh names")
    }

    struct End {
        to_edge: mpsc::Sender<Bytes>,
        from_edge: mpsc::Receiver<Bytes>,
    }

    impl End {
        async fn hear(&mut self) -> FromEdge {
            let message = self.from_edge.recv().await.expect("a message");
            frame::decode(&message).expect("a message of an edge")
        }

        async fn say(&self, message: &ToEdge) {
            let message = frame::encode(message).expect("encodes");
            self.to_edge.send(message).await.expect("open");
        }

        async fn welcome(&self, said: u64) {
            let said = Number(said);
            self.say(&ToEdge::Welcome { version: Version::CURRENT, said }).await;
        }

        async fn notice(&self, number: u64) {
            let (room, number) = (RoomId(1), Number(number));
            self.say(&ToEdge::Notice { room, notice: Notice::RoomClosed, number }).await;
        }
    }

    fn link() -> (Link, End) {
        let (to_edge, incoming) = mpsc::channel(16);
        let (outgoing, from_edge) = mpsc::channel(16);
        ((outgoing, incoming), End { to_edge, from_edge })
    }

    async fn linked() -> (Controller, End, mpsc::Sender<Link>) {
        let controller = Controller::new(metrics());
        let (links, receiver) = mpsc::channel(1);
        let edge = "edge-1".parse().expect("a name");
        let stop = CancellationToken::new();
        tokio::spawn(controller.clone().run(edge, "here".to_owned(), receiver, stop));
        let (near, mut far) = link();
        links.send(near).await.expect("running");
        assert!(matches!(far.hear().await, FromEdge::Hello { .. }));
        far.welcome(100).await;
        let mut standings = controller.standings();
        standings.wait_for(|standing| *standing == Standing::Linked).await.expect("it lives");
        (controller, far, links)
    }

    #[tokio::test]
    async fn answers_find_their_requests_in_any_order() {
        let (controller, mut far, _links) = linked().await;
        let (a, b) = (controller.clone(), controller.clone());
        let nodes = tokio::spawn(async move { a.request(Request::Nodes).await });
        let rooms = tokio::spawn(async move { b.request(Request::Rooms).await });
        let mut asked = Vec::new();
        for _ in 0..2 {
            let FromEdge::Request { request, body } = far.hear().await else { panic!("a request") };
            asked.push((request, body));
        }
        for (request, body) in asked.into_iter().rev() {
            let response = match body {
                Request::Nodes => Response::Nodes(Vec::new()),
                _ => Response::Rooms(Vec::new()),
            };
            far.say(&ToEdge::Response { request, result: Ok(response) }).await;
        }
        assert_eq!(nodes.await.expect("ran"), Ok(Response::Nodes(Vec::new())));
        assert_eq!(rooms.await.expect("ran"), Ok(Response::Rooms(Vec::new())));
    }

    #[tokio::test]
    async fn somebody_who_comes_in_when_nobody_waits_any_more_is_sent_off() {
        let (controller, mut far, _links) = linked().await;
        let join = Request::Join {
            admitted: false,
            issued_at_unix_ms: 0,
            room: RoomId(9),
            link: None,
            identity: "ana".to_owned(),
            name: "Ana".to_owned(),
            role: Role::Viewer,
            permissions: Role::Viewer.permissions(),
            metadata: String::new(),
            attributes: BTreeMap::new(),
        };
        let asked = controller.submit(join).await.expect("linked");
        let FromEdge::Request { request, .. } = far.hear().await else { panic!("a request") };
        // As after the time for an answer is over.
        drop(asked);
        let result = Ok(Response::Joined(Box::new(joined())));
        far.say(&ToEdge::Response { request, result }).await;
        let FromEdge::Request { body, .. } = far.hear().await else { panic!("a request") };
        let reason = LeaveReason::ConnectionLost;
        let participant = ParticipantId(3);
        assert_eq!(body, Request::Leave { room: RoomId(9), participant, reason });
    }

    fn joined() -> Joined {
        let participant = Participant {
            audience: lectern_control::room::Audience::Everybody,
            id: ParticipantId(3),
            identity: "ana".to_owned(),
            name: "Ana".to_owned(),
            role: Role::Viewer,
            permissions: Role::Viewer.permissions(),
            metadata: String::new(),
            attributes: BTreeMap::new(),
            joined_at_unix_ms: 0,
            version: 1,
            tracks: Vec::new(),
            edge: "edge-1".parse().expect("a name"),
        };
        let placement = Placement {
            room: RoomId(9),
            node: "node-1".parse().expect("a name"),
            standby: None,
            generation: 0,
            candidates: Vec::new(),
            standby_candidates: Vec::new(),
        };
        let (others, room_name) = (Vec::new(), "A meeting".to_owned());
        Joined {
            reception: lectern_control::edge::Reception::default(),
            participant,
            others,
            room_name,
            created_at_unix_ms: 0,
            placement,
        }
    }

    #[tokio::test]
    async fn a_link_that_breaks_fails_what_waits_and_a_new_one_serves_on() {
        let (controller, mut far, links) = linked().await;
        let asker = controller.clone();
        let waiting = tokio::spawn(async move { asker.request(Request::Nodes).await });
        assert!(matches!(far.hear().await, FromEdge::Request { .. }));
        drop(far);
        assert!(matches!(waiting.await.expect("ran"), Err(RequestError::Unavailable(_))));
        let (near, mut far) = link();
        links.send(near).await.expect("running");
        assert!(matches!(far.hear().await, FromEdge::Hello { .. }));
    }

    #[tokio::test]
    async fn notices_reach_those_who_follow_the_room_and_garbage_nobody() {
        let (controller, far, _links) = linked().await;
        let (mut one, mut other) = (controller.follow(RoomId(1)), controller.follow(RoomId(2)));
        far.to_edge.send(Bytes::from_static(b"\xc1garbage")).await.expect("open");
        for room in [2, 1] {
            let notice = Notice::Quality {
                participant: lectern_control::ParticipantId(room),
                quality: Quality::default(),
            };
            let number = Number::default();
            far.say(&ToEdge::Notice { room: RoomId(room), notice, number }).await;
        }
        for (following, room) in [(&mut one, 1), (&mut other, 2)] {
            let notice = following.next().await.expect("a notice");
            let Notice::Quality { participant, .. } = &notice.notice else {
                panic!("another notice")
            };
            assert_eq!(participant.0, room);
        }
        assert_eq!(controller.shared.metrics.undecodable.get(), 1);
        drop(one);
        assert!(!controller.shared.followers.contains_key(&RoomId(1)));
    }

    #[tokio::test]
    async fn a_new_link_begins_with_what_was_heard_and_goes_on_from_there() {
        let (controller, far, links) = linked().await;
        let mut following = controller.follow(RoomId(1));
        far.notice(101).await;
        following.next().await.expect("a notice");
        drop(far);
        let (near, mut far) = link();
        links.send(near).await.expect("running");
        let FromEdge::Hello { heard, .. } = far.hear().await else { panic!("a hello") };
        assert_eq!(heard, Some(Number(101)));
        far.welcome(101).await;
        for number in 102..=164 {
            far.notice(number).await;
            following.next().await.expect("the room is followed as before");
        }
        assert!(far.from_edge.try_recv().is_err(), "it does not tell at every notice");
        far.notice(165).await;
        assert_eq!(far.hear().await, FromEdge::Heard { notice: Number(165) });
    }

    #[tokio::test]
    async fn who_was_lost_with_a_link_is_let_go_and_comes_again() {
        let (controller, far, links) = linked().await;
        let mut following = controller.follow(RoomId(1));
        drop(far);
        let (near, mut far) = link();
        links.send(near).await.expect("running");
        let FromEdge::Hello { heard, .. } = far.hear().await else { panic!("a hello") };
        assert_eq!(heard, Some(Number(100)));
        far.welcome(7).await;
        assert!(following.next().await.is_none());
    }

    #[tokio::test]
    async fn a_follower_that_does_not_keep_up_is_let_go() {
        let controller = Controller::new(metrics());
        let mut following = controller.follow(RoomId(1));
        for _ in 0..=QUEUED_NOTICES {
            controller.spread(RoomId(1), Notice::RoomClosed);
        }
        let mut received = 0;
        while following.next().await.is_some() {
            received += 1;
        }
        assert_eq!(received, QUEUED_NOTICES);
    }
}
