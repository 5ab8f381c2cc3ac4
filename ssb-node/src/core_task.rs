//! Runs the core: takes events in, and carries out what it decides.
//!
//! Peers wait for this task when its inbox is full. It waits for nobody: letters to peers and groups for the verifiers
//! have room by the core's own limits, and a peer that does not take its letters is dropped.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use smol::Timer;
use smol::channel::Receiver;
use smol::channel::Sender;
use smol::future::FutureExt as _;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::core::Core;
use ssb_gossip::core::IN_FLIGHT_LEN_MAX;
use ssb_gossip::core::ITEM_COST_MIN;
use ssb_gossip::event::Giver;
use ssb_gossip::event::Group;
use ssb_gossip::event::Input;
use ssb_gossip::event::Letter;
use ssb_gossip::event::Output;
use ssb_gossip::event::Ticket;
use ssb_gossip::peers::Change;
use ssb_gossip::streams::ITEMS_LEN_MAX;
use ssb_gossip::time::Now;
use ssb_muxrpc::RemoteError;

use crate::blobs::Blobs;
use crate::blobs::cleaning::Steps;
use crate::clock::Clock;
use crate::followers::Follow;
use crate::followers::Followers;
use crate::log_inbox::LogInbox;
use crate::log_inbox::Own;
use crate::logging::Logger;
use crate::mailbox::Mailbox;
use crate::peers_file;
use crate::rpc::del;
use crate::rpc::gossip;
use crate::share::Part;
use crate::supervisor::DialRequest;

/// How many events of peers wait before the peers do.
pub(crate) const INBOX_LEN: usize = 256;

/// How many results of the log wait before the log thread does.
pub(crate) const RESULTS_LEN: usize = 64;

/// How many groups wait for the verifiers: more than the core lets be in flight, with all of one batch on top.
pub(crate) const GROUPS_LEN: usize = IN_FLIGHT_LEN_MAX / ITEM_COST_MIN + 2 * ITEMS_LEN_MAX;

/// Where the outcome of an owner's wish goes.
pub(crate) type Answer = Sender<Result<String, RemoteError>>;

/// What is sent to the core.
#[derive(Debug)]
pub(crate) enum ToCore {
    /// A connection begins: letters for it go here.
    Register { connection: ConnectionId, mailbox: Mailbox<Letter> },
    /// Something happened.
    Event(Input),
    /// Something happened on a connection, which may have so much waiting here.
    Said { event: Input, part: Part },
    /// The owner wants something to happen.
    Wish { wish: Wish, answer: Answer },
    /// The owner wants to know something.
    Look { look: Look, answer: Answer },
    /// Changes of the table of peers go here, as `gossip.changes` tells them.
    Listen(Mailbox<Arc<str>>),
    /// Somebody follows a part of the core.
    Follow(Follow),
}

/// Something that is to happen, once there is a ticket for its answer.
pub(crate) struct Wish(pub(crate) Box<dyn FnOnce(Ticket) -> Input + Send>);

/// A question that the core is looked at to answer.
pub(crate) struct Look(pub(crate) Box<Looking>);

type Looking = dyn FnOnce(&Core, Now) -> String + Send;

/// The core and everything it talks to.
#[derive(Debug)]
pub(crate) struct CoreTask {
    core: Core,
    clock: Clock,
    inbox: Receiver<ToCore>,
    results: Receiver<Input>,
    groups: Sender<Group>,
    log: Arc<LogInbox>,
    dials: Sender<DialRequest>,
    tables: Sender<String>,
    beacons: Sender<()>,
    steps: Sender<Steps>,
    blobs: Blobs,
    logger: Logger,
    mailboxes: BTreeMap<ConnectionId, Mailbox<Letter>>,
    listeners: Vec<Mailbox<Arc<str>>>,
    followers: Followers,
    answers: BTreeMap<Ticket, Answer>,
    tickets: u64,
}

/// Where what the core decides goes.
#[derive(Debug)]
pub(crate) struct Outlets {
    /// To the verifiers.
    pub(crate) groups: Sender<Group>,
    /// To the log thread.
    pub(crate) log: Arc<LogInbox>,
    /// To the supervisor.
    pub(crate) dials: Sender<DialRequest>,
    /// To whoever keeps the table of peers.
    pub(crate) tables: Sender<String>,
    /// To whoever speaks in the local network.
    pub(crate) beacons: Sender<()>,
    /// To whoever lets go of blobs.
    pub(crate) steps: Sender<Steps>,
    /// To whoever writes down which blobs are pushed.
    pub(crate) blobs: Blobs,
    /// To the owner.
    pub(crate) logger: Logger,
}

/// What comes next.
enum Next {
    Result(Input),
    Message(ToCore),
    Tick,
    Stopped,
}

impl CoreTask {
    pub(crate) fn new(
        core: Core,
        clock: Clock,
        inbox: Receiver<ToCore>,
        results: Receiver<Input>,
        outlets: Outlets,
    ) -> Self {
        let Outlets { groups, log, dials, tables, beacons, steps, blobs, logger } = outlets;
        let (mailboxes, answers, listeners) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        Self {
            core,
            clock,
            inbox,
            results,
            groups,
            log,
            dials,
            tables,
            beacons,
            steps,
            blobs,
            logger,
            mailboxes,
            listeners,
            followers: Followers::default(),
            answers,
            tickets: 0,
        }
    }

    /// Runs until the results of the log end, which is when the node stops, and returns the core as it is then.
    pub(crate) async fn run(mut self) -> Core {
        loop {
            match self.next().await {
                Next::Result(input) | Next::Message(ToCore::Event(input)) => self.handle(input),
                Next::Message(ToCore::Said { event, part }) => {
                    self.handle(event);
                    // What it comes to is in the mailbox before anything more is read.
                    drop(part);
                }
                Next::Message(ToCore::Register { connection, mailbox }) => {
                    self.mailboxes.insert(connection, mailbox);
                }
                Next::Message(ToCore::Wish { wish, answer }) => {
                    let ticket = self.ticket(answer);
                    self.handle(wish.0(ticket));
                }
                Next::Message(ToCore::Look { look, answer }) => {
                    // The caller may be gone.
                    let _ = answer.try_send(Ok(look.0(&self.core, self.clock.now())));
                }
                Next::Message(ToCore::Listen(mailbox)) => self.listeners.push(mailbox),
                Next::Message(ToCore::Follow(follow)) => {
                    self.followers.add(follow, &self.core, self.clock.now());
                }
                Next::Tick => self.handle(Input::Tick),
                Next::Stopped => return self.core,
            }
        }
    }

    // Results first: they make room.
    async fn next(&self) -> Next {
        let results = async { self.results.recv().await.map_or(Next::Stopped, Next::Result) };
        let messages = async {
            if self.core.is_congested() {
                std::future::pending::<()>().await;
            }
            match self.inbox.recv().await {
                Ok(message) => Next::Message(message),
                Err(_) => std::future::pending().await,
            }
        };
        let tick = async {
            match self.core.deadline() {
                Some(deadline) => {
                    Timer::at(self.clock.instant(deadline)).await;
                    Next::Tick
                }
                None => std::future::pending().await,
            }
        };
        results.or(messages).or(tick).await
    }

    fn handle(&mut self, input: Input) {
        if let Input::Closed { connection } = &input {
            self.mailboxes.remove(connection);
        }
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            self.core.handle(input, self.clock.now());
            while let Some(output) = self.core.poll() {
                inputs.extend(self.carry_out(output));
            }
        }
        self.followers.wake(&self.core, self.clock.now());
    }

    // Returns what comes of it, if that is known at once.
    fn carry_out(&mut self, output: Output) -> Option<Input> {
        match output {
            Output::Tell { connection, letter } => self.tell(connection, letter),
            Output::Ingest(group) => {
                self.expect_verdicts(&group);
                self.log.expect_group();
                self.groups.try_send(group).expect("the core keeps fewer groups in flight than fit");
            }
            Output::Publish { ticket, draft } => {
                if let Some(answer) = self.answers.remove(&ticket) {
                    self.log.own(Own::Publish { draft, answer });
                }
            }
            Output::PublishRefused { ticket, locked } => self.refuse(ticket, &locked.to_string()),
            Output::SavePushes => self.blobs.set_pushes(self.core.blobs().pushes().collect(), &self.logger),
            // A table that nobody has come to write yet is out of date now.
            Output::SavePeers => drop(self.tables.force_send(peers_file::text(&self.core))),
            Output::SaveMark(mark) => self.log.own(Own::SaveMark(mark)),
            Output::Remove { ticket, what } => {
                if let Some(answer) = self.answers.remove(&ticket) {
                    self.log.own(Own::Remove { what, answer });
                }
            }
            Output::Readmit { ticket, what } => {
                if let Some(answer) = self.answers.remove(&ticket) {
                    self.log.own(Own::Readmit { what, answer });
                }
            }
            Output::Retain { steps } => {
                // Steps that nobody has looked at yet are out of date now.
                drop(self.steps.force_send(steps.clone()));
                self.log.own(Own::Retain(steps));
            }
            Output::NotRemoved { ticket } => self.answer(ticket, Err(del::own_feed())),
            Output::Dial { ticket, address } => {
                let answer = ticket.and_then(|ticket| self.answers.remove(&ticket));
                if let Err(error) = self.dials.try_send(DialRequest { address, answer }) {
                    let DialRequest { address, answer } = error.into_inner();
                    let error = "too many dials are under way".to_owned();
                    if let Some(answer) = answer {
                        // The caller may be gone.
                        let _ = answer.try_send(Err(RemoteError::new(error.clone())));
                    }
                    return Some(Input::DialFailed { peer: address.key(), error });
                }
            }
            Output::DialRefused { ticket, reason } => self.refuse(ticket, &reason.to_string()),
            Output::Done { ticket } => self.answer(ticket, Ok("false".to_owned())),
            Output::Said { ticket, yes } => self.answer(ticket, Ok(yes.to_string())),
            Output::PeerAdded { ticket, outcome: Ok(known) } => {
                let answer = known.map_or_else(|| "false".to_owned(), |known| gossip::peer(&known));
                self.answer(ticket, Ok(answer));
            }
            Output::PeerAdded { ticket, outcome: Err(error) } => self.refuse(ticket, &error.to_string()),
            Output::NotKnown { ticket, peer } => {
                self.refuse(ticket, &format!("no known address for peer:{peer}"));
            }
            Output::Fetched { ticket, json } => {
                let unknown = || RemoteError::new("nobody has it");
                self.answer(ticket, json.map(|json| (*json).to_owned()).ok_or_else(unknown));
            }
            // If the last one is still to be sent, or nobody sends any, one more is none.
            Output::Beacon => drop(self.beacons.try_send(())),
            Output::Changed(change) => self.tell_listeners(&change),
        }
        None
    }

    // Whoever does not keep up hears of it by the end of its mailbox.
    fn tell_listeners(&mut self, change: &Change) {
        self.listeners.retain(|listener| !listener.is_closed());
        if self.listeners.is_empty() {
            return;
        }
        let text: Arc<str> = gossip::change(change).into();
        for listener in &self.listeners {
            if !listener.send(Arc::clone(&text)) {
                listener.close();
            }
        }
    }

    // The log thread answers for what the owner adds. It hears whom before it gets the message.
    fn expect_verdicts(&mut self, group: &Group) {
        for item in &group.items {
            if let Giver::Owner(ticket) = item.giver
                && let Some(answer) = self.answers.remove(&ticket)
            {
                self.log.own(Own::Await { ticket, feed: item.feed, raw: item.raw.clone(), answer });
            }
        }
    }

    fn tell(&mut self, connection: ConnectionId, letter: Letter) {
        if let Some(mailbox) = self.mailboxes.get(&connection)
            && !mailbox.send(letter)
        {
            mailbox.close();
            self.mailboxes.remove(&connection);
        }
    }

    fn refuse(&mut self, ticket: Ticket, reason: &str) {
        self.answer(ticket, Err(RemoteError::new(reason)));
    }

    fn answer(&mut self, ticket: Ticket, result: Result<String, RemoteError>) {
        if let Some(answer) = self.answers.remove(&ticket) {
            // The caller may be gone.
            let _ = answer.try_send(result);
        }
    }

    fn ticket(&mut self, answer: Answer) -> Ticket {
        let ticket = Ticket(self.tickets);
        self.tickets += 1;
        self.answers.insert(ticket, answer);
        ticket
    }
}

impl fmt::Debug for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wish").finish_non_exhaustive()
    }
}

impl fmt::Debug for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Look").finish_non_exhaustive()
    }
}
