//! A peer as plain data, for another node to go on with: its transport, what it publishes, and
//! where each of its subscriptions stands. As secret as the keys in it.

use crate::congestion::Carried;
use crate::data::Held;
use crate::forwarder;
use crate::transport::State;
use lectern_control::TrackId;
use lectern_control::media::{self, PublicationParameters, SubscriptionParameters, Wish};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// The layout of a snapshot; another one is refused.
const VERSION: u16 = 2;

/// All of a peer.
#[derive(Serialize, Deserialize)]
pub struct Snapshot {
    version: u16,
    /// Its transport.
    pub transport: State,
    /// What it publishes; encodings name the SSRCs learned so far.
    pub publications: Vec<Publication>,
    /// What it is subscribed to.
    pub subscriptions: Vec<Subscription>,
    /// Its sound slots, in their order.
    #[serde(default)]
    pub slots: Vec<SoundSlot>,
    /// What is known of its path, where that is estimated.
    #[serde(default)]
    pub path: Option<Carried>,
    /// Streams that have ended, and the next number of each.
    pub retired: Vec<(u32, u64)>,
    /// Its messages that have not been passed on.
    pub held: Held,
}

/// A track the peer publishes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Publication {
    /// Which.
    pub track: TrackId,
    /// How it is sent.
    pub parameters: PublicationParameters,
    /// Its first packet has come and was told of.
    pub started: bool,
    /// Sound slots may carry it.
    #[serde(default)]
    pub open: bool,
    /// The seat it holds, of those that slots carry.
    #[serde(default)]
    pub seat: Option<u8>,
}

/// A sound slot of the peer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SoundSlot {
    /// How it is sent.
    pub parameters: media::SoundSlot,
    /// Where it stands.
    pub state: forwarder::State,
}

/// A track the peer receives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subscription {
    /// Which.
    pub track: TrackId,
    /// How it is sent.
    pub parameters: SubscriptionParameters,
    /// What the subscriber wants of it.
    pub wish: Wish,
    /// Where it stands.
    pub state: forwarder::State,
}

/// Why bytes are not a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// They do not decode.
    #[error("the snapshot does not decode")]
    Broken,
    /// Another version made them.
    #[error("the snapshot has another version")]
    Version,
    /// The peer cannot be encoded.
    #[error("the snapshot does not encode")]
    Encode,
}

impl Snapshot {
    /// A snapshot around a transport's state.
    pub fn new(transport: State) -> Snapshot {
        Snapshot {
            version: VERSION,
            transport,
            publications: Vec::new(),
            subscriptions: Vec::new(),
            slots: Vec::new(),
            path: None,
            retired: Vec::new(),
            held: Held::default(),
        }
    }

    /// As bytes.
    pub fn encode(&self) -> Result<Vec<u8>, Error> {
        rmp_serde::to_vec_named(self).map_err(|_| Error::Encode)
    }

    /// From bytes, which are wiped.
    pub fn decode(mut bytes: Vec<u8>) -> Result<Snapshot, Error> {
        let decoded = rmp_serde::from_slice::<Snapshot>(&bytes);
        bytes.zeroize();
        let snapshot = decoded.map_err(|_| Error::Broken)?;
        if snapshot.version == VERSION { Ok(snapshot) } else { Err(Error::Version) }
    }
}
