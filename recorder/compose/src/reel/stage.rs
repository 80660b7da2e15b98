//! The canvas as the film goes on: only what changes is drawn again.

use crate::decode::{self, Faults, Fit, Shape, Studio};
use crate::draw::{Artist, BACKGROUND, Canvas, Card, Colour, Look, Rect, TILE};
use crate::error::Error;
use crate::scene::{Scene, Shown, Tile};
use lectern_control::TrackId;
use lectern_mux::Size;
use std::rc::Rc;

/// A camera that gives no picture for so long shows a name instead: its owner is away, not frozen. A
/// shared screen may stand still for hours.
const FROZEN_US: i64 = 4_000_000;
/// A decoder whose track is not shown is kept so long: speakers come and go.
const KEEP_US: i64 = 30_000_000;
/// Decoders that are kept so at once, each with some 60 MB.
const MAX_KEPT: usize = 6;
/// Looks that are remembered: a name in a place, speaking or not.
const MAX_LOOKS: usize = 48;

/// Draws scenes.
pub struct Stage<'a> {
    studio: Studio<'a>,
    artist: Artist,
    canvas: Canvas,
    seats: Vec<Seat>,
    open: Vec<Open<'a>>,
    looks: Vec<(Card, Size, Rc<Look>)>,
}

/// A tile, and what is drawn of it.
struct Seat {
    tile: Tile,
    look: Option<Rc<Look>>,
    drawn: Option<Drawn>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Drawn {
    Card,
    Picture { number: u64 },
}

struct Open<'a> {
    track: TrackId,
    shape: Shape,
    used_us: i64,
    pictures: decode::Pictures<'a>,
}

impl<'a> Stage<'a> {
    /// An empty stage.
    pub fn new(studio: Studio<'a>, size: Size) -> Stage<'a> {
        let canvas = Canvas::new(size, Colour::of(BACKGROUND));
        let (artist, looks) = (Artist::new(), Vec::new());
        Stage { studio, artist, canvas, seats: Vec::new(), open: Vec::new(), looks }
    }

    /// Whether names, or letters of them, were left out.
    pub fn lacks_fonts(&self) -> bool {
        self.artist.lacks_fonts()
    }

    /// What is seen.
    pub fn canvas(&self) -> &Canvas {
        &self.canvas
    }

    /// Sets a scene up. What stays as it was is not drawn again.
    pub fn set(&mut self, scene: &Scene) {
        let same = self.seats.iter().map(|seat| seat.tile.place);
        if !same.eq(scene.tiles.iter().map(|tile| tile.place)) {
            self.canvas.fill(self.canvas.whole(), Colour::of(BACKGROUND));
            self.seats.clear();
        }
        let mut before = std::mem::take(&mut self.seats).into_iter();
        for tile in &scene.tiles {
            match before.next() {
                Some(seat) if seat.tile == *tile => self.seats.push(seat),
                _ => {
                    let look = tile.card.as_ref().map(|card| self.look(card, tile.place));
                    self.seats.push(Seat { tile: tile.clone(), look, drawn: None });
                }
            }
        }
    }

    /// Goes on to a moment; whether anything is to be seen that was not before.
    pub fn advance(&mut self, at_us: i64, faults: &mut Faults) -> Result<bool, Error> {
        let mut changed = false;
        for index in 0..self.seats.len() {
            let Some(seat) = self.seats.get(index) else { break };
            let shown = seat.tile.shown.filter(|shown| !faults.given_up(shown.track));
            let place = seat.tile.place;
            let open = match shown {
                Some(shown) => Some(self.opened(shown, place, at_us)?),
                None => None,
            };
            let mut picture = None;
            if let (Some(open), Some(shown)) = (open, shown) {
                let open = self.open.get_mut(open);
                if let Some(open) = open {
                    open.used_us = at_us;
                    open.pictures.advance(at_us, faults)?;
                    picture = open
                        .pictures
                        .shown()
                        .filter(|picture| is_fit_to_see(picture.at_us, at_us, shown));
                }
            }
            let draw = picture.map_or(Drawn::Card, |it| Drawn::Picture { number: it.number });
            let Some(seat) = self.seats.get_mut(index) else { break };
            if seat.drawn != Some(draw) {
                seat.drawn = Some(draw);
                changed = true;
                let picture = picture.map(|picture| &picture.data[..]);
                seat.draw(&mut self.canvas, picture);
            }
        }
        self.close_unused(at_us);
        Ok(changed)
    }

    /// The index of a decoder.
    fn opened(&mut self, shown: Shown, place: Rect, at_us: i64) -> Result<usize, Error> {
        let Shown { track, fit, .. } = shown;
        let shape = Shape { width: place.width, height: place.height, fit };
        let is_it = |open: &Open<'_>| open.track == track && open.shape == shape;
        if let Some(index) = self.open.iter().position(is_it) {
            return Ok(index);
        }
        let around = if fit == Fit::Screen { BACKGROUND } else { TILE };
        let pictures = decode::Pictures::open(self.studio, track, at_us, shape, around)?;
        self.open.push(Open { track, shape, used_us: at_us, pictures });
        Ok(self.open.len() - 1)
    }

    /// Closes decoders that were not used for long, the longest unused first.
    fn close_unused(&mut self, at_us: i64) {
        self.open.retain(|open| at_us.saturating_sub(open.used_us) <= KEEP_US);
        let mut unused: Vec<i64> =
            self.open.iter().map(|open| open.used_us).filter(|used_us| *used_us < at_us).collect();
        if unused.len() > MAX_KEPT {
            unused.sort();
            let oldest = unused.get(unused.len() - MAX_KEPT - 1).copied().unwrap_or(i64::MIN);
            self.open.retain(|open| open.used_us > oldest);
        }
    }

    fn look(&mut self, card: &Card, place: Rect) -> Rc<Look> {
        let size = Size { width: place.width, height: place.height };
        let known = self.looks.iter().position(|(known, at, _)| known == card && *at == size);
        if let Some(index) = known {
            // The last used are at the end.
            let known = self.looks.remove(index);
            let look = Rc::clone(&known.2);
            self.looks.push(known);
            return look;
        }
        if self.looks.len() == MAX_LOOKS {
            self.looks.remove(0);
        }
        let look = Rc::new(self.artist.look(card, place));
        self.looks.push((card.clone(), size, Rc::clone(&look)));
        look
    }
}

impl Seat {
    fn draw(&self, canvas: &mut Canvas, picture: Option<&[u8]>) {
        let place = self.tile.place;
        match (&self.look, picture) {
            (Some(look), picture) => look.draw(canvas, place, picture),
            (None, Some(picture)) => canvas.put(place, picture),
            (None, None) => canvas.fill(place, Colour::of(BACKGROUND)),
        }
    }
}

fn is_fit_to_see(taken_us: i64, at_us: i64, shown: Shown) -> bool {
    let frozen = shown.fit == Fit::Camera && at_us.saturating_sub(taken_us) > FROZEN_US;
    taken_us > shown.hidden_until_us && !frozen
}
