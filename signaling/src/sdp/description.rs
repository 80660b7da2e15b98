//! The bare structure of a description: session attributes and media sections, borrowed from the
//! text and bounded. Meaning is given elsewhere.

use super::{
    Direction, Error, MAX_FORMATS, MAX_LINE_BYTES, MAX_LINES, MAX_SDP_BYTES, MAX_SECTIONS, Msid,
};

/// An `a=` line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Before the colon.
    pub name: &'a str,
    /// After it; empty for a flag.
    pub value: &'a str,
}

/// An `m=` line and what follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section<'a> {
    /// `audio`, `video`, `application`, …
    pub media: &'a str,
    /// 0 rejects the section.
    pub port: u16,
    /// Such as `UDP/TLS/RTP/SAVPF`.
    pub protocol: &'a str,
    /// Payload types, or `webrtc-datachannel`.
    pub formats: Vec<&'a str>,
    /// Its `a=` lines in order.
    pub attributes: Vec<Attribute<'a>>,
}

/// A whole description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description<'a> {
    /// `a=` lines before the first section.
    pub attributes: Vec<Attribute<'a>>,
    /// The sections in order.
    pub sections: Vec<Section<'a>>,
}

impl<'a> Description<'a> {
    /// Reads a description. Lines may end with CR LF or LF; unknown line types are skipped.
    pub fn parse(text: &'a str) -> Result<Description<'a>, Error> {
        if text.len() > MAX_SDP_BYTES {
            return Err(Error::Limit("bytes", MAX_SDP_BYTES));
        }
        let mut description = Description { attributes: Vec::new(), sections: Vec::new() };
        let mut lines = 0;
        for (index, line) in text.split('\n').enumerate() {
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() {
                continue;
            }
            lines += 1;
            if lines > MAX_LINES {
                return Err(Error::Limit("lines", MAX_LINES));
            }
            description.line(line, lines == 1).map_err(|error| match error {
                Error::Syntax(_) => Error::Syntax(index + 1),
                other => other,
            })?;
        }
        if lines == 0 {
            return Err(Error::Syntax(1));
        }
        Ok(description)
    }

    fn line(&mut self, line: &'a str, first: bool) -> Result<(), Error> {
        if line.len() > MAX_LINE_BYTES {
            return Err(Error::Limit("bytes in a line", MAX_LINE_BYTES));
        }
        if line.contains(['\0', '\r']) {
            return Err(Error::Syntax(0));
        }
        let (kind, value) = line.split_once('=').ok_or(Error::Syntax(0))?;
        if kind.len() != 1 || (first && line != "v=0") {
            return Err(Error::Syntax(0));
        }
        match kind {
            "m" => {
                if self.sections.len() == MAX_SECTIONS {
                    return Err(Error::Limit("media sections", MAX_SECTIONS));
                }
                self.sections.push(Section::parse(value)?);
            }
            "a" => {
                let (name, value) = value.split_once(':').unwrap_or((value, ""));
                let attribute = Attribute { name, value: value.trim() };
                match self.sections.last_mut() {
                    Some(section) => section.attributes.push(attribute),
                    None => self.attributes.push(attribute),
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The first session attribute of a name.
    pub fn value(&self, name: &str) -> Option<&'a str> {
        self.attributes.iter().find(|a| a.name == name).map(|a| a.value)
    }

    /// The mids of the first BUNDLE group (RFC 8843); empty where there is none.
    pub fn bundle(&self) -> Vec<&'a str> {
        let groups = self.attributes.iter().filter(|a| a.name == "group");
        let bundle = groups.filter_map(|a| a.value.strip_prefix("BUNDLE")).next();
        bundle.map(|mids| mids.split_whitespace().collect()).unwrap_or_default()
    }
}

impl<'a> Section<'a> {
    fn parse(value: &'a str) -> Result<Section<'a>, Error> {
        let mut words = value.split_whitespace();
        let (media, port, protocol) = (words.next(), words.next(), words.next());
        let (Some(media), Some(port), Some(protocol)) = (media, port, protocol) else {
            return Err(Error::Syntax(0));
        };
        let port = port.parse().map_err(|_| Error::Syntax(0))?;
        let formats: Vec<&str> = words.take(MAX_FORMATS + 1).collect();
        if formats.len() > MAX_FORMATS {
            return Err(Error::Limit("formats in a section", MAX_FORMATS));
        }
        Ok(Section { media, port, protocol, formats, attributes: Vec::new() })
    }

    /// The first attribute of a name.
    pub fn value(&self, name: &str) -> Option<&'a str> {
        self.values(name).next()
    }

    /// All attributes of a name.
    pub fn values<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a str> + 's {
        self.attributes.iter().filter(move |a| a.name == name).map(|a| a.value)
    }

    /// Whether a flag stands in the section.
    pub fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// The direction; `sendrecv` where none is written (RFC 8866 section 6.7).
    pub fn direction(&self) -> Direction {
        let is = |name| self.has(name);
        let (sends, receives) = if is("sendonly") {
            (true, false)
        } else if is("recvonly") {
            (false, true)
        } else if is("inactive") {
            (false, false)
        } else {
            (true, true)
        };
        Direction { sends, receives }
    }

    /// Stream and track, where the client names them.
    pub fn msid(&self) -> Option<Msid> {
        let (stream, track) = self.value("msid")?.split_once(' ')?;
        Some(Msid { stream: stream.to_owned(), track: track.trim().to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fall_into_sections() {
        let text = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\na=group:BUNDLE 0 b\r\n\
                    m=audio 9 UDP/TLS/RTP/SAVPF 111 0\na=mid:0\na=sendonly\na=msid:s t\n\
                    m=video 0 UDP/TLS/RTP/SAVPF 96\n";
        let description = Description::parse(text).expect("a description");
        assert_eq!(description.bundle(), ["0", "b"]);
        assert_eq!(description.sections.len(), 2);
        let audio = &description.sections[0];
        assert_eq!((audio.value("mid"), audio.formats.len()), (Some("0"), 2));
        assert_eq!(audio.direction(), Direction { sends: true, receives: false });
        assert_eq!(audio.msid().map(|msid| msid.track), Some("t".to_owned()));
        assert_eq!(description.sections[1].port, 0);
    }

    #[test]
    fn what_is_not_sdp_is_refused_with_its_line() {
        for (text, line) in [
            ("", 1),
            ("hello", 1),
            ("v=1\n", 1),
            ("v=0\nnonsense\n", 2),
            ("v=0\nab=c\n", 2),
            ("v=0\nm=audio\n", 2),
            ("v=0\nm=audio -1 UDP 0\n", 2),
            ("v=0\nm=audio 65536 UDP 0\n", 2),
            ("v=0\na=x\0y\n", 2),
            ("v=0\na=x\ry\n", 2),
            ("v\u{0}=\u{0}0", 1),
        ] {
            assert_eq!(Description::parse(text), Err(Error::Syntax(line)), "{text:?}");
        }
    }

    #[test]
    fn every_limit_is_kept() {
        let limit = |text: String| match Description::parse(&text) {
            Err(Error::Limit(what, _)) => what,
            other => panic!("{other:?}"),
        };
        assert_eq!(limit("v=0\n".to_owned() + &"x".repeat(MAX_SDP_BYTES)), "bytes");
        assert_eq!(limit(format!("v=0\na={}", "x".repeat(MAX_LINE_BYTES))), "bytes in a line");
        assert_eq!(limit("v=0\n".to_owned() + &"a=x\n".repeat(MAX_LINES)), "lines");
        let sections = "m=audio 9 UDP 0\n".repeat(MAX_SECTIONS + 1);
        assert_eq!(limit("v=0\n".to_owned() + &sections), "media sections");
        let formats = "m=audio 9 UDP".to_owned() + &" 0".repeat(MAX_FORMATS + 1);
        assert_eq!(limit("v=0\n".to_owned() + &formats), "formats in a section");
    }
}
