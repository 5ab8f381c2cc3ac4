//! One end of a connection: what [`connection`](crate::connection) is to a node with a log. It speaks `ebt.replicate` and
//! `gossip.ping`, and no history streams.

use std::collections::VecDeque;
use std::convert::Infallible;

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::connection::Side;
use ssb_gossip::core::Core;
use ssb_gossip::ebt::note::Note;
use ssb_gossip::ebt::serving::Serving;
use ssb_gossip::ebt::stream::EbtStream;
use ssb_gossip::event::Input;
use ssb_gossip::event::Letter;
use ssb_gossip::ooo::stream::OooStream;
use ssb_gossip::peer::Peer;
use ssb_gossip::peer::PeerEvent;
use ssb_gossip::peer::Timeouts;
use ssb_gossip::ping::PAUSE;
use ssb_gossip::ping::PingStreams;
use ssb_keys::FeedId;

use super::outside::Event;
use super::outside::Outside;
use crate::connection::ANONYMOUS;
use crate::connection::micros;

/// The number of `ebt.replicate` in the table of methods.
const EBT: usize = 1;

/// The number of `ooo.stream` in it.
const OOO: usize = 2;

/// How many bytes of a feed are read at once, as in ssb-node.
const PAGE_LEN: usize = 64 * 1024;

/// One end of a connection.
#[derive(Debug)]
pub struct Line {
    id: ConnectionId,
    node: usize,
    /// The node at the other end.
    other: usize,
    side: Side,
    /// How long bytes travel, in microseconds.
    latency: u64,
    peer: Peer,
    letters: VecDeque<Letter>,
    ebt: EbtStream,
    ooo: OooStream,
    pings: PingStreams,
    /// What has arrived and was not read yet.
    arrived: VecDeque<u8>,
    timer_at: Option<u64>,
}

impl Line {
    /// An end of a connection that was just made.
    pub fn new(
        link: usize,
        [node, other]: [usize; 2],
        side: Side,
        latency: u64,
        mut peer: Peer,
        outside: &Outside,
    ) -> Self {
        let id = id(link);
        peer.start(Timeouts::default(), outside.now());
        Self {
            id,
            node,
            other,
            side,
            latency,
            peer,
            letters: VecDeque::new(),
            ebt: EbtStream::new(id),
            ooo: OooStream::new(id),
            pings: PingStreams::new(id, PAUSE),
            arrived: VecDeque::new(),
            timer_at: None,
        }
    }

    /// The core says something.
    pub fn tell(&mut self, letter: Letter) {
        self.letters.push_back(letter);
    }

    /// Bytes came.
    pub fn arrive(&mut self, bytes: Vec<u8>) {
        if self.arrived.is_empty() {
            self.arrived = bytes.into();
        } else {
            self.arrived.extend(bytes);
        }
    }

    /// A message of this feed was stored. Returns whether there may be something to send.
    pub fn wake(&mut self, feed: &FeedId) -> bool {
        let is_idle = self.ebt.is_idle();
        if !is_idle {
            self.ebt.wake(feed);
        }
        !is_idle
    }

    /// Looks at the clock.
    pub fn tick(&mut self, outside: &Outside) {
        if self.timer_at.is_some_and(|at| outside.micros() >= at) {
            self.timer_at = None;
            self.peer.tick(outside.now());
            self.pings.tick(&mut self.peer, outside.now());
        }
    }

    /// Does all that can be done now, and says what the core is to hear.
    pub fn pump(&mut self, core: &Core, outside: &mut Outside, inbox: &mut VecDeque<Input>) {
        let mut bytes = Vec::new();
        loop {
            let mut moved = self.take_letters(outside, inbox);
            moved |= self.serve(core, outside);
            moved |= self.take_events(outside, inbox);
            moved |= self.write(&mut bytes, outside);
            moved |= self.read(outside);
            if !moved {
                break;
            }
        }
        if !bytes.is_empty() {
            outside.tally.wire_len += len(bytes.len());
            bytes.shrink_to_fit();
            let arrival = Event::Arrive { node: self.other, link: self.id, bytes };
            outside.after(self.latency, arrival);
        }
        self.set_timer(outside);
    }

    fn take_letters(&mut self, outside: &mut Outside, inbox: &mut VecDeque<Input>) -> bool {
        let mut moved = false;
        while let Some(letter) = self.letters.pop_front() {
            moved = true;
            match letter {
                Letter::Admit => self.peer.admit(ANONYMOUS),
                Letter::Ping => self.pings.call(&mut self.peer, outside.now()),
                Letter::EbtCall => self.ebt.call(&mut self.peer),
                Letter::EbtAccept { request } => self.ebt.accept(request, &mut self.peer),
                Letter::EbtRefuse { request } => self.ebt.refuse(request, &mut self.peer),
                Letter::EbtNotes(notes) => {
                    outside.tally.notes += len(notes.len());
                    outside.tally.notes_len += notes_len(&notes);
                    self.ebt.note(notes);
                }
                Letter::EbtServe(feeds) => self.ebt.serve(feeds),
                Letter::Ask { stream, .. } => {
                    outside.tally.fallbacks += 1;
                    let connection = self.id;
                    inbox.push_back(Input::StreamEnded { connection, stream, failed: true });
                }
                Letter::Stop { .. } => {}
                Letter::OooAsk(wants) => self.ooo.ask(wants),
                // Nobody wants single messages here, nor blobs.
                Letter::OooServe(_) | Letter::OooTell(..) | Letter::BlobsCall => {}
                Letter::Refuse
                | Letter::Close
                | Letter::ServeHistory { .. }
                | Letter::BlobsSay(_)
                | Letter::BlobsLookUp(_)
                | Letter::BlobFetch { .. }
                | Letter::BlobStop { .. }
                | Letter::BlobAnswer { .. } => {
                    outside.fail(|| format!("node {} says {letter:?} to node {}", self.node, self.other));
                }
            }
        }
        inbox.extend(std::iter::from_fn(|| self.ebt.poll(&mut self.peer)));
        moved
    }

    /// Sends a page of a feed that the peer wants, if little waits to be written.
    fn serve(&mut self, core: &Core, outside: &mut Outside) -> bool {
        if self.peer.buffered() >= PAGE_LEN {
            return false;
        }
        let Some((feed, from)) = self.ebt.pop(|feed| core.held(feed)) else { return false };
        let (held, viewer) = (core.held(&feed), outside.archive.id(self.other));
        let read = |from, len_max| Ok::<_, Infallible>(outside.archive.page(&feed, from, held, len_max));
        let page = Serving::cursor(feed, from, viewer, held).page(held, PAGE_LEN, read, || Ok(false));
        outside.tally.sent += len(page.items.len());
        outside.tally.sent_len += page.items.iter().map(|(_, item)| len(item.len())).sum::<u64>();
        let Ok(()) = self.ebt.send(feed, from, page, &mut self.peer);
        true
    }

    fn take_events(&mut self, outside: &mut Outside, inbox: &mut VecDeque<Input>) -> bool {
        let mut moved = false;
        while !self.ebt.is_full() {
            let Some(event) = self.peer.poll() else { break };
            moved = true;
            let connection = self.id;
            match event {
                PeerEvent::Guest(peer) => inbox.push_back(Input::Guest { connection, peer }),
                PeerEvent::Open(peer) => {
                    inbox.push_back(Input::Opened { connection, peer, side: self.side });
                    self.ooo.opened(self.side, &mut self.peer);
                }
                PeerEvent::Called { request, method, args, .. } if method.index() == EBT => {
                    let args = args.to_vec();
                    self.ebt.called(request, &args, &mut self.peer);
                }
                PeerEvent::Called { request, method, .. } if method.index() == OOO => {
                    self.ooo.called(request, &mut self.peer);
                }
                PeerEvent::Called { request, .. } => self.pings.called(request),
                PeerEvent::Item { request, body, .. } => {
                    if !self.ebt.item(request, body) && !self.ooo.item(request, body) {
                        let body = body.to_vec();
                        inbox.extend(self.pings.item(request, &body, &mut self.peer, outside.now()));
                    }
                }
                PeerEvent::StreamEnded { request, .. } => {
                    self.ebt.ended(request);
                    self.ooo.ended(request, &mut self.peer);
                    self.pings.ended(request, &mut self.peer);
                }
                PeerEvent::Ended(result) => {
                    outside.fail(|| {
                        format!("nodes {} and {} lost their connection: {result:?}", self.node, self.other)
                    });
                    break;
                }
                PeerEvent::Answered { .. } | PeerEvent::Failed { .. } | PeerEvent::Goodbye => {}
            }
        }
        inbox.extend(std::iter::from_fn(|| self.ebt.poll(&mut self.peer)));
        inbox.extend(std::iter::from_fn(|| self.ooo.poll(&mut self.peer)));
        moved
    }

    fn write(&mut self, bytes: &mut Vec<u8>, outside: &Outside) -> bool {
        let mut moved = false;
        loop {
            let outgoing = self.peer.outgoing();
            let count = outgoing.len();
            if count == 0 {
                return moved;
            }
            bytes.extend_from_slice(outgoing);
            self.peer.wrote(count, outside.now());
            moved = true;
        }
    }

    fn read(&mut self, outside: &Outside) -> bool {
        if self.arrived.is_empty() {
            self.peer.rest();
            return false;
        }
        if self.ebt.is_full() || !self.peer.takes_bytes() {
            return false;
        }
        let (waiting, _) = self.arrived.as_slices();
        let space = self.peer.space();
        let count = waiting.len().min(space.len());
        for (to, from) in space.iter_mut().zip(waiting) {
            *to = *from;
        }
        self.arrived.drain(..count);
        if self.arrived.is_empty() {
            self.arrived = VecDeque::new();
        }
        self.peer.filled(count, outside.now());
        true
    }

    fn set_timer(&mut self, outside: &mut Outside) {
        let deadline = self.peer.deadline().into_iter().chain(self.pings.deadline(&self.peer)).min();
        let Some(deadline) = deadline else { return };
        let delay = micros(deadline.since(outside.now().uptime)).max(1);
        let at = outside.micros() + delay;
        // A later deadline is looked at when the earlier one has passed.
        if self.timer_at.is_none_or(|timer| at < timer) {
            self.timer_at = Some(at);
            outside.after(delay, Event::LineTimer { node: self.node, link: self.id });
        }
    }
}

/// The name of a connection by its number.
pub fn id(link: usize) -> ConnectionId {
    ConnectionId(len(link))
}

/// How many bytes notes have as JSON.
fn notes_len(notes: &[(FeedId, Note)]) -> u64 {
    /// `"@…=.ed25519":` and a comma, or a brace at the end.
    const FEED_LEN: usize = 53 + 4;
    let digits = |note: &Note| note.to_number().to_string().len();
    1 + notes.iter().map(|(_, note)| len(FEED_LEN + digits(note))).sum::<u64>()
}

fn len(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ssb_gossip::ebt::note;

    #[test]
    fn notes_are_counted_as_long_as_they_are() {
        let feed = FeedId::from_bytes([9; 32]);
        let notes = [(feed, Note::Refused), (feed, Note::Has { sequence: 77, send: true })];

        assert_eq!(notes_len(&notes), len(note::to_json(&notes).len()));
    }
}
