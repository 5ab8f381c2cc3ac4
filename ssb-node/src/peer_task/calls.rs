//! What a peer's calls do.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use smol::channel::bounded;
use ssb_gossip::core::Core;
use ssb_gossip::event::Input;
use ssb_gossip::event::Ticket;
use ssb_gossip::history::HistoryQuery;
use ssb_gossip::history::Served;
use ssb_gossip::time::Now;
use ssb_keys::FeedId;
use ssb_log::Disk;
use ssb_log::Reader;
use ssb_muxrpc::Body;
use ssb_muxrpc::MethodId;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;

use super::PeerTask;
use crate::core_task::Answer;
use crate::core_task::Look;
use crate::core_task::ToCore;
use crate::core_task::Wish;
use crate::rpc::Rpc;
use crate::rpc::about_us;
use crate::rpc::add::Add;
use crate::rpc::address;
use crate::rpc::args;
use crate::rpc::by_type;
use crate::rpc::del;
use crate::rpc::feed_stream;
use crate::rpc::feeds;
use crate::rpc::get::Get;
use crate::rpc::gossip;
use crate::rpc::help;
use crate::rpc::history;
use crate::rpc::log_stream;
use crate::rpc::publish;
use crate::rpc::raw_log_stream;
use crate::rpc::sequence_stream::SequenceStream;
use crate::rpc::source::Source;
use crate::rpc::user_stream;

/// A call that waits for its answer.
pub(super) struct Pending {
    request: RequestId,
    answer: Pin<Box<dyn Future<Output = Result<String, RemoteError>> + Send>>,
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
                let answer = about_us::progress(&self.shared.reader);
                self.peer.answer(request, Body::Json(&answer));
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
            Rpc::Publish => self
                .wish(request, publish::content(args), |content, ticket| Input::Publish { ticket, content }),
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
                Ok(get) => self.read(request, move |reader| get.answer(reader)),
                Err(error) => self.peer.refuse_call(request, &error),
            },
            Rpc::GetLatest => self.ask_of_feed(request, args, feeds::latest),
            Rpc::LatestSequence => self.ask_of_feed(request, args, feeds::latest_sequence),
            Rpc::GetFeedState => {
                self.ask_of_feed(request, args, |reader, feed| Ok(feeds::state(reader, feed)));
            }
            Rpc::GetVectorClock => self.read(request, |reader| Ok(feeds::vector_clock(reader))),
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
                            let latest = self.shared.reader.latest(&query.feed);
                            Served::new(query, viewer, latest.map_or(0, |latest| latest.sequence))
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
            Rpc::GossipPing => self.pings.called(request),
        }
    }

    /// Sends the answers that have come.
    pub(super) fn poll_pending(&mut self, context: &mut Context<'_>) -> bool {
        let before = self.pending.len();
        let peer = &mut self.peer;
        self.pending.retain_mut(|pending| match pending.answer.as_mut().poll(context) {
            Poll::Ready(Ok(answer)) => {
                peer.answer(pending.request, Body::Json(&answer));
                false
            }
            Poll::Ready(Err(error)) => {
                peer.refuse_call(pending.request, &error);
                false
            }
            Poll::Pending => true,
        });
        self.pending.len() != before
    }

    fn serve(&mut self, request: RequestId, stream: Result<impl Source + 'static, RemoteError>) {
        match stream {
            Ok(mut stream) => {
                stream.begin(&self.shared.reader);
                self.sources.add(request, Box::new(stream));
            }
            Err(error) => self.peer.refuse_call(request, &error),
        }
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
        let answer = Box::pin(async { read.await.unwrap_or_else(|| Err(stopping())) });
        self.pending.push(Pending { request, answer });
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
                let wish = Wish(Box::new(move |ticket| wish(arguments, ticket)));
                self.ask_core(request, |answer| ToCore::Wish { wish, answer });
            }
            Err(error) => self.peer.refuse_call(request, &error),
        }
    }

    /// Answers with what the core is like.
    fn look(&mut self, request: RequestId, look: impl FnOnce(&Core, Now) -> String + Send + 'static) {
        let look = Look(Box::new(look));
        self.ask_core(request, |answer| ToCore::Look { look, answer });
    }

    fn ask_core(&mut self, request: RequestId, question: impl FnOnce(Answer) -> ToCore) {
        let (answer, answered) = bounded(1);
        self.core.push(question(answer));
        let answer = Box::pin(async move { answered.recv().await.unwrap_or_else(|_| Err(stopping())) });
        self.pending.push(Pending { request, answer });
    }
}

fn stopping() -> RemoteError {
    RemoteError::new("the node is stopping")
}
