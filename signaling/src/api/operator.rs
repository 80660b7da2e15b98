//! What operators see and do: nodes, rooms, and moving a room while it is live.

use super::meetings::unexpected;
use super::problem::Body;
use super::secret;
use super::{Api, Code, Problem};
use crate::tls;
use axum::Json;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode};
use lectern_control::NodeId;
use lectern_control::edge::{NodeInfo, Request, Response, RoomInfo};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

/// A media node.
#[derive(Debug, Serialize, ToSchema)]
pub struct NodeView {
    /// Its name.
    name: String,
    /// Its region.
    region: String,
    /// Heard of lately.
    alive: bool,
    /// Takes no new rooms.
    draining: bool,
    /// Transports it carries.
    peers: u32,
    /// Rooms it carries.
    rooms: u32,
    /// Bits a second it sends.
    egress_bps: u64,
    /// How busy its busiest worker is, in thousandths.
    busy_permille: u16,
}

/// A live room.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomView {
    /// The meeting's id.
    id: String,
    /// The node that carries it.
    node: String,
    /// The node held warm for it.
    standby: Option<String>,
    /// People in it.
    participants: u32,
}

/// Moves a room.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MoveRoom {
    /// Where to; the best node where it is not said.
    node: Option<String>,
}

/// Lists the nodes.
#[utoipa::path(
    get, path = "/api/v1/operator/nodes", security(("operator_key" = [])),
    responses((status = 200, body = Vec<NodeView>), (status = 401, body = Problem))
)]
pub async fn nodes(
    State(api): State<Api>,
    connection: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<Json<Vec<NodeView>>, Problem> {
    authorize(&api, connection, &headers)?;
    match api.controller.request(Request::Nodes).await? {
        Response::Nodes(nodes) => Ok(Json(nodes.into_iter().map(node_view).collect())),
        other => Err(unexpected(&other)),
    }
}

/// Lists the live rooms.
#[utoipa::path(
    get, path = "/api/v1/operator/rooms", security(("operator_key" = [])),
    responses((status = 200, body = Vec<RoomView>), (status = 401, body = Problem))
)]
pub async fn rooms(
    State(api): State<Api>,
    connection: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<Json<Vec<RoomView>>, Problem> {
    authorize(&api, connection, &headers)?;
    match api.controller.request(Request::Rooms).await? {
        Response::Rooms(rooms) => Ok(Json(rooms.into_iter().map(room_view).collect())),
        other => Err(unexpected(&other)),
    }
}

/// Moves a live room to another node; the people in it keep their page.
#[utoipa::path(
    post, path = "/api/v1/operator/rooms/{room}/move", params(("room" = String, Path)),
    request_body = MoveRoom, security(("operator_key" = [])),
    responses((status = 202), (status = 401, body = Problem), (status = 404, body = Problem),
        (status = 408, body = Problem),
        (status = 422, body = Problem), (status = 503, body = Problem))
)]
pub async fn move_room(
    State(api): State<Api>,
    connection: ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Path(room): Path<String>,
    Body(body): Body<MoveRoom>,
) -> Result<StatusCode, Problem> {
    authorize(&api, connection, &headers)?;
    let room = room.parse().map_err(|_| Problem::new(Code::NotFound, "no such room"))?;
    let node = body.node.map(NodeId::try_from).transpose();
    let node = node.map_err(|error| Problem::invalid(format!("node: {error}")))?;
    match api.controller.request(Request::MoveRoom { room, node }).await? {
        Response::Done => Ok(StatusCode::ACCEPTED),
        other => Err(unexpected(&other)),
    }
}

fn authorize(
    api: &Api,
    connection: ConnectInfo<SocketAddr>,
    headers: &HeaderMap,
) -> Result<(), Problem> {
    let wrong = || Problem::new(Code::Unauthorized, "the operator's key is wrong, or none is set");
    let shown = secret::bearer(headers)?;
    let known = api.config.operator_key.as_ref().ok_or_else(wrong)?;
    // Hashes are of one length: neither content nor length shows in the time it takes.
    if bool::from(secret::hash(shown).ct_eq(&secret::hash(known.expose()))) {
        return Ok(());
    }
    // Counts as a wrong guess, as nobody says that it was none.
    drop(api.limits.guess(tls::client(connection))?);
    Err(wrong())
}

fn node_view(node: NodeInfo) -> NodeView {
    NodeView {
        name: node.node.to_string(),
        region: node.region,
        alive: node.alive,
        draining: node.draining,
        peers: node.load.peers,
        rooms: node.load.rooms,
        egress_bps: node.load.egress_bps,
        busy_permille: node.load.busy_permille,
    }
}

fn room_view(room: RoomInfo) -> RoomView {
    RoomView {
        id: room.room.to_string(),
        node: room.node.to_string(),
        standby: room.standby.map(|node| node.to_string()),
        participants: room.participants,
    }
}
