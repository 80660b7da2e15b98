//! Sockets that are cut: whoever comes back within the window has missed nothing.

use super::*;
use lectern_control::node::DisconnectReason;

/// What a client came to know, one line each.
fn heard(message: Tell) -> Vec<String> {
    let active = proto::participant_info::State::Active;
    let of = |one: proto::ParticipantInfo| match one.state() == active {
        true => format!("{} has {} tracks", one.name, one.tracks.len()),
        false => format!("{} is gone", one.identity),
    };
    match message {
        Tell::Update(update) => update.participants.into_iter().map(of).collect(),
        Tell::RequestResponse(response) => vec![format!("response {}", response.request_id)],
        Tell::Leave(leave) => vec![format!("leave {:?} {:?}", leave.action(), leave.reason())],
        _ => Vec::new(),
    }
}

impl Client {
    /// Answers come in order, so that nothing is on its way any more.
    async fn settle(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        self.say(Ask::PingReq(proto::Ping::default())).await;
        loop {
            match self.next().await {
                Tell::PongResp(_) => return all,
                other => all.extend(heard(other)),
            }
        }
    }

    async fn rename(&mut self, name: &str) {
        let (name, request_id) = (name.to_owned(), 7);
        let update = proto::UpdateParticipantMetadata { name, request_id, ..Default::default() };
        self.say(Ask::UpdateMetadata(update)).await;
        self.wait(|message| matches!(message, Tell::RequestResponse(_)).then_some(())).await;
    }

    async fn publish(&mut self) {
        self.say(Ask::AddTrack(proto::AddTrackRequest {
            cid: CAMERA_KEY.to_owned(),
            r#type: proto::TrackType::Video.into(),
            source: proto::TrackSource::ScreenShare.into(),
            ..Default::default()
        }))
        .await;
        self.offer(CAMERA.to_owned()).await;
    }

    async fn unpublish(&mut self) {
        self.offer(CAMERA.replace("a=sendonly", "a=inactive")).await;
    }

    async fn offer(&mut self, sdp: String) {
        let r#type = "offer".to_owned();
        self.say(Ask::Offer(proto::SessionDescription { r#type, sdp, ..Default::default() })).await;
        self.wait(|message| matches!(message, Tell::Answer(_)).then_some(())).await;
    }
}

impl Edge {
    /// Comes back, and hears that the session goes on.
    async fn back(&self, identity: &str, id: u64) -> Client {
        let mut client = self.again(identity, id).await;
        assert!(matches!(client.next().await, Tell::Reconnect(_)));
        client
    }

    async fn again(&self, identity: &str, id: u64) -> Client {
        let query = format!("access_token={}&reconnect=1&sid={}", token(identity), sid(id));
        self.connect(&query).await.expect("a good token")
    }

    /// Waits until the edge knows that so many sockets are left.
    async fn sockets(&self, count: f64) {
        for _ in 0..500 {
            if self.gauge("lectern_edge_sockets") == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("there are {} sockets", self.gauge("lectern_edge_sockets"));
    }

    fn gauge(&self, name: &str) -> f64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == name).expect("a metric");
        family.get_metric()[0].get_gauge().get_value()
    }
}

/// Lets time pass while `others` stay.
async fn pass(seconds: u64, others: &mut [&mut Client]) {
    for _ in 0..seconds.div_ceil(5) {
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(seconds.min(5))).await;
        tokio::time::resume();
        for other in others.iter_mut() {
            other.settle().await;
        }
    }
}

/// Has a client acknowledge what it was told: the next ping comes within a second, and its library has
/// answered that when it says something more.
async fn acknowledged(client: &mut Client) {
    for _ in 0..2 {
        pass(2, &mut [client]).await;
    }
}

async fn cut_for(seconds: u64) {
    let edge = edge().await;
    let (mut ana, _, _) = edge.join("ana").await;
    let (mut bob, _, _) = edge.join("bob").await;
    acknowledged(&mut ana).await;
    drop(ana);
    edge.sockets(1.0).await;
    pass(seconds / 2, &mut [&mut bob]).await;
    let (mut eve, _, _) = edge.join("eve").await;
    eve.publish().await;
    eve.rename("Eve").await;
    bob.settle().await;
    bob.rename("Robert").await;
    eve.unpublish().await;
    eve.settle().await;
    eve.say(Ask::Leave(proto::LeaveRequest::default())).await;
    while eve.hear().await.is_some() {}
    pass(seconds - seconds / 2, &mut [&mut bob]).await;
    let mut ana = edge.back("ana", 1).await;
    let heard = ana.settle().await;
    let expected = [
        "eve has 0 tracks",
        "eve has 1 tracks",
        "Eve has 1 tracks",
        "Robert has 0 tracks",
        "Eve has 0 tracks",
        "eve is gone",
        // And once more who is here, as every time.
        "ana has 0 tracks",
        "Robert has 0 tracks",
    ];
    assert_eq!(heard, expected, "after {seconds} seconds");
    bob.rename("Bob").await;
    let next = ana.wait(|message| heard_of(message, "Bob")).await;
    assert_eq!(next, "Bob has 0 tracks", "and it goes on");
}

fn heard_of(message: Tell, whom: &str) -> Option<String> {
    heard(message).into_iter().find(|line| line.contains(whom))
}

#[tokio::test]
async fn a_cut_of_two_seconds_loses_nothing() {
    cut_for(2).await;
}

#[tokio::test]
async fn a_cut_of_half_a_minute_loses_nothing() {
    cut_for(30).await;
}

#[tokio::test]
async fn a_cut_of_a_minute_loses_nothing() {
    cut_for(60).await;
}

#[tokio::test]
async fn what_was_on_its_way_when_the_socket_broke_is_told_again() {
    let edge = edge().await;
    let (mut ana, _, _) = edge.join("ana").await;
    let (mut bob, _, _) = edge.join("bob").await;
    acknowledged(&mut ana).await;
    bob.rename("Robert").await;
    bob.settle().await;
    // Ana has read none of it, and her next socket breaks as well.
    drop(ana);
    drop(edge.again("ana", 1).await);
    bob.rename("Bob").await;
    let mut ana = edge.back("ana", 1).await;
    let missed = ["Robert has 0 tracks", "Bob has 0 tracks"];
    let here = ["ana has 0 tracks", "Bob has 0 tracks"];
    assert_eq!(ana.settle().await, [missed, here].concat());
}

#[tokio::test]
async fn what_was_heard_is_not_told_again() {
    let edge = edge().await;
    let (mut ana, _, _) = edge.join("ana").await;
    let (mut bob, _, _) = edge.join("bob").await;
    bob.rename("Robert").await;
    ana.wait(|message| heard_of(message, "Robert")).await;
    acknowledged(&mut ana).await;
    drop(ana);
    edge.sockets(1.0).await;
    let mut ana = edge.back("ana", 1).await;
    assert_eq!(ana.settle().await, ["ana has 0 tracks", "Robert has 0 tracks"]);
}

#[tokio::test]
async fn who_stays_away_for_longer_is_gone_and_comes_as_new() {
    let edge = edge().await;
    let (mut ana, _, _) = edge.join("ana").await;
    let (mut bob, _, _) = edge.join("bob").await;
    ana.settle().await;
    bob.settle().await;
    drop(ana);
    edge.sockets(1.0).await;
    pass(70, &mut [&mut bob]).await;
    assert_eq!(edge.gauge("lectern_edge_sessions"), 2.0);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(6)).await;
    tokio::time::resume();
    assert_eq!(bob.wait(|message| heard_of(message, "ana")).await, "ana is gone");
    comes_as_new(&edge).await;
}

/// What clients do who are told that their session is not known.
async fn comes_as_new(edge: &Edge) {
    let mut ana = edge.again("ana", 1).await;
    let told = heard(ana.next().await);
    assert_eq!(told, ["leave Reconnect StateMismatch"]);
    assert!(ana.hear().await.is_none(), "closed");
    let (_, join, offer) = edge.join("ana").await;
    let me = join.participant.expect("me");
    assert_eq!((me.identity.as_str(), me.sid != sid(1)), ("ana", true));
    let others: Vec<String> = join.other_participants.into_iter().map(|one| one.identity).collect();
    assert_eq!(others, ["bob"], "nothing is left of the former stay");
    assert!(offer.contains("a=ice-ufrag"));
}

#[tokio::test]
async fn whose_whole_network_is_gone_comes_back_as_itself_and_without_an_error() {
    let mut edge = edge().await;
    let (mut ana, _, _) = edge.join("ana").await;
    let opened = edge.controller.wait(|request| match request {
        Request::OpenPeer { room, participant, peer, .. } => Some((*room, *participant, *peer)),
        _ => None,
    });
    let (room, participant, peer) = opened.await;
    let (mut bob, _, _) = edge.join("bob").await;
    ana.settle().await;
    bob.settle().await;
    // Nothing closes the socket: it falls silent, as the media does.
    pass(30, &mut [&mut bob]).await;
    let reason = DisconnectReason::ConsentExpired;
    edge.controller.notice(room, Notice::PeerDisconnected { participant, peer, reason });
    assert_eq!(bob.wait(|message| heard_of(message, "ana")).await, "ana is gone");
    pass(30, &mut [&mut bob]).await;
    comes_as_new(&edge).await;
}

#[tokio::test]
async fn who_was_sent_out_while_away_is_told_so_and_does_not_begin_anew() {
    let mut edge = edge().await;
    let (ana, _, _) = edge.join("ana").await;
    let (mut bob, _, _) = edge.join("bob").await;
    let room = edge.controller.wait(|request| match request {
        Request::Join { room, .. } => Some(*room),
        _ => None,
    });
    let room = room.await;
    drop(ana);
    edge.sockets(1.0).await;
    let (participant, identity) = (ParticipantId(1), "ana".to_owned());
    let reason = LeaveReason::Removed;
    edge.controller.notice(room, Notice::ParticipantLeft { participant, identity, reason });
    bob.wait(|message| heard_of(message, "ana is gone")).await;
    let mut ana = edge.back("ana", 1).await;
    assert_eq!(heard(ana.next().await), ["leave Disconnect ParticipantRemoved"]);
    assert!(ana.hear().await.is_none(), "closed");
}
