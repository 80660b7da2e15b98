//! Good tokens grant what they say; every way to forge one is refused.

use super::scope::Scope;
use super::*;
use lectern_control::media::Source;
use serde_json::{Value, json};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn tokens() -> Tokens {
    let keys = [("integrator".to_owned(), Secret::new(SECRET.to_owned()))];
    Tokens::new(&Config { api_keys: keys.into(), ..Config::default() }, [7; 32])
}

pub fn viewer() -> Session {
    Session {
        room: RoomId(1),
        link: Some(LinkId(2)),
        identity: "someone".to_owned(),
        name: "Some One".to_owned(),
        role: Role::Viewer,
        permissions: Role::Viewer.permissions(),
        sources: Sources::All,
        metadata: String::new(),
        attributes: BTreeMap::new(),
        may_update: true,
        admitted: true,
        issued_at_unix_ms: 0,
        let_in_by: LetInBy::Us,
    }
}

fn now() -> u64 {
    seconds(SystemTime::now())
}

fn claims() -> Value {
    json!({
        "iss": "integrator", "sub": "bot", "nbf": now(), "exp": now() + 60,
        "video": { "room": "daily", "roomJoin": true },
    })
}

/// A token with any header, signed with HS256 whatever the header says.
fn sign(header: &Value, claims: &str, secret: &[u8]) -> String {
    let encode = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
    let message = format!("{}.{}", encode(&header.to_string()), encode(claims));
    let key = EncodingKey::from_secret(secret);
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256);
    format!("{message}.{}", signature.expect("HMAC"))
}

fn signed(claims: &Value) -> String {
    sign(&json!({ "alg": "HS256", "typ": "JWT" }), &claims.to_string(), SECRET.as_bytes())
}

#[test]
fn our_own_token_grants_what_it_was_issued_for() {
    let tokens = tokens();
    let (token, expires) = tokens.issue(&viewer(), SystemTime::now());
    assert_eq!(tokens.verify(&token), Ok(viewer()), "and says of no time that it was signed anew");
    assert!(expires > SystemTime::now());
}

#[test]
fn a_running_session_of_an_integrator_gets_a_token_of_ours() {
    let tokens = tokens();
    let mut signed_before = claims();
    signed_before["nbf"] = json!(1_700_000_000);
    let session = tokens.verify(&signed(&signed_before)).expect("a good token");
    assert_eq!(session.issued_at_unix_ms, 1_700_000_000_000);
    let mut latest = session.clone();
    for _ in 0..20 {
        let (token, _) = tokens.issue(&latest, SystemTime::now());
        assert_eq!(tokens.verify_to_renew(&token), Err(InvalidToken::Invalid));
        latest = tokens.verify(&token).expect("ours");
    }
    assert_eq!(latest.let_in_by, LetInBy::Integrator, "still theirs to let in");
    assert_eq!(latest, session, "it is no later word of theirs than it was");
}

#[test]
fn an_integrator_s_token_grants_what_it_says() {
    let session = tokens().verify(&signed(&claims())).expect("a good token");
    assert_eq!((session.link, session.role), (None, Role::Presenter));
    assert_eq!(session.permissions, Permissions::ALL);
    let mut viewer = claims();
    viewer["video"]["canPublish"] = json!(false);
    let session = tokens().verify(&signed(&viewer)).expect("a good token");
    assert!(!session.permissions.publish && session.permissions.subscribe);
    assert_eq!(session.role, Role::Viewer);
}

#[test]
fn sources_are_granted_one_by_one_and_nobody_is_hidden() {
    let tokens = tokens();
    let mut screens = claims();
    screens["video"]["canPublishSources"] =
        json!(["screen_share", "Screen_Share_Audio", "hologram"]);
    let session = tokens.verify(&signed(&screens)).expect("a good token");
    let (token, _) = tokens.issue(&session, SystemTime::now());
    for sources in [&session.sources, &tokens.verify(&token).expect("ours").sources] {
        assert!(sources.permit(Source::Screen) && sources.permit(Source::ScreenAudio));
        assert!(!sources.permit(Source::Camera) && !sources.permit(Source::Unknown));
    }
    let mut nothing_known = claims();
    nothing_known["video"]["canPublishSources"] = json!(["hologram"]);
    let session = tokens.verify(&signed(&nothing_known)).expect("a good token");
    let (token, _) = tokens.issue(&session, SystemTime::now());
    assert!(!tokens.verify(&token).expect("ours").sources.permit(Source::Screen));
    let mut hidden = claims();
    hidden["video"]["hidden"] = json!(true);
    assert_eq!(tokens.verify(&signed(&hidden)), Err(InvalidToken::Hidden));
}

#[test]
fn rooms_of_two_integrators_are_two_even_with_one_name() {
    assert_ne!(integrator_room("a", "bc"), integrator_room("ab", "c"));
    assert_ne!(integrator_room("a", "x"), integrator_room("b", "x"));
    let meeting = RoomId(77);
    assert_eq!(integrator_room("a", &meeting.to_string()), meeting);
    let named = integrator_room("a", "x");
    let stolen = integrator_room("b", &named.to_string());
    assert!(stolen != named && stolen.is_named(), "an id of another's room is a name as any");
}

#[test]
fn no_other_algorithm_is_believed() {
    for header in [
        json!({ "alg": "none" }),
        json!({ "alg": "HS512" }),
        json!({ "alg": "RS256", "jwk": { "kty": "oct", "k": "AAAA" } }),
        json!({ "alg": "hs256" }),
        json!({}),
    ] {
        let token = sign(&header, &claims().to_string(), SECRET.as_bytes());
        assert_eq!(tokens().verify(&token), Err(InvalidToken::Invalid), "{header}");
    }
    let token = signed(&claims());
    let unsigned = &token[..=token.rfind('.').expect("a signature")];
    assert_eq!(tokens().verify(unsigned), Err(InvalidToken::Invalid));
}

#[test]
fn another_key_s_signature_is_refused() {
    let header = json!({ "alg": "HS256" });
    for secret in [&b""[..], b"another secret of thirty-two bytes!", &[7; 32]] {
        let token = sign(&header, &claims().to_string(), secret);
        assert_eq!(tokens().verify(&token), Err(InvalidToken::Invalid));
    }
    let mut foreign = claims();
    foreign["iss"] = json!("lectern");
    assert_eq!(tokens().verify(&signed(&foreign)), Err(InvalidToken::Invalid));
}

#[test]
fn times_must_be_there_and_make_sense() {
    let wrong: [(&str, Value); 9] = [
        ("exp", json!(now() - 3600)),
        ("exp", json!("tomorrow")),
        ("exp", json!(-1)),
        ("exp", json!(1e308)),
        ("exp", Value::Null),
        ("nbf", json!(now() + 3600)),
        ("nbf", json!("0")),
        ("nbf", Value::Null),
        ("sub", Value::Null),
    ];
    for (claim, value) in wrong {
        let mut claims = claims();
        claims[claim] = value.clone();
        assert!(tokens().verify(&signed(&claims)).is_err(), "{claim} {value}");
        claims.as_object_mut().expect("an object").remove(claim);
        assert!(tokens().verify(&signed(&claims)).is_err(), "no {claim}");
    }
}

#[test]
fn a_token_for_somebody_else_is_refused() {
    for audience in [json!("livekit"), json!(["a", "b"]), json!("lectern-session"), json!(7)] {
        let mut claims = claims();
        claims["aud"] = audience.clone();
        assert_eq!(tokens().verify(&signed(&claims)), Err(InvalidToken::Invalid), "{audience}");
    }
}

#[test]
fn our_tokens_are_renewed_for_a_while_and_integrators_are_not() {
    let tokens = tokens();
    let ago = |hours: u64| SystemTime::now() - Duration::from_secs(hours * 3_600);
    let (over_night, _) = tokens.issue(&viewer(), ago(8));
    assert_eq!(tokens.verify(&over_night), Err(InvalidToken::Expired));
    assert_eq!(tokens.verify_to_renew(&over_night).expect("renewed").identity, "someone");
    let (too_old, _) = tokens.issue(&viewer(), ago(13));
    assert_eq!(tokens.verify_to_renew(&too_old), Err(InvalidToken::Expired));
    assert_eq!(tokens.verify_to_renew(&signed(&claims())), Err(InvalidToken::Invalid));
    let (of_tomorrow, _) = tokens.issue(&viewer(), SystemTime::now() + Duration::from_secs(60));
    assert_eq!(tokens.verify_to_renew(&of_tomorrow), Err(InvalidToken::Expired), "not yet");
}

#[test]
fn who_administers_a_room_needs_not_come_in() {
    let tokens = tokens();
    let mut admin = claims();
    admin["video"] = json!({ "room": "daily", "roomAdmin": true });
    let room = tokens.verify_scope(&signed(&admin), Scope::Administer).expect("administers");
    assert_eq!(room, integrator_room("integrator", "daily"));
    assert_eq!(
        tokens.verify_scope(&signed(&claims()), Scope::Administer),
        Err(InvalidToken::NoAdmin)
    );
    for meeting in [RoomId(77), viewer().room] {
        let named = json!({ "room": meeting.to_string(), "roomJoin": true, "roomAdmin": true });
        admin["video"] = named;
        assert_eq!(
            tokens.verify_scope(&signed(&admin), Scope::Administer),
            Err(InvalidToken::NoAdmin),
            "is ours"
        );
        let session = tokens.verify(&signed(&admin)).expect("comes in");
        assert_eq!((session.room, session.role), (meeting, Role::Presenter));
    }
    let owner = Session { role: Role::Owner, link: None, ..viewer() };
    let (ours, _) = tokens.issue(&owner, SystemTime::now());
    assert_eq!(
        tokens.verify_scope(&ours, Scope::Administer),
        Err(InvalidToken::NoAdmin),
        "owners act as themselves"
    );
}

#[test]
fn who_may_record_a_room_may_not_administer_it_and_the_other_way_round_it_may() {
    let tokens = tokens();
    let mut recorder = claims();
    recorder["video"] = json!({ "room": "daily", "roomRecord": true });
    let room = integrator_room("integrator", "daily");
    assert_eq!(tokens.verify_scope(&signed(&recorder), Scope::Record), Ok(room));
    let refused = tokens.verify_scope(&signed(&recorder), Scope::Administer);
    assert_eq!(refused, Err(InvalidToken::NoAdmin));
    let mut admin = claims();
    admin["video"] = json!({ "room": "daily", "roomAdmin": true });
    assert_eq!(tokens.verify_scope(&signed(&admin), Scope::Record), Ok(room));
    recorder["video"]["room"] = json!(viewer().room.to_string());
    let ours = tokens.verify_scope(&signed(&recorder), Scope::Record);
    assert_eq!(ours, Err(InvalidToken::NoAdmin), "meetings of ours have keys");
    let refused = tokens.verify_scope(&signed(&claims()), Scope::Record);
    assert_eq!(refused, Err(InvalidToken::NoAdmin));
}

#[test]
fn a_claim_said_twice_is_refused() {
    let twice = claims().to_string().replacen('{', r#"{"sub":"admin","#, 1);
    let token = sign(&json!({ "alg": "HS256" }), &twice, SECRET.as_bytes());
    assert_eq!(tokens().verify(&token), Err(InvalidToken::Invalid));
}

#[test]
fn a_token_without_a_room_lets_nobody_in() {
    for video in [json!({}), json!({ "room": "daily" }), json!({ "roomJoin": true })] {
        let mut claims = claims();
        claims["video"] = video;
        assert_eq!(tokens().verify(&signed(&claims)), Err(InvalidToken::NoRoom));
    }
}

#[test]
fn garbage_of_any_size_is_refused() {
    for token in ["", ".", "..", "a.b.c", "a.e30.c", "\u{0}.\u{0}.\u{0}"] {
        assert_eq!(tokens().verify(token), Err(InvalidToken::Invalid), "{token:?}");
    }
    assert_eq!(tokens().verify(&"a".repeat(1 << 20)), Err(InvalidToken::TooLong));
}
