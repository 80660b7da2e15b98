//! Drawing: a canvas in planar YUV 4:2:0, pictures put on it, and what is painted over them.

mod canvas;
mod colour;
mod layer;
mod text;
mod tile;

pub use canvas::{Canvas, Rect};
pub use colour::Colour;
pub use text::cleaned;
pub use tile::{Artist, BACKGROUND, Card, Corners, Look, Speaking, TILE};

#[cfg(test)]
mod tests;
