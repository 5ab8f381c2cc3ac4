//! Single messages: who is asked for them, and who gets them.

use std::sync::LazyLock;
use std::time::Duration;

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::core::Start;
use ssb_gossip::event::Again;
use ssb_gossip::event::Input;
use ssb_gossip::event::Letter;
use ssb_gossip::event::Output;
use ssb_gossip::event::Removal;
use ssb_gossip::event::Ticket;
use ssb_gossip::ooo::DISTANCE_MAX;
use ssb_gossip::ooo::KEPT_LEN_MAX;
use ssb_gossip::ooo::PASSED_ON_FOR;
use ssb_gossip::ooo::PATIENCE;
use ssb_gossip::ooo::PATIENCE_MAX;
use ssb_gossip::ooo::WANTS_MAX;
use ssb_gossip::ooo::WANTS_PER_PEER_MAX;
use ssb_gossip::ooo::Wanted;
use ssb_keys::FeedId;
use ssb_keys::Keypair;
use ssb_keys::MessageId;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::Unverified;
use ssb_msg::ValidationState;
use ssb_msg::content::Contact;
use ssb_msg::content::Relation;
use ssb_msg::draft;

use super::ME;
use super::Node;
use super::feed;
use super::fresh;
use super::numbered;
use super::says;

fn author() -> Keypair {
    Keypair::from_seed(&[77; 32])
}

fn write(text: &str, author: &Keypair) -> Message {
    let content = format!(r#"{{"type":"post","text":"{text}"}}"#);
    draft::sign(&content, &ValidationState::new(author.id()), 1.0, author, &Signing::plain())
        .expect("it is a post")
}

/// One of a few messages of [`author`].
pub(super) fn single(n: u8) -> Message {
    static ALL: LazyLock<Vec<Message>> =
        LazyLock::new(|| (0..10).map(|n| write(&n.to_string(), &author())).collect());
    ALL[usize::from(n)].clone()
}

/// The id of a message with this text.
pub(super) fn id_of(json: &str) -> MessageId {
    Unverified::parse(json.as_bytes()).expect("it is a message").id()
}

/// An id, of nothing in particular.
fn id(n: usize) -> MessageId {
    MessageId::from_bytes(*numbered(n).as_bytes())
}

impl Node {
    /// With a connection to each of these peers, which has their number.
    fn with_singles(start: Start, peers: &[u8]) -> Self {
        let mut node = Self::start(start);
        for peer in peers {
            node.open(u64::from(*peer), *peer, Side::Accepted);
            node.handle(Input::OooOpened { connection: ConnectionId(u64::from(*peer)) });
        }
        node
    }

    fn fetch(&mut self, ticket: u64, id: MessageId) -> Vec<Output> {
        self.handle(Input::Fetch { ticket: Ticket(ticket), id, patience: PATIENCE })
    }

    fn wanted(&mut self, peer: u8, id: MessageId, distance: u8) -> Vec<Output> {
        self.wanted_of(peer, Wanted { id, distance, author: None })
    }

    fn wanted_of(&mut self, peer: u8, wanted: Wanted) -> Vec<Output> {
        self.handle(Input::OooWanted { connection: ConnectionId(u64::from(peer)), wants: vec![wanted] })
    }

    fn answered(&mut self, peer: u8, id: MessageId, message: &Message) -> Vec<Output> {
        let answers = vec![(id, message.json().as_bytes().to_vec())];
        self.handle(Input::OooAnswered { connection: ConnectionId(u64::from(peer)), answers })
    }
}

fn asks(peer: u8, id: MessageId, distance: u8) -> Output {
    Letter::OooAsk(vec![(id, distance)]).to(ConnectionId(u64::from(peer)))
}

fn tells(peer: u8, message: &Message) -> Output {
    Letter::OooTell(message.id(), message.json().into()).to(ConnectionId(u64::from(peer)))
}

fn serves(peer: u8, id: MessageId) -> Output {
    Letter::OooServe(vec![id]).to(ConnectionId(u64::from(peer)))
}

fn fetched(ticket: u64, message: Option<&Message>) -> Output {
    Output::Fetched { ticket: Ticket(ticket), json: message.map(|message| message.json().into()) }
}

#[test]
fn all_peers_are_asked_and_the_first_true_answer_counts() {
    let (mut node, message) = (Node::with_singles(fresh(), &[1, 2, 3]), single(1));
    let id = message.id();
    assert_eq!(node.fetch(7, id), [asks(1, id, 1), asks(2, id, 1), asks(3, id, 1)]);
    assert_eq!(node.fetch(8, id), [], "they were asked already");

    assert_eq!(node.answered(1, id, &single(2)), [], "that is another message");
    assert_eq!(node.answered(2, id, &message), [fetched(7, Some(&message)), fetched(8, Some(&message))]);

    assert_eq!(node.answered(3, id, &message), [], "nobody waits any more");
    assert_eq!(node.fetch(9, id), [fetched(9, Some(&message))], "it is kept for a while");
}

#[test]
fn an_answer_nobody_asked_for_is_not_looked_at() {
    let (mut node, message) = (Node::with_singles(fresh(), &[1, 2]), single(1));
    let id = message.id();
    assert_eq!(node.answered(1, id, &message), []);

    node.fetch(7, id);
    assert_eq!(node.answered(1, id, &single(2)), []);
    assert_eq!(node.answered(1, id, &message), [], "it had its chance");

    assert_eq!(node.answered(2, id, &message), [fetched(7, Some(&message))]);
}

#[test]
fn a_forged_message_is_no_answer() {
    let mut node = Node::with_singles(fresh(), &[1]);
    let forged = single(1).json().replace("\"text\":\"1\"", "\"text\":\"2\"");
    let id = id_of(&forged);
    node.fetch(7, id);
    let answers = vec![(id, forged.into_bytes())];

    assert_eq!(node.handle(Input::OooAnswered { connection: ConnectionId(1), answers }), []);
    assert_eq!(node.later(PATIENCE), [fetched(7, None)]);
}

#[test]
fn who_waits_is_answered_in_the_end() {
    let mut node = Node::with_singles(fresh(), &[1]);
    node.fetch(7, id(1));
    node.handle(Input::Fetch { ticket: Ticket(8), id: id(1), patience: Duration::MAX });
    assert_eq!(node.later(PATIENCE - Duration::from_millis(1)), []);
    assert_eq!(node.later(Duration::from_millis(1)), [fetched(7, None)]);

    let outputs = node.later(PATIENCE_MAX);

    assert!(outputs.contains(&fetched(8, None)), "for ever is an hour");
    assert_eq!(node.core.ooo().wants().count(), 0);
}

#[test]
fn with_nobody_to_ask_there_is_nothing_to_wait_for() {
    let mut node = Node::new();

    assert_eq!(node.fetch(7, id(1)), [fetched(7, None)]);
}

#[test]
fn who_comes_later_is_asked_then() {
    let (mut node, message) = (Node::with_singles(fresh(), &[1]), single(1));
    node.fetch(7, message.id());
    node.open(2, 2, Side::Dialed);

    let outputs = node.handle(Input::OooOpened { connection: ConnectionId(2) });

    assert_eq!(outputs, [asks(2, message.id(), 1)]);
    assert_eq!(node.answered(2, message.id(), &message), [fetched(7, Some(&message))]);
}

#[test]
fn what_a_peer_wants_is_served_from_the_log_or_asked_for_one_step_further() {
    let (mut node, message) = (Node::with_singles(fresh(), &[1, 2, 3]), single(1));
    let id = message.id();
    let held = Wanted { id, distance: 3, author: Some(author().id()) };
    assert_eq!(node.wanted_of(1, held), [serves(1, id)]);

    assert_eq!(node.wanted(1, id, 2), [asks(2, id, 3), asks(3, id, 3)]);
    assert_eq!(node.wanted(2, id, DISTANCE_MAX), [], "that is far enough");
    assert_eq!(node.wanted(2, id, 1), [asks(1, id, 2), asks(3, id, 2)], "and this nearer than before");

    assert_eq!(node.answered(3, id, &message), [tells(1, &message), tells(2, &message)]);
    assert_eq!(node.wanted(3, id, 3), [tells(3, &message)], "it is kept");
}

#[test]
fn nobody_gets_what_its_author_or_the_owner_keeps_from_them() {
    let (message, by) = (single(1), author().id());
    let blocks = |author: FeedId, contact: FeedId| (author, Contact { contact, relation: Relation::Block });
    for contacts in [vec![blocks(by, feed(1))], vec![blocks(feed(ME), by)]] {
        let mut node = Node::with_singles(Start { contacts, ..fresh() }, &[1, 2]);
        let id = message.id();
        let held = Wanted { id, distance: 1, author: Some(by) };
        assert_eq!(node.wanted_of(1, held), [], "from the log");

        node.wanted(1, id, 1);
        assert_eq!(node.answered(2, id, &message), [], "from others");
        assert_eq!(node.wanted(1, id, 1), [], "from what is kept");

        assert_eq!(node.fetch(7, id), [fetched(7, Some(&message))], "the owner sees it");
    }
}

#[test]
fn what_the_log_has_been_past_is_the_log_s_affair() {
    // Either it was removed, or it has come meanwhile, or it is the other branch of a fork.
    let message = single(1);
    let (id, by) = (message.id(), author().id());
    let mut node = Node::with_singles(Start { held: vec![(by, 1)], ..fresh() }, &[1, 2]);
    node.fetch(7, id);
    node.wanted(1, id, 1);

    assert_eq!(node.answered(2, id, &message), [serves(1, id), fetched(7, None)]);
    node.fetch(8, id);
    assert_eq!(node.later(PATIENCE), [fetched(8, None)], "it was not kept");
}

#[test]
fn what_the_owner_removed_is_not_given_any_more() {
    let message = single(1);
    let (id, by, ticket) = (message.id(), author().id(), Ticket(1));
    for what in [Removal::Message(id), Removal::Feed(by)] {
        let mut node = Node::with_singles(fresh(), &[1]);
        node.fetch(7, id);
        node.answered(1, id, &message);
        assert_eq!(node.handle(Input::Remove { ticket, what }), [Output::Remove { ticket, what }]);

        assert_eq!(node.fetch(8, id), [asks(1, id, 1)], "{what:?}");
        assert_eq!(
            node.answered(1, id, &message),
            [fetched(8, Some(&message))],
            "the log has not said so yet"
        );
        node.handle(Input::Emptied { feed: by, again: Again::Refused });

        node.fetch(9, id);
        assert_eq!(node.answered(1, id, &message), [fetched(9, None)], "now it has");
    }
}

#[test]
fn so_much_is_asked_for_on_behalf_of_one_peer_and_the_oldest_goes_first() {
    let mut node = Node::with_singles(fresh(), &[1, 2]);
    for n in 0..=WANTS_PER_PEER_MAX {
        assert_eq!(node.wanted(1, id(n), 1), [asks(2, id(n), 2)]);
    }

    let mut wants: Vec<MessageId> = node.core.ooo().wants().map(|(id, _)| id).collect();
    wants.sort_unstable();

    let mut newest: Vec<MessageId> = (1..=WANTS_PER_PEER_MAX).map(id).collect();
    newest.sort_unstable();
    assert_eq!(wants, newest);
    let outputs = node.later(PASSED_ON_FOR);
    assert!(!outputs.iter().any(|output| matches!(output, Output::Fetched { .. })), "nobody is told");
    assert_eq!(node.core.ooo().wants().count(), 0);
    assert_eq!(node.wanted(1, id(1), 1), [asks(2, id(1), 2)], "it is asked for anew");
}

#[test]
fn so_much_is_asked_for_at_a_time_and_the_owner_has_room_of_its_own() {
    let peers: Vec<u8> = (1..=u8::try_from(WANTS_MAX / WANTS_PER_PEER_MAX + 1).unwrap()).collect();
    let mut node = Node::with_singles(fresh(), &peers);
    let [crowd @ .., last] = &*peers else { panic!("there are peers") };
    for (at, peer) in crowd.iter().enumerate() {
        for n in 0..WANTS_PER_PEER_MAX {
            node.wanted(*peer, id(at * 1000 + n), 1);
        }
    }
    assert_eq!(node.core.ooo().wants().count(), WANTS_MAX);
    assert_eq!(node.wanted(*last, id(999_999), 1), [], "there is no room");

    for n in 0..WANTS_MAX {
        let ticket = u64::try_from(n).unwrap();
        assert_eq!(node.fetch(ticket, id(500_000 + n)).len(), peers.len());
    }
    assert_eq!(node.fetch(5_000, id(600_000)), [fetched(5_000, None)]);

    node.close(u64::from(peers[0]));
    assert_eq!(node.wanted(*last, id(999_999), 1).len(), peers.len() - 2, "now there is");
}

#[test]
fn so_many_bytes_are_kept_and_the_oldest_go_first() {
    let mut node = Node::with_singles(fresh(), &[1]);
    let (text, mut kept, mut count) = ("x".repeat(7_000), 0, 0);
    let first = write(&format!("{count}{text}"), &author());
    while kept <= KEPT_LEN_MAX {
        let message = write(&format!("{count}{text}"), &author());
        node.fetch(1, message.id());
        node.answered(1, message.id(), &message);
        kept += message.json().len();
        count += 1;
    }
    let last = write(&format!("{}{text}", count - 1), &author());

    assert_eq!(node.fetch(2, last.id()), [fetched(2, Some(&last))]);
    assert_eq!(node.fetch(2, first.id()), [asks(1, first.id(), 1)]);
}

#[test]
fn a_connection_that_ends_is_waited_for_no_longer() {
    let (mut node, message) = (Node::with_singles(fresh(), &[1, 2]), single(1));
    node.wanted(1, message.id(), 1);
    node.close(1);
    assert_eq!(node.core.ooo().wants().count(), 0);
    assert_eq!(node.answered(2, message.id(), &message), []);

    node.fetch(7, message.id());
    node.close(2);
    assert_eq!(node.later(PATIENCE), [fetched(7, None)]);
}

#[test]
fn a_network_with_a_signing_key_takes_its_own_messages_and_no_others() {
    let key = ssb_keys::hmac::HmacKey::parse(&format!("{}=", "A".repeat(43))).unwrap();
    let signing = Signing::keyed(key);
    let state = ValidationState::new(author().id());
    let ours = draft::sign(r#"{"type":"post"}"#, &state, 1.0, &author(), &signing).unwrap();
    let theirs = draft::sign(r#"{"type":"post"}"#, &state, 1.0, &author(), &Signing::plain()).unwrap();
    let mut node = Node::with_singles(Start { signing, ..fresh() }, &[1]);
    node.fetch(1, ours.id());
    node.fetch(2, theirs.id());

    assert_eq!(node.answered(1, theirs.id(), &theirs), []);
    assert_eq!(node.answered(1, ours.id(), &ours), [fetched(1, Some(&ours))]);
}

#[test]
fn follows_do_not_matter_for_a_single_message() {
    let contacts = vec![says(ME, Relation::Follow, 2)];
    let (mut node, message) = (Node::with_singles(Start { contacts, ..fresh() }, &[1, 2]), single(1));

    assert_eq!(node.wanted(1, message.id(), 1), [asks(2, message.id(), 2)]);
    assert_eq!(node.answered(2, message.id(), &message), [tells(1, &message)]);
}
