//! What holds whatever happens.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;
use ssb_blobs::limits::FETCHED_LEN_MAX;
use ssb_blobs::wants::event::Connection;
use ssb_blobs::wants::event::Fetch;
use ssb_blobs::wants::event::Input as Blobs;
use ssb_blobs::wants::event::Outcome as BlobOutcome;
use ssb_blobs::wants::item::Word;
use ssb_gossip::address::Address;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::connection::StreamId;
use ssb_gossip::core::GROUP_LEN_MAX;
use ssb_gossip::core::IN_FLIGHT_LEN_MAX;
use ssb_gossip::core::ITEM_COST_MIN;
use ssb_gossip::core::Start;
use ssb_gossip::ebt::note::Note;
use ssb_gossip::ebt::note::SEQUENCE_MAX;
use ssb_gossip::ebt::serving::Serve;
use ssb_gossip::event::Again;
use ssb_gossip::event::Giver;
use ssb_gossip::event::Input;
use ssb_gossip::event::Letter;
use ssb_gossip::event::Outcome;
use ssb_gossip::event::Output;
use ssb_gossip::event::Refusal;
use ssb_gossip::event::Removal;
use ssb_gossip::event::Target;
use ssb_gossip::event::Ticket;
use ssb_gossip::event::Verdict;
use ssb_gossip::ooo::DISTANCE_MAX;
use ssb_gossip::ooo::Wanted;
use ssb_gossip::peers::Whereabouts;
use ssb_gossip::replicator::STREAMS_MAX;
use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_keys::published_mark::PublishedMark;
use ssb_msg::content::Contact;
use ssb_msg::content::Relation;
use ssb_msg::limits::WIRE_LEN_MAX;

use super::Node;
use super::feed;
use super::fresh;
use super::request;
use super::singles::id_of;
use super::singles::single;
use super::wants::blob;

/// What a verdict is made of: why not, or whom it sets.
type Judgement = (Option<Refusal>, Option<(u8, Relation)>);

/// What happens next. Numbers choose among what is there.
#[derive(Clone, Debug)]
enum Step {
    Open { peer: u8, side: Side },
    Close(usize),
    HistoryAsked { connection: usize, feed: u8 },
    Items { connection: usize, stream: u64, count: usize, len: usize },
    Ended { connection: usize, stream: u64, failed: bool },
    Verdicts(Vec<Judgement>),
    Publish,
    Add { feed: u8, len: usize },
    Dial(u8),
    DialFailed(u8),
    Disconnect(u8),
    Pinged { connection: usize, rtt: f64 },
    Remove { feed: u8, gone: bool },
    Emptied { feed: u8, again: bool },
    MarkSaved,
    Tick(u64),
    EbtAsked(usize),
    EbtEnded(usize),
    EbtNotes { connection: usize, notes: Vec<(u8, Note)> },
    EbtMessages { connection: usize, feeds: Vec<u8>, len: usize },
    EbtIncomplete { connection: usize, feed: u8 },
    OooOpened(usize),
    OooEnded(usize),
    OooWanted { connection: usize, wants: Vec<(u8, u8, Option<u8>)> },
    OooAnswered { connection: usize, answers: Vec<(u8, bool)> },
    Fetch { id: u8, seconds: u64 },
    BlobsListens(usize),
    BlobsSaid { connection: usize, words: Vec<(u8, Word)> },
    BlobsFound { connection: usize, id: u8, size: Option<u64> },
    BlobWant { connection: usize, id: u8 },
    BlobStored { id: u8, size: u64 },
    BlobEnded { fetch: usize, outcome: BlobOutcome },
}

fn step() -> impl Strategy<Value = Step> {
    let side = prop_oneof![Just(Side::Dialed), Just(Side::Accepted), Just(Side::Local)];
    let relation = prop_oneof![Just(Relation::Follow), Just(Relation::Block), Just(Relation::Neutral)];
    let refusal = prop_oneof![
        Just(Refusal::Malformed),
        Just(Refusal::Signature),
        Just(Refusal::WrongFeed),
        Just(Refusal::Fork),
        Just(Refusal::Gap),
        Just(Refusal::Banned),
    ];
    let len = prop_oneof![0..5000_usize, Just(WIRE_LEN_MAX), Just(WIRE_LEN_MAX + 1)];
    let verdict = (proptest::option::weighted(0.2, refusal), proptest::option::of((0..8_u8, relation)));
    let message_len = prop_oneof![4 => 0..3000_usize, 1 => Just(WIRE_LEN_MAX + 1)];
    let note = prop_oneof![
        1 => Just(Note::Refused),
        4 => (0..6_u64, any::<bool>()).prop_map(|(sequence, send)| Note::Has { sequence, send }),
        1 => any::<bool>().prop_map(|send| Note::Has { sequence: SEQUENCE_MAX, send }),
    ];
    let notes = proptest::collection::vec((0..8_u8, note), 0..8);
    let author = proptest::option::weighted(0.2, 0..8_u8);
    let wants = proptest::collection::vec((0..8_u8, 1..=DISTANCE_MAX, author), 0..8);
    let answers = proptest::collection::vec((0..8_u8, any::<bool>()), 0..8);
    prop_oneof![
        4 => of_blobs(),
        3 => any::<usize>().prop_map(Step::EbtAsked),
        1 => any::<usize>().prop_map(Step::EbtEnded),
        6 => (any::<usize>(), notes).prop_map(|(connection, notes)| Step::EbtNotes { connection, notes }),
        3 => (any::<usize>(), proptest::collection::vec(0..8_u8, 0..100), message_len)
            .prop_map(|(connection, feeds, len)| Step::EbtMessages { connection, feeds, len }),
        1 => (any::<usize>(), 0..8_u8)
            .prop_map(|(connection, feed)| Step::EbtIncomplete { connection, feed }),
        2 => any::<usize>().prop_map(Step::OooOpened),
        1 => any::<usize>().prop_map(Step::OooEnded),
        2 => (any::<usize>(), wants).prop_map(|(connection, wants)| Step::OooWanted { connection, wants }),
        2 => (any::<usize>(), answers)
            .prop_map(|(connection, answers)| Step::OooAnswered { connection, answers }),
        2 => (0..8_u8, 0..9_u64).prop_map(|(id, seconds)| Step::Fetch { id, seconds }),
        3 => (0..8_u8, side).prop_map(|(peer, side)| Step::Open { peer, side }),
        1 => any::<usize>().prop_map(Step::Close),
        1 => (any::<usize>(), 0..8_u8).prop_map(|(connection, feed)| Step::HistoryAsked { connection, feed }),
        6 => (any::<usize>(), 0..40_u64, 0..150_usize, len)
            .prop_map(|(connection, stream, count, len)| Step::Items { connection, stream, count, len }),
        2 => (any::<usize>(), 0..40_u64, any::<bool>())
            .prop_map(|(connection, stream, failed)| Step::Ended { connection, stream, failed }),
        6 => proptest::collection::vec(verdict, 0..100).prop_map(Step::Verdicts),
        1 => Just(Step::Publish),
        3 => (0..8_u8, 0..5000_usize).prop_map(|(feed, len)| Step::Add { feed, len }),
        1 => (0..8_u8).prop_map(Step::Dial),
        1 => (0..8_u8).prop_map(Step::DialFailed),
        1 => (0..8_u8).prop_map(Step::Disconnect),
        1 => (any::<usize>(), any::<f64>()).prop_map(|(connection, rtt)| Step::Pinged { connection, rtt }),
        1 => (0..8_u8, any::<bool>()).prop_map(|(feed, gone)| Step::Remove { feed, gone }),
        2 => (0..8_u8, any::<bool>()).prop_map(|(feed, again)| Step::Emptied { feed, again }),
        1 => Just(Step::MarkSaved),
        1 => (0..40_u64).prop_map(Step::Tick),
    ]
}

fn of_blobs() -> impl Strategy<Value = Step> {
    let word = prop_oneof![(1..5_u8).prop_map(Word::Wanted), (1..2 * FETCHED_LEN_MAX).prop_map(Word::Has)];
    let words = proptest::collection::vec((0..8_u8, word), 0..8);
    let size = proptest::option::weighted(0.3, 1..FETCHED_LEN_MAX);
    let outcome = prop_oneof![
        2 => (1..FETCHED_LEN_MAX).prop_map(|size| BlobOutcome::Stored { size }),
        1 => Just(BlobOutcome::WrongHash),
        1 => Just(BlobOutcome::Refused),
        1 => Just(BlobOutcome::Failed),
    ];
    prop_oneof![
        3 => any::<usize>().prop_map(Step::BlobsListens),
        6 => (any::<usize>(), words).prop_map(|(connection, words)| Step::BlobsSaid { connection, words }),
        6 => (any::<usize>(), 0..8_u8, size)
            .prop_map(|(connection, id, size)| Step::BlobsFound { connection, id, size }),
        2 => (any::<usize>(), 0..8_u8).prop_map(|(connection, id)| Step::BlobWant { connection, id }),
        1 => (0..8_u8, 1..FETCHED_LEN_MAX).prop_map(|(id, size)| Step::BlobStored { id, size }),
        2 => (any::<usize>(), outcome).prop_map(|(fetch, outcome)| Step::BlobEnded { fetch, outcome }),
    ]
}

/// What the shell around a core knows.
#[derive(Default)]
struct Shell {
    open: BTreeMap<ConnectionId, BTreeSet<StreamId>>,
    /// What was noted last of each feed, on connections that have a stream for it.
    noted: BTreeMap<ConnectionId, BTreeMap<FeedId, Note>>,
    connections: u64,
    groups: u64,
    in_flight: Vec<(Giver, usize, u8)>,
    sequences: BTreeMap<u8, u32>,
    mark: Option<PublishedMark>,
    may_publish: bool,
    /// How many wait for the end of connections with a peer.
    parting: usize,
    /// Connections with an `ooo.stream`.
    singles: BTreeSet<ConnectionId>,
    /// Calls that wait for a message, and for which.
    fetching: BTreeMap<Ticket, MessageId>,
    fetches: u64,
    /// Connections that hear which blobs are wanted.
    listening: BTreeSet<ConnectionId>,
    /// Downloads under way, and over which connection.
    downloads: BTreeMap<Fetch, ConnectionId>,
}

impl Shell {
    fn input(&mut self, node: &mut Node, step: Step) -> Option<Input> {
        let pick =
            |open: &BTreeMap<ConnectionId, _>, n: usize| open.keys().nth(n.checked_rem(open.len())?).copied();
        Some(match step {
            Step::Open { peer, side } => {
                let connection = ConnectionId(self.connections);
                self.connections += 1;
                self.open.insert(connection, BTreeSet::new());
                Input::Opened { connection, peer: feed(peer), side }
            }
            Step::Close(n) => {
                let connection = pick(&self.open, n)?;
                self.open.remove(&connection);
                self.noted.remove(&connection);
                self.singles.remove(&connection);
                self.listening.remove(&connection);
                self.downloads.retain(|_, over| *over != connection);
                Input::Closed { connection }
            }
            Step::HistoryAsked { connection, feed: author } => Input::HistoryAsked {
                connection: pick(&self.open, connection)?,
                request: request(),
                feed: feed(author),
            },
            Step::Items { connection, stream, count, len } => {
                let items = (0..count).map(|_| (StreamId(stream), vec![b' '; len])).collect();
                Input::Items { connection: pick(&self.open, connection)?, items }
            }
            Step::Ended { connection, stream, failed } => {
                let (connection, stream) = (pick(&self.open, connection)?, StreamId(stream));
                self.open.get_mut(&connection)?.remove(&stream);
                Input::StreamEnded { connection, stream, failed }
            }
            Step::Verdicts(verdicts) => {
                let verdicts = verdicts.into_iter().map_while(|verdict| self.verdict(verdict)).collect();
                Input::Verdicts(verdicts)
            }
            Step::Publish => Input::Publish { ticket: Ticket(0), draft: "{}".to_owned().into() },
            Step::Add { feed: author, len } => {
                Input::Add { ticket: Ticket(0), feed: feed(author), raw: vec![b' '; len] }
            }
            Step::Dial(peer) => {
                let address = Address::net("localhost", 8008, feed(peer)).ok()?;
                Input::Dial { ticket: Ticket(0), to: Target::At(Whereabouts::in_parts(address)) }
            }
            Step::DialFailed(peer) => Input::DialFailed { peer: feed(peer), error: "no".to_owned() },
            Step::Disconnect(peer) => {
                self.parting += 1;
                Input::Disconnect { ticket: Ticket(1), peer: feed(peer) }
            }
            Step::Pinged { connection, rtt } => {
                Input::Pinged { connection: pick(&self.open, connection)?, rtt, skew: -rtt }
            }
            Step::Remove { feed: author, gone } => {
                let (ticket, what) = (Ticket(0), Removal::Feed(feed(author)));
                if gone { Input::Remove { ticket, what } } else { Input::Readmit { ticket, what } }
            }
            Step::Emptied { feed: author, again } => {
                // The own feed is never removed.
                let feed = Some(author).filter(|author| *author != 0).map(feed)?;
                self.sequences.remove(&author);
                let again = if again { Again::Allowed } else { Again::Refused };
                Input::Emptied { feed, again }
            }
            Step::MarkSaved => {
                self.may_publish = true;
                Input::MarkSaved(self.mark.take()?)
            }
            Step::Tick(seconds) => {
                node.now = node.now.after(Duration::from_secs(seconds));
                Input::Tick
            }
            Step::EbtAsked(n) => Input::EbtAsked { connection: pick(&self.open, n)?, request: request() },
            Step::EbtEnded(n) => {
                let connection = *self.noted.keys().nth(n.checked_rem(self.noted.len())?)?;
                self.noted.remove(&connection);
                Input::EbtEnded { connection }
            }
            Step::EbtNotes { connection, notes } => {
                let connection = *self.noted.keys().nth(connection.checked_rem(self.noted.len())?)?;
                Input::EbtNotes {
                    connection,
                    notes: notes.into_iter().map(|(n, note)| (feed(n), note)).collect(),
                }
            }
            Step::EbtMessages { connection, feeds, len } => {
                let connection = *self.noted.keys().nth(connection.checked_rem(self.noted.len())?)?;
                Input::EbtMessages {
                    connection,
                    messages: feeds.into_iter().map(|n| (feed(n), vec![b' '; len])).collect(),
                }
            }
            Step::OooOpened(n) => {
                let connection = pick(&self.open, n)?;
                self.singles.insert(connection);
                Input::OooOpened { connection }
            }
            Step::OooEnded(n) => {
                let connection = *self.singles.iter().nth(n.checked_rem(self.singles.len())?)?;
                self.singles.remove(&connection);
                Input::OooEnded { connection }
            }
            Step::OooWanted { connection, wants } => {
                let connection = *self.singles.iter().nth(connection.checked_rem(self.singles.len())?)?;
                let wanted = |(n, distance, author): (u8, u8, Option<u8>)| Wanted {
                    id: single(n).id(),
                    distance,
                    author: author.map(feed),
                };
                Input::OooWanted { connection, wants: wants.into_iter().map(wanted).collect() }
            }
            Step::OooAnswered { connection, answers } => {
                let connection = *self.singles.iter().nth(connection.checked_rem(self.singles.len())?)?;
                let answer = |(n, is_true): (u8, bool)| {
                    let said = if is_true { n } else { n + 1 };
                    (single(n).id(), single(said).json().as_bytes().to_vec())
                };
                Input::OooAnswered { connection, answers: answers.into_iter().map(answer).collect() }
            }
            Step::Fetch { id, seconds } => {
                self.fetches += 1;
                let (ticket, id) = (Ticket(100 + self.fetches), single(id).id());
                self.fetching.insert(ticket, id);
                Input::Fetch { ticket, id, patience: Duration::from_secs(seconds) }
            }
            Step::BlobsListens(n) => {
                let connection = pick(&self.open, n)?;
                self.listening.insert(connection);
                Input::Blobs(Blobs::Listens { connection: connection.into() })
            }
            Step::BlobsSaid { connection, words } => {
                let connection = pick(&self.open, connection)?.into();
                let words = words.into_iter().map(|(n, word)| (blob(n), word)).collect();
                Input::Blobs(Blobs::Said { connection, words })
            }
            Step::BlobsFound { connection, id, size } => {
                let connection = pick(&self.open, connection)?.into();
                Input::Blobs(Blobs::Found { connection, found: vec![(blob(id), size)] })
            }
            Step::BlobWant { connection, id } => {
                let connection = pick(&self.open, connection).map(Connection::from);
                Input::Blobs(Blobs::Want { connection, id: blob(id) })
            }
            Step::BlobStored { id, size } => Input::Blobs(Blobs::Stored { id: blob(id), size }),
            Step::BlobEnded { fetch: n, outcome } => {
                let fetch = *self.downloads.keys().nth(n.checked_rem(self.downloads.len())?)?;
                self.downloads.remove(&fetch);
                Input::Blobs(Blobs::Ended { fetch, outcome })
            }
            Step::EbtIncomplete { connection, feed: n } => {
                let connection = *self.noted.keys().nth(connection.checked_rem(self.noted.len())?)?;
                Input::EbtIncomplete { connection, feed: feed(n) }
            }
        })
    }

    fn verdict(&mut self, (refusal, contact): Judgement) -> Option<Verdict> {
        if self.in_flight.is_empty() {
            return None;
        }
        let (giver, len, author) = self.in_flight.remove(0);
        let outcome = match refusal {
            Some(refusal) => Outcome::Refused(refusal),
            None => {
                let sequence = self.sequences.entry(author).or_default();
                *sequence += 1;
                let contact = contact.map(|(n, relation)| Contact { contact: feed(n), relation });
                Outcome::Stored { feed: feed(author), sequence: *sequence, contact }
            }
        };
        Some(Verdict { giver: Some(giver), len, outcome })
    }

    fn check(&mut self, output: Output) -> Result<(), TestCaseError> {
        match output {
            Output::Tell { connection, letter } => {
                let streams = self.open.get_mut(&connection);
                let streams = streams.ok_or_else(|| TestCaseError::fail("a closed connection is told"))?;
                match letter {
                    Letter::Ask { stream, .. } => {
                        prop_assert!(streams.insert(stream), "a stream's id came twice");
                        prop_assert!(streams.len() <= STREAMS_MAX);
                    }
                    Letter::Stop { stream } => {
                        prop_assert!(streams.remove(&stream), "nobody asked for it");
                    }
                    Letter::EbtCall | Letter::EbtAccept { .. } => {
                        self.noted.insert(connection, BTreeMap::new());
                    }
                    Letter::EbtNotes(notes) => {
                        let noted = self.noted.get_mut(&connection);
                        let noted = noted.ok_or_else(|| TestCaseError::fail("there is no stream"))?;
                        noted.extend(notes);
                    }
                    Letter::EbtServe(feeds) => {
                        prop_assert!(self.noted.contains_key(&connection), "there is no stream");
                        prop_assert!(feeds.iter().all(|(_, from)| *from != Serve::From(0)));
                    }
                    Letter::OooAsk(wants) => {
                        prop_assert!(self.singles.contains(&connection), "there is no stream");
                        prop_assert!(wants.iter().all(|(_, distance)| (1..=DISTANCE_MAX).contains(distance)));
                    }
                    Letter::OooServe(_) => prop_assert!(self.singles.contains(&connection)),
                    Letter::OooTell(id, json) => {
                        prop_assert!(self.singles.contains(&connection), "there is no stream");
                        prop_assert_eq!(id_of(&json), id);
                    }
                    Letter::BlobsSay(_) => prop_assert!(self.listening.contains(&connection)),
                    Letter::BlobFetch { fetch, len_max, .. } => {
                        prop_assert!((1..FETCHED_LEN_MAX).contains(&len_max));
                        prop_assert_eq!(self.downloads.insert(fetch, connection), None);
                    }
                    Letter::BlobStop { fetch } => {
                        prop_assert_eq!(self.downloads.remove(&fetch), Some(connection));
                    }
                    Letter::EbtRefuse { .. }
                    | Letter::Close
                    | Letter::Ping
                    | Letter::ServeHistory { .. }
                    | Letter::BlobsCall
                    | Letter::BlobsLookUp(_)
                    | Letter::BlobAnswer { .. } => {}
                    Letter::Admit | Letter::Refuse => prop_assert!(false, "nobody is a guest here"),
                }
            }
            Output::Ingest(group) => {
                prop_assert_eq!(group.number, self.groups);
                prop_assert!((1..=GROUP_LEN_MAX).contains(&group.items.len()));
                self.groups += 1;
                for item in group.items {
                    match item.giver {
                        Giver::Peer(source) => prop_assert!(self.open.contains_key(&source.connection)),
                        Giver::Ebt(connection, feed) => {
                            prop_assert!(self.noted.contains_key(&connection));
                            prop_assert_eq!(feed, item.feed);
                        }
                        Giver::Owner(_) => {}
                    }
                    prop_assert!(item.raw.len() <= WIRE_LEN_MAX);
                    let [author, ..] = *item.feed.as_bytes();
                    self.in_flight.push((item.giver, item.raw.len(), author));
                }
            }
            Output::Fetched { ticket, json } => {
                let id = self.fetching.remove(&ticket);
                prop_assert!(id.is_some(), "answered twice");
                prop_assert!(json.is_none_or(|json| Some(id_of(&json)) == id));
            }
            Output::SaveMark(mark) => self.mark = Some(mark),
            Output::Publish { .. } => prop_assert!(self.may_publish, "nothing was recovered"),
            Output::Done { ticket } | Output::Said { ticket, .. } | Output::NotKnown { ticket, .. } => {
                prop_assert_eq!(ticket, Ticket(1), "only disconnecting is done");
                prop_assert!(self.parting > 0, "answered twice");
                self.parting -= 1;
            }
            Output::Remove { what, .. } => {
                prop_assert_ne!(what, Removal::Feed(feed(0)), "the own feed stays");
            }
            Output::Retain { .. } => prop_assert!(false, "everything is kept"),
            Output::NotRemoved { .. }
            | Output::SavePeers
            | Output::SavePushes
            | Output::Readmit { .. }
            | Output::PublishRefused { .. }
            | Output::Dial { .. }
            | Output::DialRefused { .. }
            | Output::Changed(_) => {}
            Output::Beacon => prop_assert!(false, "nobody is to be found"),
            Output::PeerAdded { .. } => prop_assert!(false, "nobody was added"),
        }
        Ok(())
    }

    /// Every feed comes from one peer at a time.
    fn check_sources(&self) -> Result<(), TestCaseError> {
        let mut sources = BTreeMap::new();
        for (feed, note) in self.noted.values().flatten() {
            if matches!(note, Note::Has { send: true, .. }) {
                *sources.entry(feed).or_insert(0) += 1;
            }
        }
        prop_assert!(sources.values().all(|count| *count == 1), "{:?}", self.noted);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_happens_outputs_make_sense_and_verdicts_make_room(
        steps in proptest::collection::vec(step(), 0..60)
    ) {
        let mut node = Node::start(Start { mark: PublishedMark::unknown(feed(0)), ..fresh() });
        let mut shell = Shell::default();
        for step in steps {
            let Some(input) = shell.input(&mut node, step) else { continue };
            for output in node.handle(input) {
                shell.check(output)?;
            }
            shell.check_sources()?;
            let charged: usize = shell.in_flight.iter().map(|(_, len, _)| (*len).max(ITEM_COST_MIN)).sum();
            prop_assert_eq!(node.core.is_congested(), charged > IN_FLIGHT_LEN_MAX);
        }

        // Whoever wanted a connection to end hears so when all have.
        let open: Vec<ConnectionId> = shell.open.keys().copied().collect();
        for connection in open {
            for output in node.handle(Input::Closed { connection }) {
                shell.check(output)?;
            }
            shell.open.remove(&connection);
        }
        prop_assert_eq!(shell.parting, 0);

        // Everything gets its verdict: then there is room for as much as at the start, and for no more.
        let left = shell.in_flight.len();
        let verdicts = (0..left).map_while(|_| shell.verdict((Some(Refusal::Malformed), None))).collect();
        node.handle(Input::Verdicts(verdicts));
        let connection = ConnectionId(shell.connections);
        node.handle(Input::Opened { connection, peer: feed(200), side: Side::Accepted });
        let opened = node.handle(Input::EbtEnded { connection });
        let Some(Output::Tell { letter: Letter::Ask { stream, .. }, .. }) = opened.first() else { panic!("nothing is asked") };
        let items = |count| (0..count).map(|_| (*stream, Vec::new())).collect();
        node.handle(Input::Items { connection, items: items(IN_FLIGHT_LEN_MAX / ITEM_COST_MIN) });
        prop_assert!(!node.core.is_congested());
        node.handle(Input::Items { connection, items: items(1) });
        prop_assert!(node.core.is_congested());
    }

    #[test]
    fn a_tick_at_the_deadline_moves_the_deadline(
        steps in proptest::collection::vec(step(), 0..60)
    ) {
        let mut node = Node::start(Start { mark: PublishedMark::unknown(feed(0)), ..fresh() });
        let mut shell = Shell::default();
        for step in steps {
            let Some(input) = shell.input(&mut node, step) else { continue };
            for output in node.handle(input) {
                shell.check(output)?;
            }
        }
        if let Some(deadline) = node.core.deadline() {
            node.now = node.now.max(deadline);
            node.handle(Input::Tick);

            prop_assert!(node.core.deadline().is_none_or(|next| next > node.now));
        }
    }
}
