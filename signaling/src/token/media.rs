//! Media tokens: they stand in the address of one file of a recording, for an hour, and open nothing
//! else. Whether it still may be read, the controller is asked again.

use super::{InvalidToken, OWN_ISSUER, Tokens, seconds};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use lectern_control::{RecordingId, ShareId};
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};

/// How long a media token lives: a film is watched to its end, and paused meanwhile.
pub const LIFETIME: Duration = Duration::from_secs(3_600);
/// For whom media tokens are: no other token of ours can be taken for one.
const AUDIENCE: &str = "lectern-media";

/// What a media token opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// Tells it from others: random.
    pub id: u64,
    /// The recording.
    pub recording: RecordingId,
    /// The file's name.
    pub file: String,
    /// To keep it, not only to play it.
    pub download: bool,
    /// By which link it was granted.
    pub share: Option<ShareId>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    exp: u64,
    jti: String,
    recording: String,
    file: String,
    #[serde(default)]
    download: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    share: Option<String>,
}

impl Tokens {
    /// A token for a file, with the time it ends at.
    pub fn issue_media(&self, media: &Media, now: SystemTime) -> (String, SystemTime) {
        let expires = now + LIFETIME;
        let claims = Claims {
            iss: OWN_ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            exp: seconds(expires),
            jti: format!("{:016x}", media.id),
            recording: media.recording.to_string(),
            file: media.file.clone(),
            download: media.download,
            share: media.share.map(|share| share.to_string()),
        };
        (self.sign(&claims), expires)
    }

    /// What a token opens.
    pub fn verify_media(&self, token: &str) -> Result<Media, InvalidToken> {
        if token.len() > super::MAX_TOKEN_BYTES {
            return Err(InvalidToken::TooLong);
        }
        let key = DecodingKey::from_secret(self.own.expose());
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_issuer(&[OWN_ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation);
        let claims = claims.map_err(super::refused)?.claims;
        let share = claims.share.map(|share| share.parse()).transpose();
        Ok(Media {
            id: u64::from_str_radix(&claims.jti, 16).map_err(|_| InvalidToken::Invalid)?,
            recording: claims.recording.parse().map_err(|_| InvalidToken::Invalid)?,
            file: claims.file,
            download: claims.download,
            share: share.map_err(|_| InvalidToken::Invalid)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use lectern_control::EntryId;

    #[test]
    fn a_media_token_opens_its_file_for_an_hour_and_is_no_other_token() {
        let tokens = Tokens::new(&Config::default(), [7; 32]);
        let others = Tokens::new(&Config::default(), [8; 32]);
        let media = Media {
            id: 5,
            recording: RecordingId(6),
            file: "film-1.mp4".to_owned(),
            download: true,
            share: Some(ShareId(9)),
        };
        let (token, expires) = tokens.issue_media(&media, SystemTime::now());
        assert_eq!(tokens.verify_media(&token), Ok(media.clone()));
        assert!(expires > SystemTime::now() + LIFETIME / 2);
        assert_eq!(others.verify_media(&token), Err(InvalidToken::Invalid));
        assert_eq!(tokens.verify(&token).err(), Some(InvalidToken::Invalid));
        assert_eq!(tokens.verify_entry(&token).err(), Some(InvalidToken::Invalid));
        let (session, _) = tokens.issue(&crate::token::tests::viewer(), SystemTime::now());
        let (entry, _) = tokens.issue_entry(EntryId(5), SystemTime::now());
        for other in [&session, &entry, "", "..", "a.b.c", &"x".repeat(1 << 20)] {
            assert!(tokens.verify_media(other).is_err());
        }
        let (old, _) = tokens.issue_media(&media, SystemTime::now() - 2 * LIFETIME);
        assert_eq!(tokens.verify_media(&old), Err(InvalidToken::Expired));
    }
}
