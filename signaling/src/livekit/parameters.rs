//! Query parameters of the WebSocket's address.

use crate::session::TrackIds;
use axum::http::{HeaderMap, header};
use lectern_control::ParticipantId;
use serde::Deserialize;

/// As clients write them; what we do not know is ignored.
#[derive(Deserialize, Default)]
#[serde(default)]
pub struct Parameters {
    /// The token, where it does not stand in a header.
    pub access_token: Option<String>,
    auto_subscribe: Option<String>,
    reconnect: Option<String>,
    sid: Option<String>,
    reconnect_reason: Option<String>,
    browser: Option<String>,
    sdk: Option<String>,
    sound_slots: Option<String>,
}

impl std::fmt::Debug for Parameters {
    /// Without the token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Parameters { auto_subscribe, reconnect, sid, reconnect_reason, browser, .. } = self;
        f.debug_struct("Parameters")
            .field("auto_subscribe", auto_subscribe)
            .field("reconnect", reconnect)
            .field("sid", sid)
            .field("reconnect_reason", reconnect_reason)
            .field("browser", browser)
            .finish_non_exhaustive()
    }
}

impl Parameters {
    /// The client wants every track without asking.
    pub fn auto_subscribe(&self) -> bool {
        !is(&self.auto_subscribe, &["0", "false"])
    }

    /// Whether a client that is back forgets whom it does not hear of then: native ones do, browsers' do not.
    pub fn forgets(&self) -> bool {
        !is(&self.sdk, &["js"])
    }

    /// The client plays sound slots, as our own page does.
    pub fn plays_slots(&self) -> bool {
        is(&self.sound_slots, &["1", "true"])
    }

    /// The client is back, and the session it means; `Some(None)` where it names none of ours.
    pub fn resumes(&self) -> Option<Option<ParticipantId>> {
        let resumes = is(&self.reconnect, &["1", "true"]);
        resumes.then(|| self.sid.as_deref().and_then(|sid| sid.parse().ok()))
    }

    /// Firefox makes up track ids of its own. Clients name the browser, or leave it to the header.
    pub fn track_ids(&self, headers: &HeaderMap) -> TrackIds {
        let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let firefox = match &self.browser {
            Some(browser) => browser.eq_ignore_ascii_case("firefox"),
            None => agent.is_some_and(|agent| agent.contains("Firefox/")),
        };
        if firefox { TrackIds::Hidden } else { TrackIds::Shown }
    }
}

fn is(value: &Option<String>, wanted: &[&str]) -> bool {
    value.as_deref().is_some_and(|value| wanted.contains(&value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_write_is_understood() {
        let id = ParticipantId(7);
        let parameters = Parameters {
            auto_subscribe: Some("0".to_owned()),
            reconnect: Some("1".to_owned()),
            sid: Some(id.to_string()),
            browser: Some("Firefox".to_owned()),
            ..Parameters::default()
        };
        assert!(!parameters.auto_subscribe());
        assert_eq!(parameters.resumes(), Some(Some(id)));
        let mut headers = HeaderMap::new();
        assert_eq!(parameters.track_ids(&headers), TrackIds::Hidden);
        let plain = Parameters::default();
        assert!(plain.auto_subscribe());
        assert_eq!((plain.resumes(), plain.track_ids(&headers)), (None, TrackIds::Shown));
        let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0";
        headers.insert(header::USER_AGENT, agent.parse().expect("a header"));
        assert_eq!(plain.track_ids(&headers), TrackIds::Hidden);
        let lost = Parameters { sid: Some("PA_?".to_owned()), ..parameters };
        assert_eq!(lost.resumes(), Some(None));
    }

    #[test]
    fn the_token_is_not_printed() {
        let parameters =
            Parameters { access_token: Some("eyJhbGciOi".to_owned()), ..Parameters::default() };
        assert!(!format!("{parameters:?}").contains("eyJ"));
    }
}
