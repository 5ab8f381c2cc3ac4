//! Machines of a local network that exists for one test only: network namespaces, joined by a bridge in one more.
//!
//! A namespace lives as long as the program that was started in it, so nothing is left when a test ends, however it does.
//! Needs Linux with user namespaces, `unshare` and `nsenter` of util-linux, and `ip` of iproute2.

use std::fs;
use std::net::Ipv4Addr;
use std::process::Command;
use std::process::Stdio;

use crate::process::Process;
use crate::wait::eventually;
use crate::wait::fail;

/// A local network, 10.77.0.0/24, from which nothing gets out.
#[derive(Debug)]
pub struct Network {
    switch: Process,
}

/// A machine in it.
#[derive(Debug)]
pub struct Host {
    namespace: Process,
    /// The process whose user namespace owns all of this.
    owner: u32,
    ip: Ipv4Addr,
}

impl Network {
    /// A network without machines.
    ///
    /// # Panics
    ///
    /// When the system lets nobody make one.
    #[track_caller]
    #[must_use]
    pub fn new() -> Self {
        let mut command = Command::new("unshare");
        let switch =
            Process::start("the switch", command.args(["--user", "--map-root-user", "--net"]).args(IDLE));
        is_apart(&switch);
        let network = Self { switch };
        network.ip("link add lan type bridge");
        network.ip("link set lan up");
        network
    }

    /// A machine with the address 10.77.0.`n`.
    ///
    /// # Panics
    ///
    /// When there is one.
    #[track_caller]
    #[must_use]
    pub fn host(&self, n: u8) -> Host {
        let owner = self.switch.id();
        let mut command = within(owner, owner);
        let name = format!("host {n}");
        let namespace = Process::start(&name, command.args(["unshare", "--net"]).args(IDLE));
        is_apart(&namespace);
        eventually("the host is apart from the switch", || {
            (network_of(namespace.id()) != network_of(owner)).then_some(())
        });
        self.ip(&format!("link add port{n} type veth peer name eth0 netns {}", namespace.id()));
        self.ip(&format!("link set port{n} master lan up"));
        let host = Host { namespace, owner, ip: Ipv4Addr::new(10, 77, 0, n) };
        host.add(n);
        host.ip_tool("link set lo up");
        host.ip_tool("link set eth0 up");
        // To nowhere, but 255.255.255.255 is where it leads.
        host.ip_tool("route add default via 10.77.0.254");
        host
    }

    #[track_caller]
    fn ip(&self, words: &str) {
        run(within(self.switch.id(), self.switch.id()).arg("ip").args(words.split(' ')));
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::new()
    }
}

impl Host {
    /// Gives it the address 10.77.0.`n` as well.
    #[track_caller]
    pub fn add(&self, n: u8) {
        self.ip_tool(&format!("address add 10.77.0.{n}/24 broadcast 10.77.0.255 dev eth0"));
    }

    /// Its first address.
    #[must_use]
    pub const fn ip(&self) -> Ipv4Addr {
        self.ip
    }

    /// The same program, on this machine.
    #[must_use]
    pub fn run(&self, command: &Command) -> Command {
        let mut inside = within(self.owner, self.namespace.id());
        inside.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        if let Some(directory) = command.get_current_dir() {
            inside.current_dir(directory);
        }
        inside
    }

    #[track_caller]
    fn ip_tool(&self, words: &str) {
        run(within(self.owner, self.namespace.id()).arg("ip").args(words.split(' ')));
    }
}

/// What keeps a namespace: it ends when nobody holds its standard input any more.
const IDLE: [&str; 1] = ["cat"];

/// What is named behind it runs in the user namespace of one process and the network of another.
fn within(owner: u32, network: u32) -> Command {
    let mut command = Command::new("nsenter");
    command.arg(format!("--user=/proc/{owner}/ns/user")).arg(format!("--net=/proc/{network}/ns/net"));
    command.arg("--preserve-credentials");
    command
}

fn network_of(process: u32) -> Option<std::path::PathBuf> {
    fs::read_link(format!("/proc/{process}/ns/net")).ok()
}

#[track_caller]
fn is_apart(process: &Process) {
    let here = fs::read_link("/proc/self/ns/net").ok();
    eventually(
        "the system makes a namespace (this needs Linux with user namespaces, and util-linux)",
        || network_of(process.id()).filter(|there| Some(there) != here.as_ref()).map(drop),
    );
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| fail(format_args!("cannot run {command:?}: {error}")));
    if !output.status.success() {
        fail(format_args!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)));
    }
}
