//! A whole node over loopback: real sockets, real threads, commands and events as a controller sees
//! them, clients of another make.

mod scene;

use bytes::Bytes;
use lectern_control::node::{Command, CommandError, Event, FromNode};
use lectern_control::transport::IceRole;
use lectern_control::{PeerId, RecordingId, RoomId, TrackId, Version, frame, relay};
use lectern_sfu::Link;
use scene::{Person, Scene};
use std::net::UdpSocket;
use std::time::Duration;

const ROOM: RoomId = RoomId(0x1234_5678_9abc_def0);
const SCREEN: TrackId = TrackId(1);

/// Waits until all are connected, and lets the presenters begin.
fn begin(scene: &mut Scene, people: &mut [Person]) {
    scene.run_until(people, |_, people| people.iter().all(|person| person.connected));
    people.iter_mut().for_each(Person::begin);
}

/// A presenter and a viewer on their way into one room.
fn meeting(scene: &mut Scene, room: RoomId, track: TrackId) -> [Person; 2] {
    let number = 100 * track.0;
    let mut presenter = Person::join(scene, room, number + 1, IceRole::Controlled);
    presenter.publish(scene, track);
    let mut viewer = Person::join(scene, room, number + 2, IceRole::Controlling);
    viewer.subscribe(scene, track);
    [presenter, viewer]
}

#[test]
fn a_viewer_receives_what_a_presenter_publishes() {
    let mut scene = Scene::new(1);
    let mut people = meeting(&mut scene, ROOM, SCREEN);
    begin(&mut scene, &mut people);
    scene.run_until(&mut people, |_, people| people[1].received() > 300);
    people.iter().for_each(Person::assert_whole);

    let connections = scene.events(ROOM).filter_map(|event| match event {
        Event::PeerConnected { peer, security } => Some((*peer, security.srtp.as_str())),
        _ => None,
    });
    let mut connections: Vec<_> = connections.collect();
    connections.sort();
    let srtp = "AEAD_AES_128_GCM";
    assert_eq!(connections, [(people[0].peer, srtp), (people[1].peer, srtp)]);
    assert!(scene.events(ROOM).any(|event| *event == Event::TrackStarted { track: SCREEN }));

    scene.wait_for_metric("lectern_node_rtp_forwarded_total", |forwarded| forwarded > 300.0);
    assert_eq!(scene.wait_for_metric("lectern_node_peers", |peers| peers > 0.0), 2.0);
    assert_eq!(scene.metric("lectern_node_linked"), 1.0);
    let sent = scene.metric("lectern_node_packets_sent_total");
    let runs = scene.metric("lectern_node_runs_sent_total");
    println!("{sent} packets in {runs} runs: {:.2} packets a run", sent / runs);
    assert!(scene.heard.iter().any(|message| matches!(message, FromNode::Heartbeat(beat)
        if beat.load.peers == 2 && beat.load.rooms == 1)));
    scene.stop().expect("a clean end");
}

#[test]
fn a_late_viewer_s_first_packet_begins_a_keyframe() {
    let mut scene = Scene::new(1);
    let presenter = Person::join(&mut scene, ROOM, 1, IceRole::Controlled);
    let mut people = vec![presenter];
    people[0].publish(&mut scene, SCREEN);
    begin(&mut scene, &mut people);
    for number in 2..=6 {
        scene.run_for(&mut people, Duration::from_millis(300));
        let mut viewer = Person::join(&mut scene, ROOM, number, IceRole::Controlling);
        viewer.subscribe(&mut scene, SCREEN);
        people.push(viewer);
    }
    let see = |_: &Scene, people: &[Person]| people[1..].iter().all(|one| one.received() > 50);
    scene.run_until(&mut people, see);
    assert!(people[1..].iter().all(Person::began_with_a_keyframe));
    scene.stop().expect("a clean end");
}

#[test]
fn rooms_on_several_workers_share_one_port() {
    let mut scene = Scene::new(2);
    let mut people = Vec::new();
    for number in 1..=4 {
        let room = RoomId(number * 0x0123_4567_89ab_cdef);
        people.extend(meeting(&mut scene, room, TrackId(number)));
    }
    let viewers_see = |_: &Scene, people: &[Person]| {
        people.iter().skip(1).step_by(2).all(|viewer| viewer.received() > 100)
    };
    begin(&mut scene, &mut people);
    scene.run_until(&mut people, viewers_see);
    people.iter().for_each(Person::assert_whole);
    let busy = |worker: u8| format!("lectern_node_busy_seconds_total{{worker=\"{worker}\"}}");
    for worker in 0..2 {
        scene.wait_for_metric(&busy(worker), |seconds| seconds > 0.0);
    }
    let handed = scene.wait_for_metric("lectern_node_handed_over_total", |handed| handed > 0.0);
    println!("{handed} datagrams came to the other worker's socket");
    assert_eq!(scene.metric("lectern_node_handover_drops_total"), 0.0);
    scene.stop().expect("a clean end");
}

#[test]
fn an_outage_of_the_controller_disturbs_no_media_and_the_room_is_named_afterwards() {
    let mut scene = Scene::new(1);
    assert_eq!(scene.hello.rooms, []);
    let mut people = meeting(&mut scene, ROOM, SCREEN);
    begin(&mut scene, &mut people);
    scene.run_until(&mut people, |_, people| people[1].received() > 50);
    scene.unlink();
    let before = people[1].received();
    scene.run_for(&mut people, Duration::from_secs(2));
    assert!(people[1].received() > before + 60, "{} more packets", people[1].received() - before);
    people.iter().for_each(Person::assert_whole);

    scene.link(Version::CURRENT);
    assert_eq!(scene.hello.rooms, [ROOM]);
    people[1].leave(&mut scene);
    scene.run_for(&mut people, Duration::from_millis(300));
    let after_leaving = people[1].received();
    scene.run_for(&mut people, Duration::from_millis(500));
    assert_eq!(people[1].received(), after_leaving, "not one packet more");
    assert!(people[0].connected);
    scene.stop().expect("a clean end");
}

#[test]
fn damaged_datagrams_and_messages_are_counted_and_the_meeting_goes_on() {
    let mut scene = Scene::new(2);
    let mut people = meeting(&mut scene, ROOM, SCREEN);
    begin(&mut scene, &mut people);
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("binds");
    let node = scene.hello.addresses[0];
    for first in 0..=u8::MAX {
        for len in [0, 1, 11, 12, 20, 100, 1_400, 9_000] {
            let bytes = vec![first; len];
            stranger.send_to(&bytes, node).expect("loopback takes it");
        }
        scene.run_for(&mut people, Duration::from_millis(1));
    }
    for message in [&b""[..], &[0xc1], &[0xff; 5_000]] {
        scene.tell_bytes(Bytes::copy_from_slice(message));
    }
    let before = people[1].received();
    scene.run_until(&mut people, |_, people| people[1].received() > before + 100);
    people.iter().for_each(Person::assert_whole);
    scene.wait_for_metric("lectern_node_link_messages_ignored_total", |ignored| ignored == 3.0);
    scene.wait_for_metric("lectern_node_unusable_datagrams_total", |unusable| unusable == 256.0);
    let unknown = "lectern_node_drops_total{reason=\"unknown_protocol\"}";
    assert!(scene.metric(unknown) > 1_000.0, "{}", scene.metric(unknown));
    scene.stop().expect("a clean end");
}

#[test]
fn a_controller_of_another_major_version_is_left() {
    let mut scene = Scene::new(1);
    scene.link(Version { major: Version::CURRENT.major + 1, minor: 0 });
    scene.wait_for_hang_up();
    scene.wait_for_metric("lectern_node_links_incompatible_total", |links| links == 1.0);
    scene.link(Version::CURRENT);
    scene.command(ROOM, Command::RemovePeer { peer: PeerId(1) });
    scene.run_until(&mut [], |scene, _| {
        let unknown = |event: &Event| {
            matches!(event, Event::CommandFailed { error: CommandError::UnknownPeer, .. })
        };
        scene.events(ROOM).any(unknown)
    });
    scene.stop().expect("a clean end");
}

/// Numbers of a track's packets in all batches so far.
fn relayed(link: &mut Link, numbers: &mut Vec<u64>) {
    while let Ok(message) = link.1.try_recv() {
        let message = frame::decode::<relay::FromNode>(&message).expect("a message");
        let relay::FromNode::Batch { records, .. } = message else { continue };
        for record in relay::records(&records) {
            let record = record.expect("whole");
            if let relay::Content::Packet { number, .. } = record.content {
                assert_eq!(record.track, SCREEN);
                numbers.push(number);
            }
        }
    }
}

#[test]
fn a_recorder_gets_what_a_viewer_gets_and_is_dialed_again_when_it_dies() {
    let mut scene = Scene::new(2);
    let mut people = meeting(&mut scene, ROOM, SCREEN);
    let recording = RecordingId(9);
    let recorder = "recorder-1".parse().expect("a name");
    let open = Command::OpenRelay { recording, recorder, addresses: Vec::new() };
    scene.command(ROOM, open);
    scene.command(ROOM, Command::RelayTrack { recording, track: SCREEN });
    begin(&mut scene, &mut people);
    let mut numbers = Vec::new();
    let mut link = scene.recorder_link();
    scene.run_until(&mut people, |_, people| people[1].received() > 200);
    relayed(&mut link, &mut numbers);
    assert!(!numbers.is_empty());
    // Nothing was said to be kept: all of it comes again.
    let before = numbers.len();
    numbers.clear();
    drop(link);
    let mut link = scene.recorder_link();
    scene.run_until(&mut people, |_, people| people[1].received() > 400);
    scene.command(ROOM, Command::CloseRelay { recording });
    scene.run_for(&mut people, Duration::from_millis(300));
    relayed(&mut link, &mut numbers);
    assert!(numbers.len() > before);
    numbers.sort_unstable();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "every packet, once");
    scene.wait_for_metric("lectern_node_rtp_relayed_total", |relayed| relayed > 300.0);
    scene.stop().expect("a clean end");
}
