//! Data channels between clients of two makes, under loss: nothing reliable is lost or doubled.

use super::{MS, some_path};
use crate::peer::Join;
use crate::seeds;
use crate::world::World;
use lectern_control::node::Command;
use lectern_control::transport::{ChannelParameters, DataParameters, Envelope};
use lectern_sim::network::Config;
use rand::RngExt;

const RELIABLE: &str = "_reliable";
const LOSSY: &str = "_lossy";
/// Bytes of a message that takes several packets.
const FRAGMENTS: usize = 3_000;
/// Messages sent on each channel.
const MESSAGES: u32 = 60;

/// A protobuf field with a text inside; all messages here are made of such.
fn field(number: u8, text: &str) -> Vec<u8> {
    let len = u8::try_from(text.len()).expect("a short text");
    [&[number << 3 | 2, len][..], text.as_bytes()].concat()
}

/// The texts of a message's fields, one behind the other.
fn read(message: &[u8]) -> String {
    let fields = lectern_wire::protobuf::fields(message);
    let texts = fields.map(|field| field.expect("a field").content.expect("a text"));
    texts.map(|text| std::str::from_utf8(text).expect("text")).collect()
}

fn join(network: &Config, name: &str) -> Join {
    let channel = |label: &str, max_retransmits| ChannelParameters {
        label: label.to_owned(),
        ordered: true,
        max_retransmits,
    };
    let channels = vec![channel(RELIABLE, None), channel(LOSSY, Some(0))];
    let envelope = Envelope { splice: field(2, name).into(), ..Envelope::default() };
    let envelope = Some(envelope);
    let data = DataParameters { channels, receives: true, envelope, ..DataParameters::default() };
    Join { data, ..Join::over(network) }
}

/// Sends a message from a peer on the reliable channel. Some take several packets.
fn say(world: &mut World, sender: usize, number: u32) {
    let peer = &mut world.peers[sender];
    let channel = peer.channels.iter().find(|(_, label)| label == RELIABLE);
    let channel = channel.expect("the node opened it").0;
    let filling = if number.is_multiple_of(5) { FRAGMENTS } else { 0 };
    let fillers = vec![field(3, ""); filling / 2].concat();
    let message = [field(1, &format!("{number}")), fillers].concat();
    assert!(peer.client.send_message(channel, &message));
}

/// Everybody writes all the time while the room moves, and everybody reads all of it, in order. Where
/// packets are lost, what is half received for too long may be lost with them, and nothing else.
#[test]
fn messages_over_a_move() {
    seeds::run("messages_over_a_move", |seed| {
        let mut world = World::new(seed, 2);
        let loss = [0.0, 0.0, 0.01][(seed % 3) as usize];
        let network = Config { loss, ..some_path(&mut world) };
        let names = [" of a", " of b", " of c"];
        let peers =
            names.map(|name| world.connect(&Join { standby: Some(1), ..join(&network, name) }));
        world.run_for(1_500 * MS);
        let mut number = 0;
        let mut all_say = |world: &mut World, times: u32| {
            for _ in 0..times {
                for peer in peers {
                    say(world, peer, number);
                }
                number += 1;
                world.run_for_some(5..25);
            }
        };
        all_say(&mut world, 20);
        for peer in peers {
            let id = world.peers[peer].id;
            world.command(0, Command::Export { peer: id });
            all_say(&mut world, 1);
        }
        // What was half received is waited for.
        all_say(&mut world, 15);
        for peer in peers {
            let state = world.exported(0, peer);
            world.restore(1, peer, state);
            all_say(&mut world, 1);
        }
        all_say(&mut world, 20);
        world.run_for(6_000 * MS);
        for (reader, own) in peers.iter().zip(names) {
            for writer in names.iter().filter(|name| **name != own) {
                let messages = world.peers[*reader].messages.iter().map(|m| read(&m.bytes));
                let heard: Vec<String> = messages.filter(|m| m.ends_with(writer)).collect();
                let said: Vec<String> = (0..number).map(|n| format!("{n}{writer}")).collect();
                if loss == 0.0 {
                    assert_eq!(heard, said, "what{own} hears{writer}");
                }
                let places = heard.iter().map(|message| said.iter().position(|s| s == message));
                let places: Vec<usize> = places.map(|place| place.expect("was said")).collect();
                assert!(places.is_sorted_by(|a, b| a < b), "{own} hears{writer}: {places:?}");
                assert_eq!(places.last(), Some(&(said.len() - 1)), "{own} hears{writer} again");
            }
        }
    });
}

#[test]
fn messages() {
    seeds::run("messages", |seed| {
        let mut world = World::new(seed, 1);
        let loss = world.random.random_range(0.0..0.05);
        let network = Config { loss, ..some_path(&mut world) };
        let sender = world.connect(&join(&network, " from the first"));
        let receiver = world.connect(&join(&network, " from the second"));
        world.run_for(1_500 * MS);
        for number in 0..MESSAGES {
            for label in [RELIABLE, LOSSY] {
                let channel = world.peers[sender].channels.iter().find(|(_, l)| l == label);
                let channel = channel.expect("the node opened it").0;
                let message = field(1, &format!("{label} {number}"));
                assert!(world.peers[sender].client.send_message(channel, &message));
            }
            world.run_for(20 * MS);
        }
        world.run_for(5_000 * MS);
        let received = |label: &str| -> Vec<String> {
            let messages = world.peers[receiver].messages.iter().filter(|m| m.label == label);
            messages.map(|m| read(&m.bytes)).collect()
        };
        let expected = |label: &str| -> Vec<String> {
            (0..MESSAGES).map(|number| format!("{label} {number} from the first")).collect()
        };
        assert_eq!(received(RELIABLE), expected(RELIABLE), "all of them, in order, once");
        let lossy = received(LOSSY);
        let sent = expected(LOSSY);
        assert!(lossy.len() > MESSAGES as usize / 2, "most come: {}", lossy.len());
        let places = lossy.iter().map(|message| sent.iter().position(|s| s == message));
        let places: Vec<Option<usize>> = places.collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted());
        assert!(world.peers[sender].messages.is_empty(), "nobody hears itself");
    });
}
