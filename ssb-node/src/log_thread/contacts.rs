//! What messages say of who follows and blocks whom, also in private.

use std::collections::BTreeSet;

use ssb_gossip::event::Input;
use ssb_gossip::event::Outcome;
use ssb_gossip::history::contact_of;
use ssb_keys::FeedId;
use ssb_log::Ordinal;
use ssb_log::fields::Fields;
use ssb_log::query::Filter;
use ssb_log::query::Query;
use ssb_msg::Message;
use ssb_msg::content::Contact;
use ssb_msg::json;

use super::LogThread;

/// How many bytes of messages are read at once to find out what was said lately.
const HEARD_LEN: usize = 256 * 1024;

impl LogThread {
    pub(super) fn stored(&self, message: &Message) -> Outcome {
        // What others said in private is heard later, from the index thread: opening it takes too long here.
        let is_mine = message.author() == self.me.id();
        let own = || {
            Contact::read(
                &json::parse(self.opener.open(&Fields::of(message.json())?)?.content().as_bytes()).ok()?,
            )
        };
        Outcome::Stored {
            feed: message.author(),
            sequence: message.sequence(),
            contact: contact_of(message.json()).or_else(|| is_mine.then(own).flatten()),
        }
    }

    // What an author said in private, of the messages before `end`, is told to the core, unless something else was said since.
    pub(super) fn hear(&self, author: FeedId, words: Vec<Contact>, end: Ordinal) {
        let filter = Filter::author(author).and(Filter::contacts());
        let reader = self.store.reader();
        let mut since = reader.query(Query::new(filter).within(end..reader.end()));
        let mut later = BTreeSet::new();
        while !since.is_over() {
            // What cannot be read is found out about when it is read for somebody.
            let page = since.page(HEARD_LEN).unwrap_or_default();
            later.extend(page.iter().filter_map(|stored| contact_of(&stored.json)).map(|said| said.contact));
        }
        for Contact { contact, relation } in words.into_iter().filter(|said| !later.contains(&said.contact)) {
            self.tell(Input::Related { author, contact, relation: Some(relation) });
        }
    }
}
