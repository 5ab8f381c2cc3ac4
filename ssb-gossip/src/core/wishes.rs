//! What is done about what the owner wants of connections.

use std::collections::BTreeSet;

use ssb_keys::FeedId;

use super::Core;
use crate::event::Output;
use crate::event::Ticket;
use crate::time::Now;
use crate::wish::Switched;
use crate::wish::Wish;

impl Core {
    /// Does what the owner wants, and answers.
    pub(super) fn grant(&mut self, ticket: Ticket, wish: Wish, now: Now) {
        let said = match wish {
            Wish::Remember { place, source, autoconnect } => {
                let out = &mut self.outbox;
                let kept = self.peers.keep(place, source.as_deref(), autoconnect, now.wall, out);
                self.scheduler.changed(now.uptime);
                if let Err(error) = kept {
                    return self.outbox.push_back(Output::PeerAdded { ticket, outcome: Err(error) });
                }
                false
            }
            Wish::Forget(address) => {
                self.peers.forget(&address, &mut self.outbox);
                false
            }
            Wish::Stage { place, source } => {
                let staged = self.peers.stage(place, source.as_deref(), now.wall, &mut self.outbox);
                self.scheduler.changed(now.uptime);
                match staged {
                    Ok(is_new) => is_new,
                    Err(error) => {
                        return self.outbox.push_back(Output::PeerAdded { ticket, outcome: Err(error) });
                    }
                }
            }
            Wish::Unstage(address) => self.peers.unstage(&address, &mut self.outbox),
            Wish::Part(peer) => {
                let connections = self.peers.parting(&peer, now.wall);
                if !connections.is_empty() {
                    self.close(connections);
                    return self.parting.push((peer, Output::Said { ticket, yes: true }));
                }
                false
            }
            Wish::Start => {
                self.scheduler.start(now.uptime);
                false
            }
            Wish::Stop => {
                self.scheduler.stop();
                let connections = self.replicator.connections();
                self.close(connections);
                false
            }
            Wish::Switch(habit, switched) => {
                self.scheduler.switch(habit, switched == Switched::On, now.uptime);
                false
            }
            Wish::Withhold { author, peer, withheld } => {
                self.withhold(author, peer, withheld, now);
                false
            }
        };
        self.outbox.push_back(Output::Said { ticket, yes: said });
    }

    fn withhold(&mut self, author: FeedId, peer: FeedId, withheld: bool, now: Now) {
        if author != peer {
            self.scope.withhold(author, peer, withheld);
            self.scope_changed(&BTreeSet::from([author, peer]), now.uptime);
        }
    }
}
