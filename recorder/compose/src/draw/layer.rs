//! What is painted over a picture: shapes and text with soft edges, worked out once and kept as the
//! few pixels that it changes.

use crate::draw::colour::{Colour, Rgb};

/// A transparent sheet that is drawn on.
#[derive(Debug, Clone)]
pub struct Layer {
    width: usize,
    height: usize,
    /// Red, green, blue, already multiplied by the last, the opacity.
    pixels: Vec<[u8; 4]>,
}

/// A rectangle with round corners, in pixels of a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Round {
    /// From the left.
    pub x: f32,
    /// From the top.
    pub y: f32,
    /// To the right.
    pub width: f32,
    /// Downwards.
    pub height: f32,
    /// Of the corners.
    pub radius: f32,
}

/// The pixels that a layer changes.
#[derive(Debug, Clone, Default)]
pub struct Overlay {
    /// Of the luma plane.
    pub luma: Vec<Dot<u8>>,
    /// Of the two colour planes, which are half as wide and high.
    pub chroma: Vec<Dot<[u8; 2]>>,
}

/// One pixel of an overlay.
#[derive(Debug, Clone, Copy)]
pub struct Dot<T> {
    /// From the left.
    pub x: u16,
    /// From the top.
    pub y: u16,
    /// What it is mixed with.
    pub value: T,
    /// How much of that.
    pub alpha: u8,
}

impl Round {
    /// Shrunk on each side.
    pub fn shrunk(self, by: f32) -> Round {
        Round {
            x: self.x + by,
            y: self.y + by,
            width: self.width - 2.0 * by,
            height: self.height - 2.0 * by,
            radius: (self.radius - by).max(0.0),
        }
    }

    /// How much of a pixel is inside, from the distance of its middle to the edge.
    fn coverage(&self, x: usize, y: usize) -> f32 {
        let (half_width, half_height) = (self.width / 2.0, self.height / 2.0);
        let across = (x as f32 + 0.5 - self.x - half_width).abs() - half_width + self.radius;
        let down = (y as f32 + 0.5 - self.y - half_height).abs() - half_height + self.radius;
        let outside = across.max(0.0).hypot(down.max(0.0));
        let inside = across.max(down).min(0.0);
        (0.5 - (outside + inside - self.radius)).clamp(0.0, 1.0)
    }
}

impl Layer {
    /// Nothing is on it.
    pub fn new(width: u32, height: u32) -> Layer {
        let (width, height) = (width as usize, height as usize);
        Layer { width, height, pixels: vec![[0; 4]; width * height] }
    }

    /// Mixes a pixel over what is there; outside of the layer nothing happens.
    pub fn dot(&mut self, x: i32, y: i32, [red, green, blue]: Rgb, opacity: f32) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x >= self.width {
            return;
        }
        let Some(pixel) = self.pixels.get_mut(y * self.width + x) else { return };
        let new = [red, green, blue, u8::MAX];
        for (old, new) in pixel.iter_mut().zip(new) {
            let mixed = f32::from(*old) * (1.0 - opacity) + f32::from(new) * opacity;
            *old = mixed.round().clamp(0.0, 255.0) as u8;
        }
    }

    /// Fills a shape.
    pub fn fill(&mut self, shape: Round, colour: Rgb, opacity: f32) {
        self.each(|layer, x, y| {
            let covered = shape.coverage(x, y);
            if covered > 0.0 {
                layer.dot(x as i32, y as i32, colour, covered * opacity);
            }
        });
    }

    /// Fills what is in one shape and not in another.
    pub fn fill_between(&mut self, outer: Round, inner: Round, colour: Rgb) {
        self.each(|layer, x, y| {
            let covered = outer.coverage(x, y) * (1.0 - inner.coverage(x, y));
            if covered > 0.0 {
                layer.dot(x as i32, y as i32, colour, covered);
            }
        });
    }

    /// Fills all that is outside of a shape.
    pub fn fill_around(&mut self, shape: Round, colour: Rgb) {
        self.each(|layer, x, y| {
            let covered = 1.0 - shape.coverage(x, y);
            if covered > 0.0 {
                layer.dot(x as i32, y as i32, colour, covered);
            }
        });
    }

    fn each(&mut self, mut draw: impl FnMut(&mut Layer, usize, usize)) {
        for y in 0..self.height {
            for x in 0..self.width {
                draw(self, x, y);
            }
        }
    }

    fn pixel(&self, x: usize, y: usize) -> [u8; 4] {
        self.pixels.get(y * self.width + x).copied().unwrap_or_default()
    }

    /// What it changes.
    pub fn overlay(&self) -> Overlay {
        let mut overlay = Overlay::default();
        for y in 0..self.height {
            for x in 0..self.width {
                let [colour @ .., alpha] = self.pixel(x, y);
                if let Some(colour) = plain(colour.map(u32::from), u32::from(alpha)) {
                    let (x, y) = (x as u16, y as u16);
                    overlay.luma.push(Dot { x, y, value: Colour::of(colour).y, alpha });
                }
            }
        }
        for y in 0..self.height / 2 {
            for x in 0..self.width / 2 {
                let mut sum = [0_u32; 4];
                for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                    let pixel = self.pixel(2 * x + dx, 2 * y + dy);
                    for (sum, part) in sum.iter_mut().zip(pixel) {
                        *sum += u32::from(part);
                    }
                }
                let [colour @ .., alpha] = sum;
                if let Some(colour) = plain(colour, alpha) {
                    let Colour { u, v, .. } = Colour::of(colour);
                    let (x, y, alpha) = (x as u16, y as u16, (alpha / 4) as u8);
                    overlay.chroma.push(Dot { x, y, value: [u, v], alpha });
                }
            }
        }
        overlay
    }
}

/// A colour before it was multiplied by its opacity; none where there is nothing.
fn plain(colour: [u32; 3], alpha: u32) -> Option<Rgb> {
    (alpha > 0).then(|| colour.map(|part| ((part * 255 + alpha / 2) / alpha).min(255) as u8))
}
