//! A blob of 100 MB over loopback, from our node and from JavaScript's, each a process of its own.
//!
//! ```text
//! cargo bench -p bench --bench blobs
//! cargo bench -p bench --bench blobs -- --smoke        a megabyte, one round: does all of it run?
//! cargo bench -p bench --bench blobs -- --rounds 5
//! ```

use std::env;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use bench::rounds::Rounds;
use bench::table::MIB;
use bench::table::Row;
use bench::table::Table;
use bench::table::mib;
use bench::table::seconds;
use bench::table::spread;
use bench::table::spread_of;
use bench::usage;
use bench::wish::Wish;
use interop::Lab;
use interop::Node;
use interop::Process;
use interop::javascript;
use serde_json::Value;
use ssb_gossip::address::Address;
use ssb_keys::BlobId;
use ssb_keys::base64;
use ssb_keys::hash::sha256;
use ssb_keys::network::NetworkKey;
use ssb_keys::secret_file;
use ssb_node::client::Answer;
use ssb_node::client::Client;

/// How long the blob is, in bytes.
const LEN: usize = 100_000_000;

/// The same when it is only seen whether all of it runs.
const SMOKE_LEN: usize = 1_000_000;

/// Who reads from whom.
const OURS: usize = 0;
const THEIRS_READ_BY_OURS: usize = 1;
const THEIRS: usize = 2;
const OURS_READ_BY_THEIRS: usize = 3;

fn main() -> io::Result<()> {
    let wish = Wish::read(env::args().skip(1))?;
    let len = if wish.count < 100_000 { SMOKE_LEN } else { LEN };
    let lab = Lab::for_measuring();
    let (mut ours, mut theirs) = (lab.ours("ours", &[]), lab.theirs("theirs", &[]));
    let processes = [ours.process().id(), theirs.process().id()];
    let bytes = noise(len);
    let id = BlobId::from_bytes(sha256(&bytes));
    for node in [&ours, &theirs] {
        put(node.dir(), &id, &bytes)?;
    }
    drop(bytes);
    let mut our_readers = [Reader::connect(&lab, &ours)?, Reader::connect(&lab, &theirs)?];
    let mut their_readers = [JavaScript::connect(&lab, &ours), JavaScript::connect(&lab, &theirs)];
    let [our_reader, our_reader_of_theirs] = &mut our_readers;
    let [their_reader_of_ours, their_reader] = &mut their_readers;

    // A peak is that of this row alone, and not of the start.
    let memory = |field| processes.map(|id| usage::memory(id, field).unwrap_or(f64::NAN));
    let idle = memory("VmRSS:");
    for id in processes {
        fs::write(format!("/proc/{id}/clear_refs"), "5")?;
    }
    let mut cpu = [Vec::new(), Vec::new()];
    let rates = Rounds::<4>::run(usize::try_from(wish.rounds).unwrap_or(1), |side| {
        let server = usize::from(side == THEIRS_READ_BY_OURS || side == THEIRS);
        let busy =
            || processes.get(server).and_then(|id| usage::of_process(*id)).map_or(f64::NAN, |(cpu, _)| cpu);
        let before = busy();
        let seconds = match side {
            OURS => our_reader.read(&id, len),
            THEIRS_READ_BY_OURS => our_reader_of_theirs.read(&id, len),
            THEIRS => their_reader.read(&id, len),
            _ => their_reader_of_ours.read(&id, len),
        };
        if let Some(cpu) = cpu.get_mut(server) {
            cpu.push(busy() - before);
        }
        megabytes(len) / seconds
    });
    let peak = memory("VmHWM:");

    let mut table = Table::default();
    for (job, one, other) in [
        ("each read by its own client", OURS, THEIRS),
        ("both read by ours", OURS, THEIRS_READ_BY_OURS),
        ("both read by ssb-client", OURS_READ_BY_THEIRS, THEIRS),
    ] {
        let ratio = rates.compare(one, other, |ours, theirs| ours / theirs);
        let is_promised = one == OURS && other == THEIRS;
        table.push(Row {
            job: format!("blobs.get of {:.0} MB, MB a second, {job}", megabytes(len)),
            ours: format!("{:.0}", rates.median(one)),
            theirs: format!("ssb-server: {:.0}", rates.median(other)),
            ratio: spread(ratio),
            target: if is_promised { "2 times as many".to_owned() } else { String::new() },
            holds: !is_promised || ratio[0] >= 2.0,
        });
    }
    let [ours, theirs] = cpu;
    let ratio = spread_of(ours.iter().zip(&theirs).map(|(ours, theirs)| theirs / ours));
    table.push(Row {
        job: "CPU of the server for that".to_owned(),
        ours: seconds(spread_of(ours.into_iter())[0]),
        theirs: format!("ssb-server: {}", seconds(spread_of(theirs.into_iter())[0])),
        ratio: spread(ratio),
        target: String::new(),
        holds: true,
    });
    let above = |side: usize| peak.get(side).zip(idle.get(side)).map_or(f64::NAN, |(peak, idle)| peak - idle);
    table.push(Row {
        job: "memory of the server above idle, meanwhile".to_owned(),
        ours: mib(above(0)),
        theirs: format!("ssb-server: {}", mib(above(1))),
        ratio: String::new(),
        target: "10 MiB".to_owned(),
        holds: above(0) < 10.0 * MIB,
    });
    print!("{table}");
    Ok(())
}

/// Our client.
struct Reader(Client);

impl Reader {
    fn connect(lab: &Lab, node: &Node) -> io::Result<Self> {
        let network = NetworkKey::from_bytes(base64::decode_array(lab.shs()).map_err(io::Error::other)?);
        let me = secret_file::load(&node.dir().join("secret")).map_err(io::Error::other)?;
        let address = Address::parse(node.address()).map_err(io::Error::other)?;
        let patience = Duration::from_secs(10);
        Client::connect_net(address.host(), address.port(), &network, &me, me.id(), patience)
            .map(Self)
            .map_err(io::Error::other)
    }

    /// How many seconds it takes.
    fn read(&mut self, id: &BlobId, len: usize) -> f64 {
        let (start, mut count) = (Instant::now(), 0);
        let ended = self.0.source(&["blobs", "get"], &format!("[\"{id}\"]"), |piece| {
            if let Answer::Binary(bytes) = piece {
                count += bytes.len();
            }
            ControlFlow::Continue(())
        });
        ended.expect("the blob is there");
        assert_eq!(count, len);
        start.elapsed().as_secs_f64()
    }
}

/// ssb-client.
struct JavaScript(Process);

impl JavaScript {
    fn connect(lab: &Lab, node: &Node) -> Self {
        let mut command = lab.tame(javascript("blobs.js"));
        command.args(["--addr", node.address(), "--shs", lab.shs(), "--keys"]);
        let process = Process::start("blobs.js", command.arg(node.dir().join("secret")));
        process.find_line("connection", |line| line.contains("connected").then_some(()));
        Self(process)
    }

    fn read(&mut self, id: &BlobId, len: usize) -> f64 {
        self.0.say(&id.to_string());
        let read: Value = self.0.find_line("time", |line| serde_json::from_str(line).ok());
        assert_eq!(read.get("bytes").and_then(Value::as_u64), u64::try_from(len).ok());
        read.get("seconds").and_then(Value::as_f64).expect("it took some time")
    }
}

/// Puts a blob where both nodes look for it.
fn put(dir: &Path, id: &BlobId, bytes: &[u8]) -> io::Result<()> {
    let digits: String = id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let (first, rest) = digits.split_at(2);
    let shelf = dir.join("blobs/sha256").join(first);
    fs::create_dir_all(&shelf)?;
    fs::write(shelf.join(rest), bytes)
}

/// Bytes that do not repeat.
fn noise(len: usize) -> Vec<u8> {
    let mut state: u64 = 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Some(state.to_le_bytes())
    };
    std::iter::from_fn(next).flatten().take(len).collect()
}

#[expect(clippy::cast_precision_loss, reason = "no blob here has 2^53 bytes")]
fn megabytes(len: usize) -> f64 {
    len as f64 / 1e6
}
