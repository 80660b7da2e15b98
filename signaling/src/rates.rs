//! How often one address may try, where trying is worth an attacker's while.

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

/// Addresses remembered before those that have been quiet are forgotten.
const MAX_ADDRESSES: usize = 100_000;

/// One budget for each address.
pub struct Rates {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
}

impl Rates {
    /// So many tries a minute, all of them at once if need be.
    pub fn per_minute(tries: NonZeroU32) -> Rates {
        Rates {
            limiter: RateLimiter::keyed(Quota::per_minute(tries)),
            clock: DefaultClock::default(),
        }
    }

    /// Takes one try of an address; otherwise says how long to wait.
    pub fn take(&self, address: IpAddr) -> Result<(), Duration> {
        if self.limiter.len() > MAX_ADDRESSES {
            self.limiter.retain_recent();
        }
        self.limiter
            .check_key(&network(address))
            .map_err(|until| until.wait_time_from(self.clock.now()))
    }
}

/// One customer has one IPv4 address, or at least a /64 of IPv6 (RFC 6177 section 2).
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::from([a, b, c, d, 0, 0, 0, 0])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_one_address_s_own() {
        let rates = Rates::per_minute(NonZeroU32::new(3).expect("not zero"));
        let [a, b] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().expect("an address"));
        for _ in 0..3 {
            assert!(rates.take(a).is_ok());
        }
        let wait = rates.take(a).expect_err("the budget is spent");
        assert!(wait > Duration::from_secs(10) && wait <= Duration::from_secs(20), "{wait:?}");
        assert!(rates.take(b).is_ok());
    }

    #[test]
    fn all_addresses_of_one_ipv6_customer_share_a_budget() {
        let [a, b, c] = ["2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1"]
            .map(|text| network(text.parse().expect("an address")));
        assert_eq!(a, b);
        assert_ne!(a, c);
        let mapped = network("::ffff:192.0.2.1".parse().expect("an address"));
        assert_eq!(mapped, network("192.0.2.1".parse().expect("an address")));
    }
}
