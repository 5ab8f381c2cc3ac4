//! Runs the core: takes events in, and carries out what it decides.
//!
//! Peers wait for this task when its inbox is full. It waits for nobody: letters to peers and groups for the verifiers
//! have room by the core's own limits, and a peer that does not take its letters is dropped.

use std::collections::BTreeMap;
use std::sync::Arc;

use smol::Timer;
use smol::channel::Receiver;
use smol::channel::Sender;
use smol::future::FutureExt as _;
use ssb_gossip::address::Address;
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
use ssb_gossip::streams::ITEMS_LEN_MAX;
use ssb_keys::FeedId;
use ssb_muxrpc::RemoteError;

use crate::clock::Clock;
use crate::log_inbox::LogInbox;
use crate::log_inbox::Own;
use crate::mailbox::Mailbox;
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
    /// The owner wants to publish.
    Publish { content: String, answer: Answer },
    /// The owner has a message to store.
    Add { feed: FeedId, raw: Vec<u8>, answer: Answer },
    /// The owner wants a connection.
    Dial { address: Address, answer: Answer },
}

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
    mailboxes: BTreeMap<ConnectionId, Mailbox<Letter>>,
    answers: BTreeMap<Ticket, Answer>,
    tickets: u64,
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
        groups: Sender<Group>,
        log: Arc<LogInbox>,
        dials: Sender<DialRequest>,
    ) -> Self {
        let (mailboxes, answers) = (BTreeMap::new(), BTreeMap::new());
        Self { core, clock, inbox, results, groups, log, dials, mailboxes, answers, tickets: 0 }
    }

    /// Runs until the results of the log end, which is when the node stops.
    pub(crate) async fn run(mut self) {
        loop {
            match self.next().await {
                Next::Result(input) | Next::Message(ToCore::Event(input)) => self.handle(input),
                Next::Message(ToCore::Register { connection, mailbox }) => {
                    self.mailboxes.insert(connection, mailbox);
                }
                Next::Message(ToCore::Publish { content, answer }) => {
                    let ticket = self.ticket(answer);
                    self.handle(Input::Publish { ticket, content });
                }
                Next::Message(ToCore::Add { feed, raw, answer }) => {
                    let ticket = self.ticket(answer);
                    self.handle(Input::Add { ticket, feed, raw });
                }
                Next::Message(ToCore::Dial { address, answer }) => {
                    let ticket = self.ticket(answer);
                    self.handle(Input::Dial { ticket, address });
                }
                Next::Tick => self.handle(Input::Tick),
                Next::Stopped => return,
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
        self.core.handle(input, self.clock.now());
        while let Some(output) = self.core.poll() {
            self.carry_out(output);
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Tell { connection, letter } => self.tell(connection, letter),
            Output::Ingest(group) => {
                self.expect_verdicts(&group);
                self.groups.try_send(group).expect("the core keeps fewer groups in flight than fit");
            }
            Output::Publish { ticket, content } => {
                if let Some(answer) = self.answers.remove(&ticket) {
                    self.log.own(Own::Publish { content, answer });
                }
            }
            Output::PublishRefused { ticket, locked } => self.refuse(ticket, &locked.to_string()),
            Output::SaveMark(mark) => self.log.own(Own::SaveMark(mark)),
            Output::Dial { ticket, address } => {
                if let Some(answer) = self.answers.remove(&ticket)
                    && let Err(error) = self.dials.try_send(DialRequest { address, answer })
                {
                    let request = error.into_inner();
                    let _ = request.answer.try_send(Err(RemoteError::new("too many dials are under way")));
                }
            }
            Output::DialRefused { ticket, reason } => self.refuse(ticket, &reason.to_string()),
        }
    }

    // The log thread answers for what the owner adds. It hears whom before it gets the message.
    fn expect_verdicts(&mut self, group: &Group) {
        for item in &group.items {
            if let Giver::Owner(ticket) = item.giver
                && let Some(answer) = self.answers.remove(&ticket)
            {
                self.log.own(Own::Await { ticket, raw: item.raw.clone(), answer });
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
        if let Some(answer) = self.answers.remove(&ticket) {
            // The caller may be gone.
            let _ = answer.try_send(Err(RemoteError::new(reason)));
        }
    }

    fn ticket(&mut self, answer: Answer) -> Ticket {
        let ticket = Ticket(self.tickets);
        self.tickets += 1;
        self.answers.insert(ticket, answer);
        ticket
    }
}
