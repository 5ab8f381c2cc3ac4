//! What a peer's calls do.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use smol::channel::Receiver;
use smol::channel::Sender;
use smol::channel::bounded;
use ssb_blobs::wants::event::Input as Wants;
use ssb_gossip::core::Core;
use ssb_gossip::event::Input;
use ssb_gossip::event::Target;
use ssb_gossip::event::Ticket;
use ssb_gossip::history::HistoryQuery;
use ssb_gossip::history::Served;
use ssb_gossip::ooo::PATIENCE_MAX;
use ssb_gossip::time::Now;
use ssb_gossip::wish::Habit;
use ssb_gossip::wish::Switched;
use ssb_gossip::wish::Wish;
use ssb_keys::BlobId;
use ssb_keys::FeedId;
use ssb_keys::MessageId;
use ssb_keys::entropy;
use ssb_log::Disk;
use ssb_log::Reader;
use ssb_log::query::view::View;
use ssb_muxrpc::Body;
use ssb_muxrpc::MethodId;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;

use super::PeerTask;
use crate::blobs::Blobs;
use crate::core_task;
use crate::core_task::Answer;
use crate::core_task::Look;
use crate::core_task::ToCore;
use crate::followers::Cursor;
use crate::pool::Pool;
use crate::rpc::Rpc;
use crate::rpc::about_us;
use crate::rpc::add::Add;
use crate::rpc::address;
use crate::rpc::args;
use crate::rpc::blob_list::BlobList;
use crate::rpc::blobs;
use crate::rpc::blobs::Listing;
use crate::rpc::blobs::Which;
use crate::rpc::by_type;
use crate::rpc::conn;
use crate::rpc::conn::Entries;
use crate::rpc::create;
use crate::rpc::del;
use crate::rpc::feed_stream;
use crate::rpc::feeds;
use crate::rpc::friends;
use crate::rpc::get;
use crate::rpc::get::Get;
use crate::rpc::get::Sight;
use crate::rpc::gossip;
use crate::rpc::graph_stream;
use crate::rpc::help;
use crate::rpc::history;
use crate::rpc::hop_stream;
use crate::rpc::latest::LatestStream;
use crate::rpc::log_stream;
use crate::rpc::ooo;
use crate::rpc::ooo::Ooo;
use crate::rpc::private;
use crate::rpc::publish;
use crate::rpc::questions;
use crate::rpc::raw_log_stream;
use crate::rpc::replicate;
use crate::rpc::sequence_stream::SequenceStream;
use crate::rpc::source::Source;
use crate::rpc::upto::Upto;
use crate::rpc::user_stream;

/// What waits for its answer.
pub(super) struct Pending {
    what: Waiting,
    answer: Pin<Box<dyn Future<Output = Result<String, RemoteError>> + Send>>,
}

/// Who waits.
#[derive(Clone, Copy)]
enum Waiting {
    /// A call.
    Call(RequestId),
    /// A message that came in a `createWriteStream`.
    Item(RequestId),
}

impl PeerTask {
    /// Does what a call asks for, or arranges for its answer. Permission and kind were checked.
    pub(super) fn called(&mut self, request: RequestId, method: MethodId, args: &[u8]) {
        let Some(rpc) = Rpc::ALL.get(method.index()) else { return };
        match rpc {
            Rpc::Manifest => {
                let manifest = self.shared.methods.manifest();
                self.peer.answer(request, Body::Json(&manifest));
            }
            Rpc::Whoami => {
                let answer = format!("{{\"id\":\"{}\"}}", self.shared.me.id());
                self.peer.answer(request, Body::Json(&answer));
            }
            Rpc::Version => {
                let answer = concat!("\"", env!("CARGO_PKG_VERSION"), "\"");
                self.peer.answer(request, Body::Json(answer));
            }
            Rpc::Progress => {
                let reader = self.shared.reader.clone();
                self.look(request, move |core, now| about_us::progress(core, &reader, now));
            }
            Rpc::Auth => {
                let answer = about_us::auth(args, &self.shared.owners);
                self.peer.answer(request, Body::Json(answer));
            }
            Rpc::Help => self.peer.answer(request, Body::Json(help::ROOT)),
            Rpc::Status => {
                let reader = self.shared.reader.clone();
                self.look(request, move |core, now| about_us::status(core, &reader, now));
            }
            Rpc::Address | Rpc::MultiserverAddress => {
                let answer = address::address(args, &self.shared.addresses);
                self.peer.answer(request, Body::Json(&answer));
            }
            Rpc::MultiserverParse => match address::parse(args) {
                Ok(parsed) => self.peer.answer(request, Body::Json(&parsed)),
                Err(error) => self.peer.refuse_call(request, &error),
            },
            Rpc::Publish => self.publish(request, publish::content(args)),
            Rpc::DbCreate => {
                let draft = create::draft(args, &entropy::bytes());
                self.wish(request, draft, |draft, ticket| Input::Publish { ticket, draft });
            }
            Rpc::Add => self.wish(request, Add::parse(args), |Add { feed, raw }, ticket| Input::Add {
                ticket,
                feed,
                raw,
            }),
            Rpc::Del => {
                self.wish(request, del::target(args), |what, ticket| Input::Remove { ticket, what });
            }
            Rpc::Undel => {
                self.wish(request, del::target(args), |what, ticket| Input::Readmit { ticket, what });
            }
            Rpc::Get => match Get::parse(args) {
                Ok(get) => self.get(request, get),
                Err(error) => self.peer.refuse_call(request, &error),
            },
            Rpc::GetLatest => self.ask_of_feed(request, args, feeds::latest),
            Rpc::LatestSequence => self.ask_of_feed(request, args, feeds::latest_sequence),
            Rpc::GetFeedState => {
                self.ask_of_feed(request, args, |reader, feed| Ok(feeds::state(reader, feed)));
            }
            Rpc::GetAtSequence => match feeds::place(args) {
                Ok((feed, sequence)) => {
                    self.read(request, move |reader| feeds::at_sequence(reader, &feed, sequence));
                }
                Err(error) => self.peer.refuse_call(request, &error),
            },
            Rpc::GetVectorClock => self.read(request, |reader| Ok(feeds::vector_clock(reader))),
            Rpc::Latest => self.serve(request, Ok(LatestStream::default())),
            Rpc::Links => self.serve(request, questions::links(args)),
            Rpc::QueryRead => self.serve(request, questions::parse(View::Query, args)),
            Rpc::Links2Read => self.serve(request, questions::parse(View::Links2, args)),
            Rpc::BacklinksRead => self.serve(request, questions::parse(View::Backlinks, args)),
            Rpc::PrivateRead => self.serve(request, questions::parse(View::Private, args)),
            Rpc::PrivateUnbox => {
                let (args, reader) = (args.to_vec(), self.reader.clone());
                let unboxed = self.shared.reads.run(move || private::unbox(&args, &reader));
                self.later(Waiting::Call(request), async { unboxed.await.ok_or_else(stopping) });
            }
            Rpc::PrivatePublish => self.publish(request, private::publish(args, &entropy::bytes())),
            Rpc::QueryExplain => match questions::explain(args) {
                Ok(explained) => self.peer.answer(request, Body::Json(&explained)),
                Err(error) => self.peer.refuse_call(request, &error),
            },
            Rpc::QueryHelp => self.peer.answer(request, Body::Json(help::QUERY)),
            Rpc::Links2Help => self.peer.answer(request, Body::Json(help::LINKS2)),
            Rpc::CreateWriteStream => self.writes.called(request),
            Rpc::Rebuild => self.rebuild(request),
            Rpc::MessagesByType => self.serve(request, by_type::parse(args)),
            Rpc::CreateLogStream => self.serve(request, log_stream::parse(args)),
            Rpc::CreateFeedStream => self.serve(request, feed_stream::parse(args)),
            Rpc::CreateRawLogStream => self.serve(request, raw_log_stream::parse(args)),
            Rpc::CreateUserStream => self.serve(request, user_stream::parse(args)),
            Rpc::CreateSequenceStream => self.serve(request, Ok(SequenceStream::default())),
            Rpc::CreateHistoryStream => {
                let query = HistoryQuery::parse(args);
                match query.and_then(|query| history::refusal(args, &query, &self.shared.reader)) {
                    Some(error) => self.peer.refuse_call(request, &error),
                    None => {
                        // What is stored now is old, however long the core takes.
                        let served = query.map(|query| {
                            let viewer = self.peer.remote().unwrap_or(self.shared.me.id());
                            Served::new(query, viewer, history::latest(&self.shared.reader, &query.feed))
                        });
                        self.streams.called(request, served, &mut self.peer);
                    }
                }
            }
            Rpc::GossipPeers => self.look(request, |core, _| gossip::peers(core.peers().all())),
            Rpc::GossipGet => match gossip::id(args) {
                Ok(id) => self.look(request, move |core, _| {
                    core.peers().get(&id).map_or_else(|| "false".to_owned(), gossip::peer)
                }),
                Err(error) => self.peer.refuse_call(request, &error),
            },
            Rpc::GossipAdd => self.wish(request, gossip::add(args), |(place, source), ticket| {
                Input::AddPeer { ticket, place, source }
            }),
            Rpc::GossipRemove => {
                self.wish(request, gossip::id(args), |peer, ticket| Input::RemovePeer { ticket, peer });
            }
            Rpc::GossipConnect => {
                self.wish(request, gossip::target(args), |to, ticket| Input::Dial { ticket, to });
            }
            Rpc::GossipDisconnect => {
                self.wish(request, gossip::id(args), |peer, ticket| Input::Disconnect { ticket, peer });
            }
            Rpc::GossipReconnect => self.wish(request, Ok(()), |(), ticket| Input::Reconnect { ticket }),
            Rpc::GossipChanges => match self.changes.add(request) {
                Ok(mailbox) => self.core.push(ToCore::Listen(mailbox)),
                Err(error) => self.peer.refuse_call(request, &error),
            },
            Rpc::GossipHelp => self.peer.answer(request, Body::Json(help::GOSSIP)),
            Rpc::GossipEnable => self.switch(request, conn::habit(args), Switched::On),
            Rpc::GossipDisable => self.switch(request, conn::habit(args), Switched::Off),
            Rpc::GossipPing | Rpc::ConnPing => self.pings.called(request),
            Rpc::ConnRemember => self.want(request, conn::remember(args)),
            Rpc::ConnForget => self.want(request, conn::address(args).map(Wish::Forget)),
            Rpc::ConnDbPeers => self.look(request, |core, _| conn::kept(core)),
            Rpc::ConnConnect => self.wish(request, conn::place(args), |place, ticket| Input::Dial {
                ticket,
                to: Target::At(place),
            }),
            Rpc::ConnDisconnect => {
                self.want(request, conn::address(args).map(|address| Wish::Part(address.key())));
            }
            Rpc::ConnPeers => self.follow(request, Entries::connected()),
            Rpc::ConnStage => self.want(request, conn::stage(args)),
            Rpc::ConnUnstage => self.want(request, conn::address(args).map(Wish::Unstage)),
            Rpc::ConnStagedPeers => self.follow(request, Entries::staged()),
            Rpc::ConnStart => self.want(request, Ok(Wish::Start)),
            Rpc::ConnStop => self.want(request, Ok(Wish::Stop)),
            Rpc::Peers => self.look(request, |core, _| conn::table(core)),
            Rpc::FriendsGet => self.look_with(request, args, friends::get),
            Rpc::FriendsHops => self.look_with(request, args, friends::hops),
            Rpc::FriendsIsFollowing => self.look_with(request, args, friends::is_following),
            Rpc::FriendsIsBlocking => self.look_with(request, args, friends::is_blocking),
            Rpc::FriendsGraph => self.look(request, |core, _| graph_stream::graph(core)),
            Rpc::FriendsHopStream => self.follow(request, hop_stream::hop_stream(args)),
            Rpc::FriendsCreateFriendStream => self.follow(request, hop_stream::friend_stream(args)),
            Rpc::FriendsStream => self.follow(request, graph_stream::stream()),
            Rpc::FriendsGraphStream => self.follow(request, graph_stream::graph_stream(args)),
            Rpc::FriendsHelp => self.peer.answer(request, Body::Json(help::FRIENDS)),
            Rpc::EbtClock => match replicate::format(args) {
                Ok(()) => self.read(request, |reader| Ok(feeds::vector_clock(reader))),
                Err(error) => self.peer.refuse_call(request, &error),
            },
            Rpc::ReplicateUpto => self.follow(request, Upto::parse(args)),
            Rpc::ReplicateChanges => self.follow(request, replicate::Changes::default()),
            Rpc::ReplicateProgress => self.look(request, replicate::progress),
            Rpc::ReplicateBlock | Rpc::EbtBlock => match replicate::block(args) {
                Some(wish) => self.want(request, Ok(wish)),
                // JavaScript does not care, either.
                None => self.peer.answer(request, Body::Json("false")),
            },
            Rpc::EbtPeerStatus => self.look_with(request, args, friends::peer_status),
            Rpc::FriendsFollow => self.publish(request, friends::follow(args)),
            Rpc::FriendsBlock => self.publish(request, friends::block(args)),
            Rpc::ReplicateRequest | Rpc::EbtRequest => match friends::request(args) {
                Some(asked) => self.wish(request, Ok(asked), |(feed, wanted), ticket| Input::Request {
                    ticket,
                    feed,
                    wanted,
                }),
                // JavaScript does not care, either.
                None => self.peer.answer(request, Body::Json("false")),
            },
            Rpc::OooGet => match Ooo::parse(args) {
                Ok(wanted) => self.get_out_of_order(request, wanted),
                Err(error) => self.peer.refuse_call(request, &error),
            },
            Rpc::OooStream => self.singles.stream.called(request, &mut self.peer),
            Rpc::OooHelp => self.peer.answer(request, Body::Json(help::OOO)),
            Rpc::BlobsAdd => {
                let called = blobs::expected(args)
                    .and_then(|expected| self.adds.called(request, expected, &self.shared.blobs));
                if let Err(error) = called {
                    self.peer.refuse_call(request, &error);
                }
            }
            Rpc::BlobsGet => self.serve_blob(request, blobs::Get::parse(args)),
            Rpc::BlobsGetSlice => self.serve_blob(request, blobs::Get::parse_slice(args)),
            Rpc::BlobsHas if self.is_owner => {
                self.ask_of_blobs(request, Which::parse(args, "invalid id"), |blobs, which| {
                    which.answer(blobs.store(), |_, size| blobs::has(size))
                });
            }
            Rpc::BlobsHas => self.has_blobs(request, Which::parse(args, "invalid id")),
            Rpc::BlobsSize => {
                self.ask_of_blobs(request, Which::parse(args, "not a valid id"), |blobs, which| {
                    which.answer(blobs.store(), |_, size| blobs::size(size))
                });
            }
            Rpc::BlobsMeta => self.ask_of_blobs(request, blobs::one(args, "not a valid id"), blobs::look),
            Rpc::BlobsRm => self.ask_of_blobs(request, blobs::one(args, "not valid id"), blobs::remove),
            Rpc::BlobsPin => self.ask_of_blobs(request, blobs::one(args, "not a valid id"), |blobs, id| {
                blobs::pin(blobs, id, true)
            }),
            Rpc::BlobsUnpin => self.ask_of_blobs(request, blobs::one(args, "not a valid id"), |blobs, id| {
                blobs::pin(blobs, id, false)
            }),
            Rpc::BlobsLs => self.list_blobs(request, Listing::parse(args)),
            Rpc::BlobsChanges if self.is_owner => self.list_blobs(request, Listing::CHANGES),
            Rpc::BlobsChanges => self.exchange.stream.changes_called(request, &mut self.peer),
            Rpc::BlobsCreateWants => self.exchange.stream.called(request, &mut self.peer),
            Rpc::BlobsWant => match blobs::one(args, "invalid id") {
                Ok(id) => self.wanted.called(request, id),
                Err(error) => self.peer.refuse_call(request, &error),
            },
            Rpc::BlobsPush => match blobs::one(args, "invalid hash") {
                Ok(id) => self.push_blob(request, id),
                Err(error) => self.peer.refuse_call(request, &error),
            },
            Rpc::BlobsHelp => self.peer.answer(request, Body::Json(help::BLOBS)),
            Rpc::Why => match args::feed_id(args) {
                Ok(feed) => self.look(request, move |core, _| friends::why(&feed, core)),
                Err(error) => self.peer.refuse_call(request, &error),
            },
            Rpc::EbtReplicate => self.trees.stream.called(request, args, &mut self.peer),
        }
    }

    /// Sends the answers that have come.
    pub(super) fn poll_pending(&mut self, context: &mut Context<'_>) -> bool {
        let before = self.pending.len();
        let Self { peer, pending, writes, .. } = self;
        pending.retain_mut(|pending| {
            let Poll::Ready(answer) = pending.answer.as_mut().poll(context) else { return true };
            match (pending.what, answer) {
                (Waiting::Call(request), Ok(answer)) => peer.answer(request, Body::Json(&answer)),
                (Waiting::Call(request), Err(error)) => peer.refuse_call(request, &error),
                // Nobody hears whether it was taken.
                (Waiting::Item(request), _) => writes.judged(request, peer),
            }
            false
        });
        self.pending.len() != before
    }

    fn serve(&mut self, request: RequestId, stream: Result<impl Source + 'static, RemoteError>) {
        match stream {
            Ok(mut stream) => {
                stream.begin(&self.reader);
                self.sources.add(request, Box::new(stream));
            }
            Err(error) => self.peer.refuse_call(request, &error),
        }
    }

    /// Serves a blob, or a part of one.
    fn serve_blob(&mut self, request: RequestId, get: Result<blobs::Get, RemoteError>) {
        match get {
            Ok(get) => self.pieces.add(request, get),
            Err(error) => self.peer.refuse_call(request, &error),
        }
    }

    /// Serves the blobs that are here, those that come, or both.
    fn list_blobs(&mut self, request: RequestId, listing: Listing) {
        let blobs = &self.shared.blobs;
        let mailbox = match listing {
            Listing { live: false, .. } => Ok(None),
            Listing { old: true, .. } => self.changes.hold(request).map(Some),
            Listing { old: false, .. } => self.changes.add(request).map(Some),
        };
        match mailbox {
            // Before the list is made, so that nothing is missed in between.
            Ok(mailbox) => mailbox.into_iter().for_each(|mailbox| blobs.listen(mailbox, listing.shape)),
            Err(error) => return self.peer.refuse_call(request, &error),
        }
        if listing.old {
            self.sources.add(request, Box::new(BlobList::new(blobs, listing)));
        }
    }

    /// Asks something of the blobs, or changes something there.
    fn ask_of_blobs<T: Send + 'static>(
        &mut self,
        request: RequestId,
        arguments: Result<T, RemoteError>,
        question: fn(&Blobs, &T) -> Result<String, RemoteError>,
    ) {
        match arguments {
            Ok(arguments) => {
                let answer = self.shared.blobs.run(move |blobs| question(blobs, &arguments));
                self.later(Waiting::Call(request), async { answer.await.unwrap_or_else(|| Err(stopping())) });
            }
            Err(error) => self.peer.refuse_call(request, &error),
        }
    }

    /// Says which blobs are here. A peer that asks wants the others (ssb-blobs 1.2.2).
    fn has_blobs(&mut self, request: RequestId, which: Result<Which, RemoteError>) {
        let missing = self.exchange.missing();
        let which = which.map(|which| (which, missing));
        self.ask_of_blobs(request, which, |blobs, (which, missing)| {
            let mut ids = Vec::new();
            let answer = which.answer(blobs.store(), |id, size| {
                if size.is_none() {
                    ids.push(*id);
                }
                blobs::has(size)
            });
            // There are no more of these than calls wait for their answers.
            missing.send(ids);
            answer
        });
    }

    /// Has peers take a blob. It is kept that they are to before the call is answered.
    fn push_blob(&mut self, request: RequestId, id: BlobId) {
        let (pushed, core) =
            (self.shared.blobs.run(move |blobs| blobs::push(blobs, &id)), self.core.core.clone());
        self.later(Waiting::Call(request), async move {
            let is_here = pushed.await.unwrap_or_else(|| Err(stopping()))?;
            let _ = core.send(ToCore::Event(Input::Blobs(Wants::Push { id }))).await;
            if !is_here {
                let _ = core.send(ToCore::Event(Input::Blobs(Wants::Want { connection: None, id }))).await;
            }
            Ok("false".to_owned())
        });
    }

    /// Publishes content; what names its recipients is sealed for them, here and before anybody else sees it.
    fn publish(&mut self, request: RequestId, content: Result<String, RemoteError>) {
        let content = content.and_then(|content| private::sealed(content, &entropy::bytes()));
        self.wish(request, content, |content, ticket| Input::Publish { ticket, draft: content.into() });
    }

    /// Looks a message up, and asks peers for it if the log does not have it.
    fn get(&mut self, request: RequestId, get: Get) {
        let (shared, core, reader) = (Arc::clone(&self.shared), self.core.core.clone(), self.reader.clone());
        self.later(Waiting::Call(request), async move {
            if let Some(answer) = look_up(&get, &reader, &shared.reads).await? {
                return Ok(answer);
            }
            let Get::Message { id, ooo, .. } = get else { return Err(stopping()) };
            if ooo
                && shared.ooo.hook
                && let Some(json) = fetch(&core, id, shared.ooo.timeout).await
            {
                let received = shared.clock.now().wall.0;
                let given = shared.reads.run(move || get.given(&reader, id, json, received));
                return given.await.ok_or_else(stopping);
            }
            // It may have come meanwhile.
            look_up(&get, &reader, &shared.reads).await?.ok_or_else(|| get::not_found(&id))
        });
    }

    /// The same for `ooo.get`.
    fn get_out_of_order(&mut self, request: RequestId, Ooo { id, timeout }: Ooo) {
        let (shared, core) = (Arc::clone(&self.shared), self.core.core.clone());
        self.later(Waiting::Call(request), async move {
            let get = Get::Message { id, meta: false, ooo: true, sight: Sight::Sealed };
            let timeout = timeout.unwrap_or(shared.ooo.timeout).min(PATIENCE_MAX);
            let asked = shared.clock.now();
            let mut json = look_up(&get, &shared.reader, &shared.reads).await?;
            if json.is_none() {
                json = fetch(&core, id, timeout).await;
            }
            let now = shared.clock.now();
            let waited = now.uptime.since(asked.uptime);
            json.map(|json| ooo::answer(&id, &json, now.wall.0))
                .ok_or_else(|| ooo::not_found(timeout, waited))
        });
    }

    fn ask_of_feed(
        &mut self,
        request: RequestId,
        args: &[u8],
        question: fn(&Reader<Disk>, &FeedId) -> Result<String, RemoteError>,
    ) {
        match args::feed_id(args) {
            Ok(feed) => self.read(request, move |reader| question(reader, &feed)),
            Err(error) => self.peer.refuse_call(request, &error),
        }
    }

    fn read(
        &mut self,
        request: RequestId,
        question: impl FnOnce(&Reader<Disk>) -> Result<String, RemoteError> + Send + 'static,
    ) {
        let reader = self.shared.reader.clone();
        let read = self.shared.reads.run(move || question(&reader));
        self.later(Waiting::Call(request), async { read.await.unwrap_or_else(|| Err(stopping())) });
    }

    /// A message came in a `createWriteStream`: it is added as with `add`.
    pub(super) fn write(&mut self, request: RequestId, message: &[u8]) {
        let args = [b"[", message, b"]"].concat();
        if let Ok(Add { feed, raw }) = Add::parse(&args) {
            self.writes.came(request);
            let wish = core_task::Wish(Box::new(move |ticket| Input::Add { ticket, feed, raw }));
            self.ask(Waiting::Item(request), |answer| ToCore::Wish { wish, answer });
        }
    }

    /// Has the indexes made anew, and answers when they are.
    fn rebuild(&mut self, request: RequestId) {
        let (answer, answered) = bounded(1);
        match self.shared.rebuilds.try_send(answer) {
            Ok(()) => {
                self.later(Waiting::Call(request), told(answered));
            }
            Err(_) => {
                self.peer.refuse_call(request, &RemoteError::new("too many wait for the indexes already"));
            }
        }
    }

    /// Asks the core for something, if the arguments make sense.
    fn wish<T: Send + 'static>(
        &mut self,
        request: RequestId,
        arguments: Result<T, RemoteError>,
        wish: fn(T, Ticket) -> Input,
    ) {
        match arguments {
            Ok(arguments) => {
                let wish = core_task::Wish(Box::new(move |ticket| wish(arguments, ticket)));
                self.ask_core(request, |answer| ToCore::Wish { wish, answer });
            }
            Err(error) => self.peer.refuse_call(request, &error),
        }
    }

    /// Asks the core for something about connections, which answers yes or no.
    fn want(&mut self, request: RequestId, wish: Result<Wish, RemoteError>) {
        self.wish(request, wish, |wish, ticket| Input::Wish { ticket, wish });
    }

    /// Has the node take up a habit or leave it, and says so.
    fn switch(
        &mut self,
        request: RequestId,
        habit: Result<(Habit, String), RemoteError>,
        switched: Switched,
    ) {
        let (habit, word) = match habit {
            Ok(habit) => habit,
            Err(error) => return self.peer.refuse_call(request, &error),
        };
        let wish = move |ticket| Input::Wish { ticket, wish: Wish::Switch(habit, switched) };
        let (answer, answered) = bounded(1);
        self.core.push(ToCore::Wish { wish: core_task::Wish(Box::new(wish)), answer });
        self.later(Waiting::Call(request), async move {
            told(answered).await.map(|_| conn::switched(switched, &word))
        });
    }

    /// Serves a stream that follows the core.
    fn follow(&mut self, request: RequestId, cursor: impl Cursor + 'static) {
        if let Err(error) = self.follows.add(request, Box::new(cursor)) {
            self.peer.refuse_call(request, &error);
        }
    }

    /// Answers with what the core is like.
    fn look(&mut self, request: RequestId, look: impl FnOnce(&Core, Now) -> String + Send + 'static) {
        let look = Look(Box::new(look));
        self.ask_core(request, |answer| ToCore::Look { look, answer });
    }

    /// The same, of a question with arguments.
    fn look_with(&mut self, request: RequestId, args: &[u8], question: fn(&[u8], &Core) -> String) {
        let args = args.to_vec();
        self.look(request, move |core, _| question(&args, core));
    }

    fn ask_core(&mut self, request: RequestId, question: impl FnOnce(Answer) -> ToCore) {
        self.ask(Waiting::Call(request), question);
    }

    fn ask(&mut self, what: Waiting, question: impl FnOnce(Answer) -> ToCore) {
        let (answer, answered) = bounded(1);
        self.core.push(question(answer));
        self.later(what, told(answered));
    }

    /// Answers when the answer is there.
    fn later(
        &mut self,
        what: Waiting,
        answer: impl Future<Output = Result<String, RemoteError>> + Send + 'static,
    ) {
        self.pending.push(Pending { what, answer: Box::pin(answer) });
    }
}

/// What somebody answers, who is gone only when the node stops.
async fn told(answered: Receiver<Result<String, RemoteError>>) -> Result<String, RemoteError> {
    answered.recv().await.unwrap_or_else(|_| Err(stopping()))
}

async fn look_up(get: &Get, reader: &Reader<Disk>, reads: &Pool) -> Result<Option<String>, RemoteError> {
    let (get, reader) = (get.clone(), reader.clone());
    reads.run(move || get.answer(&reader)).await.unwrap_or_else(|| Err(stopping()))
}

/// Has the core ask peers for a message. `None` if nobody says what it is.
async fn fetch(core: &Sender<ToCore>, id: MessageId, patience: Duration) -> Option<String> {
    let (answer, answered) = bounded(1);
    let wish = core_task::Wish(Box::new(move |ticket| Input::Fetch { ticket, id, patience }));
    core.send(ToCore::Wish { wish, answer }).await.ok()?;
    told(answered).await.ok()
}

fn stopping() -> RemoteError {
    RemoteError::new("the node is stopping")
}
