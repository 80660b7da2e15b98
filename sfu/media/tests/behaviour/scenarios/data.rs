//! Data channels between clients of two makes, under loss: nothing reliable is lost or doubled.

use super::{MS, some_path};
use crate::peer::Join;
use crate::seeds;
use crate::world::World;
use lectern_control::transport::{ChannelParameters, DataParameters, Envelope};
use lectern_sim::network::Config;
use rand::RngExt;

const RELIABLE: &str = "_reliable";
const LOSSY: &str = "_lossy";
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
