//! Words of slides: each long enough to be misread, and none twice.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Words on a slide.
const WORDS_OF_SLIDE: usize = 56;

const WORDS: &str = "\
    agenda market policy winter garden bridge silver marble copper timber engine rocket planet \
    orbit signal carbon budget profit margin invoice ledger client vendor supply demand growth \
    quarter annual target result review design layout colour pattern texture canvas pencil \
    mirror window corner ceiling balcony kitchen bottle harbor island valley forest desert \
    canyon meadow river summit glacier thunder breeze sunrise shadow doctor teacher farmer \
    pilot driver painter writer singer dancer baker butcher tailor sailor soldier letter \
    number symbol phrase chapter volume author reader editor library archive museum gallery \
    theater camera screen button socket cable router server browser network packet buffer \
    memory sensor battery apple cherry lemon orange banana tomato potato carrot onion pepper \
    butter cheese coffee sugar honey monday tuesday friday january march april august october \
    history science physics biology algebra travel ticket station airport luggage passport \
    hotel temple castle tower palace village simple modern ancient narrow gentle silent bright \
    golden purple yellow frozen broken hidden public carry follow gather listen wonder \
    remember consider discover improve measure prepare deliver protect";

/// The words of a slide; the same number gives the same words, another one others.
pub fn slide(number: u64) -> Vec<&'static str> {
    let mut words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut random = StdRng::seed_from_u64(number);
    for taken in 0..WORDS_OF_SLIDE {
        let other = random.random_range(taken..words.len());
        words.swap(taken, other);
    }
    words.truncate(WORDS_OF_SLIDE);
    words
}

/// How many of a slide's words stand in a text, 0 to 1.
pub fn share_in(words: &[String], text: &str) -> f64 {
    let letters = |word: &str| {
        let letters = word.chars().filter(|letter| letter.is_alphabetic());
        letters.flat_map(char::to_lowercase).collect::<String>()
    };
    let read: std::collections::HashSet<String> = text.split_whitespace().map(letters).collect();
    let right = words.iter().filter(|word| read.contains(word.as_str())).count();
    right as f64 / words.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slides_differ_and_are_told_apart() {
        let [one, two] =
            [1, 2].map(|number| slide(number).into_iter().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(one.len(), WORDS_OF_SLIDE);
        assert_eq!(share_in(&one, &one.join(" ").to_uppercase()), 1.0);
        assert!(share_in(&two, &one.join(" ")) < 0.6);
        assert_eq!(share_in(&one, ""), 0.0);
    }
}
