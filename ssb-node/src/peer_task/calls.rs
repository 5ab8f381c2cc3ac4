//! What a peer's calls do.

use std::future::Future;
use std::pin::Pin;
use std::task::Context;
use std::task::Poll;

use serde_json::Value;
use smol::channel::bounded;
use ssb_gossip::address::Address;
use ssb_gossip::history::HistoryQuery;
use ssb_gossip::ping::Ping;
use ssb_keys::FeedId;
use ssb_log::Disk;
use ssb_log::Reader;
use ssb_muxrpc::Body;
use ssb_muxrpc::MethodId;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;

use super::PeerTask;
use crate::core_task::Answer;
use crate::core_task::ToCore;
use crate::rpc::Rpc;
use crate::rpc::about_us;
use crate::rpc::add::Add;
use crate::rpc::args;
use crate::rpc::feed_stream;
use crate::rpc::feeds;
use crate::rpc::get::Get;
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
                let answer = about_us::auth(args, &self.shared.me.id());
                self.peer.answer(request, Body::Json(answer));
            }
            Rpc::Publish => match publish::content(args) {
                Ok(content) => self.ask_core(request, |answer| ToCore::Publish { content, answer }),
                Err(error) => self.peer.refuse_call(request, &error),
            },
            Rpc::Add => match Add::parse(args) {
                Ok(Add { feed, raw }) => self.ask_core(request, |answer| ToCore::Add { feed, raw, answer }),
                Err(error) => self.peer.refuse_call(request, &error),
            },
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
            Rpc::CreateLogStream => self.serve(request, log_stream::parse(args)),
            Rpc::CreateFeedStream => self.serve(request, feed_stream::parse(args)),
            Rpc::CreateRawLogStream => self.serve(request, raw_log_stream::parse(args)),
            Rpc::CreateUserStream => self.serve(request, user_stream::parse(args)),
            Rpc::CreateSequenceStream => self.serve(request, Ok(SequenceStream::default())),
            Rpc::CreateHistoryStream => {
                self.streams.called(request, HistoryQuery::parse(args), &mut self.peer);
            }
            Rpc::GossipConnect => match address(args) {
                Ok(address) => self.ask_core(request, |answer| ToCore::Dial { address, answer }),
                Err(error) => self.peer.refuse_call(request, &error),
            },
            Rpc::GossipPing => {
                self.pings.insert(request, Ping::called(self.shared.ping_pause));
            }
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

    /// A timestamp came on a ping stream.
    pub(super) fn pinged(&mut self, request: RequestId) {
        let now = self.shared.clock.now();
        if self.pings.get_mut(&request).is_some_and(|ping| ping.received(now.uptime)) {
            self.send_time(request);
        }
    }

    /// Serves the pings that are due.
    pub(super) fn tick_pings(&mut self) {
        let now = self.shared.clock.uptime();
        let due: Vec<RequestId> =
            self.pings.iter_mut().filter_map(|(request, ping)| ping.tick(now).then_some(*request)).collect();
        for request in due {
            self.send_time(request);
        }
    }

    fn send_time(&mut self, request: RequestId) {
        let now = self.shared.clock.now().wall.0.to_string();
        self.peer.item(request, Body::Json(&now));
    }

    fn serve(&mut self, request: RequestId, stream: Result<impl Source + 'static, RemoteError>) {
        match stream {
            Ok(stream) => self.sources.add(request, Box::new(stream)),
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

    fn ask_core(&mut self, request: RequestId, question: impl FnOnce(Answer) -> ToCore) {
        let (answer, answered) = bounded(1);
        self.core.push(question(answer));
        let answer = Box::pin(async move { answered.recv().await.unwrap_or_else(|_| Err(stopping())) });
        self.pending.push(Pending { request, answer });
    }
}

// The address that `gossip.connect` was given.
fn address(raw: &[u8]) -> Result<Address, RemoteError> {
    let args: Value = serde_json::from_slice(raw).unwrap_or_default();
    let text = match args.get(0) {
        None | Some(Value::Null) => return Err(args::required()),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Object(peer)) => {
            let field = |name: &str| peer.get(name).and_then(Value::as_str).unwrap_or_default();
            let port = peer.get("port").and_then(Value::as_u64).unwrap_or_default();
            format!("{}:{port}:{}", field("host"), field("key"))
        }
        Some(other) => other.to_string(),
    };
    if FeedId::parse(&text).is_ok() {
        return Err(RemoteError::new(format!("no known address for peer:{text}")));
    }
    Address::parse(&text).map_err(|error| RemoteError::new(format!("not a valid address:{text}: {error}")))
}

fn stopping() -> RemoteError {
    RemoteError::new("the node is stopping")
}
