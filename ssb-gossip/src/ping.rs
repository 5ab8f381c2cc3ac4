//! `gossip.ping`: who answers whom, and when.
//!
//! Timestamps go back and forth, so that a connection stays alive and both sides learn how far apart their clocks are.
//! Whoever gets one that is no answer sends its own at once, and serves the next after a pause (pull-ping 2.0.2).
//!
//! So something is heard of a living peer at least once in a pause. If not, it is pinged out of turn, and given up if that
//! is in vain, too: a connection that was lost without a word takes what is written for a long time, which looks like life.

use std::collections::BTreeMap;
use std::time::Duration;

use ssb_muxrpc::Body;
use ssb_muxrpc::Kind;
use ssb_muxrpc::RequestId;

use crate::connection::ConnectionId;
use crate::event::Input;
use crate::peer::Peer;
use crate::time::Now;
use crate::time::Uptime;

/// The pause between two exchanges, unless told otherwise (ssb-gossip 1.1.1).
pub const PAUSE: Duration = Duration::from_secs(5 * 60);

/// For so long after a pause a peer may be silent before it is pinged out of turn.
pub const LATE_AFTER: Duration = Duration::from_secs(60);

/// Within this time something is heard of a peer that was pinged out of turn, if it is there.
pub const ALIVE_WITHIN: Duration = Duration::from_secs(60);

/// The arguments with which JavaScript's peers call it (ssb-gossip 1.1.1).
pub const ARGS: &str = "[{\"timeout\":300000}]";

/// The ping streams of one connection, both ways.
#[derive(Debug)]
pub struct PingStreams {
    connection: ConnectionId,
    pause: Duration,
    streams: BTreeMap<RequestId, Ping>,
    /// When the peer was last heard before it was pinged out of turn.
    probed: Option<Uptime>,
}

impl PingStreams {
    /// Those of a connection that was just made: none. All of them serve with this pause.
    pub const fn new(connection: ConnectionId, pause: Duration) -> Self {
        Self { connection, pause, streams: BTreeMap::new(), probed: None }
    }

    /// Pings the peer.
    pub fn call(&mut self, peer: &mut Peer, now: Now) {
        // A peer of which too much is asked already is alive without pings.
        if let Ok(request) = peer.call(&["gossip", "ping"], Kind::Duplex, ARGS) {
            self.streams.insert(request, Ping::calling(self.pause, now));
            send_time(request, peer, now);
        }
    }

    /// The peer pings us.
    pub fn called(&mut self, request: RequestId) {
        self.streams.insert(request, Ping::called(self.pause));
    }

    /// An item came. Returns what the core is to hear of it.
    pub fn item(&mut self, request: RequestId, body: &[u8], peer: &mut Peer, now: Now) -> Option<Input> {
        let ping = self.streams.get_mut(&request)?;
        let theirs =
            str::from_utf8(body).ok().and_then(|text| text.parse().ok()).filter(|ms: &f64| ms.is_finite())?;
        match ping.received(theirs, now) {
            Received::Answer { rtt, skew } => Some(Input::Pinged { connection: self.connection, rtt, skew }),
            Received::Question => {
                send_time(request, peer, now);
                None
            }
        }
    }

    /// The peer ended a stream.
    pub fn ended(&mut self, request: RequestId, peer: &mut Peer) {
        if self.streams.remove(&request).is_some() {
            peer.end(request);
        }
    }

    /// Sends what is due.
    pub fn tick(&mut self, peer: &mut Peer, now: Now) {
        for (request, ping) in &mut self.streams {
            if ping.tick(now) {
                send_time(*request, peer, now);
            }
        }
        let Some(heard) = peer.heard().filter(|heard| self.late(*heard) <= now.uptime) else { return };
        if self.probed != Some(heard) {
            self.probed = Some(heard);
            self.call(peer, now);
        } else if self.late(heard).after(ALIVE_WITHIN) <= now.uptime {
            peer.give_up();
        }
    }

    /// When to [`tick`](Self::tick).
    pub fn deadline(&self, peer: &Peer) -> Option<Uptime> {
        let watch = peer.heard().map(|heard| match self.probed {
            Some(probed) if probed == heard => self.late(heard).after(ALIVE_WITHIN),
            _ => self.late(heard),
        });
        self.streams.values().filter_map(Ping::deadline).chain(watch).min()
    }

    /// When a peer that was heard then is too silent.
    fn late(&self, heard: Uptime) -> Uptime {
        heard.after(self.pause).after(LATE_AFTER)
    }
}

fn send_time(request: RequestId, peer: &mut Peer, now: Now) {
    peer.item(request, Body::Json(&now.wall.0.to_string()));
}

/// One side of a ping stream.
#[derive(Clone, Copy, Debug)]
pub struct Ping {
    pause: Duration,
    /// When ours was sent, if it waits for an answer.
    sent: Option<Now>,
    next: Option<Uptime>,
}

/// What a timestamp that came is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Received {
    /// The peer's own: ours is to be sent now.
    Question,
    /// The answer to ours.
    Answer {
        /// How long that took, in milliseconds.
        rtt: f64,
        /// How many milliseconds the peer's clock is ahead of ours, if both ways take the same time.
        skew: f64,
    },
}

impl Ping {
    /// The side that calls: it sends its timestamp now.
    pub const fn calling(pause: Duration, now: Now) -> Self {
        Self { pause, sent: Some(now), next: None }
    }

    /// The side that was called: it waits for the first timestamp, and serves with this pause.
    pub const fn called(pause: Duration) -> Self {
        Self { pause, sent: None, next: None }
    }

    /// A timestamp came, in milliseconds since 1970.
    pub fn received(&mut self, theirs: f64, now: Now) -> Received {
        match self.sent.take() {
            Some(sent) => Received::Answer {
                rtt: now.uptime.since(sent.uptime).as_secs_f64() * 1000.0,
                skew: theirs - f64::midpoint(sent.wall.0, now.wall.0),
            },
            None => {
                self.next = Some(now.uptime.after(self.pause));
                Received::Question
            }
        }
    }

    /// Looks at the clock. Returns whether our timestamp is to be sent now.
    pub fn tick(&mut self, now: Now) -> bool {
        let due = self.next.is_some_and(|next| now.uptime >= next);
        if due {
            self.next = None;
            self.sent = Some(now);
        }
        due
    }

    /// When to [`tick`](Self::tick).
    pub const fn deadline(&self) -> Option<Uptime> {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::UnixMillis;

    /// So many milliseconds after the start, which was at 1000 by the wall clock.
    fn at(millis: u64) -> Now {
        let since_start = Duration::from_millis(millis);
        let wall = UnixMillis(1000.0 + since_start.as_secs_f64() * 1000.0);
        Now { uptime: Uptime::new(since_start), wall }
    }

    #[test]
    fn a_timestamp_is_answered_at_once_and_the_next_served_after_a_pause() {
        let pause = Duration::from_millis(500);
        let mut ping = Ping::called(pause);

        assert_eq!(ping.received(7.0, at(0)), Received::Question);
        assert_eq!(ping.deadline(), Some(at(500).uptime));
        assert!(!ping.tick(at(499)));
        assert!(ping.tick(at(500)));
        assert!(
            matches!(ping.received(7.0, at(500)), Received::Answer { .. }),
            "that was the answer to ours"
        );
        assert_eq!(ping.deadline(), None);
        assert_eq!(ping.received(7.0, at(501)), Received::Question);
    }

    #[test]
    fn whoever_calls_learns_how_far_the_peer_and_its_clock_are() {
        let mut ping = Ping::calling(PAUSE, at(0));

        // There it is 5000 where here it is 1010: halfway between 1000 and 1020.
        let received = ping.received(5000.0, at(20));

        assert_eq!(received, Received::Answer { rtt: 20.0, skew: 3990.0 });
        assert_eq!(ping.deadline(), None, "it is the peer's turn");
        assert_eq!(ping.received(5000.0, at(30)), Received::Question);
    }
}
