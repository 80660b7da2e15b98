//! Whatever happens, in whatever order: the roster is sound, every request is answered once, and
//! no state of a transport is used twice.

use super::*;
use lectern_control::node::DisconnectReason;
use lectern_control::room::Audience;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
enum Act {
    Join { edge: u8, identity: u8, viewer: bool },
    Leave { edge: u8, who: usize },
    AddTrack { edge: u8, who: usize, track: u8 },
    RemoveTrack { edge: u8, who: usize, track: u8 },
    Update { edge: u8, who: usize, bytes: usize },
    Open { edge: u8, who: usize, peer: u8, warm: bool },
    Publish { edge: u8, who: usize, peer: u8, track: u8 },
    RemovePeer { edge: u8, who: usize, peer: u8 },
    Connect { node: u8, peer: u8 },
    Disconnect { node: u8, peer: u8 },
    Exported { node: u8, peer: u8 },
    Fail { command: usize },
    Move { node: u8 },
    NodeLost { node: u8, next: u8 },
    TargetLost,
    StandbyLost,
    EdgeLost { edge: u8 },
    Lease { held: bool },
    Pass { ms: u64 },
    Record { on: bool },
    Limit { edge: u8, who: usize, limited: bool },
}

fn any_act() -> impl Strategy<Value = Act> {
    let (edge, who, small) = (0_u8..2, 0_usize..8, 0_u8..6);
    prop_oneof![
        6 => (edge.clone(), 0_u8..5, any::<bool>())
            .prop_map(|(edge, identity, viewer)| Act::Join { edge, identity, viewer }),
        2 => (edge.clone(), who.clone()).prop_map(|(edge, who)| Act::Leave { edge, who }),
        3 => (edge.clone(), who.clone(), small.clone())
            .prop_map(|(edge, who, track)| Act::AddTrack { edge, who, track }),
        1 => (edge.clone(), who.clone(), small.clone())
            .prop_map(|(edge, who, track)| Act::RemoveTrack { edge, who, track }),
        1 => (edge.clone(), who.clone(), 0_usize..70_000)
            .prop_map(|(edge, who, bytes)| Act::Update { edge, who, bytes }),
        6 => (edge.clone(), who.clone(), small.clone(), any::<bool>())
            .prop_map(|(edge, who, peer, warm)| Act::Open { edge, who, peer, warm }),
        3 => (edge.clone(), who.clone(), small.clone(), small.clone())
            .prop_map(|(edge, who, peer, track)| Act::Publish { edge, who, peer, track }),
        1 => (edge.clone(), who, small.clone())
            .prop_map(|(edge, who, peer)| Act::RemovePeer { edge, who, peer }),
        6 => (0_u8..3, small.clone()).prop_map(|(node, peer)| Act::Connect { node, peer }),
        1 => (0_u8..3, small.clone()).prop_map(|(node, peer)| Act::Disconnect { node, peer }),
        8 => (0_u8..3, small).prop_map(|(node, peer)| Act::Exported { node, peer }),
        2 => (0_usize..20).prop_map(|command| Act::Fail { command }),
        3 => (0_u8..3).prop_map(|node| Act::Move { node }),
        1 => (0_u8..3, 0_u8..3).prop_map(|(node, next)| Act::NodeLost { node, next }),
        1 => Just(Act::TargetLost),
        1 => Just(Act::StandbyLost),
        1 => edge.prop_map(|edge| Act::EdgeLost { edge }),
        1 => any::<bool>().prop_map(|held| Act::Lease { held }),
        2 => prop::bool::weighted(0.8).prop_map(|on| Act::Record { on }),
        2 => (0_u8..2, 0_usize..8, any::<bool>())
            .prop_map(|(edge, who, limited)| Act::Limit { edge, who, limited }),
        4 => prop::sample::select(vec![1, 100, 500, 1_000, 3_000])
            .prop_map(|ms| Act::Pass { ms }),
    ]
}

fn nodes(number: u8) -> Place {
    place(["a", "b", "c"][usize::from(number % 3)], number)
}

fn edge_name(number: u8) -> &'static str {
    ["e1", "e2"][usize::from(number % 2)]
}

struct World {
    bench: Bench,
    people: Vec<ParticipantId>,
    asked: u64,
    states: u64,
    /// Which states were given to a node, by number.
    used: BTreeMap<Vec<u8>, usize>,
    revision: u64,
}

impl World {
    fn new() -> World {
        let bench = Bench::new();
        let used = BTreeMap::new();
        World { bench, people: Vec::new(), asked: 0, states: 0, used, revision: 5 }
    }

    fn who(&self, index: usize) -> ParticipantId {
        let count = self.people.len().max(1);
        self.people.get(index % count).copied().unwrap_or(ParticipantId(0))
    }

    fn ask(&mut self, edge: u8, request: Request) {
        self.asked += 1;
        self.bench.ask(edge_name(edge), request);
    }

    fn node(&mut self, edge: u8, who: usize, command: Command) {
        let participant = self.who(who);
        self.ask(edge, Request::Node { room: ROOM, participant, command });
    }

    fn act(&mut self, act: Act) {
        let room = ROOM;
        match act {
            Act::Join { edge, identity, viewer } => {
                let link = if viewer { VIEWER_LINK } else { PRESENTER_LINK };
                self.ask(edge, join_request(&format!("person {identity}"), Some(link)));
            }
            Act::Leave { edge, who } => {
                self.ask(edge, leave(self.who(who), LeaveReason::ClientLeft));
            }
            Act::AddTrack { edge, who, track } => {
                self.ask(edge, add_track(self.who(who), track.into()));
            }
            Act::RemoveTrack { edge, who, track } => {
                let (participant, track) = (self.who(who), TrackId(track.into()));
                self.ask(edge, Request::RemoveTrack { room, participant, track });
            }
            Act::Update { edge, who, bytes } => {
                let update = Request::UpdateParticipant {
                    room,
                    participant: self.who(who),
                    name: None,
                    metadata: Some("m".repeat(bytes)),
                    attributes: BTreeMap::new(),
                };
                self.ask(edge, update);
            }
            Act::Open { edge, who, peer, warm } => {
                let generation = self.bench.room.home.generation;
                self.ask(edge, open_request(self.who(who), peer.into(), generation, warm));
            }
            Act::Publish { edge, who, peer, track } => {
                self.node(edge, who, publish(peer.into(), track.into()));
            }
            Act::RemovePeer { edge, who, peer } => {
                self.node(edge, who, Command::RemovePeer { peer: PeerId(peer.into()) });
            }
            Act::Limit { edge, who, limited } => {
                let audience =
                    if limited { Audience::Only(Vec::new()) } else { Audience::Everybody };
                let participant = self.who(who);
                self.ask(edge, Request::SetAudience { room, participant, audience });
            }
            other => self.happens(other),
        }
        self.bench.settle();
        self.people = self.bench.room.roster.ids();
    }

    /// What no edge asked for.
    fn happens(&mut self, act: Act) {
        let now = self.bench.now();
        match act {
            Act::Connect { node, peer } => {
                self.bench.connect(nodes(node).node.as_str(), peer.into());
            }
            Act::Disconnect { node, peer } => {
                let (peer, reason) = (PeerId(peer.into()), DisconnectReason::Closed);
                let event = Event::PeerDisconnected { peer, reason };
                self.bench.event(nodes(node).node.as_str(), event);
            }
            Act::Exported { node, peer } => {
                self.states += 1;
                let event = Event::Exported {
                    peer: PeerId(peer.into()),
                    state: state(&self.states.to_string()),
                };
                self.bench.event(nodes(node).node.as_str(), event);
            }
            Act::Fail { command } => {
                let index = self.bench.commands.len().saturating_sub(command + 1);
                if let Some((node, request, _)) = self.bench.commands.get(index).cloned() {
                    let error = CommandError::Invalid("no".to_owned());
                    self.bench.event(node.as_str(), Event::CommandFailed { request, error });
                }
            }
            Act::Move { node } => {
                let standby = nodes(node + 1);
                drop(self.bench.room.begin_move(now, nodes(node), Some(standby)));
            }
            Act::NodeLost { node, next } => {
                if self.bench.room.home.primary.node == nodes(node).node && node != next {
                    self.bench.room.handle_node_lost(now, Some((nodes(next), None)));
                    self.bench.settle();
                    self.bench.relays.remove(&nodes(node).node);
                }
            }
            Act::TargetLost => self.bench.room.handle_target_lost(now),
            Act::StandbyLost => self.bench.room.handle_standby_lost(),
            Act::EdgeLost { edge } => {
                self.bench.room.handle_edge_lost(now, &self::edge(edge_name(edge)));
            }
            Act::Lease { held } => {
                self.revision += 1;
                self.bench.room.set_revision(held.then_some(Revision(self.revision)));
            }
            Act::Pass { ms } => self.bench.pass(ms),
            Act::Record { on: false } => self.bench.room.stop_recording(now, "somebody"),
            Act::Record { on: true } if self.bench.room.recording().is_none() => {
                let name = "r".parse().expect("a name");
                let recorder = Some(Recorder { name, addresses: Vec::new() });
                let id = RecordingId(self.revision);
                let begin = Begin { id, by: String::new(), since_unix_ms: 0, recorder };
                self.bench.room.begin_recording(now, begin);
            }
            Act::Record { on: true } => {}
            other => panic!("{other:?} is asked by an edge"),
        }
    }

    fn check(&mut self) {
        let room = &self.bench.room;
        room.roster.check();
        for (id, peer) in &room.peers {
            let owner = room.roster.get(peer.participant());
            let owner = owner.unwrap_or_else(|| panic!("{id} belongs to nobody"));
            assert_eq!(peer.parameters.permissions, owner.permissions);
            assert_eq!(peer.parameters.generation, room.home.generation);
        }
        for (track, publication) in &room.publications {
            let peer = room.peers.get(&publication.peer).expect("a publication has a peer");
            assert_eq!(peer.participant(), publication.participant);
            assert!(peer.parameters.permissions.publish, "a viewer publishes {track}");
            let owner = room.roster.owner_of(*track);
            assert!(owner.is_none_or(|owner| owner == publication.participant));
        }
        let standby = room.home.standby.as_ref().map(|place| &place.node);
        assert_ne!(standby, Some(&room.home.primary.node));
        let answered = self.bench.responses.len() as u64;
        assert_eq!(answered + room.deferred.len() as u64, self.asked, "one answer each");
        assert!(room.deferred.is_empty() || room.moving_to().is_some(), "nobody waits for nothing");
        self.used.clear();
        for (_, _, command) in &self.bench.commands {
            if let Command::Restore { state, .. } = command {
                *self.used.entry(state.expose().clone()).or_default() += 1;
            }
        }
        assert!(self.used.values().all(|times| *times == 1), "a state was used twice");
        self.check_recording();
    }

    /// Nothing that is not for everybody is sent to a recorder, and nothing at all where nobody records.
    fn check_recording(&self) {
        let room = &self.bench.room;
        let is_open = |track: &TrackId| {
            let publisher = room.publications.get(track).map(|one| one.participant);
            let publisher = publisher.and_then(|publisher| room.roster.get(publisher));
            publisher.is_none_or(|publisher| publisher.audience == Audience::Everybody)
        };
        if room.revision().is_some() {
            for (node, tracks) in self.bench.relays.iter().filter(|(node, _)| room.uses(node)) {
                assert!(tracks.iter().all(is_open), "{tracks:?} on {node}");
                assert!(room.recording().is_some() || tracks.is_empty(), "{tracks:?} on {node}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_happens_the_room_is_sound(acts in prop::collection::vec(any_act(), 1..120)) {
        let mut world = World::new();
        for act in acts {
            world.act(act);
            world.check();
        }
        // Whatever was under way comes to its end with time.
        for _ in 0..20 {
            world.bench.pass(500);
            world.check();
        }
        prop_assert!(world.bench.room.moving_to().is_none());
        prop_assert!(world.bench.room.deferred.is_empty());
        prop_assert!(world.bench.room.removals.is_empty());
        let room = &world.bench.room;
        if let (Some(_), Some(_)) = (room.recording(), room.revision()) {
            let all: BTreeSet<TrackId> = room.publications.iter().filter(|(_, one)| {
                let publisher = room.roster.get(one.participant).expect("there");
                publisher.audience == Audience::Everybody
            }).map(|(track, _)| *track).collect();
            let at = room.home.primary.node.clone();
            prop_assert_eq!(world.bench.relays.get(&at), Some(&all));
        }
    }
}
