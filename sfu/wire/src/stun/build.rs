//! Builds Binding messages.

use super::integrity::{FINGERPRINT_ATTRIBUTE_LEN, fingerprint_of};
use super::{
    COOKIE, ErrorCode, HEADER_LEN, Key, Kind, MAX_REASON_LEN, MAX_USERNAME_LEN, METHOD_BINDING,
    Role, TransactionId, address_mask, attribute,
};
use crate::Error;
use crate::cursor::Writer;
use std::net::{IpAddr, SocketAddr};

/// Builds a Binding message at the front of a buffer.
#[derive(Debug)]
pub struct Builder<'a> {
    pub(super) writer: Writer<'a>,
    transaction: TransactionId,
}

impl<'a> Builder<'a> {
    /// Begins a message.
    pub fn new(
        buffer: &'a mut [u8],
        kind: Kind,
        transaction: TransactionId,
    ) -> Result<Builder<'a>, Error> {
        let mut writer = Writer::new(buffer);
        writer.u16(METHOD_BINDING | kind.class_bits())?;
        writer.u16(0)?;
        writer.u32(COOKIE)?;
        writer.put(&transaction.0)?;
        Ok(Builder { writer, transaction })
    }

    pub(super) fn put(&mut self, kind: u16, value: &[&[u8]]) -> Result<(), Error> {
        let len = value.iter().fold(0usize, |len, part| len.saturating_add(part.len()));
        self.writer.u16(kind)?;
        self.writer.u16(u16::try_from(len).map_err(|_| Error::Invalid)?)?;
        value.iter().try_for_each(|part| self.writer.put(part))?;
        self.writer.pad_to_word()
    }

    /// Adds USERNAME: the receiver's user fragment, then the sender's.
    pub fn username(mut self, receiver: &[u8], sender: &[u8]) -> Result<Self, Error> {
        if receiver.len().saturating_add(sender.len()) >= MAX_USERNAME_LEN {
            return Err(Error::Invalid);
        }
        self.put(attribute::USERNAME, &[receiver, b":", sender])?;
        Ok(self)
    }

    /// Adds PRIORITY.
    pub fn priority(mut self, priority: u32) -> Result<Self, Error> {
        self.put(attribute::PRIORITY, &[&priority.to_be_bytes()])?;
        Ok(self)
    }

    /// Adds USE-CANDIDATE.
    pub fn use_candidate(mut self) -> Result<Self, Error> {
        self.put(attribute::USE_CANDIDATE, &[])?;
        Ok(self)
    }

    /// Adds ICE-CONTROLLING or ICE-CONTROLLED.
    pub fn role(mut self, role: Role) -> Result<Self, Error> {
        let (kind, tie_breaker) = match role {
            Role::Controlling(tie_breaker) => (attribute::ICE_CONTROLLING, tie_breaker),
            Role::Controlled(tie_breaker) => (attribute::ICE_CONTROLLED, tie_breaker),
        };
        self.put(kind, &[&tie_breaker.to_be_bytes()])?;
        Ok(self)
    }

    /// Adds XOR-MAPPED-ADDRESS.
    pub fn mapped_address(mut self, address: SocketAddr) -> Result<Self, Error> {
        let port = (address.port() ^ (COOKIE >> 16) as u16).to_be_bytes();
        match address.ip() {
            IpAddr::V4(ip) => {
                let ip = (ip.to_bits() ^ COOKIE).to_be_bytes();
                self.put(attribute::XOR_MAPPED_ADDRESS, &[&[0, 1], &port, &ip])?;
            }
            IpAddr::V6(ip) => {
                let ip = (ip.to_bits() ^ address_mask(self.transaction)).to_be_bytes();
                self.put(attribute::XOR_MAPPED_ADDRESS, &[&[0, 2], &port, &ip])?;
            }
        }
        Ok(self)
    }

    /// Adds ERROR-CODE. A code outside 300 to 699 is [`Error::Invalid`].
    pub fn error_code(mut self, error: ErrorCode<'_>) -> Result<Self, Error> {
        let (class, number) = (error.code / 100, error.code % 100);
        if !(3..=6).contains(&class) || error.reason.len() > MAX_REASON_LEN {
            return Err(Error::Invalid);
        }
        let [_, class] = class.to_be_bytes();
        let [_, number] = number.to_be_bytes();
        self.put(attribute::ERROR_CODE, &[&[0, 0, class, number], error.reason])?;
        Ok(self)
    }

    /// Ends the message with MESSAGE-INTEGRITY and FINGERPRINT. Returns its length.
    pub fn finish(mut self, key: &Key) -> Result<usize, Error> {
        let tag = key.integrity_of(self.writer.written()).ok_or(Error::Length)?;
        self.put(attribute::MESSAGE_INTEGRITY, &[tag.as_ref()])?;
        self.finish_unsigned()
    }

    /// Ends the message with FINGERPRINT alone: for refusals of requests without a known key.
    /// Returns its length.
    pub fn finish_unsigned(mut self) -> Result<usize, Error> {
        let attributes = self.writer.len().saturating_sub(HEADER_LEN);
        let len = attributes.saturating_add(FINGERPRINT_ATTRIBUTE_LEN);
        let len = u16::try_from(len).map_err(|_| Error::Length)?;
        self.writer.patch(2, &len.to_be_bytes())?;
        let fingerprint = fingerprint_of(self.writer.written());
        self.put(attribute::FINGERPRINT, &[&fingerprint.to_be_bytes()])?;
        Ok(self.writer.len())
    }
}
