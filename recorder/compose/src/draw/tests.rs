//! Colours, shapes and names.

use super::canvas::{Canvas, Rect};
use super::colour::Colour;
use super::layer::{Layer, Round};
use super::text::{Writer, cleaned, initials};
use super::tile::{Artist, Card, Corners, Speaking};
use lectern_mux::Size;

const SIZE: Size = Size { width: 16, height: 8 };

#[test]
fn colours_are_those_of_television() {
    let is = |rgb, (y, u, v)| assert_eq!(Colour::of(rgb), Colour { y, u, v });
    is([0, 0, 0], (16, 128, 128));
    is([255, 255, 255], (235, 128, 128));
    is([255, 0, 0], (82, 90, 240));
}

#[test]
fn a_picture_goes_to_its_place_and_nowhere_else() {
    let mut canvas = Canvas::new(SIZE, Colour { y: 1, u: 2, v: 3 });
    let place = Rect { x: 4, y: 2, width: 4, height: 2 };
    canvas.put(place, &[9, 9, 9, 9, 9, 9, 9, 9, 8, 8, 7, 7]);
    let count = |value| canvas.data().iter().filter(|byte| **byte == value).count();
    assert_eq!((count(9), count(8), count(7)), (8, 2, 2));
    assert_eq!(canvas.data()[2 * 16 + 4..][..4], [9; 4]);
    assert_eq!(canvas.data()[16 * 8 + 8 + 2..][..2], [8; 2]);
}

#[test]
fn what_does_not_fit_is_cut() {
    let mut canvas = Canvas::new(SIZE, Colour { y: 1, u: 2, v: 3 });
    let beyond = Rect { x: 12, y: 6, width: 8, height: 8 };
    canvas.put(beyond, &[9; 96]);
    canvas.fill(beyond, Colour { y: 5, u: 5, v: 5 });
    canvas.put(beyond, &[9; 5]);
    let mut layer = Layer::new(8, 8);
    layer.fill(Round { x: 0.0, y: 0.0, width: 8.0, height: 8.0, radius: 0.0 }, [255; 3], 1.0);
    canvas.paint(beyond, &layer.overlay());
    assert_eq!(canvas.data().len(), 16 * 8 * 3 / 2);
    assert_eq!(canvas.data()[7 * 16..][..12], [1; 12]);
}

#[test]
fn a_layer_changes_only_what_is_drawn_on_it() {
    let mut layer = Layer::new(8, 8);
    layer.fill(Round { x: 2.0, y: 2.0, width: 4.0, height: 4.0, radius: 0.0 }, [255; 3], 0.5);
    let overlay = layer.overlay();
    assert_eq!((overlay.luma.len(), overlay.chroma.len()), (16, 4));
    let dot = overlay.luma[0];
    assert_eq!((dot.x, dot.y, dot.value), (2, 2, 235));
    assert!((127..=128).contains(&dot.alpha));
}

#[test]
fn names_are_made_harmless() {
    assert_eq!(cleaned("  Ada\n\u{7} Lovelace \u{202e}x"), "Ada Lovelace x");
    assert_eq!(cleaned(&"x".repeat(10_000)).chars().count(), 96);
    let tower = format!("e{}f", "\u{301}".repeat(50));
    assert_eq!(cleaned(&tower).chars().count(), 6);
    assert_eq!(cleaned("\u{200f}\u{0}\u{1b}[2J"), "\u{200f} [2J");
    for (name, letters) in [
        ("Ada Lovelace", "AL"),
        ("ada", "A"),
        ("Jean-Luc de la Tour", "JD"),
        ("ßeta", "SS"),
        ("(guest) 7", "G7"),
        ("\u{1f600}", ""),
        ("", ""),
    ] {
        assert_eq!(initials(name), letters, "{name}");
    }
}

#[test]
fn any_name_is_written_within_its_place() {
    let Some(mut writer) = Writer::new() else { return };
    fastrand::seed(3);
    let mut names: Vec<String> = [
        "Ada Lovelace",
        "محمد بن موسى الخوارزمي",
        "עדה and Ada לאבלייס",
        "李明",
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}\u{fe0f}",
        "a\u{300}\u{301}\u{302}\u{303}\u{304}\u{305}",
        "\u{feff}\u{200b}\u{ad}",
        "ﷺ﷽",
        "नमस्ते दुनिया",
        "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
    ]
    .map(str::to_owned)
    .to_vec();
    let any = |_| char::from_u32(fastrand::u32(..0x11_0000)).unwrap_or('?');
    names.extend((0..40).map(|_| (0..fastrand::usize(..60)).map(any).collect()));
    for name in names {
        for width in [1, 40, 300] {
            let line = writer.line(&name, 20.0, [255; 3], width);
            assert!(line.width <= width, "{name:?}");
            let inside = |dot: &(i32, i32, _, _)| {
                (0..line.width as i32).contains(&dot.0) && (0..line.height as i32).contains(&dot.1)
            };
            assert!(line.dots.iter().all(inside), "{name:?}");
        }
    }
    assert!(writer.line("Ada", 20.0, [255; 3], 300).dots.len() > 50);
}

#[test]
fn tiles_of_any_size_can_be_drawn() {
    let mut artist = Artist::new();
    for (width, height) in [(2, 2), (16, 10), (352, 198), (1_280, 720)] {
        for (speaking, corners) in
            [(Speaking::Yes, Corners::Square), (Speaking::No, Corners::Round)]
        {
            let card = Card { name: "Ada Lovelace".to_owned(), person: 3, speaking, corners };
            let size = Size { width, height };
            let place = Rect { x: 0, y: 0, width, height };
            let mut canvas = Canvas::new(size, Colour { y: 0, u: 0, v: 0 });
            let look = artist.look(&card, place);
            look.draw(&mut canvas, place, None);
            assert!(canvas.data().iter().all(|byte| *byte > 0));
            let picture = vec![77; canvas.data().len()];
            look.draw(&mut canvas, place, Some(&picture));
            let seen = canvas.data().iter().filter(|byte| **byte == 77).count();
            // Of a tile of some size, most is picture.
            assert!(width < 300 || seen * 10 > canvas.data().len() * 8, "{seen}");
        }
    }
}
