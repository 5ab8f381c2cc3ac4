//! The requests that are open, in both directions.

use alloc::collections::BTreeMap;
use alloc::collections::BTreeSet;
use core::fmt;

use crate::limits::OPEN_MAX;
use crate::method::Kind;

/// Names a request of a session, whoever made it.
///
/// It is the number in packets *we* send about it: positive if the request is ours, negative if it is theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(i32);

impl RequestId {
    /// The request a packet of the peer is about. Zero names none, nor does the one number that has no negative.
    pub(super) const fn of_packet(number: i32) -> Option<Self> {
        match number.checked_neg() {
            None | Some(0) => None,
            Some(number) => Some(Self(number)),
        }
    }

    /// Whether we made it.
    pub const fn is_ours(self) -> bool {
        self.0 > 0
    }

    /// The number in packets we send about it.
    pub const fn number(self) -> i32 {
        self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// All open requests.
#[derive(Debug, Default)]
pub(super) struct Requests {
    ours: BTreeMap<RequestId, Open>,
    theirs: BTreeMap<RequestId, Open>,
    /// Streams we ended and want to hear no more of: refused ones, and those with an item that was too long. Their numbers
    /// are kept until the peer ends them too, lest the items still coming be taken for calls. Nobody waits for that:
    /// JavaScript never ends a duplex that was refused.
    muted: BTreeSet<RequestId>,
    /// The number our last request got.
    last: i32,
}

impl Requests {
    /// The number of our next request, unless all have been used.
    pub(super) fn take_number(&mut self) -> Option<RequestId> {
        self.last = self.last.checked_add(1)?;
        Some(RequestId(self.last))
    }

    pub(super) fn insert(&mut self, request: RequestId, open: Open) {
        let previous = self.side_mut(request).insert(request, open);
        debug_assert!(previous.is_none(), "a number that is still open was used again");
    }

    pub(super) fn get(&self, request: RequestId) -> Option<&Open> {
        if request.is_ours() { self.ours.get(&request) } else { self.theirs.get(&request) }
    }

    pub(super) fn get_mut(&mut self, request: RequestId) -> Option<&mut Open> {
        self.side_mut(request).get_mut(&request)
    }

    pub(super) fn remove(&mut self, request: RequestId) -> Option<Open> {
        self.side_mut(request).remove(&request)
    }

    /// Visits all, ours first, in the order of their numbers.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(RequestId, &mut Open) -> bool) {
        self.ours.retain(|id, open| keep(*id, open));
        // Theirs are negative: the first was the one closest to zero. The order is only seen by those who get errors.
        self.theirs.retain(|id, open| keep(*id, open));
    }

    pub(super) fn pop(&mut self) -> Option<(RequestId, Open)> {
        self.ours.pop_first().or_else(|| self.theirs.pop_last())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ours.is_empty() && self.theirs.is_empty()
    }

    /// Forgets all of a stream but its number.
    pub(super) fn mute(&mut self, request: RequestId) {
        self.remove(request);
        self.muted.insert(request);
    }

    pub(super) fn is_muted(&self, request: RequestId) -> bool {
        self.muted.contains(&request)
    }

    /// The peer has ended a stream.
    pub(super) fn unmute(&mut self, request: RequestId) {
        self.muted.remove(&request);
    }

    pub(super) fn ours(&self) -> usize {
        self.ours.len()
    }

    pub(super) fn theirs(&self) -> usize {
        self.theirs.len()
    }

    pub(super) fn ours_are_full(&self) -> bool {
        self.ours.len() + self.muted.len() >= OPEN_MAX
    }

    pub(super) fn theirs_are_full(&self) -> bool {
        self.theirs.len() + self.muted.len() >= OPEN_MAX
    }

    fn side_mut(&mut self, request: RequestId) -> &mut BTreeMap<RequestId, Open> {
        if request.is_ours() { &mut self.ours } else { &mut self.theirs }
    }
}

/// One open request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    pub(super) kind: Kind,
    pub(super) item_len_max: u32,
    pub(super) speaking: Speaking,
    pub(super) hearing: Hearing,
}

impl Open {
    /// A request we made.
    pub(super) fn ours(kind: Kind, item_len_max: u32) -> Self {
        let hearing = if kind == Kind::Sink { Hearing::End } else { Hearing::Items };
        Self { kind, item_len_max, speaking: Speaking::Open, hearing }
    }

    /// A request of theirs that was passed on.
    pub(super) fn theirs(kind: Kind, item_len_max: u32) -> Self {
        let hearing = match kind {
            Kind::Async | Kind::Sync => Hearing::Nothing,
            Kind::Source => Hearing::End,
            Kind::Sink | Kind::Duplex => Hearing::Items,
        };
        Self { kind, item_len_max, speaking: Speaking::Open, hearing }
    }

    /// Whether the end of a direction ends the other one too. The application ends its own direction of a duplex, and
    /// confirms what it was sent in a sink.
    pub(super) fn is_ended_by_their_end(&self, request: RequestId) -> bool {
        match self.kind {
            Kind::Async | Kind::Sync | Kind::Source => true,
            Kind::Sink => request.is_ours(),
            Kind::Duplex => false,
        }
    }

    /// Whether the application waits for an end.
    pub(super) fn expects_end(&self) -> bool {
        matches!(self.hearing, Hearing::Items | Hearing::End)
    }
}

/// Our direction of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speaking {
    Open,
    /// We sent our end.
    Ended,
}

/// Their direction of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hearing {
    /// All is reported.
    Items,
    /// Items are dropped, the end is reported.
    End,
    /// Nothing comes: an async call of theirs.
    Nothing,
    /// Their end came.
    Ended,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extreme_numbers_are_no_danger() {
        assert_eq!(RequestId::of_packet(0), None);
        assert_eq!(RequestId::of_packet(i32::MIN), None);
        assert_eq!(RequestId::of_packet(i32::MAX), Some(RequestId(-i32::MAX)));
        assert_eq!(RequestId::of_packet(-i32::MAX), Some(RequestId(i32::MAX)));
    }

    #[test]
    fn our_numbers_end_after_the_last() {
        let mut requests = Requests { last: i32::MAX - 1, ..Requests::default() };

        assert_eq!(requests.take_number(), Some(RequestId(i32::MAX)));
        assert_eq!(requests.take_number(), None);
        assert_eq!(requests.take_number(), None);
    }
}
