//! What a network does to packets: jitter, congestion, loss, late repair. Each packet by chance.

use super::script::{Script, Stretch};

/// On average, beyond the shortest way.
const JITTER_US: f64 = 6e3;
/// Of a hundred packets so many are lost at first; most of these are sent again.
const LOST: f64 = 0.02;
const REPAIRED: f64 = 0.9;
const REPAIR_US: (f64, f64) = (60e3, 400e3);
/// Time between two stretches of congestion, on average, how long one is, and how long a queue gets.
const FAIR_US: f64 = 45e6;
const FOUL_US: (f64, f64) = (300e3, 3e6);
const QUEUE_US: (f64, f64) = (30e3, 250e3);

/// The network between somebody and the node.
#[derive(Debug)]
pub struct Weather {
    way_us: f64,
    random: fastrand::Rng,
    fouls: Vec<(Stretch, f64)>,
    from: usize,
}

impl Weather {
    /// Of a meeting, on a way that takes so long at the least.
    pub fn new(script: &Script, way_us: f64, seed: u64) -> Weather {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut fouls, mut at_us) = (Vec::new(), 0.0);
        while at_us < script.duration_us {
            at_us += -random.f64().max(1e-9).ln() * FAIR_US;
            let until_us = at_us + between(&mut random, FOUL_US);
            fouls.push(((at_us, until_us), between(&mut random, QUEUE_US)));
            at_us = until_us;
        }
        Weather { way_us, random, fouls, from: 0 }
    }

    /// When something that is sent then comes to the node; `None` where it never does. Sent times grow.
    pub fn arrival_us(&mut self, sent_us: f64) -> Option<f64> {
        let arrival_us = sent_us + self.way_us + self.queue_us(sent_us) + self.jitter_us();
        if self.random.f64() >= LOST {
            return Some(arrival_us);
        }
        let repaired = self.random.f64() < REPAIRED;
        repaired.then(|| arrival_us + between(&mut self.random, REPAIR_US))
    }

    fn jitter_us(&mut self) -> f64 {
        -self.random.f64().max(1e-9).ln() * JITTER_US
    }

    /// Queues fill up and are emptied again.
    fn queue_us(&mut self, at_us: f64) -> f64 {
        while self.fouls.get(self.from).is_some_and(|((_, until_us), _)| *until_us < at_us) {
            self.from += 1;
        }
        match self.fouls.get(self.from) {
            Some(((from_us, until_us), most_us)) if *from_us <= at_us => {
                let place = (at_us - from_us) / (until_us - from_us);
                most_us * (1.0 - (2.0 * place - 1.0).abs())
            }
            _ => 0.0,
        }
    }
}

fn between(random: &mut fastrand::Rng, (least, most): (f64, f64)) -> f64 {
    least + random.f64() * (most - least)
}
