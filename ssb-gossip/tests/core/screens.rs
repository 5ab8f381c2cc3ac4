//! What `why` prints, whole, cause by cause.

use ssb_gossip::address::Address;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::core::Start;
use ssb_gossip::ebt::STALL_AFTER;
use ssb_gossip::ebt::note::Note;
use ssb_gossip::event::Input;
use ssb_gossip::event::Ticket;
use ssb_gossip::wish::Wish;
use ssb_msg::content::Relation;

use super::ME;
use super::Node;
use super::feed;
use super::fresh;
use super::says;

/// The feed of these questions.
const AUTHOR: u8 = 5;

/// The screen, with names instead of ids.
#[track_caller]
fn shows(node: &Node, expected: &str) {
    let text = node.core.explain(&feed(AUTHOR)).to_string();
    let named = (0..=200_u8).fold(text, |text, n| text.replace(&feed(n).to_string(), &format!("@{n}")));

    assert_eq!(named, expected);
}

fn with(contacts: &[(u8, Relation, u8)]) -> Node {
    let contacts = contacts.iter().map(|(author, relation, contact)| says(*author, *relation, *contact));
    Node::start(Start { contacts: contacts.collect(), ..fresh() })
}

/// Follows the feed and has three messages of it.
fn following() -> Node {
    let contacts = vec![says(ME, Relation::Follow, AUTHOR)];
    Node::start(Start { contacts, held: vec![(feed(AUTHOR), 3)], ..fresh() })
}

impl Node {
    /// A peer that says this of the feed.
    fn peer(&mut self, connection: u64, peer: u8, note: Note) {
        let connection = ConnectionId(connection);
        self.handle(Input::Opened { connection, peer: feed(peer), side: Side::Dialed });
        self.handle(Input::EbtNotes { connection, notes: vec![(feed(AUTHOR), note)] });
    }
}

const fn has(sequence: u64) -> Note {
    Note::Has { sequence, send: false }
}

#[test]
fn own() {
    let mut node = Node::start(Start { me: feed(AUTHOR), held: vec![(feed(AUTHOR), 3)], ..fresh() });
    node.peer(1, 100, has(2));

    shows(
        &node,
        "\
@5
  here: 3 messages
  replicated: it is your own feed
  @100 has 2 messages
  no connected peer has more
",
    );
}

#[test]
fn near() {
    let mut node = with(&[(ME, Relation::Follow, 1), (1, Relation::Follow, AUTHOR)]);
    node.peer(1, 100, has(1));

    shows(
        &node,
        "\
@5
  here: nothing
  replicated: you follow @1, who follows it
  @100 has 1 message, and sends them
  missing here: 1 message
",
    );
}

#[test]
fn too_far() {
    let node = with(&[(ME, Relation::Follow, 1), (1, Relation::Follow, 2), (2, Relation::Follow, AUTHOR)]);

    shows(
        &node,
        "\
@5
  here: nothing
  not replicated: those who follow it are too far away; friends.hops is 2, or follow it yourself
",
    );
}

#[test]
fn unknown() {
    shows(
        &Node::new(),
        "\
@5
  here: nothing
  not replicated: nobody within 2 hops follows it; follow it yourself, or ask for it once with replicate.request
",
    );
}

#[test]
fn blocked_by_the_owner() {
    shows(
        &with(&[(ME, Relation::Block, AUTHOR)]),
        "\
@5
  here: nothing
  not replicated: you block it
",
    );
}

#[test]
fn blocked_by_the_owner_without_a_message() {
    let mut node = following();
    let wish = Wish::Withhold { author: feed(ME), peer: feed(AUTHOR), withheld: true };
    node.handle(Input::Wish { ticket: Ticket(1), wish });

    shows(
        &node,
        "\
@5
  here: 3 messages
  not replicated: you block it
",
    );
}

#[test]
fn blocked_by_somebody_near() {
    shows(
        &with(&[(ME, Relation::Follow, 1), (1, Relation::Block, AUTHOR)]),
        "\
@5
  here: nothing
  not replicated: @1 blocks it, and you do not follow it yourself
",
    );
}

#[test]
fn unfollowed() {
    shows(
        &with(&[(ME, Relation::Follow, 1), (1, Relation::Neutral, AUTHOR)]),
        "\
@5
  here: nothing
  not replicated: @1 does not follow it any more
",
    );
}

#[test]
fn removed() {
    shows(
        &Node::start(Start { banned: vec![feed(AUTHOR)], ..fresh() }),
        "\
@5
  here: nothing
  not replicated: you removed it for good (del); undel lets it come back
",
    );
}

#[test]
fn declined() {
    let mut node = following();
    node.handle(Input::Request { ticket: Ticket(1), feed: feed(AUTHOR), wanted: false });

    shows(
        &node,
        "\
@5
  here: 3 messages
  not replicated: you asked not to (replicate.request)
",
    );
}

#[test]
fn asked_for() {
    let mut node = Node::new();
    node.handle(Input::Request { ticket: Ticket(1), feed: feed(AUTHOR), wanted: true });

    shows(
        &node,
        "\
@5
  here: nothing
  replicated: you asked for it (replicate.request)
  no peer is connected: ssb-cli gossip.connect ADDRESS, or wait for one
",
    );
}

#[test]
fn one_sends_one_waits_and_one_refuses() {
    let mut node = following();
    node.peer(1, 100, has(9));
    node.peer(2, 101, has(7));
    node.peer(3, 102, Note::Refused);

    shows(
        &node,
        "\
@5
  here: 3 messages
  replicated: you follow it
  @100 has 9 messages, and sends them
  @101 has 7 messages, and waits for its turn
  @102 does not replicate it with us
  missing here: 6 messages
",
    );
}

#[test]
fn one_owes_and_does_not_send() {
    let mut node = following();
    node.peer(1, 100, has(9));
    for trouble in [
        "owes them, and was asked again",
        "owes them, and was asked again from the start",
        "owes them, and is asked for them with createHistoryStream",
        "did not send them, and is asked again in a while",
    ] {
        node.later(STALL_AFTER);

        shows(
            &node,
            &format!(
                "\
@5
  here: 3 messages
  replicated: you follow it
  @100 has 9 messages, {trouble}
  missing here: 6 messages
"
            ),
        );
    }
}

#[test]
fn all_refuse() {
    let mut node = following();
    node.peer(1, 100, Note::Refused);

    shows(
        &node,
        "\
@5
  here: 3 messages
  replicated: you follow it
  @100 does not replicate it with us
  no connected peer replicates it: connect to one that does
",
    );
}

#[test]
fn nobody_could_be_reached() {
    let address = |n: u8| Address::net(&format!("h{n}.example"), 8008, feed(n)).expect("it is an address");
    let seeds = vec![address(101), address(102), address(103), address(104)];
    let contacts = vec![says(ME, Relation::Follow, AUTHOR)];
    let mut node = Node::start(Start { contacts, seeds, ..fresh() });
    for (millis, peer, error) in [
        (1.0, 101, "no route"),
        (2.0, 102, "connection refused"),
        (3.0, 103, "no such host"),
        (4.0, 102, "timed out"),
        (
            5.0,
            104,
            "could not connect to net:h104.example:8008~shs:aGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGg=: refused",
        ),
    ] {
        node.fail(millis, peer, error);
    }

    shows(
        &node,
        "\
@5
  here: nothing
  replicated: you follow it
  no peer is connected: ssb-cli gossip.connect ADDRESS, or wait for one
  could not connect to net:h104.example:8008~shs:aGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGg=: refused
  net:h102.example:8008~shs:ZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmY=: timed out (2 dials in a row)
  net:h103.example:8008~shs:Z2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2dnZ2c=: no such host
",
    );
}

#[test]
fn nobody_is_dialed() {
    let mut node = following();
    node.handle(Input::Wish { ticket: Ticket(1), wish: Wish::Stop });

    shows(
        &node,
        "\
@5
  here: 3 messages
  replicated: you follow it
  no peer is connected, and none is dialed: ssb-cli conn.start lets the node dial again
",
    );
}
