//! Where tiles stand: plain arithmetic.

use crate::draw::Rect;
use lectern_control::recording::Layout;
use lectern_mux::Size;

/// How tiles stand to each other. Where one is larger, it is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// A shared screen, and a column of people to its right.
    Column,
    /// One tile fills the canvas.
    Alone,
    /// One large tile, and a column of others.
    Large,
    /// All of the same size.
    Even,
}

/// The largest shared screen that is shown pixel for pixel; larger ones are made smaller, and text on
/// them softer, but the film plays on any machine.
pub const SCREEN: Size = Size { width: 1_920, height: 1_080 };
/// Beside the screen, so that nothing of it is covered and none of it scaled: the canvas is as much
/// wider than 16:9. People are known by their faces at this width.
const COLUMN_WIDTH: u32 = 384;
/// Where no screen is shared in all of the film: cameras send hardly more.
const SMALL: Size = Size { width: 1_280, height: 720 };
/// People beside a screen or a speaker; more would be too small to be known.
const COLUMN_SEATS: usize = 5;
/// Tiles of the same size: sixteen decoders, and 300 × 170 pixels each.
const EVEN_SEATS: usize = 16;
/// Up to so many people nobody needs to be larger.
const FEW: usize = 6;
/// Between tiles and around them.
const GAP: u32 = 16;

/// The canvas of a film, which it keeps to its end. `screen` is the largest picture of a shared screen
/// in it, where there is one: the place of screens is 16:9, and no larger than that needs.
pub fn canvas_size(layout: Layout, screen: Option<Size>) -> Size {
    let Some(screen) = screen else { return SMALL };
    let width = screen.width.max(screen.height.saturating_mul(16).div_ceil(9));
    let width = even(width.clamp(SMALL.width, SCREEN.width));
    let place = Size { width, height: even(width * 9 / 16) };
    match layout {
        Layout::Beside => {
            let column = even(width * COLUMN_WIDTH / SCREEN.width);
            Size { width: place.width + column, ..place }
        }
        Layout::Screen | Layout::Speaker | Layout::Grid => place,
    }
}

impl Scheme {
    /// The scheme for a shared screen or none, and so many people.
    pub fn of(layout: Layout, screens: usize, people: usize) -> Scheme {
        match layout {
            Layout::Beside if screens > 0 => Scheme::Column,
            Layout::Beside if people <= FEW => Scheme::Even,
            Layout::Beside => Scheme::Large,
            Layout::Screen => Scheme::Alone,
            Layout::Speaker if screens + people <= 1 => Scheme::Alone,
            Layout::Speaker => Scheme::Large,
            Layout::Grid => Scheme::Even,
        }
    }

    /// Tiles that it has room for.
    pub fn seats(self) -> usize {
        match self {
            Scheme::Column | Scheme::Large => 1 + COLUMN_SEATS,
            Scheme::Alone => 1,
            Scheme::Even => EVEN_SEATS,
        }
    }

    /// The places of so many tiles, of which at most [`Scheme::seats`] have one.
    pub fn places(self, canvas: Size, tiles: usize) -> Vec<Rect> {
        let tiles = tiles.min(self.seats());
        let whole = Rect { x: 0, y: 0, width: canvas.width, height: canvas.height };
        match self {
            _ if tiles == 0 => Vec::new(),
            Scheme::Alone => vec![whole],
            Scheme::Column => {
                let width = even(canvas.width * SCREEN.width / (SCREEN.width + COLUMN_WIDTH));
                let screen = Rect { width, ..whole };
                let beside = Rect { x: width, width: canvas.width - width, ..whole };
                with_column(screen, beside, tiles - 1)
            }
            Scheme::Large => {
                let width = even(canvas.width / 5);
                let beside = Rect { x: canvas.width - width, width, ..whole };
                let room =
                    Rect { x: GAP, y: GAP, width: beside.x - GAP, height: whole.height - 2 * GAP };
                with_column(widescreen(room), beside, tiles - 1)
            }
            Scheme::Even => grid(canvas, tiles as u32),
        }
    }
}

/// One large tile, and others of the same size in a column, one below the other.
fn with_column(large: Rect, column: Rect, others: usize) -> Vec<Rect> {
    let seats = COLUMN_SEATS as u32;
    let highest = (column.height - (seats + 1) * GAP) / seats;
    let width = even((column.width - 2 * GAP).min(highest * 16 / 9));
    let height = even(width * 9 / 16);
    let x = column.x + even((column.width - width) / 2);
    let gap = even((column.height - seats * height) / (seats + 1));
    let others = others as u32;
    let used = others * (height + gap);
    let top =
        if large.height == column.height { gap } else { even((column.height + gap - used) / 2) };
    let tile = |index: u32| Rect { x, y: column.y + top + index * (height + gap), width, height };
    std::iter::once(large).chain((0..others).map(tile)).collect()
}

/// Rows of tiles of 16:9, as large as they can be; a last row that is not full stands in the middle.
fn grid(canvas: Size, tiles: u32) -> Vec<Rect> {
    let sized = |columns: u32| {
        let rows = tiles.div_ceil(columns);
        let room = |side: u32, count: u32| side.saturating_sub((count + 1) * GAP) / count;
        let width = room(canvas.width, columns).min(room(canvas.height, rows) * 16 / 9);
        (even(width), columns)
    };
    let best = (1..=tiles).map(sized).max_by_key(|(width, columns)| (*width, u32::MAX - columns));
    let Some((width, columns)) = best else { return Vec::new() };
    let (height, rows) = (even(width * 9 / 16), tiles.div_ceil(columns));
    let span = |count: u32, side: u32| count * side + (count - 1) * GAP;
    let top = even((canvas.height - span(rows, height)) / 2);
    let place = |index: u32| {
        let (row, column) = (index / columns, index % columns);
        let in_row = (tiles - row * columns).min(columns);
        let left = even((canvas.width - span(in_row, width)) / 2);
        let (x, y) = (left + column * (width + GAP), top + row * (height + GAP));
        Rect { x, y, width, height }
    };
    (0..tiles).map(place).collect()
}

/// The largest 16:9 in the middle of a room.
fn widescreen(room: Rect) -> Rect {
    let width = even(room.width.min(room.height * 16 / 9));
    let height = even(width * 9 / 16);
    Rect {
        x: room.x + even((room.width - width) / 2),
        y: room.y + even((room.height - height) / 2),
        width,
        height,
    }
}

fn even(number: u32) -> u32 {
    number & !1
}
