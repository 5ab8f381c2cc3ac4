//! Nodes of all kinds, who dials whom, and what must come where.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use interop::Client;
use interop::Lab;
use interop::Node;
use interop::eventually;
use interop::without_receive_time;

/// Which program a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ours,
    /// ssb-server 16.
    Server,
    /// The newer JavaScript stack.
    Db2,
}

/// Who of the two of a link dials.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dials {
    Forwards,
    Backwards,
    Both,
}

/// Real nodes that know each other.
pub(crate) struct Network {
    lab: Lab,
    kinds: Vec<Kind>,
    /// `None` while it is killed.
    nodes: Vec<Option<Place>>,
    ids: Vec<String>,
    /// Who dials whom.
    dials: Vec<(usize, usize)>,
    /// How many messages each has written.
    written: Vec<usize>,
    /// Who blocks whom: neither gets the other's messages from here on.
    blocks: BTreeSet<(usize, usize)>,
    /// How often everybody has posted.
    posts: usize,
}

struct Place {
    node: Node,
    owner: Client,
}

impl Network {
    pub(crate) fn start(kinds: &[Kind]) -> Self {
        let lab = Lab::new();
        let nodes: Vec<Option<Place>> =
            kinds.iter().enumerate().map(|(n, kind)| Some(place(&lab, n, *kind))).collect();
        let ids = nodes.iter().flatten().map(|place| place.node.id()).collect();
        Self {
            lab,
            kinds: kinds.to_vec(),
            nodes,
            ids,
            dials: Vec::new(),
            written: vec![0; kinds.len()],
            blocks: BTreeSet::new(),
            posts: 0,
        }
    }

    /// Everybody follows everybody.
    pub(crate) fn follow_all(&mut self) {
        for node in 0..self.ids.len() {
            for other in 0..self.ids.len() {
                if node != other {
                    self.contact(node, other, r#""following":true"#);
                }
            }
        }
    }

    /// Everybody who is there writes so many messages.
    pub(crate) fn post_all(&mut self, count: usize) {
        for _ in 0..count {
            self.posts += 1;
            for node in 0..self.ids.len() {
                let text = format!(
                    r#"{{"type":"post","text":"é {}","zebra":{},"apple":0.1}}"#,
                    self.posts, self.posts
                );
                self.publish(node, &text);
            }
        }
    }

    pub(crate) fn dial_all(&mut self, links: &[(usize, usize)], dials: Dials) {
        for (one, other) in links {
            if dials != Dials::Backwards {
                self.dials.push((*one, *other));
            }
            if dials != Dials::Forwards {
                self.dials.push((*other, *one));
            }
        }
        for (from, to) in self.dials.clone() {
            self.dial(from, to);
        }
    }

    /// Dials anew whoever dialed this node, and whom it dialed.
    fn redial(&mut self, node: usize) {
        for (from, to) in self.dials.clone() {
            if from == node || to == node {
                self.dial(from, to);
            }
        }
    }

    pub(crate) fn block(&mut self, node: usize, other: usize) {
        self.contact(node, other, r#""blocking":true"#);
        self.blocks.insert((node, other));
    }

    pub(crate) fn unblock(&mut self, node: usize, other: usize) {
        self.contact(node, other, r#""following":true,"blocking":false"#);
        self.blocks.remove(&(node, other));
    }

    pub(crate) fn kill(&mut self, node: usize) {
        if let Some(place) = self.nodes[node].take() {
            place.node.kill();
        }
    }

    pub(crate) fn restart(&mut self, node: usize) {
        self.nodes[node] = Some(place(&self.lab, node, self.kinds[node]));
        self.redial(node);
    }

    /// Waits until everybody who is there has all that it should have, and the same as its author.
    pub(crate) fn converge(&mut self) {
        let mut authors: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for author in 0..self.ids.len() {
            let id = self.ids[author].clone();
            authors.insert(author, self.feed(author, &id));
        }
        for (author, feed) in &authors {
            assert_eq!(feed.len(), self.written[*author], "node {author} has its own feed");
        }
        for node in 0..self.ids.len() {
            for (author, feed) in &authors {
                if self.is_apart(node, *author) {
                    continue;
                }
                let id = self.ids[*author].clone();
                let what = format!(
                    "{} messages of node {author} on node {node}, {:?}",
                    feed.len(),
                    self.kinds[node]
                );
                eventually(&what, || (self.feed(node, &id).len() >= feed.len()).then_some(()));
                assert_eq!(self.feed(node, &id), *feed, "the feed of node {author} on node {node}");
            }
        }
    }

    /// Whether one of the two blocks the other.
    fn is_apart(&self, one: usize, other: usize) -> bool {
        self.blocks.contains(&(one, other)) || self.blocks.contains(&(other, one))
    }

    fn contact(&mut self, node: usize, other: usize, what: &str) {
        let text = format!(r#"{{"type":"contact","contact":"{}",{what}}}"#, self.ids[other]);
        self.publish(node, &text);
    }

    fn publish(&mut self, node: usize, content: &str) {
        if let Some(place) = &mut self.nodes[node] {
            place.owner.call("publish", &format!("[{content}]")).expect("the owner may publish");
            self.written[node] += 1;
        }
    }

    fn dial(&mut self, from: usize, to: usize) {
        let method = if self.kinds[from] == Kind::Db2 { "conn.connect" } else { "gossip.connect" };
        let address = self.nodes[to].as_ref().map(|place| place.node.address().to_owned());
        if let Some((place, address)) = self.nodes[from].as_mut().zip(address) {
            let dialed = place.owner.call(method, &format!(r#"["{address}"]"#));
            assert!(dialed.is_ok(), "node {from} dials {to}: {dialed:?}");
        }
    }

    /// A feed as a node has it: keys and values as text.
    fn feed(&mut self, node: usize, id: &str) -> Vec<String> {
        let Some(place) = &mut self.nodes[node] else { return Vec::new() };
        // ssb-server's createHistoryStream ends where an author blocked its caller, even if that was taken back since.
        let method =
            if self.kinds[node] == Kind::Server { "createUserStream" } else { "createHistoryStream" };
        let items = place.owner.collect(method, &format!(r#"[{{"id":"{id}"}}]"#));
        items.expect("the owner may read").iter().map(|item| without_receive_time(item)).collect()
    }
}

fn place(lab: &Lab, number: usize, kind: Kind) -> Place {
    let name = format!("n{number}");
    let node = match kind {
        Kind::Ours => lab.ours(&name, &[]),
        Kind::Server => lab.theirs(&name, &["--no-dial"]),
        Kind::Db2 => lab.modern(&name, &[]),
    };
    Place { owner: lab.client(&node), node }
}
