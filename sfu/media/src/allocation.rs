//! How a subscriber's bandwidth is shared among the pictures it watches. Pure: the same input gives the
//! same answer.
//!
//! Shared screens come first, then whoever speaks, then the others: first everybody gets something, then
//! in that order better, up to what the client can show. A screen gets its lowest layer in any case: text
//! that nobody can read is worse than a queue.

use crate::limits::MAX_LAYERS_PER_TRACK;
use lectern_control::media::Wish;
use lectern_wire::Bitrate;
use smallvec::SmallVec;

/// A step up must leave this much room, in hundredths of what is then sent: what encoders send varies.
const ROOM_TO_GO_UP: u64 = 110;
/// A picture that is shown smaller than a layer is sent, by more than this many hundredths, wants
/// the layer below: scaling up by a tenth cannot be seen.
const SHOWN_LARGER: u64 = 110;

/// What a step up costs, and what one gets for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// All that is sent with this layer and those below it.
    pub rate: Bitrate,
    /// What that may become at any moment, as with the next slide: there must be room for it, which others
    /// may use until then.
    pub peak: Bitrate,
    /// Width in pixels; 0 where nobody knows.
    pub width: u32,
    /// Height in pixels; 0 where nobody knows.
    pub height: u32,
    /// Frames a second; 0 where nobody knows.
    pub frames_per_second: u32,
}

/// The layers of a track, lowest first.
pub type Layers = SmallVec<[Layer; MAX_LAYERS_PER_TRACK]>;

/// How much a picture matters, most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// A shared screen.
    Screen,
    /// Whoever speaks.
    Speaker,
    /// Everybody else.
    Other,
}

/// One picture that a subscriber watches.
#[derive(Debug, Clone)]
pub struct Demand {
    /// How much it matters.
    pub rank: Rank,
    /// What the client asks for.
    pub wish: Wish,
    /// What there is of it.
    pub layers: Layers,
    /// What is sent now; `None` where nothing is.
    pub current: Option<usize>,
    /// It was lowered a moment ago, and is not to go up yet.
    pub rests: bool,
}

/// What a picture gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// This layer and all below it.
    Layer(usize),
    /// Nothing, as the client does not show it.
    Hidden,
    /// Nothing, for want of bandwidth.
    Starved,
}

/// All grants, in the order of the demands.
pub type Grants = SmallVec<[Grant; 16]>;

impl Demand {
    /// The best layer that the client can make use of.
    fn useful(&self) -> Option<usize> {
        useful_layer(&self.wish, &self.layers)
    }

    fn rate(&self, layer: usize) -> u64 {
        self.layers.get(layer).map_or(0, |layer| layer.rate.as_bps())
    }

    fn peak(&self, layer: usize) -> u64 {
        self.layers.get(layer).map_or(0, |layer| layer.peak.as_bps())
    }
}

/// The best of some layers, lowest first, that a client can make use of. More bits or pictures for as
/// many pixels can always be seen, unless it asks for so many pictures.
pub fn useful_layer(wish: &Wish, layers: &[Layer]) -> Option<usize> {
    let last = layers.len().checked_sub(1)?;
    let Some(enough) = layers.iter().position(|layer| is_met(wish, layer)) else {
        return Some(last);
    };
    let size = |layer: &Layer| (layer.width, layer.height);
    let as_large = |layer: &&Layer| layers.get(enough).map(size) == Some(size(layer));
    let better = layers.iter().skip(enough).take_while(as_large).count().saturating_sub(1);
    Some(if wish.frames_per_second == 0 { enough + better } else { enough })
}

/// Whether more than a layer has would not be seen.
fn is_met(wish: &Wish, layer: &Layer) -> bool {
    let enough = |wanted: u32, there: u32| {
        wanted != 0 && there != 0 && u64::from(wanted) * 100 <= u64::from(there) * SHOWN_LARGER
    };
    let large = enough(wish.width, layer.width) || enough(wish.height, layer.height);
    let quick = wish.frames_per_second == 0
        || layer.frames_per_second == 0
        || layer.frames_per_second >= wish.frames_per_second;
    large && quick
}

/// Shares `budget` among the pictures. What comes out is ordered as `demands` are.
pub fn allocate(budget: Bitrate, demands: &[Demand]) -> Grants {
    let mut share = Share::new(budget, demands);
    share.give_the_least();
    share.give_more();
    share.grants
}

/// The most that the pictures could make use of: probing beyond it helps nobody.
pub fn useful_rate(demands: &[Demand]) -> Bitrate {
    let useful = |demand: &Demand| {
        let layer = demand.useful().filter(|_| !demand.wish.hidden)?;
        Some(demand.peak(layer))
    };
    Bitrate::bps(demands.iter().filter_map(useful).fold(0, u64::saturating_add))
}

struct Share<'a> {
    demands: &'a [Demand],
    order: SmallVec<[usize; 16]>,
    grants: Grants,
    budget: u64,
    used: u64,
}

impl<'a> Share<'a> {
    fn new(budget: Bitrate, demands: &'a [Demand]) -> Share<'a> {
        let mut order: SmallVec<[usize; 16]> = (0..demands.len()).collect();
        let rank = |place: &usize| {
            demands.get(*place).map(|demand| (demand.rank, u32::MAX - demand.wish.priority, *place))
        };
        order.sort_unstable_by_key(rank);
        let nothing = |demand: &Demand| match demand.wish.hidden {
            true => Grant::Hidden,
            false => Grant::Starved,
        };
        let grants = demands.iter().map(nothing).collect();
        Share { demands, order, grants, budget: budget.as_bps(), used: 0 }
    }

    /// Everybody gets the lowest layer, as far as it goes; whoever has nothing now needs some room.
    fn give_the_least(&mut self) {
        for place in self.order.clone() {
            let Some(demand) = self.demands.get(place) else { continue };
            if demand.wish.hidden || demand.layers.is_empty() {
                continue;
            }
            let sum = self.used.saturating_add(demand.rate(0));
            let begins = demand.current.is_none();
            let fits = match demand.rank {
                Rank::Screen => true,
                _ if begins && demand.rests => false,
                _ if begins => hundredths(sum, ROOM_TO_GO_UP) <= self.budget,
                _ => sum <= self.budget,
            };
            if fits {
                self.used = sum;
                self.grant(place, Grant::Layer(0));
            }
        }
    }

    /// One rank after the other; within one, everybody gets one step before anybody gets two.
    fn give_more(&mut self) {
        for rank in [Rank::Screen, Rank::Speaker, Rank::Other] {
            while self.steps_of(rank) {}
        }
    }

    /// One step for each of a rank; whether any could be made.
    fn steps_of(&mut self, rank: Rank) -> bool {
        let mut any = false;
        for place in self.order.clone() {
            let Some(demand) = self.demands.get(place).filter(|demand| demand.rank == rank) else {
                continue;
            };
            let Some(Grant::Layer(layer)) = self.grants.get(place).copied() else { continue };
            any |= self.step(place, demand, layer);
        }
        any
    }

    /// The next layer that costs more and fits; layers that cost nothing now are not passed over.
    fn step(&mut self, place: usize, demand: &Demand, layer: usize) -> bool {
        let next = layer + 1;
        if demand.useful().is_none_or(|useful| next > useful) {
            return false;
        }
        let others = self.used.saturating_sub(demand.rate(layer));
        let sum = others.saturating_add(demand.rate(next));
        let most = others.saturating_add(demand.peak(next));
        let is_up = demand.current.is_none_or(|current| next > current);
        if is_up && demand.rests {
            return false;
        }
        let needed = if is_up { hundredths(most, ROOM_TO_GO_UP) } else { most };
        if needed > self.budget {
            return false;
        }
        self.used = sum;
        self.grant(place, Grant::Layer(next));
        true
    }

    fn grant(&mut self, place: usize, grant: Grant) {
        if let Some(known) = self.grants.get_mut(place) {
            *known = grant;
        }
    }
}

fn hundredths(value: u64, hundredths: u64) -> u64 {
    value.saturating_mul(hundredths) / 100
}

#[cfg(test)]
mod tests;
