//! What a participant may publish, beside whether it may publish at all.

use lectern_control::media::Source;

/// Sources by the names that tokens have for them.
const NAMES: [(&str, Source); 4] = [
    ("camera", Source::Camera),
    ("microphone", Source::Microphone),
    ("screen_share", Source::Screen),
    ("screen_share_audio", Source::ScreenAudio),
];
/// What a list of sources says of which none is known: it permits nothing, and is not empty.
const NONE: &str = "none";

/// What a participant may publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sources {
    /// Everything.
    All,
    /// These.
    Only(Vec<Source>),
}

impl Sources {
    /// What a list of names permits: everything where it is empty; a name we do not know, nothing.
    pub fn of_names(names: &[String]) -> Sources {
        if names.is_empty() {
            return Sources::All;
        }
        let of_name = |name: &String| {
            NAMES
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, source)| *source)
        };
        Sources::Only(names.iter().filter_map(of_name).collect())
    }

    /// The list of names that says the same.
    pub fn names(&self) -> Vec<String> {
        let Sources::Only(sources) = self else { return Vec::new() };
        let known = NAMES.iter().filter(|(_, source)| sources.contains(source));
        let mut names: Vec<String> = known.map(|(name, _)| (*name).to_owned()).collect();
        if names.is_empty() {
            names.push(NONE.to_owned());
        }
        names
    }

    /// Whether a source may be published.
    pub fn permit(&self, source: Source) -> bool {
        match self {
            Sources::All => true,
            Sources::Only(sources) => sources.contains(&source),
        }
    }
}
