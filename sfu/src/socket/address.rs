//! Socket addresses as the kernel reads and writes them (`sockaddr_in`, `sockaddr_in6`).
//!
//! Plain bytes, so that no pointer has to be cast. A dual-stack socket sees IPv4 as mapped IPv6
//! (RFC 4291 section 2.5.5.2); outside of this file there are only plain addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

/// The size of `sockaddr_in6`; `sockaddr_in` is shorter.
const NAME_BYTES: usize = size_of::<libc::sockaddr_in6>();
/// The part of `sockaddr_in` that carries something.
const V4_BYTES: usize = size_of::<libc::sockaddr_in>();

/// Which addresses a socket speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// IPv4 only.
    V4,
    /// IPv6, and IPv4 as mapped addresses.
    V6,
}

impl Family {
    /// The family of a socket bound to `address`.
    pub(super) fn of(address: SocketAddr) -> Family {
        if address.is_ipv4() { Family::V4 } else { Family::V6 }
    }

    /// The address as a socket of this family must see it, if it can reach it at all.
    pub(super) fn ip(self, ip: IpAddr) -> Option<IpAddr> {
        match (self, ip) {
            (Family::V6, IpAddr::V4(v4)) => Some(IpAddr::V6(v4.to_ipv6_mapped())),
            (Family::V4, IpAddr::V6(_)) => None,
            _ => Some(ip),
        }
    }
}

/// A socket address in the kernel's layout.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(8))]
pub(super) struct Name([u8; NAME_BYTES]);

impl Name {
    /// Nothing, for the kernel to fill in.
    pub(super) const EMPTY: Name = Name([0; NAME_BYTES]);
    /// Bytes the kernel may fill in.
    pub(super) const CAPACITY: libc::socklen_t = NAME_BYTES as libc::socklen_t;

    /// The address as a socket of `family` must name it, if it can reach it at all.
    pub(super) fn new(address: SocketAddr, family: Family) -> Option<Name> {
        let mut bytes = [0; NAME_BYTES];
        match (family.ip(address.ip())?, address) {
            (IpAddr::V4(ip), _) => {
                bytes[..2].copy_from_slice(&(libc::AF_INET as u16).to_ne_bytes());
                bytes[4..8].copy_from_slice(&ip.octets());
            }
            (IpAddr::V6(ip), _) => {
                bytes[..2].copy_from_slice(&(libc::AF_INET6 as u16).to_ne_bytes());
                bytes[8..24].copy_from_slice(&ip.octets());
            }
        }
        if let SocketAddr::V6(v6) = address {
            bytes[24..28].copy_from_slice(&v6.scope_id().to_ne_bytes());
        }
        bytes[2..4].copy_from_slice(&address.port().to_be_bytes());
        Some(Name(bytes))
    }

    /// The address, plain.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        let bytes = &self.0;
        let port = u16::from_be_bytes([bytes[2], bytes[3]]);
        match i32::from(u16::from_ne_bytes([bytes[0], bytes[1]])) {
            libc::AF_INET => {
                let ip = Ipv4Addr::new(bytes[4], bytes[5], bytes[6], bytes[7]);
                Some(SocketAddr::new(IpAddr::V4(ip), port))
            }
            libc::AF_INET6 => {
                let octets: [u8; 16] = bytes[8..24].try_into().ok()?;
                let scope = u32::from_ne_bytes([bytes[24], bytes[25], bytes[26], bytes[27]]);
                Some(plain(Ipv6Addr::from(octets), port, scope))
            }
            _ => None,
        }
    }

    /// How many of the bytes the kernel should read.
    pub(super) fn len(&self) -> libc::socklen_t {
        let v4 = i32::from(u16::from_ne_bytes([self.0[0], self.0[1]])) == libc::AF_INET;
        if v4 { V4_BYTES as libc::socklen_t } else { Name::CAPACITY }
    }

    /// Where the bytes are, for a system call.
    pub(super) fn as_mut_ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr()
    }
}

/// A mapped address as IPv4, any other as it is. Only link-local addresses keep their scope: the
/// scope of others changes with the interface and would make one client look like two.
fn plain(ip: Ipv6Addr, port: u16, scope: u32) -> SocketAddr {
    match ip.to_ipv4_mapped() {
        Some(v4) => SocketAddr::new(IpAddr::V4(v4), port),
        None => {
            let scope = if ip.is_unicast_link_local() { scope } else { 0 };
            SocketAddr::V6(SocketAddrV6::new(ip, port, 0, scope))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_the_kernels_layout() {
        for (text, family) in [
            ("192.0.2.7:7882", Family::V4),
            ("192.0.2.7:7882", Family::V6),
            ("[2001:db8::7]:65535", Family::V6),
            ("[fe80::1%3]:1", Family::V6),
        ] {
            let address: SocketAddr = text.parse().expect("an address");
            let name = Name::new(address, family).expect("reachable");
            assert_eq!(name.address(), Some(address), "{text} by {family:?}");
            assert_eq!(name.len() == Name::CAPACITY, family == Family::V6);
        }
    }

    #[test]
    fn an_ipv4_socket_reaches_no_ipv6_address() {
        let address = SocketAddr::from((Ipv6Addr::LOCALHOST, 9));
        assert!(Name::new(address, Family::V4).is_none());
        assert!(Name::EMPTY.address().is_none());
    }
}
