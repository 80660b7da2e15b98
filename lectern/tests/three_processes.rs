//! Edge, controller and node as three processes, linked by certificates of `cluster init`; and the
//! same walk with everything in one process.

#[expect(dead_code, reason = "signing as the edge is for other tests")]
mod cluster;

use cluster::{Browser, Cluster};
use livekit_protocol as proto;
use proto::signal_response::Message as Tell;

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_made_at_the_edge_leads_to_the_node() {
    let cluster = Cluster::new();
    let (controller, node, edge) = (cluster.controller(), cluster.node(), cluster.edge());
    let line = edge.first_line();
    node.wait_until_ready(true);
    controller.wait_until_ready(true);

    let browser = Browser::new(&cluster, &line);
    let link = browser.viewer_link().await;
    let mut ana = browser.join(&link, "Ana").await;
    let join = ana.wait(|message| match message {
        Tell::Join(join) => Some(join),
        _ => None,
    });
    assert_eq!(join.await.participant.expect("me").name, "Ana");
    let offer = ana.wait(|message| match message {
        Tell::Offer(offer) => Some(offer.sdp),
        _ => None,
    });
    let offer = offer.await;
    let candidate = format!(" {} {} typ host", cluster.media.ip(), cluster.media.port());
    assert!(offer.contains(&candidate), "the node's address is in the offer:\n{offer}");
    let peers = |number: u64| {
        let line = format!("lectern_node_peers {number}");
        move |_: u16, body: &str| body.lines().any(|found| found == line)
    };
    let body = node.wait_for("/metrics", |_, body| !peers(0)(0, body));
    assert!(body.contains("lectern_node_linked 1"), "{body}");

    let (status, refused) =
        browser.post("/api/v1/entries", &serde_json::json!({ "link": "A".repeat(32) })).await;
    assert_eq!(status, 404, "{refused}");
    ana.leave().await;
    node.wait_for("/metrics", peers(0));

    for process in [edge, node, controller] {
        let status = process.stop();
        assert!(status.success(), "{status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_process_is_ready_when_it_says_so() {
    let cluster = Cluster::new();
    let process = cluster.serve();
    let browser = Browser::new(&cluster, &process.first_line());
    // No waiting from here on: whoever reads the line may open the link.
    let link = browser.viewer_link().await;
    let mut ana = browser.join(&link, "Ana").await;
    ana.wait(|message| matches!(message, Tell::Join(_)).then_some(())).await;
    assert_eq!(process.operator("/readyz"), (200, "ready\n".to_owned()));
    let metrics = process.operator("/metrics").1;
    for role in ["lectern_node_", "lectern_controller_", "lectern_edge_"] {
        assert!(metrics.contains(role), "no metric of {role}");
    }
    assert!(process.stop().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_an_integrator_sends_meets_in_the_room_it_names() {
    let cluster = Cluster::new();
    let process = cluster.serve();
    let browser = Browser::new(&cluster, &process.first_line());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("after 1970").as_secs();
    let token = |identity: &str| {
        let claims = serde_json::json!({
            "iss": cluster::API_KEY, "sub": identity, "nbf": now, "exp": now + 600,
            "video": { "room": "daily", "roomJoin": true },
        });
        let key = jsonwebtoken::EncodingKey::from_secret(cluster::API_SECRET.as_bytes());
        jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).expect("signed")
    };
    let mut ana = browser.enter(&token("ana")).await;
    ana.wait(|message| matches!(message, Tell::Join(_)).then_some(())).await;
    let mut bob = browser.enter(&token("bob")).await;
    let others = bob.wait(|message| match message {
        Tell::Join(join) => Some(join.other_participants),
        _ => None,
    });
    let others: Vec<String> = others.await.into_iter().map(|one| one.identity).collect();
    assert_eq!(others, ["ana"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_that_was_killed_is_found_again_by_its_node_and_edge() {
    let cluster = Cluster::new();
    let (controller, node, edge) = (cluster.controller(), cluster.node(), cluster.edge());
    let line = edge.first_line();
    node.wait_until_ready(true);
    let browser = Browser::new(&cluster, &line);
    let link = browser.viewer_link().await;
    let mut early = browser.join(&link, "Early").await;
    early.wait(|message| matches!(message, Tell::Join(_)).then_some(())).await;
    node.wait_for("/metrics", |_, body| body.lines().any(|line| line == "lectern_node_peers 1"));

    controller.kill();
    assert!(edge.wait_until_ready(false).contains("the edge's link"));
    assert!(node.wait_until_ready(false).contains("the node's link"));
    assert_eq!((edge.operator("/livez").0, node.operator("/livez").0), (200, 200));

    let _controller = cluster.controller();
    edge.wait_until_ready(true);
    node.wait_until_ready(true);
    // Whoever was in before is unknown now, and told to come again.
    early.wait(|message| matches!(message, Tell::Leave(_)).then_some(())).await;
    // What was made before is still known.
    let mut ana = browser.join(&link, "Ana").await;
    let joined = ana.wait(|message| matches!(message, Tell::Join(_)).then_some(()));
    joined.await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_while_a_link_was_dying_is_gone_for_everybody() {
    let cluster = Cluster::new();
    let (_controller, node, near) = (cluster.controller(), cluster.node(), cluster.edge());
    let near_browser = Browser::new(&cluster, &near.first_line());
    node.wait_until_ready(true);
    let path = cluster.path();
    let far = cluster.edge_over(&path);
    let far_browser = Browser::new(&cluster, &far.first_line());
    let link = near_browser.viewer_link().await;

    let mut ana = far_browser.join(&link, "Ana").await;
    ana.wait(|message| matches!(message, Tell::Join(_)).then_some(())).await;
    // Then nothing that she has asked for is on its way any more when she hears of Bob.
    node.wait_for("/metrics", |_, body| body.lines().any(|line| line == "lectern_node_peers 1"));
    let mut bob = near_browser.join(&link, "Bob").await;
    bob.wait(|message| matches!(message, Tell::Join(_)).then_some(())).await;
    let bob_s = ana.wait(|message| updated(message, |one| one.name == "Bob")).await;

    path.cut();
    bob.leave().await;
    far.wait_until_ready(false);
    path.mend();
    let disconnected = proto::participant_info::State::Disconnected;
    let left = |one: &proto::ParticipantInfo| one.sid == bob_s.sid && one.state() == disconnected;
    ana.wait(|message| updated(message, left)).await;
}

/// Whom an update is about, if it is the one who is wanted.
fn updated(
    message: Tell,
    is_wanted: impl Fn(&proto::ParticipantInfo) -> bool,
) -> Option<proto::ParticipantInfo> {
    let Tell::Update(update) = message else { return None };
    update.participants.into_iter().find(is_wanted)
}

#[test]
fn a_node_s_certificate_cannot_speak_as_an_edge() {
    let cluster = Cluster::new();
    let _controller = cluster.controller();
    let stolen = tempfile::tempdir().expect("a folder");
    let copy = |from: &str, to: &str| {
        std::fs::copy(cluster.certificates().join(from), stolen.path().join(to)).expect("copied");
    };
    copy("ca.pem", "ca.pem");
    copy("node.pem", "edge.pem");
    copy("node.key", "edge.key");
    let (honest, thief) = (cluster.edge(), cluster.edge_with(stolen.path()));
    honest.wait_until_ready(true);
    // It had as long as the honest one, and a second more.
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert!(thief.wait_until_ready(false).contains("the edge's link"));
}
