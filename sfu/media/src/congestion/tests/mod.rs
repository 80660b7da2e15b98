//! The estimator against links and receivers of every kind, over seeds, in virtual time. To see the
//! figures: `cargo test -p lectern-media --lib congestion -- --nocapture`.

mod cubic;
mod figures;
mod scenarios;
mod trust;
mod world;
