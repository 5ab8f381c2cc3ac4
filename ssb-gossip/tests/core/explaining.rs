//! What `why` says.

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::core::Start;
use ssb_gossip::ebt::STALL_AFTER;
use ssb_gossip::ebt::note::Note;
use ssb_gossip::event::Input;
use ssb_gossip::event::Ticket;
use ssb_msg::content::Relation;

use super::ME;
use super::Node;
use super::feed;
use super::fresh;
use super::says;

/// The feed of these questions.
const AUTHOR: u8 = 5;

const fn has(sequence: u64) -> Note {
    Note::Has { sequence, send: false }
}

/// What is said, with names instead of ids, and without the first line, which names the feed.
fn told(node: &Node) -> Vec<String> {
    let text = node.core.explain(&feed(AUTHOR)).to_string();
    let named = (0..=200_u8).fold(text, |text, n| text.replace(&feed(n).to_string(), &format!("@{n}")));
    let mut lines = named.lines().map(|line| line.trim_start().to_owned());
    assert_eq!(lines.next().as_deref(), Some("@5"));
    lines.collect()
}

fn with(contacts: &[(u8, Relation, u8)]) -> Node {
    let contacts = contacts.iter().map(|(author, relation, contact)| says(*author, *relation, *contact));
    Node::start(Start { contacts: contacts.collect(), ..fresh() })
}

fn following() -> Node {
    with(&[(ME, Relation::Follow, AUTHOR)])
}

impl Node {
    /// A peer that says this of the feed.
    fn hear(&mut self, connection: u64, peer: u8, note: Note) {
        let connection = ConnectionId(connection);
        self.handle(Input::Opened { connection, peer: feed(peer), side: Side::Dialed });
        self.handle(Input::EbtNotes { connection, notes: vec![(feed(AUTHOR), note)] });
    }
}

#[test]
fn why_a_feed_is_not_replicated() {
    let unknown = "not replicated: nobody within 2 hops follows it; follow it yourself, or ask for it once with replicate.request";
    for (contacts, reason) in [
        (&[][..], unknown),
        (&[(ME, Relation::Block, AUTHOR)], "not replicated: you block it"),
        (
            &[(ME, Relation::Follow, 1), (1, Relation::Block, AUTHOR)],
            "not replicated: @1 blocks it, and you do not follow it yourself",
        ),
        (&[(ME, Relation::Neutral, AUTHOR)], "not replicated: you do not follow it any more"),
        (
            &[(ME, Relation::Follow, 1), (1, Relation::Follow, 2), (2, Relation::Follow, AUTHOR)],
            "not replicated: those who follow it are too far away; friends.hops is 2, or follow it yourself",
        ),
    ] {
        assert_eq!(told(&with(contacts)), ["here: nothing", reason]);
    }
    let removed = Start { banned: vec![feed(AUTHOR)], ..fresh() };
    assert_eq!(
        told(&Node::start(removed)),
        ["here: nothing", "not replicated: you removed it for good (del); undel lets it come back"]
    );
    let mut declined = following();
    declined.handle(Input::Request { ticket: Ticket(1), feed: feed(AUTHOR), wanted: false });
    assert_eq!(told(&declined), ["here: nothing", "not replicated: you asked not to (replicate.request)"]);
}

#[test]
fn why_a_feed_is_replicated() {
    let nobody = "no peer is connected: ssb-cli gossip.connect ADDRESS, or wait for one";
    assert_eq!(told(&following()), ["here: nothing", "replicated: you follow it", nobody]);
    let friend = with(&[(ME, Relation::Follow, 1), (1, Relation::Follow, AUTHOR)]);
    assert_eq!(told(&friend), ["here: nothing", "replicated: you follow @1, who follows it", nobody]);
    let mut asked = Node::new();
    asked.handle(Input::Request { ticket: Ticket(1), feed: feed(AUTHOR), wanted: true });
    assert_eq!(told(&asked), ["here: nothing", "replicated: you asked for it (replicate.request)", nobody]);
    let own = Node::start(Start { me: feed(AUTHOR), held: vec![(feed(AUTHOR), 3)], ..fresh() });
    assert_eq!(told(&own), ["here: 3 messages", "replicated: it is your own feed", nobody]);
}

#[test]
fn what_peers_have_and_what_went_wrong() {
    let start = ["here: nothing", "replicated: you follow it"];
    let mut node = following();
    node.handle(Input::Opened { connection: ConnectionId(1), peer: feed(100), side: Side::Dialed });
    assert_eq!(told(&node)[2..], ["none of 1 connected peers has said anything of it yet"]);
    node.handle(Input::EbtNotes { connection: ConnectionId(1), notes: Vec::new() });
    assert_eq!(told(&node)[2..], ["@100 was told of it, and has not answered", "no connected peer has more"]);

    node.hear(2, 101, Note::Refused);
    node.close(1);
    assert_eq!(
        told(&node)[2..],
        ["@101 does not replicate it with us", "no connected peer replicates it: connect to one that does"]
    );

    node.hear(3, 102, has(9));
    node.hear(4, 103, has(7));
    assert_eq!(told(&node)[..2], start);
    assert_eq!(
        told(&node)[2..],
        [
            "@101 does not replicate it with us",
            "@102 has 9 messages, and sends them",
            "@103 has 7 messages, and waits for its turn",
            "missing here: 9 messages",
        ]
    );

    node.close(4);
    for trouble in [
        "owes them, and was asked again",
        "owes them, and was asked again from the start",
        "owes them, and is asked for them with createHistoryStream",
        "did not send them, and is asked again in a while",
    ] {
        node.later(STALL_AFTER);
        assert_eq!(told(&node)[3], format!("@102 has 9 messages, {trouble}"));
    }
}

#[test]
fn when_all_is_here() {
    let contacts = vec![says(ME, Relation::Follow, AUTHOR)];
    let mut node = Node::start(Start { held: vec![(feed(AUTHOR), 9)], contacts, ..fresh() });
    node.hear(1, 100, has(9));
    node.hear(2, 101, has(0));

    assert_eq!(
        told(&node),
        [
            "here: 9 messages",
            "replicated: you follow it",
            "@100 has 9 messages",
            "@101 has nothing of it",
            "no connected peer has more",
        ]
    );
}

#[test]
fn when_the_feed_has_forked() {
    let mut node = following();
    node.handle(Input::Forked { feed: feed(AUTHOR), sequence: 7 });
    node.handle(Input::Forked { feed: feed(AUTHOR), sequence: 9 });

    assert_eq!(
        told(&node)[1..],
        [
            "replicated: you follow it",
            "forked: its author has signed two histories, which part at message 7; the one that came here first is kept, and \
             peers that have the other cannot send more",
            "no peer is connected: ssb-cli gossip.connect ADDRESS, or wait for one",
        ]
    );
    assert_eq!(node.core.forks().collect::<Vec<_>>(), [(feed(AUTHOR), 7)]);
}
