//! The controller: owns rooms under leases, places them on nodes, and moves them.

pub mod clock;
pub mod coordination;
pub mod placement;
pub mod records;
pub mod room;
