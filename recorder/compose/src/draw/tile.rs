//! A person's tile: what is painted over its picture, and what is drawn where there is none.

use crate::draw::canvas::{Canvas, Rect};
use crate::draw::colour::{Colour, Rgb};
use crate::draw::layer::{Layer, Overlay, Round};
use crate::draw::text::{Line, Writer, initials};

/// Between tiles.
pub const BACKGROUND: Rgb = [0x12, 0x14, 0x18];
/// Of a tile without a picture, and beside pictures that do not fill theirs.
pub const TILE: Rgb = [0x1f, 0x23, 0x2b];
const LABEL: Rgb = [0x0b, 0x0d, 0x10];
const LABEL_OPACITY: f32 = 0.66;
const TEXT: Rgb = [0xf4, 0xf5, 0xf7];
const SPEAKING: Rgb = [0x4c, 0xc3, 0x8a];
/// Behind initials; one for each person, so that they can be told apart.
const PEOPLE: [Rgb; 8] = [
    [0x3b, 0x5b, 0xa5],
    [0x7a, 0x4a, 0x9e],
    [0x2f, 0x7d, 0x6d],
    [0xa3, 0x4f, 0x45],
    [0x8a, 0x6d, 0x2b],
    [0x4b, 0x6b, 0x8f],
    [0x96, 0x45, 0x76],
    [0x4f, 0x7a, 0x3a],
];

/// Initials of one person alone would fill half of the canvas.
const MAX_AVATAR_RADIUS: f32 = 130.0;

/// Who a tile shows, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The name shown; may be empty.
    pub name: String,
    /// Chooses a colour.
    pub person: u64,
    /// It has an edge.
    pub speaking: Speaking,
    /// Whether the tile stands free or fills all of the canvas.
    pub corners: Corners,
}

/// Whether somebody speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Speaking {
    /// Nothing is heard.
    #[default]
    No,
    /// Something is heard.
    Yes,
}

/// The corners of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Corners {
    /// Nothing is beside it.
    Square,
    /// It stands among others.
    Round,
}

/// Draws tiles.
pub struct Artist {
    writer: Option<Writer>,
}

/// What a tile looks like, worked out once.
#[derive(Debug, Clone)]
pub struct Look {
    over_picture: Overlay,
    without_picture: Overlay,
}

impl Look {
    /// Draws a tile with a picture of just its size, or without one.
    pub fn draw(&self, canvas: &mut Canvas, place: Rect, picture: Option<&[u8]>) {
        match picture {
            Some(picture) => {
                canvas.put(place, picture);
                canvas.paint(place, &self.over_picture);
            }
            None => {
                canvas.fill(place, Colour::of(TILE));
                canvas.paint(place, &self.without_picture);
            }
        }
    }
}

impl Artist {
    /// With the system's fonts.
    pub fn new() -> Artist {
        Artist { writer: Writer::new() }
    }

    /// Whether names, or letters of them, were left out.
    pub fn lacks_fonts(&self) -> bool {
        self.writer.as_ref().is_none_or(Writer::lacks_letters)
    }

    /// Works out how a tile looks.
    pub fn look(&mut self, card: &Card, place: Rect) -> Look {
        let mut over = Layer::new(place.width, place.height);
        let mut without = over.clone();
        self.avatar(&mut without, card, place);
        for layer in [&mut over, &mut without] {
            self.label(layer, card, place);
            edge(layer, card, place);
        }
        Look { over_picture: over.overlay(), without_picture: without.overlay() }
    }

    /// A disc with initials, in the middle.
    fn avatar(&mut self, layer: &mut Layer, card: &Card, place: Rect) {
        let (width, height) = (place.width as f32, place.height as f32);
        let radius = (width.min(height) * 0.26).min(MAX_AVATAR_RADIUS).round();
        let disc = Round {
            x: width / 2.0 - radius,
            y: height / 2.0 - radius,
            width: 2.0 * radius,
            height: 2.0 * radius,
            radius,
        };
        let colour = PEOPLE[card.person as usize % PEOPLE.len()];
        layer.fill(disc, colour, 1.0);
        let line = self.line(&initials(&card.name), radius * 0.82, 2 * radius as u32);
        if line.width == 0 {
            somebody(layer, disc);
        }
        let x = (width / 2.0 - line.width as f32 / 2.0).round() as i32;
        let y = (height / 2.0 - line.height as f32 / 2.0).round() as i32;
        put(layer, &line, x, y);
    }

    /// The name, in the lower left corner.
    fn label(&mut self, layer: &mut Layer, card: &Card, place: Rect) {
        let size = (place.height as f32 * 0.075).clamp(15.0, 30.0).round();
        let (beside, margin) = ((size * 0.55).round(), (size * 0.6).round());
        let room = place.width as f32 - 2.0 * (beside + margin);
        if room < size {
            return;
        }
        let line = self.line(&card.name, size, room as u32);
        if line.width == 0 {
            return;
        }
        let (width, height) = (line.width as f32 + 2.0 * beside, line.height as f32 + 6.0);
        let y = place.height as f32 - margin - height;
        let pill = Round { x: margin, y, width, height, radius: (height * 0.3).round() };
        layer.fill(pill, LABEL, LABEL_OPACITY);
        put(layer, &line, (margin + beside) as i32, y as i32 + 3);
    }

    fn line(&mut self, text: &str, size: f32, max_width: u32) -> Line {
        let writer = self.writer.as_mut().filter(|_| !text.is_empty());
        writer.map(|writer| writer.line(text, size, TEXT, max_width)).unwrap_or_default()
    }
}

/// Head and shoulders of somebody without initials.
fn somebody(layer: &mut Layer, disc: Round) {
    let part = |left: f32, top: f32, width: f32, height: f32| Round {
        x: disc.x + disc.width * left,
        y: disc.y + disc.height * top,
        width: disc.width * width,
        height: disc.height * height,
        radius: disc.width * width.min(height) / 2.0,
    };
    for shape in [part(0.36, 0.2, 0.28, 0.28), part(0.24, 0.54, 0.52, 0.26)] {
        layer.fill(shape, TEXT, 0.9);
    }
}

fn put(layer: &mut Layer, line: &Line, x: i32, y: i32) {
    for (dx, dy, colour, opacity) in &line.dots {
        layer.dot(x + dx, y + dy, *colour, *opacity);
    }
}

/// Round corners, and a frame around who speaks.
fn edge(layer: &mut Layer, card: &Card, place: Rect) {
    let (width, height) = (place.width as f32, place.height as f32);
    let radius =
        if card.corners == Corners::Round { (height * 0.045).clamp(8.0, 20.0) } else { 0.0 };
    let whole = Round { x: 0.0, y: 0.0, width, height, radius };
    if card.speaking == Speaking::Yes {
        let frame = (height * 0.015).clamp(3.0, 6.0).round();
        layer.fill_between(whole, whole.shrunk(frame), SPEAKING);
    }
    if card.corners == Corners::Round {
        layer.fill_around(whole, BACKGROUND);
    }
}
