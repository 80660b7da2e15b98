//! Which part of a file is asked for (RFC 9110 section 14).

use std::ops::Range;

/// What a client gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// These bytes.
    Range(Range<u64>),
    /// There are no such bytes.
    Unsatisfiable,
}

/// The part of a file of `size` bytes that a `Range` header asks for. What is not understood, and more
/// than one part at once, is as if it had not been asked for.
pub fn part(header: Option<&str>, size: u64) -> Part {
    let Some(spec) = header.and_then(bytes_spec) else { return Part::Whole };
    let range = match spec {
        Spec::From(first) => first..size,
        Spec::Between(first, last) => first..last.saturating_add(1).min(size),
        Spec::Last(count) => size.saturating_sub(count)..size,
    };
    if range.is_empty() { Part::Unsatisfiable } else { Part::Range(range) }
}

enum Spec {
    From(u64),
    Between(u64, u64),
    Last(u64),
}

fn bytes_spec(header: &str) -> Option<Spec> {
    let (unit, range) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    match (first.trim(), last.trim()) {
        ("", last) => Some(Spec::Last(number(last)?)),
        (first, "") => Some(Spec::From(number(first)?)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Spec::Between(first, last))
        }
    }
}

/// Digits and nothing else; more of them than fit are as many as there can be.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_cut_as_the_rfc_says() {
        let range = |header: &str| part(Some(header), 1_000);
        for (header, wanted) in [
            ("bytes=0-499", 0..500),
            ("bytes=500-999", 500..1_000),
            ("bytes=500-9999", 500..1_000),
            ("bytes=999-", 999..1_000),
            ("bytes=-1", 999..1_000),
            ("bytes=-5000", 0..1_000),
            ("Bytes = 0 - 0", 0..1),
            ("bytes=0-99999999999999999999999", 0..1_000),
        ] {
            assert_eq!(range(header), Part::Range(wanted), "{header}");
        }
        for header in ["bytes=1000-", "bytes=5000-6000", "bytes=-0", "bytes=99999999999999999999-"]
        {
            assert_eq!(range(header), Part::Unsatisfiable, "{header}");
        }
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-4",
            "lines=0-5",
            "bytes=+1-2",
            "bytes=0-1,5-6",
            "bytes=0x1-2",
            "bytes=1-2-3",
        ] {
            assert_eq!(range(header), Part::Whole, "{header}");
        }
        assert_eq!(part(None, 1_000), Part::Whole);
        assert_eq!(part(Some("bytes=0-"), 0), Part::Unsatisfiable);
    }
}
