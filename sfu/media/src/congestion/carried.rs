//! An estimate that another node goes on with, so that a picture is as sharp after a move as before.

use super::units::{bitrate, bps};
use super::{Config, Estimator, Prober, Rate};
use lectern_wire::Bitrate;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// How far transport-wide numbers jump when a path is restored: beyond all that [`super::history`]
/// could take for its own, and beyond what was sent since the last snapshot. Far below 2^15, as a
/// receiver takes a larger jump for one back, and then tells of the former node's packets for ever.
const NUMBER_JUMP: u16 = 8_192;

/// What is known of a path.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Carried {
    /// The transport-wide number of the next packet.
    pub next: u16,
    /// The estimate, in bits a second, before REMB.
    pub estimate_bps: u64,
    /// The client's own estimate, in bits a second (REMB), where it has told one.
    pub remb_bps: Option<u64>,
    /// The round trip in microseconds, where it is known.
    pub round_trip_us: Option<u64>,
}

impl Estimator {
    /// What another node goes on with.
    pub fn carried(&self) -> Carried {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Carried {
            next: self.history.next(),
            estimate_bps: bitrate(self.rate.bps()).as_bps(),
            remb_bps: self.remb.map(|limit| bitrate(limit).as_bps()),
            round_trip_us: self.round_trip().map(micros),
        }
    }

    /// Goes on where another node stopped. The path is not taken for one that nobody knows: it is not
    /// probed as at a start. Of `config` the limits and the seed are used.
    pub fn resume(now: Instant, config: Config, carried: Carried) -> Estimator {
        let sequence = carried.next.wrapping_add(NUMBER_JUMP);
        let start = Bitrate::bps(carried.estimate_bps);
        let mut estimator = Estimator::new(now, Config { sequence, start, ..config });
        let known = estimator.rate.bps();
        estimator.rate = Rate::resumed(known);
        estimator.prober = Prober::resumed(known);
        estimator.look_until = 0;
        estimator.remb = carried.remb_bps.map(|limit| bps(Bitrate::bps(limit)));
        if let Some(round_trip) = carried.round_trip_us {
            estimator.handle_round_trip(now, Duration::from_micros(round_trip));
        }
        estimator
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::Answer;
    use super::*;
    use crate::congestion::Sent;
    use crate::limits::SENT_PACKETS;
    use lectern_wire::DataSize;

    fn config(seed: u64) -> Config {
        let (least, start, most) = (Bitrate::kbps(60), Bitrate::kbps(3_000), Bitrate::kbps(8_000));
        Config { least, start, most, sequence: 65_000, seed }
    }

    #[test]
    fn an_estimate_goes_on_at_another_node() {
        let began = Instant::now();
        let mut former = Estimator::new(began, config(5));
        former.rate = Rate::new(1_250_000.0);
        former.handle_round_trip(began, Duration::from_millis(80));
        let last = (0..1_000).map(|_| former.sent(began, DataSize::bytes(100), Sent::Media)).last();
        let last = last.expect("a thousand");
        let mut next = Estimator::resume(began, config(7), former.carried());
        assert_eq!(next.target(), Bitrate::kbps(1_250));
        assert_eq!(next.round_trip(), Some(Duration::from_millis(80)));
        assert_eq!(next.probe(), None, "no probe as at a start");
        let first = next.sent(began, DataSize::bytes(100), Sent::Media);
        let ahead = first.wrapping_sub(last);
        assert!((SENT_PACKETS as u16..1 << 15).contains(&ahead), "numbers jump by {ahead}");
        assert_eq!(next.history.acknowledge(last), Answer::Unknown);
    }

    #[test]
    fn a_state_without_sense_stays_within_the_limits() {
        let began = Instant::now();
        let carried = Carried {
            next: u16::MAX,
            estimate_bps: u64::MAX,
            remb_bps: Some(0),
            round_trip_us: Some(u64::MAX),
        };
        let (config, resumed) = (config(1), Estimator::resume(began, config(1), carried));
        assert_eq!(resumed.target(), config.least, "the client said zero");
        assert!(resumed.rate.bps() <= bps(config.most));
        assert!(resumed.round_trip().is_some_and(|time| time <= Duration::from_secs(5)));
    }
}
