//! The controller.

pub mod coordination;
pub mod records;
