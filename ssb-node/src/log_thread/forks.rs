//! What the log thread does about a feed that has forked.

use ssb_gossip::event::Input;
use ssb_msg::Message;

use super::LogThread;
use crate::config::LogLevel;
use crate::logging::Entry;

impl LogThread {
    // Both messages are kept, and the owner hears of it once.
    pub(super) fn prove(&mut self, message: &Message) {
        let (feed, sequence) = (message.author(), message.sequence());
        match self.store.prove(message, self.clock.timestamp()) {
            Ok(false) => {}
            Ok(true) => {
                let whose = if feed == self.me.id() {
                    "the own feed has forked: its key was used in two places. Those who have the other branch do not see what is \
                     published here"
                } else {
                    "a feed has forked: its author signed two histories. The branch that came first is kept"
                };
                let entry = Entry::new(LogLevel::Warning, whose);
                self.logger.say(&entry.reason(format!("message {sequence} of {feed}")));
                self.tell(Input::Forked { feed, sequence });
            }
            Err(error) => {
                let entry = Entry::new(LogLevel::Error, "the proof of a fork could not be kept");
                self.logger.say(&entry.reason(error));
            }
        }
    }
}
