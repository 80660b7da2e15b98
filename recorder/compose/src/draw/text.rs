//! Names, as letters. They come from strangers: whatever is in them, they stay in their place.

use crate::draw::colour::Rgb;
use cosmic_text::{
    Attrs, Buffer, Color, Ellipsize, EllipsizeHeightLimit, Family, FontSystem, Metrics, Shaping,
    SwashCache, Weight, Wrap, fontdb,
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Writes single lines of text with the system's fonts.
pub struct Writer {
    fonts: FontSystem,
    cache: SwashCache,
    lacks_letters: bool,
}

/// A line that was written: pixels that it covers.
#[derive(Debug, Clone, Default)]
pub struct Line {
    /// From the left edge to the right edge of the letters.
    pub width: u32,
    /// The height of a line of this size.
    pub height: u32,
    /// Pixels with colour and opacity, from the upper left corner; none lies outside.
    pub dots: Vec<(i32, i32, Rgb, f32)>,
}

/// Letters of a name that are looked at: more than fit on any tile, and few enough to be shaped in no
/// time.
const MAX_LETTERS: usize = 96;
/// Marks that stand on one letter; more of them only make towers.
const MAX_MARKS: usize = 4;
/// Preferred, in this order, where they are installed; any other is taken where none of them is.
const FAMILIES: &[&str] =
    &["Inter", "Noto Sans", "Open Sans", "Roboto", "DejaVu Sans", "Liberation Sans"];
const LINE_HEIGHT: f32 = 1.3;

impl Writer {
    /// Looks for the system's fonts; `None` where there are none.
    pub fn new() -> Option<Writer> {
        let mut fonts = fontdb::Database::new();
        fonts.load_system_fonts();
        if fonts.is_empty() {
            return None;
        }
        let has = |family: &&&str| {
            fonts.faces().any(|face| face.families.iter().any(|(name, _)| name == **family))
        };
        if let Some(family) = FAMILIES.iter().find(has) {
            fonts.set_sans_serif_family(*family);
        }
        // The locale chooses between shapes of the same character only.
        let fonts = FontSystem::new_with_locale_and_db("en-US".to_owned(), fonts);
        Some(Writer { fonts, cache: SwashCache::new(), lacks_letters: false })
    }

    /// Whether letters were left out, since no font has them.
    pub fn lacks_letters(&self) -> bool {
        self.lacks_letters
    }

    /// Writes one line, cut with an ellipsis where it is wider than `max_width`. Nothing where
    /// the text has nothing to show, or the font's tables make no sense.
    pub fn line(&mut self, text: &str, size: f32, colour: Rgb, max_width: u32) -> Line {
        let text = cleaned(text);
        let write = AssertUnwindSafe(|| self.write(&text, size, colour, max_width));
        catch_unwind(write).unwrap_or_default()
    }

    fn write(&mut self, text: &str, size: f32, [red, green, blue]: Rgb, max_width: u32) -> Line {
        let height = (size * LINE_HEIGHT).ceil();
        let mut buffer = Buffer::new(&mut self.fonts, Metrics::new(size, height));
        buffer.set_wrap(Wrap::None);
        buffer.set_ellipsize(Ellipsize::End(EllipsizeHeightLimit::Lines(1)));
        buffer.set_size(Some(max_width as f32), Some(height));
        let attrs = Attrs::new().family(Family::SansSerif).weight(Weight::MEDIUM);
        buffer.set_text(text, &attrs, Shaping::Advanced, Some(cosmic_text::Align::Left));
        buffer.shape_until_scroll(&mut self.fonts, false);
        let width = buffer.layout_runs().map(|run| run.line_w).fold(0.0, f32::max).ceil();
        let width = (width as u32).min(max_width);
        let mut line = Line { width, height: height as u32, dots: Vec::new() };
        let colour = Color::rgb(red, green, blue);
        for run in buffer.layout_runs() {
            // Glyph 0 is the empty box of a font that has no such letter.
            self.lacks_letters |= run.glyphs.iter().any(|glyph| glyph.glyph_id == 0);
            for glyph in run.glyphs.iter().filter(|glyph| glyph.glyph_id != 0) {
                let at = glyph.physical((0.0, run.line_y), 1.0);
                let (fonts, cache) = (&mut self.fonts, &mut self.cache);
                cache.with_pixels(fonts, at.cache_key, colour, |x, y, colour| {
                    line.put(at.x + x, at.y + y, colour);
                });
            }
        }
        if line.dots.is_empty() { Line::default() } else { line }
    }
}

impl Line {
    fn put(&mut self, x: i32, y: i32, colour: Color) {
        let inside = (0..self.width as i32).contains(&x) && (0..self.height as i32).contains(&y);
        if inside && colour.a() > 0 {
            let [red, green, blue, opacity] = colour.as_rgba();
            self.dots.push((x, y, [red, green, blue], f32::from(opacity) / 255.0));
        }
    }
}

/// A name on one line: without control characters and without marks that turn the direction of all
/// that follows.
pub fn cleaned(text: &str) -> String {
    let turns = |letter: char| matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut marks = 0;
    let mut clean = String::new();
    let letters = text.chars().filter(|letter| !turns(*letter));
    for letter in letters.take(MAX_LETTERS) {
        let letter = if letter.is_control() || letter.is_whitespace() { ' ' } else { letter };
        // Letters, digits and signs begin anew; combining marks are none of these.
        marks = if is_mark(letter) { marks + 1 } else { 0 };
        if marks <= MAX_MARKS && !(letter == ' ' && clean.ends_with(' ')) {
            clean.push(letter);
        }
    }
    clean.trim().to_owned()
}

/// The blocks of combining marks that can be piled up.
fn is_mark(letter: char) -> bool {
    matches!(
        letter,
        '\u{300}'..='\u{36f}'
            | '\u{483}'..='\u{489}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{fe20}'..='\u{fe2f}'
    )
}

/// The first letters of the first two words of a name.
pub fn initials(name: &str) -> String {
    let first = |word: &str| word.chars().find(|letter| letter.is_alphanumeric());
    let clean = cleaned(name);
    clean.split_whitespace().filter_map(first).take(2).flat_map(char::to_uppercase).collect()
}
