//! Nodes of all kinds whose owners follow each other, and blobs that they have and want.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use interop::Answer;
use interop::Client;
use interop::Lab;
use interop::Node;
use interop::PATIENCE;
use interop::Stream;
use interop::blob_file;
use interop::eventually;
use interop::json;
use ssb_keys::BlobId;
use ssb_keys::hash::sha256;

/// Which program a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ours,
    /// ssb-server 16, with ssb-blobs 1.2.2.
    Server,
    /// The newer JavaScript stack, with ssb-blobs 2.0.1.
    Db2,
}

/// A text that nobody else has.
pub(crate) struct Blob {
    text: String,
    hash: [u8; 32],
}

impl Blob {
    /// So many bytes, no two blocks of which are the same.
    pub(crate) fn new(name: &str, len: usize) -> Self {
        let filler = "0123456789abcdef".repeat(256);
        let mut text = String::with_capacity(len + 2 * filler.len());
        for block in 0.. {
            if text.len() >= len {
                break;
            }
            text.push_str(&format!("{name}, block {block}: {filler}\n"));
        }
        text.truncate(len);
        Self { hash: sha256(text.as_bytes()), text }
    }

    pub(crate) fn short(name: &str) -> Self {
        Self::new(name, 100)
    }

    pub(crate) fn id(&self) -> String {
        BlobId::from_bytes(self.hash).to_string()
    }
}

/// Real nodes that know each other. Each dials those that it is told to, and nobody else.
pub(crate) struct Network {
    lab: Lab,
    kinds: Vec<Kind>,
    /// From how many bytes on blobs are not fetched, unless that is left to the nodes.
    len_max: Option<u64>,
    /// `None` while it does not run.
    places: Vec<Option<Place>>,
    /// Who dials whom.
    links: Vec<(usize, usize)>,
}

struct Place {
    node: Node,
    owner: Client,
}

impl Network {
    /// Nodes that do not run yet.
    pub(crate) fn new(kinds: &[Kind]) -> Self {
        let places = kinds.iter().map(|_| None).collect();
        Self { lab: Lab::new(), kinds: kinds.to_vec(), len_max: None, places, links: Vec::new() }
    }

    /// The same, which fetch blobs of fewer than so many bytes.
    pub(crate) fn with_len_max(kinds: &[Kind], len_max: u64) -> Self {
        Self { len_max: Some(len_max), ..Self::new(kinds) }
    }

    /// Starts all of them; each owner follows each other.
    pub(crate) fn start(&mut self) {
        self.start_strangers();
        for node in 0..self.kinds.len() {
            for other in 0..self.kinds.len() {
                if node != other {
                    self.follow(node, other);
                }
            }
        }
    }

    /// Starts all of them; nobody follows anybody.
    pub(crate) fn start_strangers(&mut self) {
        let (lab, len_max) = (&self.lab, self.len_max);
        self.places = thread::scope(|scope| {
            let kinds = self.kinds.iter().enumerate();
            let starts: Vec<_> =
                kinds.map(|(node, kind)| scope.spawn(move || place(lab, node, *kind, len_max))).collect();
            starts.into_iter().map(|start| start.join().ok()).collect()
        });
    }

    pub(crate) fn follow(&mut self, node: usize, other: usize) {
        let id = self.running(other).node.id();
        let follow = format!(r#"{{"type":"contact","contact":"{id}","following":true}}"#);
        self.running(node).owner.publish(&follow);
    }

    pub(crate) fn dial_all(&mut self, links: &[(usize, usize)]) {
        for (from, to) in links {
            self.links.push((*from, *to));
            self.dial(*from, *to);
        }
    }

    pub(crate) fn kill(&mut self, node: usize) {
        let place = self.places[node].take().expect("it runs");
        place.node.kill();
    }

    pub(crate) fn stop(&mut self, node: usize) {
        let place = self.places[node].take().expect("it runs");
        place.owner.close();
        place.node.stop();
    }

    /// Starts one again; whoever dialed it, and whom it dialed, is connected to it again.
    pub(crate) fn restart(&mut self, node: usize) {
        self.places[node] = Some(place(&self.lab, node, self.kinds[node], self.len_max));
        for (from, to) in self.links.clone() {
            if from == node || to == node {
                self.dial(from, to);
            }
        }
    }

    /// Puts a blob where a node that does not run will find it.
    pub(crate) fn lay(&self, node: usize, blob: &Blob) {
        let file = self.file(node, blob);
        let directory = file.parent().expect("it is in a directory");
        fs::create_dir_all(directory)
            .and_then(|()| fs::write(&file, &blob.text))
            .expect("the lab is writable");
    }

    pub(crate) fn add(&mut self, node: usize, blob: &Blob) {
        let items = serde_json::json!([blob.text]).to_string();
        assert_eq!(self.running(node).owner.pour("blobs.add", &items), Ok(()));
        eventually("what is added is there", || self.has(node, blob).then_some(()));
    }

    /// Adds the empty blob.
    pub(crate) fn add_nothing(&mut self, node: usize) {
        assert_eq!(self.running(node).owner.pour("blobs.add", "[]"), Ok(()));
    }

    pub(crate) fn push(&mut self, node: usize, blob: &Blob) {
        assert_eq!(self.call(node, "blobs.push", blob), Ok("false".to_owned()));
    }

    /// Calls a method that takes a blob. A JavaScript node asks its peers for what it `blobs.has` not.
    pub(crate) fn call(&mut self, node: usize, method: &str, blob: &Blob) -> Result<String, String> {
        self.running(node).owner.call(method, &format!("[\"{}\"]", blob.id()))
    }

    pub(crate) fn want(&mut self, node: usize, blob: &Blob) -> Stream {
        self.running(node).owner.begin("blobs.want", &format!("[\"{}\"]", blob.id()))
    }

    /// Waits until the node has said that what is wanted is there, which it is.
    pub(crate) fn comes(&mut self, node: usize, want: Stream, blob: &Blob) {
        let answer = self.running(node).owner.next(want, PATIENCE);
        assert_eq!(answer, Some(Answer::Value("true".to_owned())), "node {node} of {:?}", self.kinds);
        self.assert_has(node, blob);
    }

    /// Wants a blob that somebody has, and waits for it.
    pub(crate) fn gets(&mut self, node: usize, blob: &Blob) {
        let want = self.want(node, blob);
        self.comes(node, want, blob);
    }

    /// Waits until a blob is there that the owner did not ask for.
    pub(crate) fn comes_unasked(&self, node: usize, blob: &Blob) {
        eventually("what is pushed comes", || self.has(node, blob).then_some(()));
        self.assert_has(node, blob);
    }

    /// Waits until a node tells others that the blob is wanted.
    pub(crate) fn passes_on(&self, node: usize, blob: &Blob) {
        let manifest = r#"{"blobs":{"createWants":"source"}}"#;
        let place = self.places[node].as_ref().expect("it runs");
        let mut stranger = self.lab.stranger(&place.node, Some(manifest));
        let wants = stranger.open("blobs.createWants", "[]");
        let is_wanted = |item: &str| json(item).get(blob.id()).is_some_and(|word| word.as_i64() < Some(0));
        while !is_wanted(&stranger.item(wants)) {}
    }

    /// Whether nothing comes of a want in this time.
    pub(crate) fn is_silent(&mut self, node: usize, want: Stream, within: Duration) -> bool {
        self.running(node).owner.next(want, within).is_none()
    }

    pub(crate) fn has(&self, node: usize, blob: &Blob) -> bool {
        self.file(node, blob).exists()
    }

    pub(crate) fn assert_has(&self, node: usize, blob: &Blob) {
        let bytes = fs::read(self.file(node, blob)).expect("it was said to be there");
        assert!(bytes == blob.text.as_bytes(), "the blob of node {node} of {:?}", self.kinds);
    }

    /// Whether there is a part of a blob, be it that more of it is to come or not.
    pub(crate) fn is_writing(&self, node: usize) -> bool {
        !self.aside(node).is_empty()
    }

    /// Waits until there are so many bytes of a blob, and hardly any longer.
    pub(crate) fn writes(&self, node: usize, len: u64) {
        let start = Instant::now();
        while !self.aside(node).iter().any(|there| *there >= len) {
            assert!(start.elapsed() < PATIENCE, "node {node} of {:?} gets nothing", self.kinds);
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// How many bytes there are of each blob that is being written.
    fn aside(&self, node: usize) -> Vec<u64> {
        let entries = fs::read_dir(self.dir(node).join("blobs/tmp")).into_iter().flatten();
        entries.flatten().flat_map(|entry| entry.metadata()).map(|metadata| metadata.len()).collect()
    }

    /// The most memory that the node has had at any time, in bytes.
    pub(crate) fn peak_memory(&mut self, node: usize) -> u64 {
        let id = self.running(node).node.process().id();
        let status = fs::read_to_string(format!("/proc/{id}/status")).expect("the system is Linux");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"));
        1024 * peak.and_then(|peak| peak.trim().parse::<u64>().ok()).expect("it says how much it was")
    }

    fn file(&self, node: usize, blob: &Blob) -> PathBuf {
        blob_file(&self.dir(node), &blob.hash)
    }

    fn dir(&self, node: usize) -> PathBuf {
        self.lab.dir(&name(node))
    }

    fn dial(&mut self, from: usize, to: usize) {
        let method = if self.kinds[from] == Kind::Db2 { "conn.connect" } else { "gossip.connect" };
        let address = self.running(to).node.address().to_owned();
        let dialed = self.running(from).owner.call(method, &format!("[\"{address}\"]"));
        assert!(dialed.is_ok(), "node {from} dials {to}: {dialed:?}");
    }

    fn running(&mut self, node: usize) -> &mut Place {
        self.places[node].as_mut().expect("it runs")
    }
}

fn place(lab: &Lab, node: usize, kind: Kind, len_max: Option<u64>) -> Place {
    let name = name(node);
    let options = len_max.map(|len| match kind {
        Kind::Ours => ["--blobs.max".to_owned(), len.to_string()],
        Kind::Server | Kind::Db2 => ["--blobs".to_owned(), format!("{{\"max\":{len}}}")],
    });
    let options: Vec<&str> = options.iter().flatten().map(String::as_str).collect();
    let node = match kind {
        Kind::Ours => lab.ours(&name, &options),
        Kind::Server => lab.theirs(&name, &[&["--no-dial"], &options[..]].concat()),
        Kind::Db2 => lab.modern(&name, &options),
    };
    Place { owner: lab.client(&node), node }
}

fn name(node: usize) -> String {
    format!("n{node}")
}
