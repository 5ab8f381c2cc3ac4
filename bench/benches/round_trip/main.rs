//! `whoami` over TCP: ours, JavaScript's with `TCP_NODELAY` on both sides, and the bare echo of as many bytes.

mod echo;
mod pipeline;

use std::env;
use std::io;
use std::io::BufRead as _;
use std::io::BufReader;
use std::net::TcpStream;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use bench::rounds::Rounds;
use interop::Lab;
use interop::Node;
use interop::Process;
use interop::javascript;
use ssb_gossip::address::Address;
use ssb_keys::Keypair;
use ssb_keys::base64;
use ssb_keys::network::NetworkKey;
use ssb_keys::secret_file;
use ssb_node::client::Client;

use self::pipeline::Pipeline;

/// How often the sides take turns.
const ROUNDS: usize = 15;

/// How many calls one turn of one side has, one after the other.
const CALLS: usize = 2_000;

/// How many calls one turn has when many are under way.
const MANY_CALLS: usize = 20_000;

/// How many those are.
const IN_FLIGHT: usize = 1_024;

/// The bytes of a sealed `whoami` and of its answer, each in the mean.
const ECHO_LEN: usize = 110;

fn main() -> io::Result<()> {
    if env::var_os(ECHO).is_some() {
        return echo::serve(|address| println!("{address}"));
    }
    let lab = Lab::for_measuring();
    let (ours, theirs) = (lab.ours("ours", &[]), lab.theirs("theirs", &["--no-delay"]));
    let mut javascript = JavaScript::connect(&lab, &theirs);
    let (mut echo_server, echo_address) = start_echo()?;
    let mut echo_stream = TcpStream::connect(echo_address.trim())?;
    echo_stream.set_nodelay(true)?;
    let network = NetworkKey::from_bytes(base64::decode_array(lab.shs()).map_err(io::Error::other)?);
    let me = secret_file::load(&ours.dir().join("secret")).map_err(io::Error::other)?;
    let mut client = connect(&ours, &network, &me)?;
    let mut pipeline = open_pipeline(&ours, &network, &me)?;

    let one = Rounds::<3>::run(ROUNDS, |side| {
        let start = Instant::now();
        let seconds = match side {
            0 => {
                for _ in 0..CALLS {
                    client.call(&["whoami"], "[]").expect("the node answers");
                }
                start.elapsed().as_secs_f64()
            }
            1 => javascript.measure(CALLS, 1),
            _ => {
                echo::call(&mut echo_stream, ECHO_LEN, CALLS).expect("the echo answers");
                start.elapsed().as_secs_f64()
            }
        };
        seconds * 1e6 / f64::from(u32::try_from(CALLS).expect("few"))
    });
    let many = Rounds::<2>::run(ROUNDS, |side| {
        let start = Instant::now();
        let seconds = match side {
            0 => {
                pipeline.call("whoami", MANY_CALLS, IN_FLIGHT).expect("the node answers");
                start.elapsed().as_secs_f64()
            }
            _ => javascript.measure(MANY_CALLS, IN_FLIGHT),
        };
        f64::from(u32::try_from(MANY_CALLS).expect("few")) / seconds
    });
    echo_server.kill()?;

    let [ratio, low, high] = one.compare(0, 1, |ours, theirs| ours / theirs);
    println!(
        "whoami, one in flight: {:.1} µs against {:.1} µs of JavaScript with TCP_NODELAY: ratio {ratio:.2} ({low:.2} to \
         {high:.2}, target 0.50)",
        one.median(0),
        one.median(1),
    );
    let [more, low, high] = one.compare(0, 2, |ours, echo| ours - echo);
    println!(
        "whoami, one in flight: {more:.1} µs ({low:.1} to {high:.1}, target 25) above a bare echo of {:.1} µs",
        one.median(2)
    );
    let [ratio, low, high] = many.compare(0, 1, |ours, theirs| ours / theirs);
    println!(
        "whoami, {IN_FLIGHT} in flight: {:.0} calls a second against {:.0} of JavaScript with TCP_NODELAY: ratio {ratio:.1} \
         ({low:.1} to {high:.1}, target 5)",
        many.median(0),
        many.median(1),
    );
    Ok(())
}

/// ssb-client and ssb-server.
struct JavaScript(Process);

impl JavaScript {
    fn connect(lab: &Lab, server: &Node) -> Self {
        let mut command = lab.tame(javascript("whoami.js"));
        command.args(["--addr", server.address(), "--shs", lab.shs(), "--no-delay", "--keys"]);
        let process = Process::start("whoami.js", command.arg(server.dir().join("secret")));
        process.find_line("connection", |line| line.contains("connected").then_some(()));
        Self(process)
    }

    fn measure(&mut self, count: usize, in_flight: usize) -> f64 {
        self.0.say(&format!("{count} {in_flight}"));
        self.0.find_line("time", |line| line.parse().ok())
    }
}

fn connect(node: &Node, network: &NetworkKey, me: &Keypair) -> io::Result<Client> {
    let address = address(node)?;
    let patience = Duration::from_secs(5);
    Client::connect_net(address.host(), address.port(), network, me, me.id(), patience)
        .map_err(io::Error::other)
}

fn open_pipeline(node: &Node, network: &NetworkKey, me: &Keypair) -> io::Result<Pipeline> {
    let address = address(node)?;
    let stream = TcpStream::connect((address.host(), address.port()))?;
    Pipeline::open(stream, network, me, me.id())
}

fn address(node: &Node) -> io::Result<Address> {
    Address::parse(node.address()).map_err(io::Error::other)
}

/// Starts the echo in a process of its own, as the node is one.
fn start_echo() -> io::Result<(Child, String)> {
    let mut server = Command::new(env::current_exe()?).env(ECHO, "1").stdout(Stdio::piped()).spawn()?;
    let mut address = String::new();
    let output = server.stdout.take().expect("it is piped");
    BufReader::new(output).read_line(&mut address)?;
    Ok((server, address))
}

/// Set for the process that echoes.
const ECHO: &str = "SSB_BENCH_ECHO";
