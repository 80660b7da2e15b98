//! The task of one participant: moves bytes between its socket, its adapter and the controller.

use super::adapter::{Adapter, Out};
use super::message::{Now, Outcome};
use super::metrics::{Closed, Metrics};
use super::socket::Socket;
use crate::controller_link::{Answer, Controller, Following, Standing};
use crate::session::{End, Purpose};
use crate::token::{self, Tokens};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use lectern_control::edge::{Request, RequestError, Response};
use lectern_control::room::LeaveReason;
use livekit_protocol as proto;
use prost::Message as _;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// How long a participant whose socket is gone may take to come back: its transports live as long
/// without consent (RFC 7675 section 5.1).
const RESUME_WINDOW: Duration = Duration::from_secs(30);
/// A socket that says nothing for so long is gone: clients ping every five seconds.
const IDLE: Duration = Duration::from_secs(30);
/// A new token comes so often: well before the former one ends.
const TOKEN_REFRESH: Duration = Duration::from_secs(token::LIFETIME.as_secs() / 2);

/// Requests held back while the controller is away: a meeting goes on without it, and what a client
/// asks meanwhile is asked when it is back.
const MAX_HELD: usize = 256;

/// How long a controller may be away and still hear that somebody left meanwhile; after that it has
/// given this edge up, and everybody on it.
const LAST_WORDS: Duration = Duration::from_secs(60);

type Answered = (Purpose, Result<Response, RequestError>);

/// What a participant's task needs from the edge.
pub struct Surroundings {
    /// The controller.
    pub controller: Controller,
    /// Signs tokens.
    pub tokens: Arc<Tokens>,
    /// Counts.
    pub metrics: Metrics,
    /// The edge stops.
    pub stop: CancellationToken,
}

/// A participant: its adapter, and its socket while there is one.
pub struct Participant {
    adapter: Adapter,
    token: token::Session,
    socket: Option<Socket>,
    /// The socket is idle, or the participant does not come back, at this time.
    silent_at: Instant,
    refresh_at: Instant,
    held: VecDeque<(Purpose, Box<Request>)>,
    answers: FuturesUnordered<BoxFuture<'static, Answered>>,
    standing: watch::Receiver<Standing>,
    around: Surroundings,
}

enum Turn {
    Message(Option<bytes::Bytes>),
    Notice(Option<Arc<lectern_control::edge::Notice>>),
    Answer(Answered),
    Socket(Option<Socket>),
    Silent,
    Refresh,
    Standing,
    Stop,
}

impl Participant {
    /// A participant that has come in.
    pub fn new(
        adapter: Adapter,
        token: token::Session,
        socket: Socket,
        around: Surroundings,
    ) -> Participant {
        let now = Instant::now();
        Participant {
            adapter,
            token,
            socket: Some(socket),
            silent_at: now + IDLE,
            refresh_at: now + TOKEN_REFRESH,
            held: VecDeque::new(),
            answers: FuturesUnordered::new(),
            standing: around.controller.standings(),
            around,
        }
    }

    /// Serves it until its session is over. `sockets` brings new ones when it comes back.
    pub async fn run(mut self, mut notices: Following, mut sockets: mpsc::Receiver<Socket>) {
        self.around.metrics.sessions.inc();
        loop {
            self.flush().await;
            if self.adapter.session().is_over() {
                break;
            }
            if self.held.len() > MAX_HELD {
                self.rejoin(LeaveReason::MediaFailed);
                continue;
            }
            match self.turn(&mut notices, &mut sockets).await {
                Turn::Message(Some(message)) => self.message(&message),
                Turn::Message(None) => self.detach(None),
                Turn::Notice(Some(notice)) => self.adapter.handle_notice(&notice),
                // More news than we took: what this session knows is no longer what is.
                Turn::Notice(None) => self.rejoin(LeaveReason::ConnectionLost),
                Turn::Answer((purpose, result)) => self.adapter.handle_response(purpose, result),
                Turn::Socket(Some(socket)) => self.attach(socket),
                // Nobody can bring a socket any more: the edge ends.
                Turn::Socket(None) | Turn::Stop => self.rejoin(LeaveReason::ServerShutdown),
                Turn::Silent => self.silent(),
                Turn::Refresh => self.refresh(),
                Turn::Standing => {}
            }
        }
        self.detach(Some(Closed::SessionOver));
        self.around.metrics.sessions.dec();
        if !self.held.is_empty() {
            tokio::spawn(deliver(self.held, self.standing, self.around.controller));
        }
    }

    async fn turn(
        &mut self,
        notices: &mut Following,
        sockets: &mut mpsc::Receiver<Socket>,
    ) -> Turn {
        let silent_at = tokio::time::Instant::from_std(self.silent_at);
        let refresh_at = tokio::time::Instant::from_std(self.refresh_at);
        let (attached, asked) = (self.socket.is_some(), !self.answers.is_empty());
        let socket = &mut self.socket;
        let message = async {
            match socket {
                Some(socket) => socket.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            message = message, if attached => Turn::Message(message),
            notice = notices.next() => Turn::Notice(notice),
            Some(answer) = self.answers.next(), if asked => Turn::Answer(answer),
            socket = sockets.recv() => Turn::Socket(socket),
            () = tokio::time::sleep_until(silent_at) => Turn::Silent,
            () = tokio::time::sleep_until(refresh_at), if attached => Turn::Refresh,
            Ok(()) = self.standing.changed() => Turn::Standing,
            () = self.around.stop.cancelled() => Turn::Stop,
        }
    }

    fn message(&mut self, message: &[u8]) {
        let now = Instant::now();
        self.silent_at = now + IDLE;
        let outcome = self.adapter.handle_message(message, Now { at: now, unix_ms: unix_ms() });
        self.around.metrics.message(outcome);
        if outcome == Outcome::Flood {
            self.detach(Some(Closed::Flood));
        }
    }

    fn attach(&mut self, socket: Socket) {
        self.detach(Some(Closed::Replaced));
        self.socket = Some(socket);
        let now = Instant::now();
        self.silent_at = now + IDLE;
        if self.adapter.resume(now) {
            self.refresh();
        } else {
            self.detach(Some(Closed::Flood));
        }
    }

    fn detach(&mut self, why: Option<Closed>) {
        let Some(socket) = self.socket.take() else { return };
        self.silent_at = Instant::now() + RESUME_WINDOW;
        if let Some(why) = why {
            socket.close(why);
        }
    }

    fn silent(&mut self) {
        if self.socket.is_some() {
            self.detach(Some(Closed::Idle));
        } else {
            self.adapter.end(LeaveReason::ConnectionLost, None);
        }
    }

    fn refresh(&mut self) {
        self.refresh_at = Instant::now() + TOKEN_REFRESH;
        let (token, _) = self.around.tokens.issue(&self.token, SystemTime::now());
        self.adapter.refresh_token(token);
    }

    fn rejoin(&mut self, reason: LeaveReason) {
        self.adapter.end(reason, Some(End::Rejoin(reason)));
    }

    /// Does what the adapter asks for.
    async fn flush(&mut self) {
        while let Some(out) = self.adapter.poll() {
            match out {
                Out::Message(message) => {
                    let Some(socket) = &self.socket else { continue };
                    let response = proto::SignalResponse { message: Some(*message) };
                    if !socket.send(response.encode_to_vec()) {
                        self.detach(Some(Closed::SlowReader));
                    }
                }
                Out::Request { purpose, body } => self.held.push_back((purpose, body)),
            }
        }
        while self.around.controller.standing() == Standing::Linked
            && let Some((purpose, body)) = self.held.pop_front()
        {
            let submitted = self.around.controller.submit(*body).await;
            self.answers.push(Box::pin(wait(purpose, submitted)));
        }
    }
}

/// Tells a controller that was away what it must still hear: that a participant has left.
async fn deliver(
    held: VecDeque<(Purpose, Box<Request>)>,
    mut standing: watch::Receiver<Standing>,
    controller: Controller,
) {
    let linked = standing.wait_for(|standing| *standing == Standing::Linked);
    if matches!(tokio::time::timeout(LAST_WORDS, linked).await, Ok(Ok(_))) {
        for (_, body) in held {
            // The answer would be for nobody.
            let _ = controller.submit(*body).await;
        }
    }
}

async fn wait(purpose: Purpose, submitted: Result<Answer, RequestError>) -> Answered {
    match submitted {
        Ok(answer) => (purpose, answer.wait().await),
        Err(error) => (purpose, Err(error)),
    }
}

fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
