//! Where others reach the node, by whom they are: multiserver addresses (multiserver 3.8.2, ssb-config 3.4.6).

use std::path::Path;

use crate::config::Scope;
use crate::config::Transform;
use crate::interfaces;

/// The node's addresses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Addresses(Vec<(Scope, String)>);

/// A place where the node listens by TCP, and who is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TcpPlace<'a> {
    /// The interface as it was configured. `None` for all of them.
    pub(crate) host: Option<&'a str>,
    pub(crate) port: u16,
    pub(crate) transform: Transform,
    pub(crate) scopes: &'a [Scope],
    /// The hosts that everybody else is told instead.
    pub(crate) external: &'a [String],
}

impl Addresses {
    /// The node listens by TCP. `key` is its key in base64.
    pub(crate) fn add_net(&mut self, place: TcpPlace<'_>, key: &str) {
        let TcpPlace { host, port, transform, scopes, external } = place;
        for scope in scopes {
            let hosts = match (scope, host) {
                (Scope::Public, _) if !external.is_empty() => external.to_vec(),
                (_, Some(host)) => vec![host.to_owned()],
                (_, None) => hosts_of(*scope),
            };
            for host in hosts {
                // What stands behind `%` names an interface of this machine, which is nobody else's business.
                let host = host.split('%').next().unwrap_or_default();
                let proof = match transform {
                    Transform::Shs => format!("shs:{key}"),
                    Transform::NoAuth => "noauth".to_owned(),
                };
                self.0.push((*scope, format!("net:{}:{port}~{proof}", escape(host))));
            }
        }
    }

    /// The node listens on a unix socket, which is for programs of this machine.
    pub(crate) fn add_unix(&mut self, socket: &Path) {
        self.0.push((Scope::Device, format!("unix:{}~noauth", escape(&socket.display().to_string()))));
    }

    /// Those that are told in a scope, joined by `;`. `None` if there are none.
    pub(crate) fn told(&self, scope: Scope) -> Option<String> {
        let told: Vec<&str> =
            self.0.iter().filter(|(of, _)| *of == scope).map(|(_, address)| address.as_str()).collect();
        (!told.is_empty()).then(|| told.join(";"))
    }
}

// The separator between transport and proof, and what escapes it.
fn escape(part: &str) -> String {
    part.replace('!', "!!").replace('~', "!~")
}

// By which hosts a machine that listens everywhere is reached.
fn hosts_of(scope: Scope) -> Vec<String> {
    let interfaces = interfaces::all().into_iter().filter(|interface| interface.scope == scope);
    interfaces.map(|interface| interface.address.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Scope; 3] = [Scope::Device, Scope::Local, Scope::Public];

    fn place<'a>(host: Option<&'a str>, scopes: &'a [Scope]) -> TcpPlace<'a> {
        TcpPlace { host, port: 8008, transform: Transform::Shs, scopes, external: &[] }
    }

    #[test]
    fn an_address_is_told_in_the_scopes_of_its_place() {
        let mut addresses = Addresses::default();
        addresses.add_net(place(Some("10.0.0.1"), &[Scope::Local]), "KEY=");
        addresses.add_net(place(Some("h.example"), &ALL), "KEY=");
        addresses.add_unix(Path::new("/home/alice/.ssb/socket"));

        assert_eq!(
            ALL.map(|scope| addresses.told(scope).unwrap_or_default()),
            [
                "net:h.example:8008~shs:KEY=;unix:/home/alice/.ssb/socket~noauth",
                "net:10.0.0.1:8008~shs:KEY=;net:h.example:8008~shs:KEY=",
                "net:h.example:8008~shs:KEY=",
            ]
        );
    }

    #[test]
    fn everybody_is_told_the_external_hosts_instead() {
        let mut addresses = Addresses::default();
        let external = ["one.example".to_owned(), "two.example".to_owned()];
        let inside = TcpPlace { external: &external, ..place(Some("10.0.0.1"), &ALL) };

        addresses.add_net(inside, "KEY=");

        assert_eq!(
            addresses.told(Scope::Public).as_deref(),
            Some("net:one.example:8008~shs:KEY=;net:two.example:8008~shs:KEY=")
        );
        assert_eq!(addresses.told(Scope::Local).as_deref(), Some("net:10.0.0.1:8008~shs:KEY="));
    }

    #[test]
    fn nobody_is_told_what_is_for_nobody() {
        assert_eq!(Addresses::default().told(Scope::Public), None);
    }

    #[test]
    fn a_place_without_a_handshake_says_so_and_separators_are_escaped() {
        let mut addresses = Addresses::default();
        let inside = place(Some("fe80::1%eth0"), &[Scope::Device]);
        addresses.add_net(TcpPlace { transform: Transform::NoAuth, ..inside }, "KEY=");
        addresses.add_unix(Path::new("/home/a~b!/socket"));

        assert_eq!(
            addresses.told(Scope::Device).as_deref(),
            Some("net:fe80::1:8008~noauth;unix:/home/a!~b!!/socket~noauth")
        );
    }

    #[test]
    fn a_machine_that_listens_everywhere_names_its_interfaces() {
        let mut addresses = Addresses::default();

        addresses.add_net(place(None, &ALL), "KEY=");

        let told = addresses.told(Scope::Device).unwrap();
        let first = interfaces::all().into_iter().find(|interface| interface.scope == Scope::Device).unwrap();
        assert!(told.starts_with(&format!("net:{}:8008~shs:KEY=", first.address)), "{told}");
    }
}
