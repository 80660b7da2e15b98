//! STUN Binding messages as ICE uses them (RFC 8489, RFC 8445 section 16.1): a borrowed view with
//! its integrity check, and a builder into a fixed buffer.

mod build;
mod integrity;

pub use build::Builder;
pub use integrity::Key;

use crate::Error;
use crate::cursor::Reader;
use integrity::check_fingerprint;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Attributes of one message: ICE uses under ten.
pub const MAX_ATTRIBUTES: usize = 32;
/// The longest USERNAME (RFC 8489 section 14.3).
pub const MAX_USERNAME_LEN: usize = 513;
/// The longest reason phrase (RFC 8489 section 14.8: under 128 characters).
pub const MAX_REASON_LEN: usize = 763;
/// Enough for every message built here.
pub const MAX_BUILT_LEN: usize = 768;

const HEADER_LEN: usize = 20;
const COOKIE: u32 = 0x2112_a442;
const METHOD_BITS: u16 = 0b11_1110_1110_1111;
const METHOD_BINDING: u16 = 1;
const INTEGRITY_LEN: usize = 20;

/// Attribute types (RFC 8489 section 18.3, RFC 8445 section 16.1).
mod attribute {
    pub const USERNAME: u16 = 0x0006;
    pub const MESSAGE_INTEGRITY: u16 = 0x0008;
    pub const ERROR_CODE: u16 = 0x0009;
    pub const XOR_MAPPED_ADDRESS: u16 = 0x0020;
    pub const PRIORITY: u16 = 0x0024;
    pub const USE_CANDIDATE: u16 = 0x0025;
    pub const FINGERPRINT: u16 = 0x8028;
    pub const ICE_CONTROLLED: u16 = 0x8029;
    pub const ICE_CONTROLLING: u16 = 0x802a;
    /// Below this an agent must understand the attribute.
    pub const FIRST_OPTIONAL: u16 = 0x8000;
}

/// Pairs a response with its request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct TransactionId(pub [u8; 12]);

impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Wants an answer.
    Request,
    /// Wants none: keeps a path open.
    Indication,
    /// Answers well.
    Success,
    /// Refuses.
    Error,
}

impl Kind {
    const fn class_bits(self) -> u16 {
        match self {
            Kind::Request => 0x000,
            Kind::Indication => 0x010,
            Kind::Success => 0x100,
            Kind::Error => 0x110,
        }
    }

    const fn from_type(message_type: u16) -> Kind {
        match message_type & 0x110 {
            0x000 => Kind::Request,
            0x010 => Kind::Indication,
            0x100 => Kind::Success,
            _ => Kind::Error,
        }
    }
}

/// Which ICE role the sender takes, with its tie-breaker (RFC 8445 section 7.3.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// It nominates.
    Controlling(u64),
    /// It does not.
    Controlled(u64),
}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCode<'a> {
    /// 300 to 699, such as 487 for a role conflict.
    pub code: u16,
    /// The reason: should be UTF-8, is whatever came.
    pub reason: &'a [u8],
}

/// A Binding message. Its attributes are read up to MESSAGE-INTEGRITY: what follows that, except
/// FINGERPRINT, is not protected and not looked at (RFC 8489 section 14.5). Of a repeated attribute
/// the first counts.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// What it is.
    pub kind: Kind,
    /// Pairs a response with its request.
    pub transaction: TransactionId,
    /// `theirs:ours`, in a request to us.
    pub username: Option<&'a [u8]>,
    /// The priority of the sender's candidate.
    pub priority: Option<u32>,
    /// The sender nominates this pair.
    pub use_candidate: bool,
    /// The sender's role.
    pub role: Option<Role>,
    /// Where the request came from, in a response.
    pub mapped_address: Option<SocketAddr>,
    /// Why the request was refused.
    pub error: Option<ErrorCode<'a>>,
    /// An attribute of the sender's that we should understand and do not (RFC 8489 section 6.3.1:
    /// a request with one is refused with 420).
    pub unknown_attribute: Option<u16>,
    integrity: Option<Integrity<'a>>,
}

/// The bytes under MESSAGE-INTEGRITY, and its value.
#[derive(Debug, Clone, Copy)]
struct Integrity<'a> {
    protected: &'a [u8],
    value: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a datagram. A FINGERPRINT is checked here, MESSAGE-INTEGRITY by [`Self::verify`].
    pub fn parse(datagram: &'a [u8]) -> Result<Message<'a>, Error> {
        let mut reader = Reader::new(datagram);
        let message_type = reader.u16()?;
        let len = usize::from(reader.u16()?);
        if message_type & 0xc000 != 0 || reader.u32()? != COOKIE {
            return Err(Error::Unsupported);
        }
        let transaction = TransactionId(reader.array()?);
        if len & 3 != 0 || reader.rest().len() != len {
            return Err(Error::Length);
        }
        if message_type & METHOD_BITS != METHOD_BINDING {
            return Err(Error::Unsupported);
        }
        let mut message = Message {
            kind: Kind::from_type(message_type),
            transaction,
            username: None,
            priority: None,
            use_candidate: false,
            role: None,
            mapped_address: None,
            error: None,
            unknown_attribute: None,
            integrity: None,
        };
        for _ in 0..MAX_ATTRIBUTES {
            if reader.is_empty() {
                return Ok(message);
            }
            let before = datagram.len().saturating_sub(reader.rest().len());
            let kind = reader.u16()?;
            let len = usize::from(reader.u16()?);
            let value = reader.take(len)?;
            reader.take(len.wrapping_neg() & 3)?;
            let preceding = datagram.get(..before).ok_or(Error::Truncated)?;
            message.attribute(kind, value, preceding, reader.is_empty())?;
        }
        if reader.is_empty() { Ok(message) } else { Err(Error::TooMany) }
    }

    fn attribute(
        &mut self,
        kind: u16,
        value: &'a [u8],
        preceding: &'a [u8],
        is_last: bool,
    ) -> Result<(), Error> {
        if kind == attribute::FINGERPRINT {
            return check_fingerprint(value, preceding, is_last);
        }
        if self.integrity.is_some() {
            return Ok(());
        }
        let mut reader = Reader::new(value);
        match kind {
            attribute::MESSAGE_INTEGRITY => {
                expect_len(value, INTEGRITY_LEN)?;
                self.integrity = Some(Integrity { protected: preceding, value });
            }
            attribute::USERNAME => {
                if value.is_empty() || value.len() > MAX_USERNAME_LEN {
                    return Err(Error::Invalid);
                }
                self.username.get_or_insert(value);
            }
            attribute::PRIORITY => {
                expect_len(value, 4)?;
                let priority = reader.u32()?;
                self.priority.get_or_insert(priority);
            }
            attribute::USE_CANDIDATE => {
                expect_len(value, 0)?;
                self.use_candidate = true;
            }
            attribute::ICE_CONTROLLING | attribute::ICE_CONTROLLED => {
                expect_len(value, 8)?;
                let tie_breaker = reader.u64()?;
                self.role.get_or_insert(if kind == attribute::ICE_CONTROLLING {
                    Role::Controlling(tie_breaker)
                } else {
                    Role::Controlled(tie_breaker)
                });
            }
            attribute::XOR_MAPPED_ADDRESS => {
                let address = parse_address(value, self.transaction)?;
                self.mapped_address.get_or_insert(address);
            }
            attribute::ERROR_CODE => {
                let error = parse_error_code(value)?;
                self.error.get_or_insert(error);
            }
            kind if kind < attribute::FIRST_OPTIONAL => {
                self.unknown_attribute.get_or_insert(kind);
            }
            _ => {}
        }
        Ok(())
    }

    /// The two halves of USERNAME (RFC 8445 section 7.2.2): in a request to us our user fragment,
    /// then the sender's.
    pub fn username_fragments(&self) -> Option<(&'a [u8], &'a [u8])> {
        let username = self.username?;
        let colon = username.iter().position(|byte| *byte == b':')?;
        let (first, rest) = username.split_at_checked(colon)?;
        Some((first, rest.get(1..)?))
    }

    /// Whether the message has MESSAGE-INTEGRITY at all.
    pub fn has_integrity(&self) -> bool {
        self.integrity.is_some()
    }

    /// Whether MESSAGE-INTEGRITY is there and made with `key`. Takes the same time whichever byte
    /// differs.
    pub fn verify(&self, key: &Key) -> bool {
        self.integrity.is_some_and(|integrity| key.made(integrity.protected, integrity.value))
    }
}

fn expect_len(value: &[u8], len: usize) -> Result<(), Error> {
    if value.len() == len { Ok(()) } else { Err(Error::Length) }
}

/// RFC 8489 section 14.2. The mask is the cookie, followed by the transaction id.
fn parse_address(value: &[u8], transaction: TransactionId) -> Result<SocketAddr, Error> {
    let mut reader = Reader::new(value);
    let [_, family] = reader.array::<2>()?;
    let port = reader.u16()? ^ (COOKIE >> 16) as u16;
    let ip = match family {
        1 => {
            expect_len(value, 8)?;
            IpAddr::V4(Ipv4Addr::from(reader.u32()? ^ COOKIE))
        }
        2 => {
            expect_len(value, 20)?;
            let bits = u128::from_be_bytes(reader.array()?);
            IpAddr::V6(Ipv6Addr::from(bits ^ address_mask(transaction)))
        }
        _ => return Err(Error::Invalid),
    };
    Ok(SocketAddr::new(ip, port))
}

fn address_mask(transaction: TransactionId) -> u128 {
    let mut mask = [0; 16];
    let (cookie, rest) = mask.split_at_mut(4);
    cookie.copy_from_slice(&COOKIE.to_be_bytes());
    rest.copy_from_slice(&transaction.0);
    u128::from_be_bytes(mask)
}

/// RFC 8489 section 14.8: class 3 to 6, number 0 to 99.
fn parse_error_code(value: &[u8]) -> Result<ErrorCode<'_>, Error> {
    let mut reader = Reader::new(value);
    let [_, _, class, number] = reader.array::<4>()?;
    let class = class & 0x07;
    let reason = reader.rest();
    if !(3..=6).contains(&class) || number > 99 || reason.len() > MAX_REASON_LEN {
        return Err(Error::Invalid);
    }
    let code = u16::from(class).saturating_mul(100).saturating_add(u16::from(number));
    Ok(ErrorCode { code, reason })
}

#[cfg(test)]
mod tests;
