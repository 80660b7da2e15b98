//! Data channels between clients of two makes, under loss: nothing reliable is lost or doubled.

use super::{MS, some_path};
use crate::peer::Join;
use crate::seeds;
use crate::world::World;
use bytes::Bytes;
use lectern_control::transport::{ChannelParameters, DataParameters};
use lectern_sim::network::Config;
use rand::RngExt;

const RELIABLE: &str = "_reliable";
const LOSSY: &str = "_lossy";
/// Messages sent on each channel.
const MESSAGES: u32 = 60;

fn join(network: &Config, splice: &[u8]) -> Join {
    let channel = |label: &str, max_retransmits| ChannelParameters {
        label: label.to_owned(),
        ordered: true,
        max_retransmits,
    };
    let channels = vec![channel(RELIABLE, None), channel(LOSSY, Some(0))];
    let splice = Bytes::copy_from_slice(splice);
    let data = DataParameters { channels, receives: true, splice };
    Join { data, ..Join::over(network) }
}

#[test]
fn messages() {
    seeds::run("messages", |seed| {
        let mut world = World::new(seed, 1);
        let loss = world.random.random_range(0.0..0.05);
        let network = Config { loss, ..some_path(&mut world) };
        let sender = world.connect(&join(&network, b" from the first"));
        let receiver = world.connect(&join(&network, b" from the second"));
        world.run_for(1_500 * MS);
        for number in 0..MESSAGES {
            for label in [RELIABLE, LOSSY] {
                let channel = world.peers[sender].channels.iter().find(|(_, l)| l == label);
                let channel = channel.expect("the node opened it").0;
                let message = format!("{label} {number}");
                assert!(world.peers[sender].client.send_message(channel, message.as_bytes()));
            }
            world.run_for(20 * MS);
        }
        world.run_for(5_000 * MS);
        let received = |label: &str| -> Vec<String> {
            let messages = world.peers[receiver].messages.iter().filter(|m| m.label == label);
            messages.map(|m| String::from_utf8(m.bytes.clone()).expect("text")).collect()
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
