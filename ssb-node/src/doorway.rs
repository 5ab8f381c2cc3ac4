//! Strangers at the door: connections that were accepted, and on which nobody has proven yet who they are.
//!
//! There is room for so many of them. Whoever comes when it is full takes the place of who has stood there longest, of those
//! from the address that sends most: a crowd pushes itself aside, and nobody who is in notices.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::net::IpAddr;

use smol::channel::Receiver;
use ssb_gossip::event::Letter;
use ssb_gossip::peer::PeerError;

use crate::mailbox::Mailbox;

/// The most strangers at once. Each costs a file and some hundred bytes, for 5 seconds at most.
pub(crate) const STRANGERS_MAX: usize = 128;

/// The strangers, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Doorway(VecDeque<Stranger>);

/// A connection that was accepted.
#[derive(Debug)]
pub(crate) struct Stranger {
    /// Where it hears that it is to end.
    pub(crate) mailbox: Mailbox<Letter>,
    /// From where it came.
    pub(crate) host: Option<IpAddr>,
    /// Holds something once the connection is open, or never will be.
    pub(crate) opened: Receiver<Result<(), PeerError>>,
}

impl Doorway {
    /// Somebody comes, and somebody leaves if it is too many.
    pub(crate) fn enter(&mut self, stranger: Stranger) {
        self.0.retain(|other| other.opened.is_empty() && !other.opened.is_closed());
        if self.0.len() >= STRANGERS_MAX
            && let Some(leaves) = self.most_crowded().and_then(|at| self.0.remove(at))
        {
            // Whoever has ended meanwhile does not hear it.
            leaves.mailbox.send(Letter::Close);
        }
        self.0.push_back(stranger);
    }

    /// The first from where most are.
    fn most_crowded(&self) -> Option<usize> {
        let mut counts: BTreeMap<Option<IpAddr>, usize> = BTreeMap::new();
        for stranger in &self.0 {
            *counts.entry(stranger.host).or_default() += 1;
        }
        let most = counts.values().max().copied()?;
        self.0.iter().position(|stranger| counts.get(&stranger.host) == Some(&most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smol::channel::Sender;
    use smol::channel::bounded;
    use std::net::Ipv4Addr;
    use std::task::Context;
    use std::task::Waker;

    type Opening = Sender<Result<(), PeerError>>;

    /// Somebody from a host, and what its connection holds.
    fn stranger(host: u8) -> (Stranger, Mailbox<Letter>, Opening) {
        let (mailbox, (opening, opened)) = (Mailbox::new(), bounded(1));
        let host = Some(Ipv4Addr::new(10, 0, 0, host).into());
        (Stranger { mailbox: mailbox.clone(), host, opened }, mailbox, opening)
    }

    fn is_sent_away(mailbox: &Mailbox<Letter>) -> bool {
        mailbox.poll_next(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn a_crowd_from_one_host_pushes_itself_aside() {
        let mut doorway = Doorway::default();
        let (one, quiet, _keep) = stranger(1);
        doorway.enter(one);
        let mut crowd = Vec::new();
        for _ in 0..STRANGERS_MAX {
            let (one, mailbox, opening) = stranger(2);
            doorway.enter(one);
            crowd.push((mailbox, opening));
        }

        let away: Vec<bool> = crowd.iter().map(|(mailbox, _)| is_sent_away(mailbox)).collect();

        assert!(!is_sent_away(&quiet));
        assert_eq!((away[0], away.iter().filter(|away| **away).count()), (true, 1));
        assert_eq!(doorway.0.len(), STRANGERS_MAX);
    }

    #[test]
    fn who_came_in_or_is_gone_takes_no_place() {
        let mut doorway = Doorway::default();
        let mut all = Vec::new();
        for number in 0..STRANGERS_MAX {
            let (one, mailbox, opening) = stranger(1);
            doorway.enter(one);
            if number % 2 == 0 {
                opening.try_send(Ok(())).unwrap();
                all.push((mailbox, Some(opening)));
            } else {
                all.push((mailbox, None));
            }
        }

        let (one, ..) = stranger(1);
        doorway.enter(one);

        assert_eq!(doorway.0.len(), 1);
        assert!(!all.iter().any(|(mailbox, _)| is_sent_away(mailbox)));
    }
}
