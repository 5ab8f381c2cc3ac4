//! How long peers are known: what ssb-conn 6.0.4 calls its database and its staging area.

use std::collections::VecDeque;

use super::Change;
use super::Known;
use super::NotAdded;
use super::Peers;
use super::Whereabouts;
use crate::address::Address;
use crate::time::UnixMillis;

/// How long a peer is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tenure {
    /// As long as the node runs.
    Staged,
    /// Until it is removed; a peer of the local network as long as it says that it is there.
    #[default]
    Known,
    /// Until it is removed, wherever it was learned of: the owner said so.
    Remembered,
}

impl Peers {
    /// Learns of a peer for as long as the node runs. Returns whether it is new.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub fn stage(
        &mut self,
        place: Whereabouts,
        source: Option<&str>,
        now: UnixMillis,
        out: &mut VecDeque<impl From<Change>>,
    ) -> Result<bool, NotAdded> {
        let key = place.address.key();
        if self.get(&key).is_some() || self.is_connected(&key) || self.add(place, source, now, out)?.is_none()
        {
            return Ok(false);
        }
        if let Some(known) = self.get_mut(&key) {
            known.tenure = Tenure::Staged;
        }
        Ok(true)
    }

    /// Forgets a peer that is known only for as long as the node runs. Returns whether it did: not one that is connected, or
    /// being dialed.
    pub fn unstage(&mut self, address: &Address, out: &mut VecDeque<impl From<Change>>) -> bool {
        let key = address.key();
        let is_staged = self.get(&key).is_some_and(|known| known.is_staged() && known.state.is_none());
        if is_staged {
            self.remove(&key, out);
        }
        is_staged
    }

    /// Knows a peer until it is forgotten, at this place; what is `None` stays as it is.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    pub fn keep(
        &mut self,
        place: Whereabouts,
        source: Option<&str>,
        autoconnect: Option<bool>,
        now: UnixMillis,
        out: &mut VecDeque<impl From<Change>>,
    ) -> Result<(), NotAdded> {
        let key = place.address.key();
        let was_known = self.get(&key).is_some();
        if self.add(place.clone(), source, now, out)?.is_none() {
            return Ok(());
        }
        self.revision += 1;
        if let Some(known) = self.get_mut(&key) {
            known.tenure = Tenure::Remembered;
            known.place = place;
            known.autoconnect = autoconnect.unwrap_or(known.autoconnect);
            if was_known && source.is_some() {
                known.source = source.map(str::to_owned);
            }
        }
        Ok(())
    }

    /// Forgets a peer that is kept at this very address. Connections with it go on.
    pub fn forget(&mut self, address: &Address, out: &mut VecDeque<impl From<Change>>) {
        let key = address.key();
        if self.get(&key).is_some_and(|known| !known.is_staged() && known.place.address == *address) {
            self.remove(&key, out);
        }
    }
}

impl Known {
    /// Whether it is known only for as long as the node runs, or it says that it is there.
    pub fn is_staged(&self) -> bool {
        match self.tenure {
            Tenure::Staged => true,
            Tenure::Known => self.source.as_deref() == Some("local"),
            Tenure::Remembered => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::ConnectionId;
    use crate::connection::Side;
    use ssb_keys::FeedId;

    const ONE: ConnectionId = ConnectionId(1);
    const NOW: UnixMillis = UnixMillis(1000.0);
    const PEER: FeedId = FeedId::from_bytes([1; 32]);

    fn at(host: &str) -> Whereabouts {
        let address = Address::net(host, 1, PEER).unwrap();
        Whereabouts::written(&address.to_string(), address)
    }

    fn nobody() -> (Peers, VecDeque<Change>) {
        (Peers::new(FeedId::from_bytes([0; 32])), VecDeque::new())
    }

    #[test]
    fn who_is_staged_is_known_until_it_is_unstaged_and_not_while_it_is_connected() {
        let (mut peers, mut out) = nobody();
        assert_eq!(peers.stage(at("h.example"), Some("room"), NOW, &mut out), Ok(true));
        assert_eq!(
            peers.stage(at("h.example"), Some("room"), NOW, &mut out),
            Ok(false),
            "it is staged already"
        );
        assert!(peers.get(&PEER).is_some_and(Known::is_staged));

        peers.opened(ONE, &PEER, Side::Dialed, NOW, &mut out);
        assert!(!peers.unstage(at("h.example").address(), &mut out));
        peers.closed(ONE, NOW, &mut out);
        assert!(peers.unstage(at("h.example").address(), &mut out));
        assert!(!peers.unstage(at("h.example").address(), &mut out));

        peers.opened(ONE, &PEER, Side::Accepted, NOW, &mut out);
        assert_eq!(peers.stage(at("h.example"), None, NOW, &mut out), Ok(false), "it is connected");
    }

    #[test]
    fn who_is_to_be_remembered_is_kept_at_its_new_address_until_that_is_forgotten() {
        let (mut peers, mut out) = nobody();
        peers.add(at("h.example"), Some("local"), NOW, &mut out).unwrap();
        assert!(peers.get(&PEER).is_some_and(Known::is_staged));

        peers.keep(at("moved.example"), None, Some(false), NOW, &mut out).unwrap();

        let known = peers.get(&PEER).unwrap();
        assert!(!known.is_staged());
        assert_eq!((&known.place, known.autoconnect), (&at("moved.example"), false));
        assert_eq!(known.source.as_deref(), Some("local"));
        peers.forget(at("h.example").address(), &mut out);
        assert!(peers.get(&PEER).is_some(), "that is not where it is");
        peers.forget(at("moved.example").address(), &mut out);
        assert!(peers.get(&PEER).is_none());
    }
}
