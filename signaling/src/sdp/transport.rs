//! The client's side of the one transport that all sections share: ICE credentials, fingerprint,
//! DTLS role, candidates.

use super::Error;
use super::candidate::{self, Loopback};
use super::description::{Description, Section};
use data_encoding::HEXUPPER;
use lectern_control::Secret;
use lectern_control::limits::MAX_CANDIDATES_PER_PEER;
use lectern_control::transport::{Candidate, Fingerprint, IceCredentials};

/// Who begins the handshake, as a client writes it (RFC 5763 section 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setup {
    /// The other side chooses: in offers only.
    ActPass,
    /// The writer begins.
    Active,
    /// The writer waits.
    Passive,
}

impl Setup {
    /// As it stands in `a=setup`.
    pub fn as_str(self) -> &'static str {
        match self {
            Setup::ActPass => "actpass",
            Setup::Active => "active",
            Setup::Passive => "passive",
        }
    }
}

/// The client's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transport {
    /// Its credentials.
    pub ice: IceCredentials,
    /// The fingerprint its certificate must have.
    pub fingerprint: Fingerprint,
    /// Its wish for the handshake.
    pub setup: Setup,
    /// Usable candidates in the description; the rest may trickle in.
    pub candidates: Vec<Candidate>,
}

/// Reads the transport of a description. Rejected sections have none; all others must agree.
pub fn read(description: &Description<'_>, loopback: Loopback) -> Result<Transport, Error> {
    let mut live = description.sections.iter().filter(|section| section.port != 0);
    let first = live.next().ok_or(Error::Missing("a usable media section"))?;
    let transport = read_section(description, first, loopback)?;
    for section in live {
        // A section that repeats nothing relies on the group (RFC 8843 section 7.1.3).
        let repeats = section.has("ice-ufrag") || section.has("fingerprint");
        if repeats {
            let other = read_section(description, section, loopback)?;
            if other.ice != transport.ice || other.fingerprint != transport.fingerprint {
                return Err(Error::NotBundled);
            }
        }
    }
    Ok(transport)
}

fn read_section(
    description: &Description<'_>,
    section: &Section<'_>,
    loopback: Loopback,
) -> Result<Transport, Error> {
    let value = |name| section.value(name).or_else(|| description.value(name));
    let ufrag = value("ice-ufrag").ok_or(Error::Missing("ice-ufrag"))?;
    let pwd = value("ice-pwd").ok_or(Error::Missing("ice-pwd"))?;
    if !is_ice_text(ufrag, 4) {
        return Err(Error::Invalid("ice-ufrag"));
    }
    if !is_ice_text(pwd, 22) {
        return Err(Error::Invalid("ice-pwd"));
    }
    let setup = match value("setup").ok_or(Error::Missing("setup"))? {
        "actpass" => Setup::ActPass,
        "active" => Setup::Active,
        "passive" => Setup::Passive,
        _ => return Err(Error::Invalid("setup")),
    };
    let mut candidates: Vec<Candidate> = Vec::new();
    for line in section.values("candidate") {
        if let Ok(candidate) = candidate::parse(line, loopback)
            && candidates.len() < MAX_CANDIDATES_PER_PEER
        {
            candidates.push(candidate);
        }
    }
    Ok(Transport {
        ice: IceCredentials { ufrag: ufrag.to_owned(), pwd: Secret::new(pwd.to_owned()) },
        fingerprint: fingerprint(description, section)?,
        setup,
        candidates,
    })
}

/// `ice-char`s of RFC 8839 section 5.4, `least` to 256 of them.
fn is_ice_text(text: &str, least: usize) -> bool {
    let is_ice_char = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
    (least..=256).contains(&text.len()) && text.bytes().all(is_ice_char)
}

/// The SHA-256 fingerprint. Other hashes may stand beside it (RFC 8122 section 5) and are not
/// enough; two that differ are refused.
fn fingerprint(description: &Description<'_>, section: &Section<'_>) -> Result<Fingerprint, Error> {
    let mut lines: Vec<&str> = section.values("fingerprint").collect();
    if lines.is_empty() {
        let session = description.attributes.iter().filter(|a| a.name == "fingerprint");
        lines = session.map(|a| a.value).collect();
    }
    let mut found = None;
    for line in lines {
        let (hash, value) = line.split_once(' ').ok_or(Error::Invalid("fingerprint"))?;
        if !hash.eq_ignore_ascii_case("sha-256") {
            continue;
        }
        let read = read_sha256(value.trim()).ok_or(Error::Invalid("fingerprint"))?;
        if found.is_some_and(|other| other != read) {
            return Err(Error::Invalid("fingerprint"));
        }
        found = Some(read);
    }
    found.ok_or(Error::Missing("a SHA-256 fingerprint"))
}

fn read_sha256(value: &str) -> Option<Fingerprint> {
    let mut bytes = [0; 32];
    let mut pairs = value.split(':');
    for byte in &mut bytes {
        let pair = pairs.next().filter(|pair| pair.len() == 2)?;
        *byte = *HEXUPPER.decode(pair.as_bytes()).ok()?.first()?;
    }
    pairs.next().is_none().then_some(Fingerprint(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "13:38:DA:1F:4A:7C:15:49:A8:59:32:B1:D1:76:29:33:D0:5E:BE:3A:19:6F:04:49:49:\
                       6B:EF:42:36:9E:B5:BF";

    fn offer(lines: &[&str]) -> String {
        let mut text =
            "v=0\na=group:BUNDLE 0\nm=audio 9 UDP/TLS/RTP/SAVPF 111\na=mid:0\n".to_owned();
        for line in lines {
            text.push_str(&format!("a={line}\n"));
        }
        text
    }

    fn parse(lines: &[&str]) -> Result<Transport, Error> {
        let text = offer(lines);
        read(&Description::parse(&text)?, Loopback::Refused)
    }

    fn good() -> Vec<String> {
        ["ice-ufrag:dyUc", "ice-pwd:xdUaDIBA61/0k69Kp1gKu47M", "setup:actpass"]
            .map(str::to_owned)
            .into_iter()
            .chain([format!("fingerprint:sha-256 {SHA}")])
            .collect()
    }

    fn with(name: &str, line: &str) -> Result<Transport, Error> {
        let lines = good();
        let kept = lines.iter().filter(|l| !l.starts_with(name)).map(String::as_str);
        parse(&kept.chain([line]).collect::<Vec<_>>())
    }

    #[test]
    fn a_transport_is_read_and_prints_the_same_fingerprint() {
        let lines = good();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let transport = parse(&lines).expect("a transport");
        assert_eq!(transport.ice.ufrag, "dyUc");
        assert_eq!(transport.setup, Setup::ActPass);
        assert_eq!(transport.fingerprint.to_string(), format!("sha-256 {SHA}"));
    }

    #[test]
    fn weak_or_missing_values_are_refused() {
        for (name, line, error) in [
            ("ice-ufrag", "x:y", Error::Missing("ice-ufrag")),
            ("ice-ufrag", "ice-ufrag:abc", Error::Invalid("ice-ufrag")),
            ("ice-ufrag", "ice-ufrag:ab cd", Error::Invalid("ice-ufrag")),
            ("ice-pwd", "x:y", Error::Missing("ice-pwd")),
            ("ice-pwd", "ice-pwd:1234", Error::Invalid("ice-pwd")),
            ("setup", "x:y", Error::Missing("setup")),
            ("setup", "setup:holdconn", Error::Invalid("setup")),
            ("fingerprint", "x:y", Error::Missing("a SHA-256 fingerprint")),
            (
                "fingerprint",
                "fingerprint:sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33",
                Error::Missing("a SHA-256 fingerprint"),
            ),
            ("fingerprint", "fingerprint:sha-256 AB", Error::Invalid("fingerprint")),
            ("fingerprint", "fingerprint:sha-256", Error::Invalid("fingerprint")),
        ] {
            assert_eq!(with(name, line), Err(error), "{line}");
        }
        let long = format!("ice-pwd:{}", "a".repeat(257));
        assert_eq!(with("ice-pwd", &long), Err(Error::Invalid("ice-pwd")));
        let lower = format!("fingerprint:sha-256 {}", SHA.to_lowercase());
        assert_eq!(with("fingerprint", &lower), Err(Error::Invalid("fingerprint")));
        let longer = format!("fingerprint:sha-256 {SHA}:00");
        assert_eq!(with("fingerprint", &longer), Err(Error::Invalid("fingerprint")));
    }

    #[test]
    fn two_fingerprints_must_agree() {
        let other = format!("fingerprint:sha-256 {}", SHA.replace("13:38", "14:38"));
        let lines = good();
        let lines: Vec<&str> = lines.iter().map(String::as_str).chain([other.as_str()]).collect();
        assert_eq!(parse(&lines), Err(Error::Invalid("fingerprint")));
    }

    #[test]
    fn sections_that_name_another_transport_are_refused() {
        let lines = good();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let second = offer(&lines).replace("dyUc", "other");
        let second = second.split_once("m=").map(|(_, section)| format!("m={section}"));
        let text = offer(&lines) + &second.expect("a section");
        let description = Description::parse(&text).expect("a description");
        assert_eq!(read(&description, Loopback::Refused), Err(Error::NotBundled));
    }
}
