//! Which handshake message may follow which (RFC 5246 section 7.3, with client certificates).

use lectern_control::transport::DtlsRole;

/// Message types (RFC 5246 section 7.4, RFC 6347 section 4.3.2).
pub mod message_type {
    /// ClientHello.
    pub const CLIENT_HELLO: u8 = 1;
    /// ServerHello.
    pub const SERVER_HELLO: u8 = 2;
    /// HelloVerifyRequest.
    pub const HELLO_VERIFY_REQUEST: u8 = 3;
    /// Certificate.
    pub const CERTIFICATE: u8 = 11;
    /// ServerKeyExchange.
    pub const SERVER_KEY_EXCHANGE: u8 = 12;
    /// CertificateRequest.
    pub const CERTIFICATE_REQUEST: u8 = 13;
    /// ServerHelloDone.
    pub const SERVER_HELLO_DONE: u8 = 14;
    /// CertificateVerify.
    pub const CERTIFICATE_VERIFY: u8 = 15;
    /// ClientKeyExchange.
    pub const CLIENT_KEY_EXCHANGE: u8 = 16;
}

/// Whether a message in the clear from the client may come after `last`; `our_role` is ours. The
/// ClientHello is dealt with before, Finished is never in the clear.
pub fn may_follow(our_role: DtlsRole, last: Option<u8>, next: u8) -> bool {
    use message_type::*;
    match (our_role, last) {
        (DtlsRole::Server, Some(CLIENT_HELLO)) => next == CERTIFICATE,
        (DtlsRole::Server, Some(CERTIFICATE)) => next == CLIENT_KEY_EXCHANGE,
        (DtlsRole::Server, Some(CLIENT_KEY_EXCHANGE)) => next == CERTIFICATE_VERIFY,
        (DtlsRole::Server, _) => false,
        (DtlsRole::Client, None) => matches!(next, HELLO_VERIFY_REQUEST | SERVER_HELLO),
        (DtlsRole::Client, Some(HELLO_VERIFY_REQUEST)) => {
            matches!(next, HELLO_VERIFY_REQUEST | SERVER_HELLO)
        }
        (DtlsRole::Client, Some(SERVER_HELLO)) => next == CERTIFICATE,
        (DtlsRole::Client, Some(CERTIFICATE)) => next == SERVER_KEY_EXCHANGE,
        // A server that does not ask for our certificate could not know who we are.
        (DtlsRole::Client, Some(SERVER_KEY_EXCHANGE)) => next == CERTIFICATE_REQUEST,
        (DtlsRole::Client, Some(CERTIFICATE_REQUEST)) => next == SERVER_HELLO_DONE,
        (DtlsRole::Client, Some(_)) => false,
    }
}

/// Whether all messages in the clear have come: what follows is encrypted.
pub fn is_last(our_role: DtlsRole, last: Option<u8>) -> bool {
    match our_role {
        DtlsRole::Server => last == Some(message_type::CERTIFICATE_VERIFY),
        DtlsRole::Client => last == Some(message_type::SERVER_HELLO_DONE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_all_messages_in_every_state_only_those_of_a_full_handshake_are_let_through() {
        use message_type::*;
        let server = [
            (Some(CLIENT_HELLO), CERTIFICATE),
            (Some(CERTIFICATE), CLIENT_KEY_EXCHANGE),
            (Some(CLIENT_KEY_EXCHANGE), CERTIFICATE_VERIFY),
        ];
        let client = [
            (None, HELLO_VERIFY_REQUEST),
            (None, SERVER_HELLO),
            (Some(HELLO_VERIFY_REQUEST), HELLO_VERIFY_REQUEST),
            (Some(HELLO_VERIFY_REQUEST), SERVER_HELLO),
            (Some(SERVER_HELLO), CERTIFICATE),
            (Some(CERTIFICATE), SERVER_KEY_EXCHANGE),
            (Some(SERVER_KEY_EXCHANGE), CERTIFICATE_REQUEST),
            (Some(CERTIFICATE_REQUEST), SERVER_HELLO_DONE),
        ];
        let states: Vec<Option<u8>> =
            std::iter::once(None).chain((0..=u8::MAX).map(Some)).collect();
        for last in states {
            for next in 0..=u8::MAX {
                let case = (last, next);
                assert_eq!(may_follow(DtlsRole::Server, last, next), server.contains(&case));
                assert_eq!(may_follow(DtlsRole::Client, last, next), client.contains(&case));
            }
        }
    }
}
