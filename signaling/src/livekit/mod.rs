//! LiveKit-compatible signaling, version 0: one WebSocket, protobuf messages, two PeerConnections.
//!
//! Version 1 is answered with 404, upon which clients fall back by themselves.

mod adapter;
mod admission;
mod again;
mod budget;
mod certificate;
mod data;
mod info;
mod message;
mod metrics;
mod parameters;
mod participant;
mod replay;
mod reply;
mod resume;
mod room;
mod socket;
mod streams;
#[cfg(test)]
mod tests;

use crate::config::Config;
use crate::controller_link::Controller;
use crate::origin::{Origins, Page};
use crate::session::{End, Entrance, Equipment, SoundSlots};
use crate::tls;
use crate::token::{self, Tokens};
use adapter::{Adapter, Terms};
use admission::Admission;
use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use dashmap::DashMap;
use lectern_control::edge::{Joined, RequestError, Response as ControllerResponse};
use lectern_control::limits::{MAX_METADATA_BYTES, MAX_NAME_BYTES};
use lectern_control::room::LeaveReason;
use lectern_control::{ParticipantId, RoomId};
use livekit_protocol as proto;
use metrics::{Closed, Entry};
use parameters::Parameters;
use participant::{Participant, Surroundings};
use socket::{MAX_MESSAGE_BYTES, Socket};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tower_http::cors::CorsLayer;

pub use metrics::Metrics;

/// Participants of one edge: each costs some tens of kilobytes.
const MAX_PARTICIPANTS: usize = 10_000;

/// How long the last words to clients may take when the edge stops.
const DRAIN: Duration = Duration::from_secs(2);

/// What the routes share.
#[derive(Clone)]
pub struct Signaling {
    shared: Arc<Shared>,
}

struct Shared {
    controller: Controller,
    tokens: Arc<Tokens>,
    metrics: Metrics,
    region: String,
    admission: Admission,
    origins: Origins,
    sound: SoundSlots,
    sessions: DashMap<ParticipantId, Running>,
    places: Arc<Semaphore>,
    stop: CancellationToken,
}

/// Why somebody is not let in, as clients show it.
type Refused = (StatusCode, String);

/// A session that can be resumed.
struct Running {
    identity: String,
    room: RoomId,
    sockets: mpsc::Sender<Socket>,
}

impl Signaling {
    /// Signaling towards a controller.
    pub fn new(
        controller: Controller,
        tokens: Arc<Tokens>,
        metrics: Metrics,
        config: &Config,
        stop: CancellationToken,
    ) -> Signaling {
        let shared = Shared {
            controller,
            tokens,
            metrics,
            region: config.region.clone(),
            admission: Admission::new(config),
            origins: config.origins(),
            sound: config.sound_slots(),
            sessions: DashMap::new(),
            places: Arc::new(Semaphore::new(MAX_PARTICIPANTS)),
            stop,
        };
        Signaling { shared: Arc::new(shared) }
    }

    /// Waits a little for participants to be told that the edge stops.
    pub async fn drained(&self) {
        let all = u32::try_from(MAX_PARTICIPANTS).unwrap_or(u32::MAX);
        let empty = self.shared.places.acquire_many(all);
        // Whoever has not heard by then finds the socket closed.
        let _ = tokio::time::timeout(DRAIN, empty).await;
    }
}

/// The routes of signaling.
pub fn router(signaling: Signaling) -> Router {
    Router::new()
        .route("/rtc", get(connect))
        .route("/rtc/validate", get(validate))
        // Not `fallback`: clients look at exactly these answers.
        .route("/rtc/v1", get(not_offered))
        .route("/rtc/v1/validate", get(not_offered))
        .layer(CorsLayer::permissive())
        .with_state(signaling)
}

async fn not_offered() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "only version 0 of the protocol is served\n")
}

/// Whether a token would be let in: how clients find out why a WebSocket was refused.
async fn validate(
    State(signaling): State<Signaling>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Response {
    match signaling.session_of(&parameters, &headers) {
        Ok(_) => "success\n".into_response(),
        Err(refused) => refused.into_response(),
    }
}

async fn connect(
    State(signaling): State<Signaling>,
    connection: ConnectInfo<SocketAddr>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let (admission, now) = (&signaling.shared.admission, Instant::now());
    if let Err(wait) = admission.network(tls::client(connection), now) {
        return signaling.too_often(wait);
    }
    let session = match signaling.session_of(&parameters, &headers) {
        Ok(session) => session,
        Err(refused) => return refused.into_response(),
    };
    if let Err(wait) = admission.person(session.room, &session.identity, now) {
        return signaling.too_often(wait);
    }
    let entrance = entrance(&session, &parameters, &headers, signaling.shared.sound);
    let terms = Terms {
        region: signaling.shared.region.clone(),
        may_update: session.may_update,
        forgets: parameters.forgets(),
    };
    let Ok(place) = signaling.shared.places.clone().try_acquire_owned() else {
        signaling.shared.metrics.entry(Entry::Full);
        return (StatusCode::SERVICE_UNAVAILABLE, "this edge is full\n").into_response();
    };
    upgrade.max_message_size(MAX_MESSAGE_BYTES).max_frame_size(MAX_MESSAGE_BYTES).on_upgrade(
        move |socket| async move {
            let socket = Socket::new(socket, signaling.shared.metrics.clone());
            match parameters.resumes() {
                Some(participant) => signaling.resume(socket, &session, participant),
                None => signaling.join(socket, session, (entrance, terms), place).await,
            }
        },
    )
}

impl Signaling {
    /// Who asks, by the token in the address or in the header.
    fn session_of(
        &self,
        parameters: &Parameters,
        headers: &HeaderMap,
    ) -> Result<token::Session, Refused> {
        let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let bearer = header.and_then(|value| value.strip_prefix("Bearer "));
        let token = bearer.or(parameters.access_token.as_deref()).unwrap_or_default();
        let session = self.shared.tokens.verify(token).map_err(|error| error.to_string());
        let session = session.and_then(fits).map_err(|why| {
            self.shared.metrics.entry(Entry::BadToken);
            (StatusCode::UNAUTHORIZED, why + "\n")
        })?;
        // What we sign for people whom an integrator has sent is used on its page as well.
        let page = match session.let_in_by {
            token::LetInBy::Us => Page::Own,
            token::LetInBy::Integrator => Page::Integrators,
        };
        self.shared.origins.admit(headers, page).map_err(|foreign| {
            self.shared.metrics.entry(Entry::ForeignPage);
            (StatusCode::FORBIDDEN, format!("{foreign}\n"))
        })?;
        Ok(session)
    }

    /// Clients try again by themselves, the later the more often they were refused.
    fn too_often(&self, wait: Duration) -> Response {
        self.shared.metrics.entry(Entry::TooOften);
        let seconds = wait.as_secs() + 1;
        let why = format!("too many connections: try again in {seconds} seconds\n");
        let mut response = (StatusCode::TOO_MANY_REQUESTS, why).into_response();
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        response
    }

    /// Hands the socket to the session it belongs to; that one's place is counted already.
    fn resume(&self, socket: Socket, session: &token::Session, id: Option<ParticipantId>) {
        let running = id.and_then(|id| self.shared.sessions.get(&id));
        let own = running
            .filter(|running| running.identity == session.identity && running.room == session.room);
        let socket = match own.map(|running| running.sockets.clone()) {
            Some(sockets) => match sockets.try_send(socket) {
                Ok(()) => return self.shared.metrics.entry(Entry::Resumed),
                Err(refused) => refused.into_inner(),
            },
            None => socket,
        };
        self.shared.metrics.entry(Entry::Unknown);
        dismiss(socket, reply::state_mismatch());
    }

    async fn join(
        &self,
        socket: Socket,
        session: token::Session,
        (entrance, terms): (Entrance, Terms),
        place: OwnedSemaphorePermit,
    ) {
        // Followed from before the join, so that nothing is missed between the two.
        let notices = self.shared.controller.follow(session.room);
        let asked = self.shared.controller.request(entrance.request()).await;
        let joined = match asked {
            Ok(ControllerResponse::Joined(joined)) => *joined,
            Ok(_) => return self.refuse(socket, &RequestError::NotFound),
            Err(error) => return self.refuse(socket, &error),
        };
        let (id, room) = (joined.participant.id, session.room);
        let Some(adapter) = self.adapter(&entrance, joined, terms) else {
            self.shared.controller.leave_unclaimed(room, id);
            return self.refuse(socket, &RequestError::NoNode);
        };
        self.shared.metrics.entry(Entry::Joined);
        let (sockets, new_sockets) = mpsc::channel(1);
        let identity = session.identity.clone();
        self.shared.sessions.insert(id, Running { identity, room, sockets });
        let around = Surroundings {
            controller: self.shared.controller.clone(),
            tokens: self.shared.tokens.clone(),
            metrics: self.shared.metrics.clone(),
            stop: self.shared.stop.clone(),
        };
        Participant::new(adapter, session, socket, around).run(notices, new_sockets).await;
        self.shared.sessions.remove(&id);
        drop(place);
    }

    fn adapter(&self, entrance: &Entrance, joined: Joined, terms: Terms) -> Option<Adapter> {
        let (dtls, fingerprint) = certificate::generate(SystemTime::now())
            .inspect_err(|error| tracing::error!(%error, "cannot make a certificate"))
            .ok()?;
        let equipment = Equipment {
            dtls,
            fingerprint,
            up_data: data::up(&joined.participant),
            down_data: data::down(&joined.participant),
        };
        let now = Instant::now();
        Some(Adapter::new(entrance, joined, equipment, terms, now, rand::make_rng()))
    }

    fn refuse(&self, socket: Socket, error: &RequestError) {
        self.shared.metrics.entry(Entry::Refused);
        tracing::info!(%error, "somebody was not let in");
        let end = match error {
            RequestError::Unavailable(_) | RequestError::NoNode => {
                End::Rejoin(LeaveReason::ServerShutdown)
            }
            RequestError::NotFound | RequestError::Absent => End::Out(LeaveReason::RoomClosed),
            RequestError::Removed => End::Out(LeaveReason::Removed),
            _ => End::Out(LeaveReason::NotAdmitted),
        };
        dismiss(socket, reply::leave(end));
    }
}

/// Sends one last message.
fn dismiss(socket: Socket, message: proto::signal_response::Message) {
    // A socket that is just open has room for it; whether it is read is not ours to know.
    let _ = socket.send(reply::encode(message));
    socket.close(Closed::SessionOver);
}

/// What a token says must fit what is kept of a participant.
fn fits(session: token::Session) -> Result<token::Session, String> {
    let attributes = session.attributes.iter().map(|(key, value)| key.len() + value.len());
    let free = session.metadata.len() + attributes.sum::<usize>();
    let named = !session.identity.is_empty()
        && session.identity.len() <= MAX_NAME_BYTES
        && session.name.len() <= MAX_NAME_BYTES;
    if named && free <= MAX_METADATA_BYTES {
        Ok(session)
    } else {
        Err("the token names nobody, or says too much".to_owned())
    }
}

fn entrance(
    session: &token::Session,
    parameters: &Parameters,
    headers: &HeaderMap,
    sound: SoundSlots,
) -> Entrance {
    Entrance {
        room: session.room,
        link: session.link,
        identity: session.identity.clone(),
        name: session.name.clone(),
        role: session.role,
        permissions: session.permissions,
        sources: session.sources.clone(),
        metadata: session.metadata.clone(),
        attributes: session.attributes.clone(),
        admitted: session.admitted,
        issued_at_unix_ms: session.issued_at_unix_ms,
        auto_subscribe: parameters.auto_subscribe(),
        track_ids: parameters.track_ids(headers),
        sound: if parameters.plays_slots() { sound } else { SoundSlots::NONE },
    }
}
