//! A task per connection: carries bytes between a socket and its [`Peer`], and calls between the peer and the node.
//!
//! The task waits for the core when the core's inbox is full, and then reads nothing more from its socket. Sources are
//! pulled while little waits to be written. Nobody waits for this task: a peer that does not read is found by the
//! connection's own timers, and one that does not take its letters is dropped.

mod adds;
mod calls;
pub(crate) mod changes;
mod exchange;
mod follows;
mod pace;
mod pieces;
mod singles;
mod sources;
mod trees;
mod wanted;
mod writes;

use std::collections::VecDeque;
use std::future::Future;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use smol::Timer;
use smol::channel::Sender;
use smol::future::FutureExt as _;
use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::event::Input;
use ssb_gossip::event::Letter;
use ssb_gossip::peer::Peer;
use ssb_gossip::peer::PeerError;
use ssb_gossip::peer::PeerEvent;
use ssb_gossip::ping::PingStreams;
use ssb_gossip::streams::HistoryStreams;
use ssb_gossip::time::Uptime;
use ssb_log::Disk;
use ssb_log::Reader;
use ssb_log::read::ReadError;
use ssb_muxrpc::RequestId;

use self::adds::Adds;
use self::calls::Pending;
use self::changes::Changes;
use self::exchange::Exchange;
use self::follows::Follows;
use self::pace::Pace;
use self::pieces::Pieces;
use self::singles::Singles;
use self::sources::Sources;
use self::trees::Trees;
use self::wanted::Wanted;
use self::writes::Writes;
use crate::config::LogLevel;
use crate::core_task::ToCore;
use crate::logging::Entry;
use crate::mailbox::Mailbox;
use crate::permission::ANONYMOUS;
use crate::permission::OWNER;
use crate::rpc::history::History;
use crate::share::Share;
use crate::shared::Shared;
use crate::transport::Stream;

/// The most calls of one peer that wait for their answers; further ones wait in the socket.
const PENDING_MAX: usize = 256;

/// How long the last bytes of a connection may take.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// One connection.
pub(crate) struct PeerTask {
    shared: Arc<Shared>,
    connection: ConnectionId,
    side: Side,
    socket: Stream,
    peer: Peer,
    /// Whether the peer is a program of the owner's.
    is_owner: bool,
    /// What the peer may see of the log.
    reader: Reader<Disk>,
    mailbox: Mailbox<Letter>,
    core: ToCoreQueue,
    streams: HistoryStreams,
    trees: Trees,
    singles: Singles,
    sources: Sources,
    pieces: Pieces,
    pending: Vec<Pending>,
    pings: PingStreams,
    changes: Changes,
    follows: Follows,
    writes: Writes,
    adds: Adds,
    exchange: Exchange,
    wanted: Wanted,
    pace: Pace,
    timer: Timer,
    timer_at: Option<Uptime>,
    /// Who waits for the connection to open.
    opened: Option<Sender<Result<(), PeerError>>>,
    ended: Option<Result<(), PeerError>>,
}

impl PeerTask {
    /// A task for a connection that was just made. `opened` hears when calls go both ways, or why they never will.
    pub(crate) fn new(
        shared: &Arc<Shared>,
        connection: ConnectionId,
        side: Side,
        socket: Stream,
        peer: Peer,
        core: Sender<ToCore>,
        opened: Option<Sender<Result<(), PeerError>>>,
    ) -> Self {
        let mailbox = Mailbox::new();
        let mut core = ToCoreQueue { core, share: Share::default(), queue: VecDeque::new(), sending: None };
        core.push(ToCore::Register { connection, mailbox: mailbox.clone() });
        Self {
            sources: Sources::new(&shared.reader),
            trees: Trees::new(connection, &shared.reader),
            singles: Singles::new(connection),
            // Whoever opens the unix socket is the owner; all others have to prove that they are.
            is_owner: side == Side::Local,
            reader: if side == Side::Local { shared.private.clone() } else { shared.reader.clone() },
            shared: Arc::clone(shared),
            connection,
            side,
            socket,
            peer,
            mailbox,
            core,
            streams: HistoryStreams::new(connection),
            pieces: Pieces::default(),
            pending: Vec::new(),
            pings: PingStreams::new(connection, shared.ping_pause),
            changes: Changes::default(),
            follows: Follows::default(),
            writes: Writes::default(),
            adds: Adds::default(),
            exchange: Exchange::new(connection),
            wanted: Wanted::new(connection),
            pace: Pace::new(),
            timer: Timer::never(),
            timer_at: None,
            opened,
            ended: None,
        }
    }

    /// Where letters for this connection go.
    pub(crate) fn mailbox(&self) -> Mailbox<Letter> {
        self.mailbox.clone()
    }

    /// Runs until the connection is over. That it is over, the caller tells the core.
    pub(crate) async fn run(mut self) {
        self.peer.start(self.shared.timeouts, self.shared.clock.now());
        let result = poll_fn(|context| self.poll(context)).await;
        self.say(&result);
        if let Some(opened) = self.opened.take() {
            // Whoever waited may be gone.
            let _ = opened.try_send(result.and(Err(PeerError::HungUp)));
        }
        let flush = poll_fn(|context| self.poll_flush(context));
        flush
            .or(async {
                Timer::after(FLUSH_TIMEOUT).await;
            })
            .await;
        poll_fn(|context| self.core.poll(context)).await;
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), PeerError>> {
        // A peer that keeps this loop busy lets others have their turn.
        for _ in 0..TURNS_MAX {
            let mut moved = self.poll_letters(context);
            moved |= self.poll_pending(context);
            moved |=
                self.sources.poll(context, &self.shared, &self.reader, &mut self.peer, &mut self.changes);
            moved |= self.pieces.poll(context, &self.shared.blobs, &mut self.peer);
            moved |= self.adds.poll(context, &mut self.peer);
            moved |= self.exchange.poll(context, &self.shared.blobs, &mut self.peer);
            moved |= self.wanted.poll(context, &self.shared.blobs, &self.core.core, &mut self.peer);
            let trees = self.trees.poll(context, &self.shared, &mut self.peer);
            let singles = self.singles.poll(context, &self.shared, &self.peer);
            for sent in [trees, singles] {
                match sent {
                    Ok(sent) => moved |= sent,
                    Err(error) => self.say_damaged(error),
                }
            }
            self.tell_core();
            moved |= self.changes.poll(context, &mut self.peer);
            moved |= self.follows.poll(context, &mut self.peer, &mut self.core);
            moved |= self.poll_timer(context);
            let told = self.core.poll(context).is_ready();
            if told {
                self.announce();
            }
            let room = told && self.core.has_room(context) && self.pending.len() < PENDING_MAX;
            if room {
                moved |= self.poll_events();
            }
            if let Some(result) = self.ended.take() {
                return Poll::Ready(result);
            }
            moved |= self.poll_write(context);
            // What nobody takes yet is not read, nor that there is nothing more to read.
            if room && self.takes_events() && self.peer.takes_bytes() {
                moved |= self.poll_read(context);
            }
            if !moved {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    // Whoever waits for the connection hears of it once the core has.
    fn announce(&mut self) {
        if self.peer.is_open()
            && let Some(opened) = self.opened.take()
        {
            // Whoever waited may be gone.
            let _ = opened.try_send(Ok(()));
        }
    }

    fn poll_letters(&mut self, context: &mut Context<'_>) -> bool {
        let mut moved = false;
        while let Poll::Ready(letter) = self.mailbox.poll_next(context) {
            match letter {
                Some(letter) => self.letter(letter),
                None => {
                    // The core gave this peer up: it does not take what it asked for.
                    self.ended = Some(Err(PeerError::Silent));
                    return true;
                }
            }
            moved = true;
        }
        moved
    }

    fn letter(&mut self, letter: Letter) {
        match letter {
            Letter::Admit => {
                let is_owner = self.peer.guest().is_some_and(|guest| self.shared.owners.contains(&guest));
                if is_owner {
                    self.is_owner = true;
                    self.reader = self.shared.private.clone();
                }
                self.peer.admit(if is_owner { OWNER } else { ANONYMOUS });
            }
            Letter::Refuse => self.peer.refuse(),
            Letter::Ping => self.pings.call(&mut self.peer, self.shared.clock.now()),
            Letter::Close => self.peer.close(self.shared.clock.now()),
            Letter::Ask { stream, query } => self.streams.ask(stream, &query, &mut self.peer),
            Letter::Stop { stream } => self.streams.stop(stream, &mut self.peer),
            Letter::ServeHistory { request, allowed } => {
                if let Some(served) = self.streams.serve(request, allowed, &mut self.peer) {
                    self.sources.add(request, Box::new(History(served)));
                }
            }
            Letter::EbtCall => self.trees.stream.call(&mut self.peer),
            Letter::EbtAccept { request } => self.trees.stream.accept(request, &mut self.peer),
            Letter::EbtRefuse { request } => self.trees.stream.refuse(request, &mut self.peer),
            Letter::EbtNotes(notes) => self.trees.stream.note(notes),
            Letter::EbtServe(feeds) => self.trees.stream.serve(feeds),
            Letter::OooAsk(wants) => self.singles.stream.ask(wants),
            Letter::OooServe(ids) => self.singles.stream.serve(ids),
            Letter::OooTell(id, json) => self.singles.stream.tell(id, json),
            Letter::BlobsCall => self.exchange.stream.call(&mut self.peer),
            Letter::BlobsSay(words) => self.exchange.stream.say(words, &mut self.peer),
            Letter::BlobsLookUp(ids) => self.exchange.stream.look_up(ids),
            Letter::BlobFetch { fetch, id, len_max } => {
                self.exchange.downloads.fetch(fetch, id, len_max, &mut self.peer);
            }
            Letter::BlobStop { fetch } => self.exchange.downloads.stop(fetch, &mut self.peer),
            Letter::BlobAnswer { id, is_here } => self.wanted.answer(&id, is_here, &mut self.peer),
        }
        self.tell_core();
    }

    fn poll_events(&mut self) -> bool {
        let mut moved = false;
        while self.ended.is_none() && self.takes_events() {
            let Some(event) = self.peer.poll() else { break };
            moved = true;
            match event {
                PeerEvent::Guest(peer) => {
                    self.streams.tell(Input::Guest { connection: self.connection, peer });
                }
                PeerEvent::Open(peer) => {
                    let Self { connection, side, .. } = *self;
                    let what = match side {
                        Side::Dialed => "connection dialed",
                        Side::Accepted => "connection accepted",
                        Side::Local => "connection of the owner accepted",
                    };
                    let entry = Entry::new(LogLevel::Info, what).peer(Some(peer));
                    self.shared.logger.say(&entry.connection(connection));
                    self.streams.tell(Input::Opened { connection, peer, side });
                    self.singles.stream.opened(side, &mut self.peer);
                }
                PeerEvent::Called { request, method, args, .. } => {
                    let args = args.to_vec();
                    self.called(request, method, &args);
                }
                PeerEvent::Item { request, kind, body } => {
                    if self.adds.has(request) {
                        let body = body.to_vec();
                        self.adds.item(request, kind, &body, &mut self.peer);
                    } else if self.exchange.downloads.has(request) {
                        let body = body.to_vec();
                        self.exchange.downloads.item(request, kind, &body, &mut self.peer);
                    } else if self.writes.has(request) {
                        let body = body.to_vec();
                        self.write(request, &body);
                    } else if !self.streams.item(request, body)
                        && !self.trees.stream.item(request, body)
                        && !self.singles.stream.item(request, body)
                        && !self.exchange.stream.item(request, body)
                    {
                        let (body, now) = (body.to_vec(), self.shared.clock.now());
                        let pinged = self.pings.item(request, &body, &mut self.peer, now);
                        pinged.into_iter().for_each(|input| self.streams.tell(input));
                    }
                }
                PeerEvent::StreamEnded { request, error } => self.stream_ended(request, error.is_some()),
                PeerEvent::Ended(result) => self.ended = Some(result),
                PeerEvent::Answered { request, body, .. } => {
                    self.exchange.stream.answered(request, body);
                }
                PeerEvent::Failed { request, .. } => self.exchange.stream.failed(request),
                // It is followed by the end.
                PeerEvent::Goodbye => {}
            }
        }
        if self.trees.stream.has_messages() {
            self.pace.messages();
        }
        self.tell_core();
        moved
    }

    /// Whether the peer may go on: not while the core has not taken what came before.
    fn takes_events(&self) -> bool {
        !self.streams.is_full()
            && !self.trees.stream.is_full()
            && !self.singles.stream.is_full()
            && self.adds.has_room()
            && self.exchange.has_room()
            && self.pending.len() < PENDING_MAX
    }

    fn stream_ended(&mut self, request: RequestId, failed: bool) {
        self.streams.ended(request, failed);
        self.trees.stream.ended(request);
        self.singles.stream.ended(request, &mut self.peer);
        self.sources.remove(request);
        self.pieces.remove(request);
        self.adds.ended(request, failed);
        self.exchange.downloads.ended(request, failed);
        self.exchange.stream.ended(request, failed, &mut self.peer);
        self.changes.remove(request);
        self.follows.remove(request);
        self.writes.ended(request, failed, &mut self.peer);
        self.pings.ended(request, &mut self.peer);
    }

    fn poll_timer(&mut self, context: &mut Context<'_>) -> bool {
        let deadline = self.pings.deadline(&self.peer).into_iter().chain(self.peer.deadline()).min();
        if deadline != self.timer_at {
            self.timer_at = deadline;
            self.timer = deadline.map_or_else(Timer::never, |at| Timer::at(self.shared.clock.instant(at)));
        }
        if Pin::new(&mut self.timer).poll(context).is_pending() {
            return false;
        }
        self.timer_at = None;
        let now = self.shared.clock.now();
        self.peer.tick(now);
        self.pings.tick(&mut self.peer, now);
        true
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> bool {
        let mut moved = false;
        while !self.peer.outgoing().is_empty() {
            match self.socket.poll_write(context, self.peer.outgoing()) {
                Poll::Ready(Ok(count)) if count > 0 => self.peer.wrote(count, self.shared.clock.now()),
                Poll::Ready(_) => {
                    self.ended = Some(Err(PeerError::HungUp));
                    return true;
                }
                Poll::Pending => break,
            }
            moved = true;
        }
        moved
    }

    fn poll_read(&mut self, context: &mut Context<'_>) -> bool {
        if !self.pace.is_due(context) {
            return false;
        }
        let space = self.peer.space();
        let len = space.len();
        match self.socket.poll_read(context, space) {
            Poll::Ready(Ok(0)) => self.peer.hung_up(),
            Poll::Ready(Ok(count)) => {
                self.peer.filled(count, self.shared.clock.now());
                self.pace.read(count, count < len, || self.socket.buffer_len());
            }
            Poll::Ready(Err(_)) => self.peer.hung_up(),
            Poll::Pending => {
                self.peer.rest();
                return false;
            }
        }
        true
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while !self.peer.outgoing().is_empty() {
            match self.socket.poll_write(context, self.peer.outgoing()) {
                Poll::Ready(Ok(count)) if count > 0 => self.peer.wrote(count, self.shared.clock.now()),
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }

    fn tell_core(&mut self) {
        let Self { streams, trees, singles, exchange, core, peer, .. } = self;
        let next = || {
            let of_messages =
                streams.poll().or_else(|| trees.stream.poll(peer)).or_else(|| singles.stream.poll(peer));
            of_messages.or_else(|| exchange.next(peer))
        };
        std::iter::from_fn(next).for_each(|input| core.say(input));
    }

    fn say_damaged(&self, error: ReadError) {
        let entry = Entry::new(LogLevel::Error, "log cannot be read for a peer");
        let entry = entry.connection(self.connection).peer(self.peer.remote());
        self.shared.logger.say(&entry.reason(error));
    }

    fn say(&self, result: &Result<(), PeerError>) {
        let entry = Entry::new(LogLevel::Info, "connection ended");
        let entry = entry.connection(self.connection).peer(self.peer.remote());
        self.shared.logger.say(&match result {
            Ok(()) => entry,
            Err(error) => entry.reason(error),
        });
    }
}

impl Drop for PeerTask {
    fn drop(&mut self) {
        self.mailbox.close();
    }
}

/// What waits to go to the core, in order. Empty before anything more is read from the socket.
struct ToCoreQueue {
    core: Sender<ToCore>,
    share: Share,
    queue: VecDeque<ToCore>,
    sending: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl ToCoreQueue {
    fn push(&mut self, message: ToCore) {
        self.queue.push_back(message);
    }

    /// Something happened on the connection.
    fn say(&mut self, event: Input) {
        let part = self.share.part(&event);
        self.push(ToCore::Said { event, part });
    }

    /// Whether more may be read; else wakes when that has changed.
    fn has_room(&self, context: &Context<'_>) -> bool {
        self.share.poll_room(context).is_ready()
    }

    /// Ready when nothing waits any more.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            if let Some(sending) = &mut self.sending {
                match sending.as_mut().poll(context) {
                    Poll::Ready(()) => self.sending = None,
                    Poll::Pending => return Poll::Pending,
                }
            }
            let Some(message) = self.queue.pop_front() else { return Poll::Ready(()) };
            match self.core.try_send(message) {
                Ok(()) => {}
                Err(error) if error.is_full() => {
                    let (core, message) = (self.core.clone(), error.into_inner());
                    self.sending = Some(Box::pin(async move {
                        // The core is gone only when the node stops.
                        let _ = core.send(message).await;
                    }));
                }
                Err(_) => {}
            }
        }
    }
}

/// How often one task goes round before it lets others have their turn.
const TURNS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addresses::Addresses;
    use crate::blobs::Blobs;
    use crate::blobs::Setup;
    use crate::clock::Clock;
    use crate::config::Ooo;
    use crate::fixture::Fixture;
    use crate::fixture::key;
    use crate::logging::Logger;
    use crate::permission;
    use crate::pool::Pool;
    use smol::Async;
    use smol::channel::Receiver;
    use smol::channel::bounded;
    use ssb_gossip::ebt::note;
    use ssb_gossip::ebt::note::Note;
    use ssb_gossip::peer::Timeouts;
    use ssb_keys::FeedId;
    use ssb_keys::network::NetworkKey;
    use ssb_muxrpc::Body;
    use ssb_muxrpc::Kind;
    use ssb_muxrpc::Session;
    use std::collections::BTreeSet;
    use std::io::ErrorKind;
    use std::io::Write as _;
    use std::os::unix::net::UnixStream;
    use std::task::Waker;

    /// How many notes are in each item.
    const NOTES: usize = 5_000;

    /// A connection of the owner's, whose core takes nothing by itself.
    struct Bench {
        task: PeerTask,
        inbox: Receiver<ToCore>,
        caller: Session,
        wire: UnixStream,
        _fixture: Fixture,
    }

    impl Bench {
        fn new() -> Self {
            let fixture = Fixture::new();
            let shared = Arc::new(Shared {
                me: key(1),
                network: NetworkKey::MAIN,
                owners: BTreeSet::new(),
                outgoing: Vec::new(),
                addresses: Addresses::default(),
                timeouts: Timeouts::default(),
                ping_pause: Duration::from_secs(60),
                ooo: Ooo::default(),
                methods: permission::methods(),
                reader: fixture.reader(),
                private: fixture.reader(),
                reads: Pool::start("read", 0).unwrap().0,
                blobs: Blobs::start(fixture.path(), Setup::default(), &Clock::start()).unwrap().0,
                names: Pool::start("name", 0).unwrap().0,
                rebuilds: bounded(1).0,
                clock: Clock::start(),
                logger: Logger::new(LogLevel::Error),
            });
            let (wire, theirs) = UnixStream::pair().unwrap();
            wire.set_nonblocking(true).unwrap();
            let socket = Stream::Unix(Async::new(theirs).unwrap());
            let peer = Peer::local(key(1).id(), &shared.methods, OWNER);
            let (core, inbox) = bounded(1_000);
            let task = PeerTask::new(&shared, ConnectionId(1), Side::Local, socket, peer, core, None);
            let caller = Session::new(Arc::default(), OWNER);
            Self { task, inbox, caller, wire, _fixture: fixture }
        }

        /// Lets bytes go as far as they do.
        fn turn(&mut self) {
            let mut context = Context::from_waker(Waker::noop());
            loop {
                let count = match self.wire.write(self.caller.outgoing()) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                    written => written.unwrap(),
                };
                self.caller.sent(count);
                let before = self.inbox.len();
                assert!(self.task.poll(&mut context).is_pending());
                if count == 0 && self.inbox.len() == before {
                    return;
                }
            }
        }

        /// What the core takes next.
        fn take(&mut self) -> ToCore {
            loop {
                match self.inbox.try_recv() {
                    Ok(next) => return next,
                    Err(_) => self.turn(),
                }
            }
        }
    }

    #[test]
    fn a_connection_is_read_no_further_than_its_share_until_the_core_takes_some() {
        let mut bench = Bench::new();
        let args = r#"[{"version":3,"format":"classic"}]"#;
        let call = bench.caller.call(&["ebt", "replicate"], Kind::Duplex, args).unwrap();
        let request = loop {
            if let ToCore::Said { event: Input::EbtAsked { request, .. }, .. } = bench.take() {
                break request;
            }
        };
        assert!(bench.task.mailbox().send(Letter::EbtAccept { request }));
        let clock = note::to_json(&vec![(FeedId::from_bytes([2; 32]), Note::Refused); NOTES]);
        for _ in 0..20 {
            bench.caller.item(call, Body::Json(&clock));
        }

        bench.turn();
        let waiting = bench.inbox.len();
        assert!((1..=3).contains(&waiting), "{waiting} events wait");
        bench.turn();
        assert_eq!(bench.inbox.len(), waiting);

        for _ in 0..20 {
            let ToCore::Said { event: Input::EbtNotes { notes, .. }, .. } = bench.take() else {
                panic!("it is a clock");
            };
            assert_eq!(notes.len(), NOTES);
        }
    }

    #[test]
    fn so_many_calls_wait_for_their_answers_and_further_ones_in_the_socket() {
        let mut bench = Bench::new();
        for _ in 0..=PENDING_MAX {
            bench.caller.call(&["gossip", "peers"], Kind::Async, "[]").unwrap();
        }
        let (mut looks, mut events) = (Vec::new(), 0);

        bench.turn();
        while let Ok(next) = bench.inbox.try_recv() {
            match next {
                ToCore::Look { answer, .. } => looks.push(answer),
                _ => events += 1,
            }
        }
        assert_eq!(looks.len(), PENDING_MAX, "and {events} that are no calls");
        bench.turn();
        assert!(bench.inbox.is_empty());

        looks.pop().unwrap().try_send(Ok("[]".to_owned())).unwrap();
        assert!(matches!(bench.take(), ToCore::Look { .. }));
    }
}
