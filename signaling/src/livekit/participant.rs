//! The task of one participant: moves bytes between its socket, its adapter and the controller.

use super::adapter::{Adapter, Out};
use super::message::{Now, Outcome};
use super::metrics::{Closed, Metrics};
use super::reply;
use super::socket::{Heard, Socket};
use crate::controller_link::{Answer, Controller, Following, Standing};
use crate::news::News;
use crate::session::{End, Purpose};
use crate::token::{self, Tokens};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use lectern_control::edge::{Request, RequestError, Response};
use lectern_control::room::LeaveReason;
use livekit_protocol::signal_response::Message;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// How long a participant whose socket is gone may take to come back: a minute without a network, and
/// the longest wait of clients between two tries, ten seconds. Its media goes on meanwhile; where that
/// is cut as well, its transports end after half a minute (RFC 7675 section 5.1), and it comes as new.
const RESUME_WINDOW: Duration = Duration::from_secs(75);
/// A client is asked so often whether it has heard what it was told, while there is anything.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
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
    /// It may be asked again what it has heard.
    probe_at: Instant,
    /// Its session was ended for good while it was away.
    farewell: Option<Message>,
    held: VecDeque<(Purpose, Box<Request>)>,
    answers: FuturesUnordered<BoxFuture<'static, Answered>>,
    standing: watch::Receiver<Standing>,
    around: Surroundings,
}

enum Turn {
    Heard(Option<Heard>),
    News(Option<Arc<News>>),
    Answer(Answered),
    Socket(Option<Socket>),
    Silent,
    Refresh,
    Probe,
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
        let now = now();
        Participant {
            adapter,
            token,
            socket: Some(socket),
            silent_at: now + IDLE,
            // At once: a token that says that it was in brings it back into a locked room.
            refresh_at: now,
            probe_at: now,
            farewell: None,
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
            self.keep_token();
            match self.turn(&mut notices, &mut sockets).await {
                Turn::Heard(Some(Heard::Message(message))) => self.message(&message),
                Turn::Heard(Some(Heard::Pong(number))) => self.pong(number),
                Turn::Heard(Some(Heard::TooLong)) => self.detach(Some(Closed::TooLong)),
                Turn::Heard(None) => self.detach(None),
                Turn::News(Some(news)) => self.adapter.handle_notice(&news),
                // More news than we took: what this session knows is no longer what is.
                Turn::News(None) => self.rejoin(LeaveReason::ConnectionLost),
                Turn::Answer((purpose, result)) => self.adapter.handle_response(purpose, result),
                Turn::Socket(Some(socket)) => self.attach(socket),
                // Nobody can bring a socket any more: the edge ends.
                Turn::Socket(None) | Turn::Stop => self.rejoin(LeaveReason::ServerShutdown),
                Turn::Silent => self.silent(),
                Turn::Refresh => self.refresh(),
                Turn::Probe => self.probe(),
                Turn::Standing => {}
            }
        }
        self.detach(Some(Closed::SessionOver));
        self.around.metrics.sessions.dec();
        if !self.held.is_empty() {
            tokio::spawn(deliver(self.held, self.standing, self.around.controller));
        }
        if let Some(farewell) = self.farewell {
            let farewell = [self.adapter.reconnect(), farewell];
            drop((self.adapter, notices));
            dismiss(farewell, sockets, self.around.stop).await;
        }
    }

    async fn turn(
        &mut self,
        notices: &mut Following,
        sockets: &mut mpsc::Receiver<Socket>,
    ) -> Turn {
        let silent_at = tokio::time::Instant::from_std(self.silent_at);
        let refresh_at = tokio::time::Instant::from_std(self.refresh_at);
        let probe_at = tokio::time::Instant::from_std(self.probe_at);
        let (attached, asked) = (self.socket.is_some(), !self.answers.is_empty());
        let unheard = self.adapter.unheard().is_some();
        let socket = &mut self.socket;
        let heard = async {
            match socket {
                Some(socket) => socket.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            heard = heard, if attached => Turn::Heard(heard),
            news = notices.next() => Turn::News(news),
            Some(answer) = self.answers.next(), if asked => Turn::Answer(answer),
            socket = sockets.recv() => Turn::Socket(socket),
            () = tokio::time::sleep_until(silent_at) => Turn::Silent,
            () = tokio::time::sleep_until(refresh_at), if attached => Turn::Refresh,
            () = tokio::time::sleep_until(probe_at), if attached && unheard => Turn::Probe,
            Ok(()) = self.standing.changed() => Turn::Standing,
            () = self.around.stop.cancelled() => Turn::Stop,
        }
    }

    fn message(&mut self, message: &[u8]) {
        let now = now();
        self.silent_at = now + IDLE;
        let outcome = self.adapter.handle_message(message, Now { at: now, unix_ms: unix_ms() });
        self.around.metrics.message(outcome);
        if outcome == Outcome::Flood {
            self.detach(Some(Closed::Flood));
        }
    }

    /// A pong is no sign of a page that works: browsers send it even for one that is frozen.
    fn pong(&mut self, number: u64) {
        if self.adapter.acknowledge(number, now()) == Outcome::Flood {
            self.detach(Some(Closed::Flood));
        }
    }

    fn probe(&mut self) {
        self.probe_at = now() + PROBE_INTERVAL;
        let (Some(socket), Some(number)) = (&self.socket, self.adapter.unheard()) else { return };
        if !socket.ping(number) {
            self.detach(Some(Closed::SlowReader));
        }
    }

    fn attach(&mut self, socket: Socket) {
        self.detach(Some(Closed::Replaced));
        self.socket = Some(socket);
        let now = now();
        self.silent_at = now + IDLE;
        if !self.adapter.resume(now) {
            self.detach(Some(Closed::Flood));
        } else if !self.adapter.session().is_over() {
            self.refresh();
        }
    }

    fn detach(&mut self, why: Option<Closed>) {
        let Some(socket) = self.socket.take() else { return };
        self.silent_at = now() + RESUME_WINDOW;
        self.adapter.cut();
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
        self.refresh_at = now() + TOKEN_REFRESH;
        let me = self.adapter.session().me();
        let token = &mut self.token;
        (token.role, token.permissions, token.name) = (me.role, me.permissions, me.name.clone());
        token.admitted = true;
        let (token, _) = self.around.tokens.issue(&self.token, SystemTime::now());
        self.adapter.refresh_token(token);
    }

    /// What a moderator made of somebody stands in its token at once.
    fn keep_token(&mut self) {
        let me = self.adapter.session().me();
        let same = (self.token.role, self.token.permissions) == (me.role, me.permissions);
        if !same && self.socket.is_some() {
            self.refresh_at = now();
        }
    }

    fn rejoin(&mut self, reason: LeaveReason) {
        self.adapter.end(reason, Some(End::Rejoin(reason)));
    }

    /// Does what the adapter asks for.
    async fn flush(&mut self) {
        while let Some(out) = self.adapter.poll() {
            let bytes = match out {
                Out::Message(message) if self.socket.is_some() => Some(reply::encode(*message)),
                Out::Message(message) => {
                    self.farewell = Some(*message).filter(reply::is_final);
                    None
                }
                Out::News(news) => Some(reply::told(&news)),
                Out::Request { purpose, body } => {
                    self.held.push_back((purpose, body));
                    None
                }
            };
            let (Some(socket), Some(bytes)) = (&self.socket, bytes) else { continue };
            if !socket.send(bytes) {
                self.detach(Some(Closed::SlowReader));
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

/// Tells a client that is out, when it comes back, instead of letting it begin anew. Clients take no
/// end for final that comes before all else.
async fn dismiss(
    farewell: [Message; 2],
    mut sockets: mpsc::Receiver<Socket>,
    stop: CancellationToken,
) {
    let socket = tokio::select! {
        socket = sockets.recv() => socket,
        () = tokio::time::sleep(RESUME_WINDOW) => None,
        () = stop.cancelled() => None,
    };
    if let Some(socket) = socket {
        // Whether it reads that is not ours to know.
        let _ = farewell.map(|message| socket.send(reply::encode(message)));
        socket.close(Closed::SessionOver);
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

/// The runtime's time, which tests may turn forward.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
