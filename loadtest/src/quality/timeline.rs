//! Rates and times that scenarios are made of and judged by.

use lectern_wire::Bitrate;
use std::time::Duration;

/// The link of most scenarios.
pub const LINK: Bitrate = Bitrate::kbps(5_000);
/// What is left of it when it is bad.
pub const NARROW: Bitrate = Bitrate::kbps(800);
/// When the rate falls, and when it returns, in seconds after the beginning.
pub const DROP_S: (f64, f64) = (2.0, 14.0);
/// When slides change at a narrow link, in seconds after the beginning.
pub const SLIDES_S: [f64; 3] = [8.0, 12.0, 16.0];
/// When everything is lost: the first time, how long, and from one time to the next, in seconds.
pub const OUTAGES_S: (f64, f64, f64) = (2.0, 0.3, 5.0);
/// How long after one talker the next one begins.
pub const TURN: Duration = Duration::from_secs(1);
