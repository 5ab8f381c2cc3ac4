//! The addresses of this machine, and to whom each means something.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use if_addrs::IfAddr;

use crate::config::Scope;

/// An address of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The address.
    pub address: IpAddr,
    /// Who can reach it.
    pub scope: Scope,
}

/// The addresses of all interfaces that run, grouped by interface, in the system's order. IPv6 addresses that mean
/// something only together with an interface are left out (ssb-config 3.4.6). Empty if the system does not tell.
pub fn all() -> Vec<Interface> {
    let mut found: Vec<(String, IpAddr)> = Vec::new();
    for interface in if_addrs::get_if_addrs().unwrap_or_default() {
        let runs = interface.is_oper_up() && !is_link_local(interface.ip());
        // Behind the last address of the same interface.
        let behind = found.iter().rposition(|(name, _)| *name == interface.name);
        let at = behind.map_or(found.len(), |last| last + 1);
        if runs {
            found.insert(at, (interface.name.clone(), interface.ip()));
        }
    }
    found.into_iter().map(|(_, address)| Interface { address, scope: scope(address) }).collect()
}

/// An address by which this machine is in a local network that takes broadcasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Broadcasting {
    pub(crate) address: Ipv4Addr,
    /// Which of its bits all addresses of the network share.
    pub(crate) mask: Ipv4Addr,
    /// What all machines of the network listen to.
    pub(crate) broadcast: Ipv4Addr,
}

/// The private IPv4 addresses of all interfaces that run and can broadcast. Empty if the system does not tell.
pub(crate) fn broadcasting() -> Vec<Broadcasting> {
    let running =
        if_addrs::get_if_addrs().unwrap_or_default().into_iter().filter(if_addrs::Interface::is_oper_up);
    running.filter_map(|interface| broadcasting_at(&interface.addr)).collect()
}

fn broadcasting_at(address: &IfAddr) -> Option<Broadcasting> {
    let IfAddr::V4(v4) = address else { return None };
    let is_near = scope(IpAddr::V4(v4.ip)) == Scope::Local && !v4.ip.is_unspecified();
    let broadcast = v4.broadcast.filter(|broadcast| is_near && *broadcast != v4.ip)?;
    Some(Broadcasting { address: v4.ip, mask: v4.netmask, broadcast })
}

/// Who can reach an address (ssb-config 3.4.6 with ip 1.1.5).
pub fn scope(address: IpAddr) -> Scope {
    let is_private = match address {
        IpAddr::V4(v4) => v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unique_local() || is_link_local(address),
    };
    match () {
        () if address.is_loopback() => Scope::Device,
        () if is_private || address.is_unspecified() => Scope::Local,
        () => Scope::Public,
    }
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(v6) if Ipv6Addr::is_unicast_link_local(&v6))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_the_scope_that_javascript_gives_them() {
        let table = [
            ("127.0.0.1", Scope::Device),
            ("127.1.2.3", Scope::Device),
            ("::1", Scope::Device),
            ("10.1.2.3", Scope::Local),
            ("172.16.0.1", Scope::Local),
            ("172.32.0.1", Scope::Public),
            ("192.168.1.4", Scope::Local),
            ("192.169.1.4", Scope::Public),
            ("169.254.1.1", Scope::Local),
            ("fd00::2", Scope::Local),
            ("fe80::1", Scope::Local),
            ("2001:db8::1", Scope::Public),
            ("192.0.2.2", Scope::Public),
            ("8.8.8.8", Scope::Public),
        ];
        for (address, expected) in table {
            assert_eq!(scope(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn only_private_addresses_of_networks_that_take_broadcasts_are_in_a_local_network() {
        let at = |ip: &str, broadcast: Option<&str>| {
            let broadcast = broadcast.map(|text| text.parse().unwrap());
            let netmask = Ipv4Addr::new(255, 255, 255, 0);
            let found =
                IfAddr::V4(if_addrs::Ifv4Addr { ip: ip.parse().unwrap(), netmask, prefixlen: 24, broadcast });
            broadcasting_at(&found).map(|found| found.broadcast.to_string())
        };

        assert_eq!(at("192.168.1.4", Some("192.168.1.255")), Some("192.168.1.255".to_owned()));
        assert_eq!(at("10.8.0.2", None), None);
        assert_eq!(at("10.8.0.2", Some("10.8.0.2")), None);
        assert_eq!(at("203.0.113.4", Some("203.0.113.255")), None);
        assert_eq!(at("127.0.0.1", Some("127.255.255.255")), None);
    }

    #[test]
    fn this_machine_can_be_reached_from_itself() {
        assert!(all().iter().any(|interface| interface.scope == Scope::Device));
    }
}
