//! The film's picture.

use crate::draw::colour::Colour;
use crate::draw::layer::Overlay;
use lectern_mux::Size;

/// A place on the canvas; all numbers are even, so that it has colour samples of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rect {
    /// Pixels from the left.
    pub x: u32,
    /// Pixels from the top.
    pub y: u32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// A picture in planar YUV 4:2:0 that is drawn on.
#[derive(Debug, Clone)]
pub struct Canvas {
    size: Size,
    data: Vec<u8>,
}

/// One of the three planes.
struct Plane<'a> {
    data: &'a mut [u8],
    width: usize,
}

impl Plane<'_> {
    /// Part of a row; empty where it is not there.
    fn row(&mut self, x: usize, y: usize, len: usize) -> &mut [u8] {
        let start = y * self.width + x;
        let len = len.min(self.width.saturating_sub(x));
        self.data.get_mut(start..start + len).unwrap_or_default()
    }
}

impl Canvas {
    /// All of one colour. Sides are even.
    pub fn new(size: Size, colour: Colour) -> Canvas {
        let luma = size.width as usize * size.height as usize;
        let mut canvas = Canvas { size, data: vec![0; luma * 3 / 2] };
        canvas.fill(canvas.whole(), colour);
        canvas
    }

    /// All of it.
    pub fn whole(&self) -> Rect {
        Rect { x: 0, y: 0, width: self.size.width, height: self.size.height }
    }

    /// The planes, one after the other.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    fn planes(&mut self) -> [Plane<'_>; 3] {
        let width = self.size.width as usize;
        let (luma, chroma) = self.data.split_at_mut(width * self.size.height as usize);
        let (blue, red) = chroma.split_at_mut(chroma.len() / 2);
        [
            Plane { data: luma, width },
            Plane { data: blue, width: width / 2 },
            Plane { data: red, width: width / 2 },
        ]
    }

    /// Fills a place with a colour.
    pub fn fill(&mut self, place: Rect, colour: Colour) {
        for (mut plane, (half, value)) in
            self.planes().into_iter().zip([(1, colour.y), (2, colour.u), (2, colour.v)])
        {
            let part = place.divided(half);
            for row in 0..part.height {
                plane.row(part.x, part.y + row, part.width).fill(value);
            }
        }
    }

    /// Puts a picture of just the place's size, in planar YUV 4:2:0.
    pub fn put(&mut self, place: Rect, mut picture: &[u8]) {
        for (mut plane, half) in self.planes().into_iter().zip([1, 2, 2]) {
            let part = place.divided(half);
            for row in 0..part.height {
                let Some((from, rest)) = picture.split_at_checked(part.width) else { return };
                let to = plane.row(part.x, part.y + row, part.width);
                if let Some(from) = from.get(..to.len()) {
                    to.copy_from_slice(from);
                }
                picture = rest;
            }
        }
    }

    /// Paints over a place.
    pub fn paint(&mut self, place: Rect, overlay: &Overlay) {
        let [mut luma, mut blue, mut red] = self.planes();
        for dot in &overlay.luma {
            let (x, y) = (place.x as usize + dot.x as usize, place.y as usize + dot.y as usize);
            if let [value] = luma.row(x, y, 1) {
                *value = mixed(*value, dot.value, dot.alpha);
            }
        }
        for dot in &overlay.chroma {
            let x = place.x as usize / 2 + dot.x as usize;
            let y = place.y as usize / 2 + dot.y as usize;
            let [new_blue, new_red] = dot.value;
            if let ([blue], [red]) = (blue.row(x, y, 1), red.row(x, y, 1)) {
                *blue = mixed(*blue, new_blue, dot.alpha);
                *red = mixed(*red, new_red, dot.alpha);
            }
        }
    }
}

impl Rect {
    fn divided(self, by: usize) -> Part {
        Part {
            x: self.x as usize / by,
            y: self.y as usize / by,
            width: self.width as usize / by,
            height: self.height as usize / by,
        }
    }
}

struct Part {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
}

fn mixed(old: u8, new: u8, alpha: u8) -> u8 {
    let (old, new, alpha) = (u32::from(old), u32::from(new), u32::from(alpha));
    ((old * (255 - alpha) + new * alpha + 127) / 255) as u8
}
