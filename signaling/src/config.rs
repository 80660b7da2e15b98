//! What an edge is told.

use crate::origin::{InvalidOrigin, Origin, Origins};
use crate::session::SoundSlots;
use lectern_control::limits::MAX_SOUND_SLOTS;
use lectern_control::{EdgeId, Secret};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use thiserror::Error;

/// The shortest secret that is configured, in bytes: 256 bits (RFC 7518 section 3.2).
pub const MIN_SECRET_BYTES: usize = 32;

/// What an edge is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The edge's name in the cluster.
    pub name: String,
    /// Its region; a room begins near the edge that asks for it first.
    pub region: String,
    /// Where clients reach it, by HTTPS.
    pub listen: SocketAddr,
    /// What links begin with, such as `https://meet.example.org`; by default what the browser asked for.
    pub public_url: Option<String>,
    /// Where the development certificate lies, and the key that signs session tokens.
    pub data_dir: Option<PathBuf>,
    /// A PEM file with the certificate chain; without one, a certificate for development is made.
    pub certificate: Option<PathBuf>,
    /// The PEM file of its key.
    pub private_key: Option<PathBuf>,
    /// Integrators' keys and their secrets: tokens signed with them are let in.
    pub api_keys: BTreeMap<String, Secret<String>>,
    /// Pages that may use integrators' tokens in browsers, such as `https://app.example.org`; none means
    /// any. Programs that are no browsers are not asked, and our own page needs no entry.
    pub allowed_origins: Vec<String>,
    /// Signs session tokens, so that people who are in a meeting come back after a restart. Give all
    /// edges of a cluster the same one; without it each makes one of its own in its data folder.
    pub token_key: Option<Secret<String>>,
    /// Lets operators see nodes and move rooms.
    pub operator_key: Option<Secret<String>>,
    /// Links and keys a minute that one address may try, right ones not counted; as many wrong ones
    /// within a quarter of an hour, and all it shows is refused for as long. As many meetings a minute
    /// it may make. All clients behind a proxy share its address: raise it there.
    pub guesses_per_minute: u32,
    /// Connections to `/rtc` a minute that one address may open in the long run, and five times as
    /// many at once: an office comes back together after a cut. All clients behind a proxy share
    /// its address: raise it there. A fifth of it bounds the entries and the sessions that an address
    /// opens by links, with as many at once.
    pub connects_per_minute: u32,
    /// Connections that one address may have open, WebSockets among them: by default a room of the
    /// largest kind in one office, with what its pages load. All clients behind a proxy share its
    /// address: raise it there, to 20000 for no limit but that of all connections.
    pub connections_per_address: usize,
    /// Voices that our own page hears at once in a large room, 1 to 8: it gets so many streams that
    /// carry whoever is loudest, instead of one for each microphone. With 0 it gets one for each.
    pub sound_slots: usize,
    /// A room is large in which more voices than this are published by others. One that has been
    /// large for somebody stays so.
    pub sound_slots_above: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            name: "edge-1".to_owned(),
            region: "local".to_owned(),
            listen: SocketAddr::from(([0, 0, 0, 0], 8_443)),
            public_url: None,
            data_dir: None,
            certificate: None,
            private_key: None,
            api_keys: BTreeMap::new(),
            allowed_origins: Vec::new(),
            token_key: None,
            operator_key: None,
            guesses_per_minute: 60,
            connects_per_minute: 600,
            connections_per_address: 2_500,
            sound_slots: 3,
            sound_slots_above: 12,
        }
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum InvalidConfig {
    /// The name is not one.
    #[error("edge.name: {0}")]
    Name(#[from] lectern_control::id::InvalidId),
    /// A secret can be guessed.
    #[error("{0} must have at least {MIN_SECRET_BYTES} bytes")]
    ShortSecret(String),
    /// One without the other.
    #[error("edge.certificate and edge.private_key come together or not at all")]
    HalfCertificate,
    /// Links could not be built.
    #[error("edge.public_url must begin with https:// and have no path")]
    PublicUrl,
    /// No page could be that.
    #[error("edge.allowed_origins: {0:?} is none; {1}")]
    AllowedOrigin(String, InvalidOrigin),
    /// More voices than a node ranks.
    #[error("edge.sound_slots must be at most {MAX_SOUND_SLOTS}")]
    SoundSlots,
    /// Nobody could join.
    #[error("{0} must be at least 1")]
    Nothing(&'static str),
}

impl Config {
    /// Which pages may call.
    pub fn origins(&self) -> Origins {
        Origins::new(self.public_url.as_deref(), &self.allowed_origins)
    }

    /// How our own page hears large rooms.
    pub fn sound_slots(&self) -> SoundSlots {
        SoundSlots { count: self.sound_slots, above: self.sound_slots_above }
    }

    /// Checks what types cannot say, and gives the edge's name.
    pub fn check(&self) -> Result<EdgeId, InvalidConfig> {
        for (key, secret) in &self.api_keys {
            if secret.expose().len() < MIN_SECRET_BYTES {
                return Err(InvalidConfig::ShortSecret(format!(
                    "the secret of edge.api_keys.{key}"
                )));
            }
        }
        for (name, key) in
            [("edge.token_key", &self.token_key), ("edge.operator_key", &self.operator_key)]
        {
            if key.as_ref().is_some_and(|key| key.expose().len() < MIN_SECRET_BYTES) {
                return Err(InvalidConfig::ShortSecret(name.to_owned()));
            }
        }
        if self.certificate.is_some() != self.private_key.is_some() {
            return Err(InvalidConfig::HalfCertificate);
        }
        for (key, value) in [
            ("edge.guesses_per_minute", self.guesses_per_minute),
            ("edge.connects_per_minute", self.connects_per_minute),
        ] {
            if value == 0 {
                return Err(InvalidConfig::Nothing(key));
            }
        }
        if self.connections_per_address == 0 {
            return Err(InvalidConfig::Nothing("edge.connections_per_address"));
        }
        if self.sound_slots > MAX_SOUND_SLOTS {
            return Err(InvalidConfig::SoundSlots);
        }
        if let Some(url) = &self.public_url {
            let host = url.strip_prefix("https://").unwrap_or_default();
            if host.is_empty() || host.contains(['/', '#', '?', '@', ' ']) {
                return Err(InvalidConfig::PublicUrl);
            }
        }
        for origin in &self.allowed_origins {
            let wrong = |why| InvalidConfig::AllowedOrigin(origin.clone(), why);
            origin.parse::<Origin>().map_err(wrong)?;
        }
        Ok(self.name.parse()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_can_be_used() {
        assert!(Config::default().check().is_ok());
    }

    #[test]
    fn what_an_operator_gets_wrong_is_named() {
        let short = Secret::new("short".to_owned());
        let wrong = [
            Config { api_keys: [("key".to_owned(), short.clone())].into(), ..Config::default() },
            Config { operator_key: Some(short.clone()), ..Config::default() },
            Config { token_key: Some(short), ..Config::default() },
            Config { certificate: Some("c.pem".into()), ..Config::default() },
            Config { public_url: Some("http://a".to_owned()), ..Config::default() },
            Config { public_url: Some("https://a/b".to_owned()), ..Config::default() },
            Config { guesses_per_minute: 0, ..Config::default() },
            Config { connects_per_minute: 0, ..Config::default() },
            Config { connections_per_address: 0, ..Config::default() },
            Config { allowed_origins: vec!["https://a/b".to_owned()], ..Config::default() },
            Config { name: "Edge One".to_owned(), ..Config::default() },
        ];
        for config in wrong {
            assert!(config.check().is_err(), "{config:?}");
        }
    }
}
