//! What of a store the core starts from.

use ssb_gossip::address::Address;
use ssb_gossip::address::announced;
use ssb_keys::FeedId;
use ssb_log::Disk;
use ssb_log::Store;
use ssb_log::query::Filter;
use ssb_log::query::Query;
use ssb_log::read::ReadError;
use ssb_msg::content::Contact;

/// What of a store the core starts from.
#[derive(Debug)]
pub(crate) struct Survey {
    /// How far each feed is held.
    pub(crate) held: Vec<(FeedId, u32)>,
    /// Who follows or blocks whom.
    pub(crate) contacts: Vec<(FeedId, Contact)>,
}

/// How many messages are looked at that say where a peer is.
const PUBS_MAX: u64 = 2_048;

/// How many bytes of them are read at once.
const PUBS_LEN: usize = 256 * 1024;

/// Finds the ends of all feeds, and all contacts.
pub(crate) fn survey(store: &Store<Disk>) -> Result<Survey, ReadError> {
    let held = store.reader().feeds().into_iter().map(|latest| (latest.feed, latest.sequence)).collect();
    Ok(Survey { held, contacts: store.contacts()? })
}

/// Where messages say that peers are, the latest first.
pub(crate) fn pubs(store: &Store<Disk>) -> Result<Vec<Address>, ReadError> {
    let mut answer = store.reader().query(Query::new(Filter::of_type("pub")).descending().limit(PUBS_MAX));
    let mut pubs = Vec::new();
    while !answer.is_over() {
        pubs.extend(answer.page(PUBS_LEN)?.iter().filter_map(|stored| announced(&stored.json)));
    }
    Ok(pubs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;
    use crate::fixture::key;
    use ssb_msg::Signing;

    #[test]
    fn a_survey_finds_how_far_feeds_are_and_their_contacts() {
        let mut fixture = Fixture::new();
        let friend = key(5).id();
        fixture.publish(&key(2), r#"{"type":"post"}"#);
        fixture.publish(&key(2), &format!(r#"{{"type":"contact","contact":"{friend}","blocking":true}}"#));

        let survey = survey(&fixture.take()).unwrap();

        assert_eq!(survey.held, [(key(2).id(), 2)]);
        let [(author, contact)] = survey.contacts[..] else { panic!("{survey:?}") };
        assert_eq!((author, contact.contact), (key(2).id(), friend));
    }

    #[test]
    fn peers_are_where_the_latest_messages_say() {
        let mut fixture = Fixture::new();
        let [older, newer] = [1, 2].map(|n| Address::net("h.example", 8008, key(n).id()).unwrap());
        for text in [older.to_string(), "nowhere".to_owned(), newer.to_string()] {
            fixture.publish(&key(2), &format!(r#"{{"type":"pub","address":"{text}"}}"#));
        }
        fixture.publish(&key(2), &format!(r#"{{"type":"post","address":"{older}","text":"\"pub\""}}"#));

        assert_eq!(pubs(&fixture.take()).unwrap(), [newer, older]);
    }

    #[test]
    fn so_many_messages_are_looked_at_and_no_more() {
        let mut fixture = Fixture::new();
        let address = |n: u64| Address::net(&format!("h{n}.example"), 8008, key(1).id()).unwrap();
        let store = fixture.store();
        for n in 0..=PUBS_MAX {
            let content = format!(r#"{{"type":"pub","address":"{}"}}"#, address(n));
            store.sign_next(&content, 1.0, &key(2), &Signing::plain(), 1.0).unwrap();
        }
        let _ = store.commit().unwrap();

        let pubs = pubs(&fixture.take()).unwrap();

        assert_eq!(u64::try_from(pubs.len()), Ok(PUBS_MAX));
        assert_eq!((pubs.first(), pubs.last()), (Some(&address(PUBS_MAX)), Some(&address(1))));
    }
}
