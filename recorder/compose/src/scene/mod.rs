//! What the film shows at each moment, known before anything is decoded: so a part of it can be made
//! without those before.

mod arrange;
mod chapters;
mod extent;
mod room;
mod speakers;
mod timeline;

pub use extent::extent;
pub use timeline::{Scene, Shown, Tile, Timeline, heard};

#[cfg(test)]
mod tests;
