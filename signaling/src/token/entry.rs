//! Entry tokens: the first of two steps into a meeting. One opens a session and does nothing else.

use super::{InvalidToken, OWN_ISSUER, Tokens, seconds};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use lectern_control::EntryId;
use lectern_control::access::ENTRY_LIFETIME as LIFETIME;
use serde::{Deserialize, Serialize};
use std::time::SystemTime;

/// For whom entry tokens are: no session token can be taken for one.
const AUDIENCE: &str = "lectern-entry";

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    jti: String,
    exp: u64,
}

impl Tokens {
    /// A token for an entry, with the time it ends at.
    pub fn issue_entry(&self, entry: EntryId, now: SystemTime) -> (String, SystemTime) {
        let expires = now + LIFETIME;
        let claims = Claims {
            iss: OWN_ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            jti: entry.to_string(),
            exp: seconds(expires),
        };
        (self.sign(&claims), expires)
    }

    /// The entry of a token. Whether it is still open, the controller knows.
    pub fn verify_entry(&self, token: &str) -> Result<EntryId, InvalidToken> {
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
        claims.jti.parse().map_err(|_| InvalidToken::Invalid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn an_entry_token_is_no_session_token_and_the_other_way_round() {
        let tokens = Tokens::new(&Config::default(), [7; 32]);
        let others = Tokens::new(&Config::default(), [8; 32]);
        let (token, expires) = tokens.issue_entry(EntryId(5), SystemTime::now());
        assert_eq!(tokens.verify_entry(&token), Ok(EntryId(5)));
        assert!(expires > SystemTime::now());
        assert_eq!(others.verify_entry(&token), Err(InvalidToken::Invalid));
        assert_eq!(tokens.verify(&token).err(), Some(InvalidToken::Invalid));
        assert_eq!(tokens.verify_to_renew(&token).err(), Some(InvalidToken::Invalid));
        let (session, _) = tokens.issue(&crate::token::tests::viewer(), SystemTime::now());
        assert_eq!(tokens.verify_entry(&session), Err(InvalidToken::Invalid));
        let (old, _) = tokens.issue_entry(EntryId(5), SystemTime::now() - 2 * LIFETIME);
        assert_eq!(tokens.verify_entry(&old), Err(InvalidToken::Expired));
        for junk in ["", "..", "a.b.c", &"x".repeat(1 << 20)] {
            assert!(tokens.verify_entry(junk).is_err());
        }
    }
}
