//! Which packets of the local network are looked at, however many there are.
//!
//! Time is cut into seconds. In each, a host is heard so often, and hosts that are new share what is left: neither a host that talks
//! without end nor one that speaks in the name of many keeps those from being heard who have been heard lately. What is
//! passed over costs no signature.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use ssb_keys::FeedId;
use ssb_keys::network::NetworkKey;
use thiserror::Error;

use crate::lan::beacon::Beacon;
use crate::lan::beacon::BeaconError;
use crate::lan::beacon::Dialect;
use crate::time::Uptime;

/// How many packets of one host are looked at in a second: two nodes that speak both dialects as JavaScript does send three each.
pub const PER_HOST: u32 = 8;

/// How many packets of hosts that were not heard lately are looked at in a second.
pub const OF_STRANGERS: u32 = 128;

/// How many hosts count as heard lately.
pub const REGULARS_MAX: usize = 64;

/// For so long a host was heard lately.
pub const LATELY: Duration = Duration::from_secs(10);

/// A network that this machine is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// An address in it.
    pub address: Ipv4Addr,
    /// Which bits of it all addresses share.
    pub mask: Ipv4Addr,
}

impl Subnet {
    /// Whether an address is of this network.
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        address.to_bits() & self.mask.to_bits() == self.address.to_bits() & self.mask.to_bits()
    }
}

/// Lets through what is worth to be told to the core.
#[derive(Debug)]
pub struct Sieve {
    me: FeedId,
    network: NetworkKey,
    subnets: Vec<Subnet>,
    /// At most [`REGULARS_MAX`], with the last time that each said something that means something.
    regulars: BTreeMap<Ipv4Addr, Uptime>,
    second: Uptime,
    /// How often each was heard in this second: those heard lately, and as many others as were looked at.
    hosts: BTreeMap<Ipv4Addr, u32>,
    strangers: u32,
}

impl Sieve {
    /// For the node `me` of a network. Without subnets nobody is near.
    pub fn new(me: FeedId, network: NetworkKey) -> Self {
        Self {
            me,
            network,
            subnets: Vec::new(),
            regulars: BTreeMap::new(),
            second: Uptime::default(),
            hosts: BTreeMap::new(),
            strangers: 0,
        }
    }

    /// The machine is in these networks now.
    pub fn set_subnets(&mut self, subnets: Vec<Subnet>) {
        self.subnets = subnets;
    }

    /// Looks at a packet.
    ///
    /// # Errors
    ///
    /// [`PassedOver`] says why it need not concern anybody.
    pub fn look(
        &mut self,
        packet: &[u8],
        dialect: Dialect,
        source: Ipv4Addr,
        now: Uptime,
    ) -> Result<Beacon, PassedOver> {
        if source.is_loopback() || !self.subnets.iter().any(|subnet| subnet.contains(source)) {
            return Err(PassedOver::Far);
        }
        self.count(source, now)?;
        let beacon = Beacon::read(packet, dialect, &self.network)?;
        if beacon.key() == self.me {
            return Err(PassedOver::Ourselves);
        }
        if self.regulars.len() < REGULARS_MAX || self.regulars.contains_key(&source) {
            self.regulars.insert(source, now);
        }
        Ok(beacon)
    }

    fn count(&mut self, source: Ipv4Addr, now: Uptime) -> Result<(), PassedOver> {
        if now.since(self.second) >= Duration::from_secs(1) {
            self.second = now;
            self.hosts.clear();
            self.strangers = 0;
            self.regulars.retain(|_, heard| now.since(*heard) < LATELY);
        }
        let is_regular = self.regulars.contains_key(&source);
        if !is_regular && self.strangers >= OF_STRANGERS {
            return Err(PassedOver::TooMany);
        }
        let heard = self.hosts.entry(source).or_default();
        if *heard >= PER_HOST {
            return Err(PassedOver::TooMany);
        }
        *heard += 1;
        self.strangers += u32::from(!is_regular);
        Ok(())
    }
}

/// Why a packet was not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PassedOver {
    /// It comes from no network that this machine is in.
    #[error("beacon from outside the local network")]
    Far,
    /// Enough was looked at in this second.
    #[error("more beacons than are looked at")]
    TooMany,
    /// It is our own.
    #[error("beacon of this node")]
    Ourselves,
    /// It says nothing.
    #[error(transparent)]
    Beacon(#[from] BeaconError),
}

#[cfg(test)]
mod tests {
    use ssb_keys::Keypair;

    use super::*;
    use crate::address::Address;
    use crate::lan::beacon;

    fn at(millis: u64) -> Uptime {
        Uptime::new(Duration::from_millis(millis))
    }

    fn host(n: u16) -> Ipv4Addr {
        let [high, low] = n.to_be_bytes();
        Ipv4Addr::new(10, 0, high, low)
    }

    fn packet(seed: u8) -> Vec<u8> {
        let key = Keypair::from_seed(&[seed; 32]).id();
        beacon::classic(&Address::net("10.0.0.1", 8008, key).unwrap())
    }

    fn sieve() -> Sieve {
        let mut sieve = Sieve::new(Keypair::from_seed(&[0; 32]).id(), NetworkKey::MAIN);
        sieve.set_subnets(vec![Subnet {
            address: Ipv4Addr::new(10, 0, 0, 9),
            mask: Ipv4Addr::new(255, 255, 0, 0),
        }]);
        sieve
    }

    impl Sieve {
        fn hear(&mut self, source: Ipv4Addr, millis: u64) -> Result<(), PassedOver> {
            self.look(&packet(1), Dialect::Classic, source, at(millis)).map(drop)
        }
    }

    #[test]
    fn only_the_own_networks_are_near() {
        let mut sieve = sieve();

        assert_eq!(sieve.hear(Ipv4Addr::new(10, 0, 255, 1), 0), Ok(()));
        for far in [Ipv4Addr::new(10, 1, 0, 1), Ipv4Addr::new(203, 0, 113, 1), Ipv4Addr::LOCALHOST] {
            assert_eq!(sieve.hear(far, 0), Err(PassedOver::Far));
        }
        sieve.set_subnets(Vec::new());
        assert_eq!(sieve.hear(host(1), 0), Err(PassedOver::Far));
    }

    #[test]
    fn our_own_packets_are_passed_over_and_so_is_noise() {
        let mut sieve = sieve();

        let own = sieve.look(&packet(0), Dialect::Classic, host(9), at(0));
        assert_eq!(own, Err(PassedOver::Ourselves));
        let noise = sieve.look(b"noise", Dialect::Classic, host(9), at(0));
        assert_eq!(noise, Err(PassedOver::Beacon(BeaconError::NoAddress)));
        assert!(sieve.regulars.is_empty());
    }

    #[test]
    fn a_host_is_heard_so_often_in_a_second_and_no_more() {
        let mut sieve = sieve();
        for _ in 0..PER_HOST {
            assert_eq!(sieve.hear(host(1), 1000), Ok(()));
        }

        assert_eq!(sieve.hear(host(1), 1999), Err(PassedOver::TooMany));

        assert_eq!(sieve.hear(host(2), 1999), Ok(()), "others are heard");
        assert_eq!(sieve.hear(host(1), 2000), Ok(()));
    }

    #[test]
    fn so_many_new_hosts_are_heard_in_a_second_and_those_heard_lately_beside_them() {
        let mut sieve = sieve();
        assert_eq!(sieve.hear(host(0), 0), Ok(()));
        for n in 1..=u16::try_from(OF_STRANGERS).unwrap() {
            let noise = sieve.look(b"noise", Dialect::Classic, host(n), at(1000));
            assert_eq!(noise, Err(PassedOver::Beacon(BeaconError::NoAddress)));
        }

        assert_eq!(sieve.hear(host(1000), 1000), Err(PassedOver::TooMany));
        assert_eq!(sieve.hear(host(0), 1000), Ok(()), "it was heard lately");
    }

    #[test]
    fn so_many_hosts_count_as_heard_lately_and_only_for_a_while() {
        let mut sieve = sieve();
        for n in 0..=u16::try_from(REGULARS_MAX).unwrap() {
            assert_eq!(sieve.hear(host(n), 0), Ok(()));
        }
        assert_eq!(sieve.regulars.len(), REGULARS_MAX);

        let lately = u64::try_from(LATELY.as_millis()).unwrap();
        assert_eq!(sieve.hear(host(1000), lately), Ok(()));

        assert_eq!(sieve.regulars.len(), 1);
    }
}
