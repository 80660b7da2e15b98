//! Handshakes whole, lossy, fragmented and forged; what is restored; odd certificates.

use super::hello::tests::body;
use super::library::hash;
use super::order::message_type::*;
use super::record::{build_change_cipher_spec, build_handshake};
use super::rtc::RECORD_JUMP;
use super::*;
use crate::transport::srtp::Profile;
use bytes::BytesMut;
use lectern_control::Secret;
use lectern_control::transport::DtlsIdentity;
use rtc_crypto::providers::RingProvider;
use rtc_crypto::{RTCCryptoProvider, SignatureScheme};
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, HandshakeConfig};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::TransportProtocol;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

const ECDHE_ECDSA_AES_128_GCM: u16 = 0xc02b;

fn identity(serial: Option<Vec<u8>>) -> (DtlsIdentity, Fingerprint) {
    let names = vec!["webrtc".to_owned()];
    let mut parameters = rcgen::CertificateParams::new(names).expect("a name");
    parameters.serial_number = serial.map(rcgen::SerialNumber::from);
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate = parameters.self_signed(&key).expect("a certificate").der().to_vec();
    let fingerprint = hash(&certificate);
    (DtlsIdentity { certificate, private_key: Secret::new(key.serialize_der()) }, fingerprint)
}

fn connection(
    now: Instant,
    role: DtlsRole,
    identity: &DtlsIdentity,
    fingerprint: Fingerprint,
) -> RtcDtls {
    let config = Config { role, identity, fingerprint, random: [role as u8; 32] };
    RtcDtls::new(now, config).expect("a good key")
}

fn established(events: &[Event]) -> Option<&Established> {
    events.iter().find_map(|event| match event {
        Event::Established(established) => Some(&**established),
        _ => None,
    })
}

fn data(events: &[Event]) -> Vec<Bytes> {
    let data = |event: &Event| match event {
        Event::Data(data) => Some(data.clone()),
        _ => None,
    };
    events.iter().filter_map(data).collect()
}

fn is_closed(events: &[Event]) -> bool {
    events.iter().any(|event| matches!(event, Event::Closed))
}

fn failure(events: &[Event]) -> Option<DisconnectReason> {
    events.iter().find_map(|event| match event {
        Event::Failed(reason) => Some(*reason),
        _ => None,
    })
}

/// One end and what it told.
struct Side {
    dtls: Box<dyn Dtls>,
    events: Vec<Event>,
    drops: Vec<DropReason>,
}

impl Side {
    fn new(dtls: RtcDtls) -> Side {
        Side { dtls: Box::new(dtls), events: Vec::new(), drops: Vec::new() }
    }

    fn take(&mut self, now: Instant, datagram: &[u8]) {
        self.drops.extend(self.dtls.handle(now, datagram).err());
        self.events.extend(std::iter::from_fn(|| self.dtls.poll_event()));
    }

    fn wait(&mut self, now: Instant) {
        self.dtls.handle_timeout(now);
        self.events.extend(std::iter::from_fn(|| self.dtls.poll_event()));
    }

    fn sent(&mut self) -> Vec<Bytes> {
        std::iter::from_fn(|| self.dtls.poll_transmit()).collect()
    }
}

/// A server and a client of ours.
struct Pair {
    now: Instant,
    server: Side,
    client: Side,
    datagrams: usize,
}

impl Pair {
    fn new(client_serial: Option<Vec<u8>>) -> Pair {
        let now = Instant::now();
        let (server_identity, server_fingerprint) = identity(None);
        let (client_identity, client_fingerprint) = identity(client_serial);
        let server = connection(now, DtlsRole::Server, &server_identity, client_fingerprint);
        let mut client = connection(now, DtlsRole::Client, &client_identity, server_fingerprint);
        client.start(now);
        Pair { now, server: Side::new(server), client: Side::new(client), datagrams: 0 }
    }

    /// Carries datagrams until there are none; `pass` gets each with its number and may drop or
    /// change it.
    fn exchange(&mut self, mut pass: impl FnMut(usize, bool, Bytes) -> Vec<Bytes>) {
        loop {
            let (to_server, datagram) = match self.client.dtls.poll_transmit() {
                Some(datagram) => (true, datagram),
                None => match self.server.dtls.poll_transmit() {
                    Some(datagram) => (false, datagram),
                    None => return,
                },
            };
            self.datagrams += 1;
            let receiver = if to_server { &mut self.server } else { &mut self.client };
            for datagram in pass(self.datagrams, to_server, datagram) {
                receiver.take(self.now, &datagram);
            }
        }
    }

    fn is_established(&self) -> bool {
        established(&self.server.events).is_some() && established(&self.client.events).is_some()
    }

    /// Lets time pass, at most `limit`, until both are established.
    fn run(&mut self, limit: Duration, mut pass: impl FnMut(usize, bool, Bytes) -> Vec<Bytes>) {
        let end = self.now + limit;
        for _ in 0..1_000 {
            self.exchange(&mut pass);
            let deadlines = [self.server.dtls.deadline(), self.client.dtls.deadline()];
            let next = deadlines.into_iter().flatten().min().filter(|next| *next <= end);
            let Some(next) = next.filter(|_| !self.is_established()) else { return };
            self.now = self.now.max(next);
            self.server.wait(self.now);
            self.client.wait(self.now);
        }
    }

    fn established() -> Pair {
        let mut pair = Pair::new(None);
        pair.run(Duration::from_secs(1), pass);
        assert!(pair.is_established());
        pair
    }

    /// Whether data still passes both ways.
    fn assert_alive(&mut self) {
        self.server.events.clear();
        self.client.events.clear();
        self.server.dtls.write(self.now, b"down").expect("established");
        self.client.dtls.write(self.now, b"up").expect("established");
        self.exchange(pass);
        assert_eq!(data(&self.client.events), [&b"down"[..]]);
        assert_eq!(data(&self.server.events), [&b"up"[..]]);
    }
}

fn pass(_: usize, _: bool, datagram: Bytes) -> Vec<Bytes> {
    vec![datagram]
}

#[test]
fn both_sides_get_the_same_keys_and_pass_data() {
    let mut pair = Pair::established();
    let (server, client) = (&pair.server.events, &pair.client.events);
    let (server, client) = (established(server).expect("is"), established(client).expect("is"));
    assert_eq!(server.keys.profile, Profile::AeadAes128Gcm);
    assert_eq!(server.keys.local, client.keys.remote);
    assert_eq!(server.keys.remote, client.keys.local);
    assert_ne!(server.keys.local, server.keys.remote);
    assert_eq!(pair.datagrams, 6, "two hellos, the cookie, and one datagram for each flight");
    pair.assert_alive();
}

#[test]
fn any_one_datagram_may_be_lost_or_come_twice() {
    for lost in 1..=12 {
        let mut pair = Pair::new(None);
        let began = pair.now;
        pair.run(Duration::from_secs(10), |number, _, datagram| {
            if number == lost { Vec::new() } else { vec![datagram.clone(), datagram] }
        });
        assert!(pair.is_established(), "without datagram {lost}");
        assert!(pair.now - began < Duration::from_millis(700), "{:?}", pair.now - began);
        pair.assert_alive();
    }
}

#[test]
fn messages_cut_into_fragments_in_any_order_are_put_together() {
    for pieces in 2..=20 {
        for reverse in [false, true] {
            let mut pair = Pair::new(None);
            pair.run(Duration::from_secs(1), |_, _, datagram| {
                let mut records = fragment(&datagram, pieces);
                if reverse {
                    records.reverse();
                }
                records
            });
            assert!(pair.is_established(), "{pieces} pieces, reverse {reverse}");
            pair.assert_alive();
        }
    }
}

/// The records of a datagram as datagrams of their own, handshake messages in the clear cut into
/// pieces of which each overlaps the next.
fn fragment(mut datagram: &[u8], pieces: usize) -> Vec<Bytes> {
    let mut out = Vec::new();
    while let Some(record) = record::next_record(&mut datagram) {
        if record.epoch > 0 || record.content_type != record::ContentType::Handshake {
            out.push(Bytes::copy_from_slice(record.whole));
            continue;
        }
        let mut payload = record.payload;
        while let Some(fragment) = record::next_fragment(&mut payload) {
            let size = fragment.body.len().div_ceil(pieces).max(1);
            for start in (0..fragment.body.len().max(1)).step_by(size) {
                let end = (start + size + 3).min(fragment.body.len());
                let part = fragment.body.get(start..end).unwrap_or_default();
                let (message_type, sequence) = (fragment.message_type, fragment.message_sequence);
                let mut piece = build_handshake(message_type, sequence, 0, part).expect("short");
                let total = (fragment.message_len as u32).to_be_bytes();
                piece[14..17].copy_from_slice(&total[1..]);
                piece[19..22]
                    .copy_from_slice(&((fragment.offset + start) as u32).to_be_bytes()[1..]);
                out.push(piece.into());
            }
        }
    }
    out
}

#[test]
fn certificates_with_odd_serial_numbers_are_taken() {
    let serials = [vec![0], vec![1], vec![0x7f; 20], vec![0xff; 20], vec![0x80], vec![0x55; 64]];
    for serial in serials {
        let mut pair = Pair::new(Some(serial.clone()));
        pair.run(Duration::from_secs(1), pass);
        assert!(pair.is_established(), "{serial:?}");
    }
}

#[test]
fn a_certificate_of_an_rsa_gateway_is_taken_on_either_side() {
    let certificate = include_bytes!("testdata/rsa-certificate.der").to_vec();
    let fingerprint = hash(&certificate);
    let provider = Arc::new(RingProvider::new());
    let key = provider
        .crypto()
        .import_signing_key(SignatureScheme::RsaPkcs1Sha256, include_bytes!("testdata/rsa-key.der"))
        .expect("a key");
    let chain = vec![certificate.into()];
    let gateway = Certificate::from_signing_key(chain, key);
    let config = |is_client| -> Arc<HandshakeConfig> {
        let builder = ConfigBuilder::default()
            .with_crypto_provider(provider.clone())
            .with_certificates(vec![gateway.clone()])
            .with_srtp_protection_profiles(vec![SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80])
            .with_client_auth(ClientAuthType::RequireAnyClientCert)
            .with_insecure_skip_verify(true)
            .with_server_name("gateway".to_owned());
        Arc::new(builder.build(is_client, None).expect("a configuration"))
    };
    for role in [DtlsRole::Server, DtlsRole::Client] {
        let now = Instant::now();
        let (ours, _) = identity(None);
        let mut side = Side::new(connection(now, role, &ours, fingerprint));
        let us = SocketAddr::from(([127, 0, 0, 1], 5_000));
        let server_config = (role == DtlsRole::Client).then(|| config(false));
        let mut endpoint = Endpoint::new(us, TransportProtocol::UDP, server_config);
        if role == DtlsRole::Server {
            endpoint.connect(now, us, config(true), None).expect("begins");
        } else {
            side.dtls.start(now);
        }
        let mut is_done = false;
        for _ in 0..10 {
            while let Some(transmit) = endpoint.poll_transmit() {
                side.take(now, &transmit.message);
            }
            for datagram in side.sent() {
                let datagram = BytesMut::from(&datagram[..]);
                let events = endpoint.read(now, us, None, datagram).expect("well-formed");
                is_done |= events.iter().any(|e| matches!(e, EndpointEvent::HandshakeComplete));
            }
        }
        assert!(is_done, "{role:?}");
        let keys = &established(&side.events).expect("established").keys;
        assert_eq!(keys.profile, Profile::Aes128CmHmacSha1_80, "{role:?}");
    }
}

/// A server that has accepted a ClientHello, with what it sent.
fn accepted(fingerprint: Fingerprint) -> (Instant, Side, Vec<Bytes>) {
    let now = Instant::now();
    let (ours, _) = identity(None);
    let mut server = Side::new(connection(now, DtlsRole::Server, &ours, fingerprint));
    let first = body(&[], &[ECDHE_ECDSA_AES_128_GCM], Some(&[7]));
    server.take(now, &build_handshake(CLIENT_HELLO, 0, 0, &first).expect("short"));
    let answer = server.sent();
    let cookie = &answer[0][28..48];
    let second = body(cookie, &[ECDHE_ECDSA_AES_128_GCM], Some(&[7]));
    server.take(now, &build_handshake(CLIENT_HELLO, 1, 1, &second).expect("short"));
    let flight = server.sent();
    assert!(!flight.is_empty() && server.drops.is_empty(), "{:?}", server.drops);
    (now, server, flight)
}

#[test]
fn a_client_without_certificate_or_with_an_empty_one_gets_nowhere() {
    for body in [&[][..], &[0, 0, 0], &[0, 0, 3, 0, 0, 0], &[0, 0, 4, 0, 0, 1, 7]] {
        let (now, mut server, _) = accepted(Fingerprint([1; 32]));
        server.take(now, &build_handshake(CERTIFICATE, 2, 2, body).expect("short"));
        assert_eq!(server.drops, [DropReason::DtlsRefused]);
        let key_exchange = build_handshake(CLIENT_KEY_EXCHANGE, 2, 3, &[1, 4]).expect("short");
        server.take(now, &key_exchange);
        assert_eq!(server.drops.len(), 2, "no certificate, no key exchange");
        server.take(now, &build_change_cipher_spec(4));
        assert!(server.events.is_empty());
        server.wait(now + Duration::from_secs(10));
        assert_eq!(failure(&server.events), Some(DisconnectReason::FingerprintMismatch));
        assert!(server.dtls.deadline().is_none() && server.dtls.export().is_none());
    }
}

#[test]
fn a_message_out_of_its_turn_is_refused() {
    for message_type in 0..=u8::MAX {
        if message_type == CERTIFICATE {
            continue;
        }
        let (now, mut server, _) = accepted(Fingerprint([1; 32]));
        server.take(now, &build_handshake(message_type, 2, 2, &[0; 40]).expect("short"));
        assert_eq!(server.drops, [DropReason::DtlsRefused], "{message_type}");
        assert!(server.events.is_empty() && server.sent().is_empty());
    }
}

#[test]
fn hellos_that_cannot_lead_anywhere_leave_no_state_and_no_answer() {
    let now = Instant::now();
    let (ours, promised) = identity(None);
    let mut server = Side::new(connection(now, DtlsRole::Server, &ours, promised));
    let good = body(&[], &[ECDHE_ECDSA_AES_128_GCM], Some(&[7]));
    let mut hellos = vec![
        body(&[], &[0x0000], Some(&[7])),
        body(&[], &[ECDHE_ECDSA_AES_128_GCM], None),
        body(&[], &[ECDHE_ECDSA_AES_128_GCM], Some(&[2, 5, 6])),
        body(&[3; 20], &[ECDHE_ECDSA_AES_128_GCM], Some(&[7])),
        body(&[3; 255], &[ECDHE_ECDSA_AES_128_GCM], Some(&[7])),
    ];
    hellos.extend((0..good.len()).map(|len| good[..len].to_vec()));
    let count = hellos.len();
    for hello in hellos {
        server.take(now, &build_handshake(CLIENT_HELLO, 0, 0, &hello).expect("short"));
    }
    assert_eq!(server.drops, vec![DropReason::DtlsRefused; count]);
    assert!(server.sent().is_empty() && server.dtls.deadline().is_none());
    // Ten thousand good ones get a short answer each, and still no state.
    for _ in 0..10_000 {
        server.take(now, &build_handshake(CLIENT_HELLO, 0, 0, &good).expect("short"));
    }
    let answers = server.sent();
    assert_eq!(answers.len(), 10_000);
    assert!(answers.iter().all(|answer| answer.len() < good.len()));
    assert!(server.dtls.deadline().is_none());
}

#[test]
fn a_cookie_of_one_connection_opens_no_other() {
    let now = Instant::now();
    let (ours, promised) = identity(None);
    let config =
        |random| Config { role: DtlsRole::Server, identity: &ours, fingerprint: promised, random };
    let mut one = Side::new(RtcDtls::new(now, config([1; 32])).expect("a good key"));
    let mut other = Side::new(RtcDtls::new(now, config([2; 32])).expect("a good key"));
    let first = body(&[], &[ECDHE_ECDSA_AES_128_GCM], Some(&[7]));
    one.take(now, &build_handshake(CLIENT_HELLO, 0, 0, &first).expect("short"));
    let second = body(&one.sent()[0][28..48], &[ECDHE_ECDSA_AES_128_GCM], Some(&[7]));
    let second = build_handshake(CLIENT_HELLO, 1, 1, &second).expect("short");
    other.take(now, &second);
    assert_eq!(other.drops, [DropReason::DtlsRefused]);
    assert!(other.sent().is_empty());
    one.take(now, &second);
    assert!(one.drops.is_empty() && !one.sent().is_empty());
}

#[test]
fn whoever_can_forge_the_clients_address_delays_a_handshake_and_does_not_end_it() {
    let forged = forgeries();
    let mut slowest = Duration::ZERO;
    for seed in 0..100_u64 {
        let mut pair = Pair::new(None);
        let began = pair.now;
        let mut random = seed;
        let mut next = || {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (random >> 33) as usize
        };
        pair.run(Duration::from_secs(25), |_, _, datagram| {
            let mut all = vec![datagram];
            for _ in 0..next() % 20 {
                let place = next() % (all.len() + 1);
                all.insert(place, forged[next() % forged.len()].clone());
            }
            all
        });
        let failures = (failure(&pair.server.events), failure(&pair.client.events));
        assert!(pair.is_established(), "seed {seed}: {failures:?} after {:?}", pair.now - began);
        slowest = slowest.max(pair.now - began);
        pair.assert_alive();
    }
    println!("the slowest of a hundred handshakes took {slowest:?}");
}

/// Records in the clear, and one that looks encrypted, that anyone can make.
fn forgeries() -> Vec<Bytes> {
    let alert = |level: u8, description: u8, epoch: u8| {
        let mut record = vec![21, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 1, 0, 0, 0, 2];
        record.extend([level, description]);
        record
    };
    let junk = |content_type: u8, epoch: u8, len: usize| {
        let mut record = vec![content_type, 0xfe, 0xfd, 0, epoch, 0, 1, 0, 0, 0, 0];
        record.extend((len as u16).to_be_bytes());
        record.extend(vec![0xaa; len]);
        record
    };
    let hello = |cookie: &[u8], suite: u16| {
        let body = body(cookie, &[suite], Some(&[7]));
        build_handshake(CLIENT_HELLO, 0, 9, &body).expect("short")
    };
    let mut forged = vec![
        alert(2, 40, 0),
        alert(1, 0, 0),
        alert(2, 40, 1),
        hello(&[], 0x0000),
        hello(&[], ECDHE_ECDSA_AES_128_GCM),
        hello(&[1; 20], ECDHE_ECDSA_AES_128_GCM),
        build_change_cipher_spec(9),
        build_handshake(CERTIFICATE, 2, 9, &[0, 0, 4, 0, 0, 1, 7]).expect("short"),
        build_handshake(FINISHED, 5, 9, &[0; 12]).expect("short"),
        build_handshake(CLIENT_KEY_EXCHANGE, 7, 9, &[0; 66]).expect("short"),
        junk(22, 1, 48),
        junk(22, 1, 61),
        junk(23, 1, 100),
        junk(23, 0, 100),
        junk(22, 2, 50),
        junk(99, 0, 4),
        vec![22; 13],
        vec![22, 0xfe, 0xfd],
    ];
    // A fragment that announces 16 MiB.
    let mut huge = build_handshake(CERTIFICATE, 3, 9, &[1]).expect("short");
    huge[14..17].copy_from_slice(&[0xff; 3]);
    forged.push(huge);
    forged.into_iter().map(Bytes::from).collect()
}

const FINISHED: u8 = 20;

/// A record with one byte of a ClientHello that announces `len` of them.
fn piece_of_hello(sequence: u16, len: u16) -> Vec<u8> {
    let ([high, low], [len_high, len_low]) = (sequence.to_be_bytes(), len.to_be_bytes());
    let mut record = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 13];
    record.extend([CLIENT_HELLO, 0, len_high, len_low, high, low, 0, 0, 0, 0, 0, 1, 7]);
    record
}

#[test]
fn pieces_that_announce_much_do_not_keep_the_clients_hello_out() {
    for [first, second] in [[6, 7], [0, 1], [1, 0]] {
        let mut pair = Pair::new(None);
        pair.server.take(pair.now, &piece_of_hello(first, 16_384));
        pair.server.take(pair.now, &piece_of_hello(second, 8_192));
        pair.exchange(pass);
        assert!(pair.is_established(), "after {first} and {second}");
    }
}

#[test]
fn nothing_in_the_clear_touches_an_established_connection() {
    let mut pair = Pair::established();
    for forged in forgeries() {
        for _ in 0..50 {
            pair.server.take(pair.now, &forged);
            pair.client.take(pair.now, &forged);
        }
        assert!(!is_closed(&pair.server.events) && !is_closed(&pair.client.events));
    }
    let repeated = pair.server.sent().len();
    assert!(repeated <= 8, "the last flight, {repeated} times");
    assert!(pair.client.sent().is_empty());
    pair.assert_alive();
}

#[test]
fn a_client_that_repeats_its_last_flight_gets_ours_again() {
    let mut pair = Pair::new(None);
    let mut flight_six_lost = 0;
    pair.run(Duration::from_secs(10), |_, to_server, datagram| {
        let begins_with_change = datagram.first() == Some(&20);
        if !to_server && begins_with_change && flight_six_lost < 4 {
            flight_six_lost += 1;
            return Vec::new();
        }
        vec![datagram]
    });
    assert_eq!(flight_six_lost, 4);
    assert!(pair.is_established());
    pair.assert_alive();
}

#[test]
fn a_record_that_comes_twice_counts_once() {
    let mut pair = Pair::established();
    pair.client.dtls.write(pair.now, b"once").expect("established");
    let datagram = pair.client.sent().remove(0);
    pair.server.events.clear();
    for _ in 0..3 {
        pair.server.take(pair.now, &datagram);
    }
    assert_eq!(data(&pair.server.events).len(), 1);
    assert_eq!(pair.server.drops.last(), Some(&DropReason::DtlsUnauthenticated));
    for bit in 0..datagram.len() * 8 {
        let mut forged = datagram.to_vec();
        forged[bit / 8] ^= 1 << (bit % 8);
        pair.server.take(pair.now, &forged);
    }
    assert_eq!(data(&pair.server.events).len(), 1);
    pair.assert_alive();
}

#[test]
fn a_good_bye_is_told() {
    let mut pair = Pair::established();
    pair.client.dtls.close(pair.now);
    pair.exchange(pass);
    assert!(is_closed(&pair.server.events));
    assert_eq!(pair.server.dtls.write(pair.now, b"x"), Err(DropReason::NotConnected));
    assert!(pair.server.dtls.export().is_none());
}

#[test]
fn a_restored_connection_goes_on_with_higher_numbers_and_takes_no_old_record() {
    for restores_server in [true, false] {
        let mut pair = Pair::established();
        let before = {
            let side = if restores_server { &mut pair.client } else { &mut pair.server };
            side.dtls.write(pair.now, b"before").expect("established");
            side.sent().remove(0)
        };
        let side = if restores_server { &mut pair.server } else { &mut pair.client };
        side.take(pair.now, &before);
        side.dtls.write(pair.now, b"last").expect("established");
        let last = side.sent().remove(0);
        let state = side.dtls.export().expect("established");
        let encoded = rmp_serde::to_vec_named(&state).expect("encodes");
        let state: State = rmp_serde::from_slice(&encoded).expect("decodes");
        let (_, other) = identity(None);
        assert!(RtcDtls::restore(pair.now, &state, other, &[9; 32]).is_err(), "another client's");
        let promised = fingerprint_of(side);
        let began = Instant::now();
        let restored = RtcDtls::restore(pair.now, &state, promised, &[9; 32]);
        let took = began.elapsed();
        *side = Side::new(restored.expect("restores"));
        println!("restored in {took:?}");
        side.take(pair.now, &before);
        assert_eq!(side.drops, [DropReason::DtlsUnauthenticated]);
        side.dtls.write(pair.now, b"first").expect("established");
        let first = side.sent().remove(0);
        let number = |datagram: &Bytes| {
            u64::from_be_bytes(datagram[3..11].try_into().expect("8 bytes")) & ((1 << 48) - 1)
        };
        assert_eq!(number(&first), number(&last) + 1 + RECORD_JUMP as u64);
        let other = if restores_server { &mut pair.client } else { &mut pair.server };
        other.events.clear();
        other.take(pair.now, &first);
        assert_eq!(data(&other.events), [&b"first"[..]]);
        pair.assert_alive();
        let side = if restores_server { &mut pair.server } else { &mut pair.client };
        for forged in forgeries() {
            side.take(pair.now, &forged);
        }
        assert!(side.sent().is_empty(), "it has no flight to repeat");
        pair.assert_alive();
    }
}

/// The fingerprint of the other side's certificate, as the state has it.
fn fingerprint_of(side: &Side) -> Fingerprint {
    let state = side.dtls.export().expect("established");
    let provider: Arc<dyn RTCCryptoProvider> = Arc::new(RingProvider::new());
    let mut session = rtc_dtls::state::State::new(provider, true);
    let mut room = Vec::new();
    let session_bytes = crate::transport::align(&state.session, &mut room);
    session.unmarshal_binary(session_bytes).expect("a good state");
    hash(&session.peer_certificates[0])
}

#[test]
fn data_that_overtakes_the_handshake_is_not_lost() {
    let mut pair = Pair::new(None);
    let mut last_flight = Vec::new();
    pair.exchange(|_, to_server, datagram| {
        if !to_server && datagram.first() == Some(&20) {
            last_flight.push(datagram);
            return Vec::new();
        }
        vec![datagram]
    });
    assert!(established(&pair.server.events).is_some() && !pair.is_established());
    pair.server.dtls.write(pair.now, b"early").expect("established");
    for datagram in pair.server.sent().into_iter().chain(last_flight) {
        pair.client.take(pair.now, &datagram);
    }
    assert!(pair.is_established());
    assert_eq!(data(&pair.client.events), [&b"early"[..]]);
    pair.assert_alive();
}
