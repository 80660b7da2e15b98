//! The name under which a file is kept, from a title that somebody typed (RFC 6266, RFC 8187).

use axum::http::HeaderValue;
use lectern_control::recording::{File, FileKind};

/// The longest name without its ending, in bytes: file systems take 255 for all of it.
const MAX_STEM_BYTES: usize = 150;
/// What a name is where nothing is left of the title.
const NAMELESS: &str = "recording";
/// Names that mean devices on Windows, whatever their ending.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "com", "lpt"];

/// Whether a file is shown or kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Played or looked at.
    Show,
    /// Kept.
    Keep,
}

/// `Content-Disposition` of a file.
pub fn header(purpose: Purpose, title: &str, file: &File) -> HeaderValue {
    let kind = match purpose {
        Purpose::Show => "inline",
        Purpose::Keep => "attachment",
    };
    let name = name(title, file);
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let encoded = encode(&name);
    let value = format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("attachment"))
}

/// A name that is one on every system, and that none takes for a way to another folder.
fn name(title: &str, file: &File) -> String {
    let (inner, ending) = file.name.rsplit_once('.').unwrap_or((&file.name, ""));
    let stem = stem(title);
    let stem = match file.kind {
        FileKind::Composed { .. } => stem,
        FileKind::Thumbnail { .. } | FileKind::Track { .. } => format!("{stem} {}", clean(inner)),
    };
    let ending: String = ending.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    if ending.is_empty() { stem } else { format!("{stem}.{ending}") }
}

fn stem(title: &str) -> String {
    let mut stem = clean(title);
    while stem.len() > MAX_STEM_BYTES {
        stem.pop();
    }
    // Dots and spaces at an end are hidden or dropped, here or there.
    let stem = stem.trim_matches(|c: char| c == '.' || c == ' ');
    let first = stem.split(['.', ' ']).next().unwrap_or_default().to_lowercase();
    let is_device = DEVICES.iter().any(|device| {
        let rest = first.strip_prefix(device);
        rest.is_some_and(|rest| rest.len() <= 1 && rest.chars().all(|c| c.is_ascii_digit()))
    });
    match stem {
        "" => NAMELESS.to_owned(),
        _ if is_device => format!("{NAMELESS} {stem}"),
        _ => stem.to_owned(),
    }
}

/// Without what means something to a system, or shows a name other than it is.
fn clean(text: &str) -> String {
    let kept = |c: char| {
        let means = matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '%');
        if means || c.is_control() { ' ' } else { c }
    };
    let text: String =
        text.chars().map(kept).filter(|c| !super::super::name::deceives(*c)).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What may stand between quotes as it is (RFC 9110 section 5.6.4), and means nothing there.
fn is_plain(c: char) -> bool {
    c == ' ' || (c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%'))
}

/// Percent-encoding of all but `attr-char` (RFC 8187 section 3.2.1).
fn encode(name: &str) -> String {
    let mut encoded = String::new();
    for byte in name.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte);
        match plain {
            true => encoded.push(char::from(byte)),
            false => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use lectern_control::{JobId, ParticipantId, TrackId};
    use proptest::prelude::*;

    fn film(name: &str) -> File {
        File {
            name: name.to_owned(),
            kind: FileKind::Composed { job: JobId(1) },
            content_type: "video/mp4".to_owned(),
            bytes: 1,
            duration_ms: 1,
            width: 1,
            height: 1,
        }
    }

    fn kept(title: &str) -> String {
        let value = header(Purpose::Keep, title, &film("film-JB_1.mp4"));
        value.to_str().expect("ASCII").to_owned()
    }

    #[test]
    fn a_title_becomes_a_name_that_every_system_takes() {
        assert_eq!(
            kept("Weekly — Überblick"),
            "attachment; filename=\"Weekly _ _berblick.mp4\"; \
             filename*=UTF-8''Weekly%20%E2%80%94%20%C3%9Cberblick.mp4"
        );
        for (title, plain) in [
            ("../../etc/passwd", "etc passwd.mp4"),
            ("C:\\autoexec.bat", "C autoexec.bat.mp4"),
            ("a\"; filename=\"b", "a ; filename= b.mp4"),
            ("a\r\nSet-Cookie: b", "a Set-Cookie b.mp4"),
            ("\u{202e}gpj.exe", "gpj.exe.mp4"),
            ("  ...  ", "recording.mp4"),
            ("", "recording.mp4"),
            ("NUL", "recording NUL.mp4"),
            ("com1.x", "recording com1.x.mp4"),
            ("Company", "Company.mp4"),
        ] {
            let value = kept(title);
            assert!(value.contains(&format!("filename=\"{plain}\";")), "{title:?}: {value}");
        }
    }

    #[test]
    fn tracks_and_pictures_say_which() {
        let mut file = film("track-TR_9-0.webm");
        file.kind =
            FileKind::Track { track: TrackId(9), participant: ParticipantId(1), offset_ms: 0 };
        let value = header(Purpose::Show, "Weekly", &file);
        let value = value.to_str().expect("ASCII");
        assert!(value.starts_with("inline; filename=\"Weekly track-TR_9-0.webm\";"), "{value}");
    }

    proptest! {
        #[test]
        fn whatever_the_title_the_header_is_one_and_the_name_has_no_way_out(
            title in any::<String>(), name in any::<String>(),
        ) {
            let value = header(Purpose::Keep, &title, &film(&name));
            let value = value.to_str().expect("ASCII").to_owned();
            let plain = value.strip_prefix("attachment; filename=\"").expect("a name");
            let (plain, encoded) = plain.split_once("\"; filename*=UTF-8''").expect("two names");
            prop_assert!(!plain.contains(['/', '\\', '"', '\r', '\n']) && !plain.starts_with('.'));
            prop_assert!(!encoded.contains([' ', ';', '"', '/', '\'']));
            prop_assert!(!plain.is_empty() && plain.len() <= 255);
        }
    }
}
