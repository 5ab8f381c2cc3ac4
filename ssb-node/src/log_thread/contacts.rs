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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::key;
    use crate::fixture::sealed;
    use crate::log_inbox::Own;
    use crate::log_thread::bench::Bench;
    use crate::log_thread::bench::ME;
    use crate::log_thread::bench::own;
    use crate::log_thread::bench::publish;
    use crate::log_thread::bench::publish_for;
    use crate::log_thread::bench::work;
    use ssb_msg::Signing;
    use ssb_msg::ValidationState;
    use ssb_msg::content::Relation;
    use ssb_msg::draft;

    #[test]
    fn contacts_that_the_owner_seals_for_themselves_are_told_too() {
        let mut bench = Bench::created();
        let friend = key(5).id();
        let (publish, _) =
            publish_for(&format!(r#"{{"type":"contact","contact":"{friend}","blocking":true}}"#), &[ME]);

        bench.thread.work(own(publish));

        let [Outcome::Stored { contact: Some(contact), .. }] = bench.outcomes()[..] else {
            panic!("no contact")
        };
        assert_eq!((contact.contact, contact.relation), (friend, Relation::Block));
    }

    #[test]
    fn contacts_are_told_with_their_verdict() {
        let mut bench = Bench::created();
        let friend = key(5).id();
        let (publish, _) = publish(&format!(r#"{{"type":"contact","contact":"{friend}","following":true}}"#));

        bench.thread.work(own(publish));

        let [Outcome::Stored { contact: Some(contact), .. }] = bench.outcomes()[..] else {
            panic!("no contact")
        };
        assert_eq!(contact.contact, friend);
    }

    #[test]
    fn contacts_that_the_owner_keeps_private_are_told_too_and_those_of_others_are_not() {
        let mut bench = Bench::created();
        let friend = key(5).id();
        let content = sealed(&format!(r#"{{"type":"contact","contact":"{friend}","blocking":true}}"#), &[ME]);
        let (publish, _) = publish(&content);

        bench.thread.work(own(publish));

        let [Outcome::Stored { contact: Some(contact), .. }] = bench.outcomes()[..] else {
            panic!("no contact")
        };
        assert_eq!((contact.contact, contact.relation), (friend, Relation::Block));
        let state = ValidationState::new(key(2).id());
        let theirs = draft::sign(&content, &state, 1.0, &key(2), &Signing::plain()).unwrap();
        bench.thread.work(work([theirs]));
        assert!(matches!(bench.outcomes()[..], [Outcome::Stored { contact: None, .. }]));
    }

    #[test]
    fn what_was_heard_in_private_is_told_unless_the_author_has_said_something_else_since() {
        let mut bench = Bench::created();
        let [one, two] = [5, 6].map(|n| Contact { contact: key(n).id(), relation: Relation::Block });
        let author = key(2);
        let end = bench.thread.store.reader().end();
        let state = ValidationState::new(author.id());
        let later = format!(r#"{{"type":"contact","contact":"{}","following":true}}"#, two.contact);
        let later = draft::sign(&later, &state, 1.0, &author, &Signing::plain()).unwrap();
        bench.thread.work(work([later]));
        bench.outcomes();

        bench.thread.work(own(Own::Heard { author: author.id(), words: vec![one, two], end }));

        let told = bench.results.try_recv().unwrap();
        let Input::Related { author: who, contact, relation } = told else { panic!("{told:?}") };
        assert_eq!((who, contact, relation), (author.id(), one.contact, Some(Relation::Block)));
        assert!(bench.results.try_recv().is_err());
    }
}
