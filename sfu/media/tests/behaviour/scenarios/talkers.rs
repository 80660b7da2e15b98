//! A hall full of people with open microphones, and listeners with three sound slots each.

use super::MS;
use crate::peer::Join;
use crate::seeds;
use crate::world::{Publish, World};
use lectern_control::PeerId;
use lectern_control::media::{CodecName, SlotCodec, SoundSlot};
use lectern_control::node::{Command, Event};
use lectern_sim::client::Received;
use lectern_sim::frame::{self, Codec};
use lectern_sim::network::Config;
use rand::RngExt;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const TALKERS: usize = 300;
/// Some of the talkers, and as many who only listen.
const LISTENERS: usize = 4;
const SLOTS: usize = 3;
const FRAME: Duration = Duration::from_millis(20);
/// Ticks of a frame on the clock of sound.
const FRAME_TICKS: u64 = 960;
/// How soon a new talker must be heard.
const HEARD_WITHIN: Duration = Duration::from_millis(200);

/// What one listener received in one slot.
struct Heard {
    peer: usize,
    ssrc: u32,
}

struct Hall {
    world: World,
    slots: Vec<Heard>,
    /// When each packet of each slot came is told by the step in which it came.
    came: Vec<Vec<(Instant, usize)>>,
    /// Every packet so far, as it was received.
    packets: Vec<Vec<Received>>,
    delay: Duration,
    loudness: Vec<u8>,
    /// Frames for which each has been talking.
    spoken: Vec<u64>,
}

impl Hall {
    fn new(seed: u64) -> Hall {
        let mut world = World::new(seed, 1);
        let delay = MS * world.random.random_range(5..30);
        let network = Config { delay, ..Config::default() };
        for _ in 0..TALKERS + LISTENERS {
            world.join(&Join::over(&network));
        }
        world.run_for(3_000 * MS);
        assert!(world.peers.iter().all(|peer| peer.connected_at.is_some()), "all are connected");
        for talker in 0..TALKERS {
            let track = world.publish(talker, &Publish::of(Codec::Opus));
            world.command(0, Command::SetOpen { track: track.id, open: true });
        }
        let mut slots = Vec::new();
        for peer in (0..LISTENERS).chain(TALKERS..TALKERS + LISTENERS) {
            slots.extend(give_slots(&mut world, peer));
        }
        let loudness = (0..TALKERS).map(|_| world.random.random_range(26..34)).collect();
        let (came, packets) = (vec![Vec::new(); slots.len()], vec![Vec::new(); slots.len()]);
        let spoken = vec![0; TALKERS];
        Hall { world, slots, came, packets, delay, loudness, spoken }
    }

    /// For so long some talk, and all others breathe into their microphones.
    fn talk(&mut self, time: Duration, who: &[usize]) {
        self.talk_beside(time, who, &[]);
    }

    /// The same, and some claim to be as loud as can be.
    fn talk_beside(&mut self, time: Duration, who: &[usize], liars: &[usize]) {
        let end = self.world.now + time;
        while self.world.now < end {
            for talker in 0..TALKERS {
                let noise = 70 + self.world.random.random_range(0..20);
                let talks = who.contains(&talker);
                let spoken = &mut self.spoken[talker];
                let step = *spoken;
                *spoken = if talks { step + 1 } else { 0 };
                let level = match (talks, liars.contains(&talker)) {
                    (true, _) => syllable(step, self.loudness[talker]),
                    (_, true) => 0,
                    _ => noise,
                };
                self.world.peers[talker].sources[0].set_level(level);
            }
            self.world.run_for(FRAME);
            self.collect();
        }
    }

    fn collect(&mut self) {
        let now = self.world.now;
        for (place, Heard { peer, ssrc }) in self.slots.iter().enumerate() {
            let strays = std::mem::take(&mut self.world.peers[*peer].strays);
            let (mine, rest): (Vec<_>, Vec<_>) =
                strays.into_iter().partition(|packet| packet.ssrc == *ssrc);
            self.world.peers[*peer].strays = rest;
            for packet in mine {
                self.came[place].push((now, talker_of(&packet)));
                self.packets[place].push(packet);
            }
        }
    }

    /// Since when a talker was heard by a listener, where he was after a moment.
    fn heard_since(&self, peer: usize, talker: usize, after: Instant) -> Option<Instant> {
        let of_peer = self.slots.iter().zip(&self.came).filter(|(slot, _)| slot.peer == peer);
        let came = of_peer.flat_map(|(_, came)| came).filter(|(at, _)| *at > after);
        came.filter(|(_, who)| *who == talker).map(|(at, _)| *at).min()
    }

    fn listeners(&self) -> BTreeSet<usize> {
        self.slots.iter().map(|slot| slot.peer).collect()
    }

    /// Everybody hears somebody who began a while ago, in time.
    fn assert_heard(&self, talker: usize, began: Instant) {
        for peer in self.listeners().into_iter().filter(|peer| *peer != talker) {
            let since = self.heard_since(peer, talker, began);
            let late = since.map(|at| at - began);
            // Twice the path, and a step of this clock.
            let limit = HEARD_WITHIN + self.delay * 2 + FRAME;
            assert!(late.is_some_and(|late| late <= limit), "{peer} hears {talker} after {late:?}");
        }
    }

    /// Each slot is one stream, and nothing else came.
    fn assert_continuous(&mut self) {
        for (place, packets) in self.packets.iter().enumerate() {
            for pair in packets.windows(2) {
                assert_eq!(
                    pair[1].sequence,
                    pair[0].sequence + 1,
                    "slot {place}: each number once"
                );
                let step = pair[1].timestamp - pair[0].timestamp;
                assert!(step >= FRAME_TICKS, "slot {place}: time goes on by {step}");
                let changes = talker_of(&pair[0]) != talker_of(&pair[1]);
                assert!(!changes || pair[1].marker, "slot {place}: a talk spurt is marked");
            }
            let own = packets.iter().filter(|packet| talker_of(packet) == self.slots[place].peer);
            assert_eq!(own.count(), 0, "nobody hears himself");
        }
        for peer in self.listeners() {
            assert!(self.world.peers[peer].strays.is_empty(), "no stream but the slots");
        }
        assert!(self.world.peers.iter().all(|peer| peer.keyframe_requests == 0));
        let told = self.world.nodes[0].events.iter();
        let told: Vec<Instant> = told
            .filter(|(_, event)| matches!(event, Event::SoundSeats { .. }))
            .map(|(at, _)| *at)
            .collect();
        assert!(told.windows(2).all(|pair| pair[1] - pair[0] >= 250 * MS), "told now and then");
    }

    /// Streams that carried something lately, of each listener.
    fn live_streams(&self, since: Instant) -> Vec<usize> {
        let lives = |peer: usize| {
            let slots = self.slots.iter().zip(&self.came);
            let live = slots.filter(|(slot, came)| {
                slot.peer == peer && came.last().is_some_and(|(at, _)| *at > since)
            });
            live.count()
        };
        self.listeners().into_iter().map(lives).collect()
    }
}

fn give_slots(world: &mut World, peer: usize) -> Vec<Heard> {
    let mut slots = Vec::new();
    for place in 0..SLOTS {
        let ssrc = world.random.random_range(1..u32::MAX);
        let mid = format!("slot{place}");
        let client = &mut world.peers[peer].client;
        client.expect(&mid, Codec::Opus, ssrc, None);
        let (payload_type, _) = client.config().payload_types(Codec::Opus);
        let codec = SlotCodec { name: CodecName::Opus, payload_type, rtx_payload_type: None };
        slots.push(SoundSlot { mid, ssrc, rtx_ssrc: None, codecs: vec![codec], repeats: true });
    }
    let heard = slots.iter().map(|slot| Heard { peer, ssrc: slot.ssrc }).collect();
    let id: PeerId = world.peers[peer].id;
    world.command(0, Command::SetSoundSlots { peer: id, slots });
    heard
}

/// Who sent a packet: two bytes of its stamp tell the track.
fn talker_of(packet: &Received) -> usize {
    let payload = frame::decode(Codec::Opus, &packet.payload).expect("whole");
    let number = u16::from_be_bytes([payload.stamp.incarnation, payload.stamp.track]);
    usize::from(number) - 1
}

/// Syllables of 200 ms, and a breath after each two seconds.
fn syllable(step: u64, level: u8) -> u8 {
    match step % 110 {
        0..100 if step % 10 < 7 => level,
        0..100 => level + 10,
        _ => 75,
    }
}

/// Somebody who does not talk.
fn another(world: &mut World, talking: &[usize]) -> usize {
    loop {
        let talker = world.random.random_range(0..TALKERS);
        if !talking.contains(&talker) {
            return talker;
        }
    }
}

#[test]
fn three_hundred_talkers() {
    seeds::run("three_hundred_talkers", |seed| {
        let mut hall = Hall::new(seed);
        hall.talk(500 * MS, &[]);
        let mut talking: Vec<usize> = Vec::new();
        for turn in 0..8 {
            // One, two, or three at once; who begins is the next one to be heard.
            let next = another(&mut hall.world, &talking);
            let most = hall.world.random.random_range(0..SLOTS);
            talking.truncate(most);
            talking.insert(0, next);
            hall.loudness[next] = 26;
            talking[1..].iter().for_each(|other| hall.loudness[*other] = 33);
            let began = hall.world.now;
            let time = MS * hall.world.random.random_range(900..2_000);
            hall.talk(time, &talking.clone());
            hall.assert_heard(next, began);
            assert!(turn < 3 || hall.live_streams(began).iter().all(|live| *live <= SLOTS));
        }
        // Full of voices: each listener gets three streams, no more and no fewer.
        let began = hall.world.now;
        hall.talk(1_000 * MS, &(100..140).collect::<Vec<_>>());
        assert!(hall.live_streams(began + 500 * MS).iter().all(|live| *live == SLOTS));
        hall.assert_continuous();
    });
}

#[test]
fn liars() {
    seeds::run("liars", |seed| {
        let mut hall = Hall::new(seed);
        // Nobody is louder than others, but for the liar.
        hall.loudness.fill(30);
        let liar = hall.world.random.random_range(LISTENERS..TALKERS);
        hall.talk_beside(1_000 * MS, &[], &[liar]);
        let mut talking = vec![liar];
        for _ in 0..5 {
            // Two talk in their turns: as many as there are slots beside the liar's.
            let pair = [another(&mut hall.world, &talking), another(&mut hall.world, &talking)];
            talking.extend(pair);
            let pair = &pair[..1 + usize::from(pair[0] != pair[1])];
            let began = hall.world.now;
            hall.talk_beside(2_500 * MS, pair, &[liar]);
            pair.iter().for_each(|talker| hall.assert_heard(*talker, began));
        }
        // By now nobody believes it, and three are heard whatever it claims.
        let three = [another(&mut hall.world, &talking); 1];
        let three = [three[0], (three[0] + 7) % TALKERS, (three[0] + 13) % TALKERS];
        let three: Vec<usize> = three.into_iter().filter(|talker| *talker != liar).collect();
        let began = hall.world.now;
        hall.talk_beside(1_500 * MS, &three, &[liar]);
        three.iter().for_each(|talker| hall.assert_heard(*talker, began));
        hall.assert_continuous();
    });
}
