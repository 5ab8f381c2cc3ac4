//! The local network: says where this node is, and tells the core who else is there.
//!
//! What is said, heard, and made of it is `ssb_gossip::lan`'s; here are the sockets. Both dialects are spoken over IPv4 only, as ssb-local
//! 1.0.0 (broadcast-stream) and ssb-lan 1.2.3 (dgram-broadcast 1.0.0) do: there is no IPv6 multicast of theirs that one could join.
//! A packet goes to the broadcast address of each interface with a private address on which the node listens, and names that address
//! only. ssb-local sends to 255.255.255.255 instead, which leaves by the interface of the default route, or not at all, and ssb-lan by the one that it likes best;
//! both hear either. A socket shares its port with all programs that mean to share it, as JavaScript's do.
//!
//! This task waits for the core when its inbox is full, and for nobody else; nobody waits for it. It takes turns with the listeners, so
//! that a flood costs a known part of one core, and is lost in the system's own buffer beyond that.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::net::SocketAddrV4;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use smol::Async;
use smol::Timer;
use smol::channel::Receiver;
use smol::channel::Sender;
use smol::future::FutureExt as _;
use smol::future::yield_now;
use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;
use ssb_gossip::address::Address;
use ssb_gossip::event::Input;
use ssb_gossip::lan::beacon;
use ssb_gossip::lan::beacon::CLASSIC_PORT;
use ssb_gossip::lan::beacon::Dialect;
use ssb_gossip::lan::beacon::KEYED_PORT;
use ssb_gossip::lan::beacon::PACKET_LEN_MAX;
use ssb_gossip::lan::sieve::PassedOver;
use ssb_gossip::lan::sieve::Sieve;
use ssb_gossip::lan::sieve::Subnet;
use ssb_gossip::time::Uptime;

use crate::config::Config;
use crate::config::LogLevel;
use crate::core_task::ToCore;
use crate::interfaces;
use crate::interfaces::Broadcasting;
use crate::logging::Entry;
use crate::logging::Logger;
use crate::shared::Shared;

/// How many packets are read from a socket in a turn: ten thousand a second, which cost some hundredths of a core.
const READS_MAX: u32 = 1_000;

/// How long a turn is.
const TURN: Duration = Duration::from_millis(100);

/// After so many packets others have their turn.
const READS_AT_ONCE: u32 = 32;

/// How long to wait after a failed read.
const READ_PAUSE: Duration = Duration::from_secs(1);

/// How long a flood is not worth another word.
const FLOOD_PAUSE: Duration = Duration::from_secs(10 * 60);

/// Speaks and hears.
#[derive(Debug)]
pub(crate) struct Lan {
    shared: Arc<Shared>,
    sockets: Vec<LanSocket>,
    /// Where the node listens by TCP for the local network.
    reach: Vec<SocketAddr>,
    sieve: Mutex<Sieve>,
    /// When a flood was last spoken of.
    flooded: Mutex<Option<Uptime>>,
}

/// A socket, and what is spoken there.
#[derive(Debug)]
struct LanSocket {
    socket: Async<UdpSocket>,
    port: u16,
    dialect: Dialect,
}

impl Lan {
    /// Opens the sockets. Those that cannot be opened are told, and the node does without. `None` if it is to find nobody, or
    /// listens nowhere in the local network.
    pub(crate) fn open(config: &Config, reach: &[SocketAddr], shared: &Arc<Shared>) -> Option<Self> {
        if !is_on(config, reach) {
            return None;
        }
        let reach: Vec<SocketAddr> =
            reach.iter().filter(|place| !place.ip().is_loopback()).copied().collect();
        let sockets: Vec<LanSocket> =
            ports(config, &reach).filter_map(|(dialect, port)| open(dialect, port, &shared.logger)).collect();
        let sieve = Mutex::new(Sieve::new(shared.me.id(), shared.network));
        let shared = Arc::clone(shared);
        Some(Self { shared, sockets, reach, sieve, flooded: Mutex::default() })
    }

    /// Speaks when the core says so, and tells it what is heard, until the future is dropped.
    pub(crate) async fn run(&self, core: &Sender<ToCore>, beacons: &Receiver<()>) {
        let mut running = self.speak(beacons).boxed_local();
        for socket in &self.sockets {
            running = running.or(self.hear(socket, core)).boxed_local();
        }
        running.await;
        // Without a core there is nothing to do, and that it is gone is for others to find out.
        std::future::pending::<()>().await;
    }

    async fn speak(&self, beacons: &Receiver<()>) {
        while beacons.recv().await.is_ok() {
            let interfaces = interfaces::broadcasting();
            let subnet = |one: &Broadcasting| Subnet { address: one.address, mask: one.mask };
            lock(&self.sieve).set_subnets(interfaces.iter().map(subnet).collect());
            let mut spoken = BTreeSet::new();
            for interface in interfaces {
                let port = port_at(&self.reach, interface.address);
                if let Some(port) = port.filter(|_| spoken.insert(interface.broadcast)) {
                    self.speak_on(interface, port).await;
                }
            }
        }
    }

    async fn speak_on(&self, interface: Broadcasting, port: u16) {
        let Shared { me, network, logger, .. } = &*self.shared;
        let Ok(address) = Address::net(&interface.address.to_string(), port, me.id()) else { return };
        for LanSocket { socket, port, dialect } in &self.sockets {
            let packet = match dialect {
                Dialect::Classic => beacon::classic(&address),
                Dialect::Keyed => beacon::keyed(&address, me, network),
            };
            if let Err(error) = socket.send_to(&packet, (interface.broadcast, *port)).await {
                let entry = Entry::new(LogLevel::Warning, "the local network could not be told of this node");
                logger.say(&entry.reason(error));
            }
        }
    }

    async fn hear(&self, socket: &LanSocket, core: &Sender<ToCore>) {
        let clock = &self.shared.clock;
        // One byte more than there may be: what is cut off here was too long.
        let mut packet = [0; PACKET_LEN_MAX + 1];
        let (mut turn, mut reads) = (clock.uptime(), 0);
        loop {
            let source = match socket.socket.recv_from(&mut packet).await {
                Ok((len, SocketAddr::V4(source))) => Some((len, *source.ip())),
                Ok(_) => None,
                Err(error) => {
                    let entry = Entry::new(LogLevel::Warning, "the local network cannot be heard");
                    self.shared.logger.say(&entry.reason(error));
                    Timer::after(READ_PAUSE).await;
                    None
                }
            };
            let now = clock.uptime();
            if let Some((len, source)) = source
                && let Some(heard) = self.look(packet.get(..len).unwrap_or_default(), socket.dialect, source, now)
                // The core is gone only when the node stops.
                && core.send(ToCore::Event(heard)).await.is_err()
            {
                return;
            }
            if now.since(turn) >= TURN {
                (turn, reads) = (now, 0);
            }
            reads += 1;
            if reads == READS_MAX {
                Timer::at(clock.instant(turn.after(TURN))).await;
            } else if reads.is_multiple_of(READS_AT_ONCE) {
                yield_now().await;
            }
        }
    }

    fn look(&self, packet: &[u8], dialect: Dialect, source: Ipv4Addr, now: Uptime) -> Option<Input> {
        let looked = lock(&self.sieve).look(packet, dialect, source, now);
        match looked {
            Ok(beacon) => Some(Input::Beacon { source, beacon }),
            Err(PassedOver::TooMany) => {
                self.say_flooded(source, now);
                None
            }
            Err(_) => None,
        }
    }

    fn say_flooded(&self, source: Ipv4Addr, now: Uptime) {
        let mut flooded = lock(&self.flooded);
        if flooded.is_none_or(|last| now.since(last) >= FLOOD_PAUSE) {
            *flooded = Some(now);
            let entry = Entry::new(LogLevel::Warning, "the local network says more than is listened to");
            self.shared.logger.say(&entry.reason(format_args!("{source}, for one")));
        }
    }
}

/// Whether the node finds others in the local network: it may, and listens there. `reach` is where it does, and on this machine.
pub(crate) fn is_on(config: &Config, reach: &[SocketAddr]) -> bool {
    config.finds_neighbours() && reach.iter().any(|place| !place.ip().is_loopback())
}

/// What is spoken on which ports: the keyed dialect on its own; the classic one on that of ssb-lan, and, as ssb-local has it, on that
/// of the node.
fn ports(config: &Config, reach: &[SocketAddr]) -> impl Iterator<Item = (Dialect, u16)> {
    let own = reach.iter().map(SocketAddr::port).chain([config.port, CLASSIC_PORT]);
    let classic: BTreeSet<u16> = own.filter(|port| *port != 0 && config.lan_legacy).collect();
    classic.into_iter().map(|port| (Dialect::Classic, port)).chain([(Dialect::Keyed, KEYED_PORT)])
}

/// The port by which the node is reached at an address of its own.
fn port_at(reach: &[SocketAddr], address: Ipv4Addr) -> Option<u16> {
    let here = |place: &&SocketAddr| place.ip().is_unspecified() || place.ip() == IpAddr::V4(address);
    reach.iter().find(here).map(SocketAddr::port)
}

fn open(dialect: Dialect, port: u16, logger: &Logger) -> Option<LanSocket> {
    match bind(port) {
        Ok(socket) => Some(LanSocket { socket, port, dialect }),
        Err(error) => {
            let entry = Entry::new(LogLevel::Warning, "nodes of the local network cannot all be found");
            logger.say(&entry.reason(format_args!("UDP port {port}: {error}")));
            None
        }
    }
}

/// A socket that shares its port with those of other programs, each of which gets every broadcast. Which option says so depends on
/// the system; libuv chooses as this does, and two programs must choose alike.
fn bind(port: u16) -> io::Result<Async<UdpSocket>> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    #[cfg(target_os = "linux")]
    socket.set_reuse_address(true)?;
    #[cfg(not(target_os = "linux"))]
    socket.set_reuse_port(true)?;
    socket.set_broadcast(true)?;
    socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into())?;
    Async::new(socket.into())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that panics runs with the lock held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_port_is_shared_with_other_programs() {
        let one = bind(0).unwrap();
        let port = one.get_ref().local_addr().unwrap().port();

        let two = bind(port).unwrap();

        assert_eq!(two.get_ref().local_addr().unwrap().port(), port);
    }

    #[test]
    fn a_socket_that_cannot_be_opened_is_done_without() {
        let alone = UdpSocket::bind(("0.0.0.0", 0)).unwrap();
        let port = alone.local_addr().unwrap().port();

        assert!(open(Dialect::Classic, port, &Logger::new(LogLevel::Error)).is_none());
    }

    #[test]
    fn the_classic_dialect_has_the_port_of_the_node_too_and_can_be_switched_off() {
        let mut config = Config::new("/nowhere");
        config.port = 9009;
        let spoken = |config: &Config| ports(config, &[place("[::]:9009")]).collect::<Vec<_>>();

        let keyed = (Dialect::Keyed, 26830);
        assert_eq!(spoken(&config), [(Dialect::Classic, 8008), (Dialect::Classic, 9009), keyed]);
        config.lan_legacy = false;
        assert_eq!(spoken(&config), [keyed]);
    }

    #[test]
    fn a_node_that_listens_on_this_machine_only_keeps_out_of_the_local_network() {
        let config = Config::new("/nowhere");

        assert!(!is_on(&config, &[]));
        assert!(!is_on(&config, &[place("127.0.0.1:8008"), place("[::1]:8008")]));
        assert!(is_on(&config, &[place("127.0.0.1:8008"), place("192.168.1.4:8008")]));
    }

    #[test]
    fn each_of_three_settings_keeps_a_node_out_of_the_local_network() {
        let reach = [place("[::]:8008")];
        let mut configs = [(); 3].map(|()| Config::new("/nowhere"));
        configs[0].local = false;
        configs[1].offline = true;
        configs[2].gossip.local = false;

        assert!(configs.iter().all(|config| !is_on(config, &reach)));
    }

    #[test]
    fn a_node_is_told_of_where_it_listens() {
        let here = Ipv4Addr::new(192, 168, 1, 4);
        let port = |places: &[&str]| {
            let reach: Vec<SocketAddr> = places.iter().map(|text| place(text)).collect();
            port_at(&reach, here)
        };

        assert_eq!(port(&["[::]:8008"]), Some(8008));
        assert_eq!(port(&["10.0.0.1:1", "192.168.1.4:2"]), Some(2));
        assert_eq!(port(&["10.0.0.1:1"]), None);
    }
}
