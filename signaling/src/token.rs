//! Session tokens: JSON Web Tokens with LiveKit-compatible grants, signed with HMAC-SHA-256.
//!
//! Ours are short-lived and name the link they came by; integrators sign theirs with an API key. What
//! opens a session is another kind of token, and good for nothing else: see [`entry`]; so is what opens a
//! file: see [`media`].

pub mod entry;
pub mod media;
pub mod scope;

use crate::config::Config;
use crate::session::Sources;
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use lectern_control::room::Role;
use lectern_control::transport::Permissions;
use lectern_control::{LinkId, RoomId, Secret};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use thiserror::Error;

/// The longest token: real ones stay under 2 KiB, and nothing longer is even decoded.
pub const MAX_TOKEN_BYTES: usize = 8 << 10;
/// How long our tokens live: enough to connect; a running session gets new ones.
pub const LIFETIME: Duration = Duration::from_secs(600);
/// How long after its end one of our tokens can still be renewed: a machine sleeps over night. What
/// was decided meanwhile counts all the same.
const RENEWABLE: Duration = Duration::from_secs(12 * 3_600);
/// The issuer of our own tokens.
pub const OWN_ISSUER: &str = "lectern";
/// For whom our session tokens are, so that no other token of ours is taken for one.
const SESSION_AUDIENCE: &str = "lectern-session";
/// Clocks of integrators may be off by this much, in seconds.
const LEEWAY_SECONDS: u64 = 10;

/// What a token grants, as LiveKit-compatible clients and servers write it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VideoGrant {
    /// The room.
    pub room: String,
    /// May come in.
    pub room_join: bool,
    /// May publish tracks; yes where it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_publish: Option<bool>,
    /// May receive tracks; yes where it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_subscribe: Option<bool>,
    /// May send data; as publishing where it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_publish_data: Option<bool>,
    /// Sources it may publish from, such as `screen_share`; all where none is said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub can_publish_sources: Vec<String>,
    /// Is not to be seen by others; nobody is hidden here.
    #[serde(skip_serializing_if = "is_false")]
    pub hidden: bool,
    /// May administer the room.
    #[serde(skip_serializing_if = "is_false")]
    pub room_admin: bool,
    /// May record the room, and keep its recordings.
    #[serde(skip_serializing_if = "is_false")]
    pub room_record: bool,
    /// May change its own name, metadata and attributes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_update_own_metadata: Option<bool>,
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

/// The claims of a token (RFC 7519 section 4.1, and the grants).
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    nbf: u64,
    exp: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iat: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    aud: Option<String>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    metadata: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    video: VideoGrant,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lectern: Option<OwnClaims>,
}

/// What only our own tokens say.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct OwnClaims {
    /// The link it came by; none where a token of an integrator was exchanged for one of ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    role: Role,
    /// Was admitted, or was in the room before.
    #[serde(default)]
    admitted: bool,
    /// Takes the place of an integrator's token.
    #[serde(default, skip_serializing_if = "is_false")]
    integrator: bool,
    /// When the integrator signed that one, in seconds since 1970; 0 for everybody whom we let in.
    #[serde(default, skip_serializing_if = "is_zero")]
    issued_at_s: u64,
}

/// A token's meaning, once its signature and its times were found good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The room.
    pub room: RoomId,
    /// The link it came by; `None` for tokens of integrators.
    pub link: Option<LinkId>,
    /// Who it is.
    pub identity: String,
    /// The name shown.
    pub name: String,
    /// The role.
    pub role: Role,
    /// What it may do.
    pub permissions: Permissions,
    /// What it may publish.
    pub sources: Sources,
    /// Free text.
    pub metadata: String,
    /// Free keys and values.
    pub attributes: BTreeMap<String, String>,
    /// May change its own name, metadata and attributes.
    pub may_update: bool,
    /// Was admitted, or was in the room before.
    pub admitted: bool,
    /// When an integrator signed it, in milliseconds since 1970: that we sign it anew does not make it
    /// a later word of theirs. 0 for those whom we let in.
    pub issued_at_unix_ms: u64,
    /// Who let its holder in, whoever signed it last.
    pub let_in_by: LetInBy,
}

/// Who lets somebody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetInBy {
    /// We do: by a link, or by the owner's key.
    Us,
    /// An integrator, with an API key.
    Integrator,
}

/// Why a token is refused. The client is told no more than that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidToken {
    /// Longer than [`MAX_TOKEN_BYTES`].
    #[error("the token is too long")]
    TooLong,
    /// Not a token, of another algorithm, signed by somebody else, or with wrong claims.
    #[error("the token is not valid")]
    Invalid,
    /// Its time is over, or has not come.
    #[error("the token has expired")]
    Expired,
    /// It does not let its holder into a room.
    #[error("the token grants no room")]
    NoRoom,
    /// It asks that nobody sees its holder: letting it in visibly would break a promise.
    #[error("hidden participants are not served")]
    Hidden,
    /// It does not let its holder administer a room.
    #[error("the token does not administer the room")]
    NoAdmin,
}

/// Signs our tokens and checks everybody's.
pub struct Tokens {
    own: Secret<Vec<u8>>,
    integrators: BTreeMap<String, Secret<String>>,
}

impl Tokens {
    /// A key of our own from `random`, and integrators' keys from the configuration.
    pub fn new(config: &Config, random: [u8; 32]) -> Tokens {
        Tokens { own: Secret::new(random.to_vec()), integrators: config.api_keys.clone() }
    }

    /// A token for somebody who came by a link, or who is in a session already; with the time it
    /// ends at.
    pub fn issue(&self, session: &Session, now: SystemTime) -> (String, SystemTime) {
        let expires = now + LIFETIME;
        let permissions = session.permissions;
        let integrator = session.let_in_by == LetInBy::Integrator;
        let claims = Claims {
            iss: OWN_ISSUER.to_owned(),
            sub: session.identity.clone(),
            nbf: seconds(now),
            exp: seconds(expires),
            iat: None,
            aud: Some(SESSION_AUDIENCE.to_owned()),
            name: session.name.clone(),
            metadata: session.metadata.clone(),
            attributes: session.attributes.clone(),
            video: VideoGrant {
                room: session.room.to_string(),
                room_join: true,
                can_publish: Some(permissions.publish),
                can_subscribe: Some(permissions.subscribe),
                can_publish_data: Some(permissions.publish_data),
                can_publish_sources: session.sources.names(),
                hidden: false,
                room_admin: session.role == Role::Owner,
                room_record: false,
                can_update_own_metadata: Some(session.may_update),
            },
            lectern: Some(OwnClaims {
                link: session.link.map(|link| link.to_string()),
                role: session.role,
                admitted: session.admitted,
                integrator,
                issued_at_s: if integrator { session.issued_at_unix_ms / 1_000 } else { 0 },
            }),
        };
        (self.sign(&claims), expires)
    }

    fn sign(&self, claims: &impl Serialize) -> String {
        let key = EncodingKey::from_secret(self.own.expose());
        // Serialising plain claims and an HMAC cannot fail; an empty token lets nobody in.
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).unwrap_or_default()
    }

    /// What a token grants now.
    pub fn verify(&self, token: &str) -> Result<Session, InvalidToken> {
        let (claims, by) = self.claims(token, Duration::ZERO)?;
        session(claims, by)
    }

    /// What a token of ours granted that may have ended, though not long ago.
    pub fn verify_to_renew(&self, token: &str) -> Result<Session, InvalidToken> {
        let (claims, by) = self.claims(token, RENEWABLE)?;
        let session = session(claims, by)?;
        match session.let_in_by {
            LetInBy::Us => Ok(session),
            LetInBy::Integrator => Err(InvalidToken::Invalid),
        }
    }

    /// Verified claims of a token that ended no longer ago than that.
    fn claims(&self, token: &str, ended: Duration) -> Result<(Claims, LetInBy), InvalidToken> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(InvalidToken::TooLong);
        }
        let issuer = unverified_issuer(token).ok_or(InvalidToken::Invalid)?;
        let (key, by) = if issuer == OWN_ISSUER {
            (DecodingKey::from_secret(self.own.expose()), LetInBy::Us)
        } else {
            let secret = self.integrators.get(&issuer).ok_or(InvalidToken::Invalid)?;
            (DecodingKey::from_secret(secret.expose().as_bytes()), LetInBy::Integrator)
        };
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_SECONDS;
        // Its leeway would count for the beginning as well: the end is looked at below.
        validation.validate_exp = false;
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "sub"]);
        validation.set_issuer(&[&issuer]);
        match by {
            LetInBy::Us => {
                validation.set_required_spec_claims(&["exp", "nbf", "iss", "sub", "aud"]);
                validation.set_audience(&[SESSION_AUDIENCE]);
            }
            // Without a list, whatever names an audience is for somebody else.
            LetInBy::Integrator => validation.aud = None,
        }
        let claims =
            jsonwebtoken::decode::<Claims>(token, &key, &validation).map_err(refused)?.claims;
        let good_until = claims.exp.saturating_add(LEEWAY_SECONDS).saturating_add(ended.as_secs());
        if seconds(SystemTime::now()) > good_until {
            return Err(InvalidToken::Expired);
        }
        Ok((claims, by))
    }
}

fn refused(error: jsonwebtoken::errors::Error) -> InvalidToken {
    use jsonwebtoken::errors::ErrorKind;
    match error.kind() {
        ErrorKind::ExpiredSignature | ErrorKind::ImmatureSignature => InvalidToken::Expired,
        _ => InvalidToken::Invalid,
    }
}

fn session(claims: Claims, by: LetInBy) -> Result<Session, InvalidToken> {
    let grant = claims.video;
    if !grant.room_join || grant.room.is_empty() {
        return Err(InvalidToken::NoRoom);
    }
    if grant.hidden {
        return Err(InvalidToken::Hidden);
    }
    let publish = grant.can_publish.unwrap_or(true);
    let permissions = Permissions {
        publish,
        subscribe: grant.can_subscribe.unwrap_or(true),
        publish_data: grant.can_publish_data.unwrap_or(publish),
    };
    let mut let_in_by = by;
    let mut issued_at_s = claims.iat.unwrap_or(claims.nbf);
    let (room, link, role, admitted) = match (by, claims.lectern) {
        (LetInBy::Us, Some(own)) => {
            let room = grant.room.parse().map_err(|_| InvalidToken::Invalid)?;
            let link = own.link.map(|link| link.parse()).transpose();
            if own.integrator {
                let_in_by = LetInBy::Integrator;
            }
            issued_at_s = own.issued_at_s;
            (room, link.map_err(|_| InvalidToken::Invalid)?, own.role, own.admitted)
        }
        (LetInBy::Us, None) => return Err(InvalidToken::Invalid),
        (LetInBy::Integrator, _) => {
            let room = integrator_room(&claims.iss, &grant.room);
            // Meetings of ours belong to those who have their keys.
            let role = if grant.room_admin && room.is_named() {
                Role::Owner
            } else if publish {
                Role::Presenter
            } else {
                Role::Viewer
            };
            (room, None, role, false)
        }
    };
    let name = if claims.name.is_empty() { claims.sub.clone() } else { claims.name };
    Ok(Session {
        room,
        link,
        identity: claims.sub,
        name,
        role,
        permissions,
        sources: Sources::of_names(&grant.can_publish_sources),
        metadata: claims.metadata,
        attributes: claims.attributes,
        may_update: grant.can_update_own_metadata.unwrap_or(false),
        admitted,
        issued_at_unix_ms: issued_at_s.saturating_mul(1_000),
        let_in_by,
    })
}

/// An integrator names a meeting of ours by its id, or rooms of its own freely; one API key cannot
/// reach the named rooms of another, not even by their ids.
fn integrator_room(issuer: &str, name: &str) -> RoomId {
    if let Some(meeting) = name.parse().ok().filter(|room: &RoomId| !room.is_named()) {
        return meeting;
    }
    let mut hash = Sha256::new();
    hash.update((issuer.len() as u64).to_be_bytes());
    hash.update(issuer);
    hash.update(name);
    let digest = hash.finalize();
    let first = digest.first_chunk::<8>().copied().unwrap_or_default();
    RoomId::of_name(u64::from_be_bytes(first))
}

/// Whose key to try: read before anything is verified, and used for nothing else.
fn unverified_issuer(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Issuer {
        iss: String,
    }
    let payload = token.split('.').nth(1)?;
    let json = BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?;
    serde_json::from_slice::<Issuer>(&json).ok().map(|issuer| issuer.iss)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
