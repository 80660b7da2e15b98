//! Which pages may call the edge from somebody's browser: by the `Origin` that browsers name, and pages
//! cannot forge (RFC 6454 section 7). Programs name none, and are known by their tokens alone.

use axum::http::{HeaderMap, Method, header};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Where a page comes from: scheme, host and port, in one spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

/// Not a scheme, a host and perhaps a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("an origin looks like https://app.example.org")]
pub struct InvalidOrigin;

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Origin, InvalidOrigin> {
        let text = text.to_ascii_lowercase();
        let (scheme, rest) = text.split_once("://").ok_or(InvalidOrigin)?;
        let default_port = match scheme {
            "https" => ":443",
            "http" => ":80",
            _ => return Err(InvalidOrigin),
        };
        let host = rest.strip_suffix(default_port).unwrap_or(rest);
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
        if host.is_empty() || !host.chars().all(plain) {
            return Err(InvalidOrigin);
        }
        Ok(Origin(format!("{scheme}://{host}")))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whose page a token was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// Ours: whoever came by a link.
    Own,
    /// An integrator's, wherever that is.
    Integrators,
}

/// A page that may not do what it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Foreign {
    /// A page of somebody else with what belongs to ours.
    #[error(
        "this is for the edge's own page, and another one asks; where the edge stands behind a proxy, \
         set edge.public_url to what browsers open"
    )]
    NotOurs,
    /// A page of no known integrator.
    #[error("the page's origin is not among edge.allowed_origins")]
    NotAllowed,
}

/// Knows our own pages and those of integrators.
#[derive(Debug, Clone)]
pub struct Origins {
    public: Option<Origin>,
    /// None: an integrator's token is good from anywhere.
    allowed: Option<Vec<Origin>>,
}

/// What a request says of the page it comes from.
enum Caller {
    Program,
    OwnPage,
    /// Without an origin where it names none that can be known again, or several.
    ForeignPage(Option<Origin>),
}

impl Origins {
    /// As configured: where our page is, and where those of integrators are if that matters.
    pub fn new(public_url: Option<&str>, allowed: &[String]) -> Origins {
        let parsed = allowed.iter().filter_map(|origin| origin.parse().ok());
        Origins {
            public: public_url.and_then(|url| url.parse().ok()),
            allowed: (!allowed.is_empty()).then(|| parsed.collect()),
        }
    }

    /// Whether a request may use a token that was made for a page.
    pub fn admit(&self, headers: &HeaderMap, page: Page) -> Result<(), Foreign> {
        match (self.caller(headers), page, &self.allowed) {
            (Caller::Program | Caller::OwnPage, ..) => Ok(()),
            (Caller::ForeignPage(_), Page::Own, _) => Err(Foreign::NotOurs),
            (Caller::ForeignPage(_), Page::Integrators, None) => Ok(()),
            (Caller::ForeignPage(origin), Page::Integrators, Some(allowed)) => {
                let known = origin.is_some_and(|origin| allowed.contains(&origin));
                known.then_some(()).ok_or(Foreign::NotAllowed)
            }
        }
    }

    /// Whether a call may change anything: no page of somebody else makes a browser do so.
    pub fn admit_call(&self, method: &Method, headers: &HeaderMap) -> Result<(), Foreign> {
        let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        if reads { Ok(()) } else { self.admit(headers, Page::Own) }
    }

    fn caller(&self, headers: &HeaderMap) -> Caller {
        let mut named = headers.get_all(header::ORIGIN).iter();
        let Some(first) = named.next() else { return Caller::Program };
        let origin = first.to_str().ok().and_then(|origin| origin.parse().ok());
        let Some(origin) = origin.filter(|_| named.next().is_none()) else {
            return Caller::ForeignPage(None);
        };
        // The certificate holds for the host that was asked for: nobody else's page is there.
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let asked = host.and_then(|host| format!("https://{host}").parse().ok());
        if self.public.as_ref() == Some(&origin) || asked.as_ref() == Some(&origin) {
            Caller::OwnPage
        } else {
            Caller::ForeignPage(Some(origin))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(all: &[(header::HeaderName, &str)]) -> HeaderMap {
        let value = |value: &str| value.parse().expect("a header's value");
        let mut headers = HeaderMap::new();
        for (name, text) in all {
            headers.append(name, value(text));
        }
        headers
    }

    fn from(origin: &str) -> HeaderMap {
        headers(&[(header::HOST, "meet.example.org"), (header::ORIGIN, origin)])
    }

    fn origins(public_url: Option<&str>, allowed: &[&str]) -> Origins {
        let allowed: Vec<String> = allowed.iter().map(|origin| (*origin).to_owned()).collect();
        Origins::new(public_url, &allowed)
    }

    const FOREIGN: [&str; 12] = [
        "https://elsewhere.example",
        "null",
        "",
        "https://evil.meet.example.org",
        "https://meet.example.org.evil.com",
        "https://example.org",
        "https://meet.example.org:8443",
        "http://meet.example.org",
        "http://meet.example.org:443",
        "https://meet.example.org@evil.com",
        "https://meet.example.org/",
        "https://meet.example.org https://evil.com",
    ];

    #[test]
    fn our_page_is_the_one_that_was_asked_for_in_any_spelling() {
        let origins = origins(None, &[]);
        for own in
            ["https://meet.example.org", "https://meet.example.org:443", "HTTPS://MEET.EXAMPLE.ORG"]
        {
            assert_eq!(origins.admit(&from(own), Page::Own), Ok(()), "{own}");
        }
        let port = [(header::HOST, "localhost:8443"), (header::ORIGIN, "https://localhost:8443")];
        assert_eq!(origins.admit(&headers(&port), Page::Own), Ok(()));
    }

    #[test]
    fn nobody_else_s_page_uses_what_is_ours() {
        for origins in [origins(None, &[]), origins(Some("https://meet.example.org"), &[])] {
            for foreign in FOREIGN {
                let told = origins.admit(&from(foreign), Page::Own);
                assert_eq!(told, Err(Foreign::NotOurs), "{foreign}");
            }
        }
    }

    #[test]
    fn behind_a_proxy_the_public_address_is_ours() {
        let proxied = headers(&[
            (header::HOST, "10.0.0.7:8443"),
            (header::ORIGIN, "https://meet.example.org"),
        ]);
        let public = origins(Some("https://Meet.example.org"), &[]);
        assert_eq!(public.admit(&proxied, Page::Own), Ok(()));
        assert_eq!(origins(None, &[]).admit(&proxied, Page::Own), Err(Foreign::NotOurs));
    }

    #[test]
    fn several_origins_are_none() {
        let own = (header::ORIGIN, "https://meet.example.org");
        let twice = headers(&[(header::HOST, "meet.example.org"), own.clone(), own]);
        assert_eq!(origins(None, &[]).admit(&twice, Page::Own), Err(Foreign::NotOurs));
        let allowed = origins(None, &["https://meet.example.org"]);
        assert_eq!(allowed.admit(&twice, Page::Integrators), Err(Foreign::NotAllowed));
    }

    #[test]
    fn programs_name_none() {
        let none = headers(&[(header::HOST, "meet.example.org")]);
        let strict = origins(None, &["https://app.example.com"]);
        assert_eq!(strict.admit(&none, Page::Own), Ok(()));
        assert_eq!(strict.admit(&none, Page::Integrators), Ok(()));
    }

    #[test]
    fn integrators_pages_are_anywhere_unless_they_are_named() {
        let any = origins(None, &[]);
        let strict = origins(None, &["https://App.example.com:443", "http://localhost:3000"]);
        for foreign in FOREIGN {
            assert_eq!(any.admit(&from(foreign), Page::Integrators), Ok(()), "{foreign}");
            let told = strict.admit(&from(foreign), Page::Integrators);
            assert_eq!(told, Err(Foreign::NotAllowed), "{foreign}");
        }
        for known in ["https://app.example.com", "http://localhost:3000"] {
            assert_eq!(strict.admit(&from(known), Page::Integrators), Ok(()), "{known}");
            assert_eq!(strict.admit(&from(known), Page::Own), Err(Foreign::NotOurs), "{known}");
        }
        let own = from("https://meet.example.org");
        assert_eq!(strict.admit(&own, Page::Integrators), Ok(()), "our page may use any token");
    }

    #[test]
    fn a_foreign_page_may_look_and_not_touch() {
        let origins = origins(None, &[]);
        let foreign = from("https://elsewhere.example");
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            assert_eq!(origins.admit_call(&method, &foreign), Ok(()), "{method}");
        }
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::CONNECT] {
            assert!(origins.admit_call(&method, &foreign).is_err(), "{method}");
        }
    }
}
