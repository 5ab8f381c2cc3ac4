//! `latest`: the end of every feed, as ssb-db 20.4.1 tells it, in the order in which their first messages came.

use ssb_log::Disk;
use ssb_log::Reader;
use ssb_log::index::feeds::Latest;
use ssb_msg::json;

use super::source::Page;
use super::source::Source;
use super::source::Then;

/// The ends of all feeds that there are when it is called.
#[derive(Default)]
pub(crate) struct LatestStream {
    /// Those that are still to be told.
    rest: Option<std::vec::IntoIter<Latest>>,
}

/// How many feeds are told at once.
const FEEDS_MAX: usize = 512;

impl Source for LatestStream {
    fn begin(&mut self, reader: &Reader<Disk>) {
        self.rest.get_or_insert_with(|| reader.feeds().into_iter());
    }

    fn pull(&mut self, reader: &Reader<Disk>) -> Page {
        let rest = self.rest.get_or_insert_with(|| reader.feeds().into_iter());
        let items: Vec<String> = rest.by_ref().take(FEEDS_MAX).map(|latest| item(&latest)).collect();
        let then = if items.len() < FEEDS_MAX { Then::End(Ok(())) } else { Then::More };
        Page { items, then }
    }
}

fn item(latest: &Latest) -> String {
    let timestamp = json::compact(&json::Value::Number(latest.timestamp));
    format!("{{\"id\":\"{}\",\"sequence\":{},\"ts\":{timestamp}}}", latest.feed, latest.sequence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Fixture;
    use crate::fixture::key;
    use crate::fixture::pull_all;

    #[test]
    fn every_feed_that_is_there_when_it_is_called_is_told_by_its_end() {
        let mut fixture = Fixture::new();
        fixture.publish_posts(&key(2), 2, 1);
        fixture.publish_claiming(&key(1), r#"{"type":"post"}"#, 5.25);
        let mut stream = LatestStream::default();
        stream.begin(&fixture.reader());
        fixture.publish_posts(&key(1), 1, 1);

        let (items, then, _) = pull_all(&mut stream, &fixture);

        let expected = [
            format!(r#"{{"id":"{}","sequence":2,"ts":20}}"#, key(2).id()),
            format!(r#"{{"id":"{}","sequence":1,"ts":5.25}}"#, key(1).id()),
        ];
        assert_eq!((items, then), (expected.to_vec(), Then::End(Ok(()))));
    }

    #[test]
    fn a_full_page_is_not_the_end() {
        let mut fixture = Fixture::new();
        fixture.publish_posts(&key(1), 1, 1);
        let all = fixture.reader().feeds().repeat(FEEDS_MAX + 1);
        let mut stream = LatestStream { rest: Some(all.into_iter()) };

        let (items, then, pages) = pull_all(&mut stream, &fixture);

        assert_eq!((items.len(), then, pages), (FEEDS_MAX + 1, Then::End(Ok(())), 2));
    }
}
