//! Names that people type, made safe to show to others.

use super::Problem;
use lectern_control::recording::MAX_TITLE_BYTES;

/// The longest name, in characters.
const MAX_NAME_CHARS: usize = 64;
/// The longest title of a recording, in characters.
const MAX_TITLE_CHARS: usize = 120;
/// The longest word to somebody, in characters.
const MAX_MESSAGE_CHARS: usize = 200;

/// Trims a name, joins its white space, and refuses what would deceive those who read it.
pub fn clean_name(field: &str, name: &str) -> Result<String, Problem> {
    let name = clean(field, name, MAX_NAME_CHARS)?;
    if name.is_empty() {
        return Err(Problem::invalid(format!("{field} must not be empty")));
    }
    Ok(name)
}

/// The same for a title, which may be longer.
pub fn clean_title(field: &str, title: &str) -> Result<String, Problem> {
    let title = clean(field, title, MAX_TITLE_CHARS)?;
    if title.is_empty() || title.len() > MAX_TITLE_BYTES {
        return Err(Problem::invalid(format!("{field} must have 1 to {MAX_TITLE_BYTES} bytes")));
    }
    Ok(title)
}

/// The same for a short message, which may be empty.
pub fn clean_message(field: &str, message: &str) -> Result<String, Problem> {
    clean(field, message, MAX_MESSAGE_CHARS)
}

fn clean(field: &str, text: &str, max_chars: usize) -> Result<String, Problem> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() > max_chars {
        return Err(Problem::invalid(format!("{field} has more than {max_chars} characters")));
    }
    if text.chars().any(deceives) {
        return Err(Problem::invalid(format!("{field} has characters that cannot be shown")));
    }
    Ok(text)
}

/// Control characters and overrides of the writing direction (Unicode TR 36 section 3.2).
pub fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_languages_pass() {
        for name in ["Ana", "李小龍", "עומר", "Zoë O'Brien-Ñúñez", "👩🏽‍💻 Dev", "a"]
        {
            assert_eq!(clean_name("name", name).expect("a name"), name);
        }
        assert_eq!(clean_name("name", "  A \t B  ").expect("a name"), "A B");
    }

    #[test]
    fn names_that_deceive_or_flood_are_refused() {
        let long = "x".repeat(MAX_NAME_CHARS + 1);
        for name in ["", "  ", "a\u{0}", "a\u{202e}b", "\u{feff}a", "\u{200b}", "a\u{7f}", &long] {
            assert!(clean_name("name", name).is_err(), "{name:?}");
        }
    }
}
