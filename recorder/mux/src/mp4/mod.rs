//! MP4 files (ISO/IEC 14496-12): one track in fragments, and a whole film.

mod boxes;
mod entry;
pub mod film;
mod fragmented;
mod index;

pub use film::Film;
pub use fragmented::Fragmented;
