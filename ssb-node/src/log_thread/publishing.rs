//! What the owner publishes: sealed if it is private, and signed, as the next message of the own feed.

use std::borrow::Cow;

use smol::channel::Sender;
use ssb_gossip::address::announced;
use ssb_gossip::event::Draft;
use ssb_keys::FeedId;
use ssb_keys::entropy;
use ssb_keys::ephemeral::WeakKey;
use ssb_log::store::PublishError;
use ssb_msg::Message;
use ssb_muxrpc::RemoteError;
use ssb_privatebox::box2;
use ssb_privatebox::box2::Place;
use ssb_privatebox::box2::RecipientKey;

use super::Batch;
use super::LogThread;
use super::Pending;
use crate::rpc::create;
use crate::rpc::publish;

impl LogThread {
    pub(super) fn publish(
        &mut self,
        draft: &Draft,
        answer: Sender<Result<String, RemoteError>>,
        batch: &mut Batch,
    ) {
        // The core holds the gate. This is the last look at the mark before a signature that cannot be taken back.
        let held = self.held();
        if !self.mark.permits(u64::from(held)) {
            let _ = answer.try_send(Err(RemoteError::new("publishing is locked")));
            return;
        }
        let timestamp = self.clock.timestamp();
        match self.sign(draft, timestamp, batch) {
            Ok(message) => {
                batch.announced.extend(announced(message.json()));
                batch.entries.push(Pending {
                    giver: None,
                    len: 0,
                    outcome: self.stored(&message),
                    answer: Some((publish::answer(&message, timestamp), answer)),
                });
            }
            Err(error) => {
                let _ = answer.try_send(Err(error));
            }
        }
    }

    fn sign(&mut self, draft: &Draft, timestamp: f64, batch: &mut Batch) -> Result<Message, RemoteError> {
        let mut content = self.content(draft)?;
        let mut signed = self.sign_content(&content, timestamp);
        if signed == Err(PublishError::Full) {
            self.commit(batch);
            // After a commit that failed the message stands elsewhere.
            content = self.content(draft)?;
            signed = self.sign_content(&content, timestamp);
        }
        signed.map_err(|error| publish::refusal(&error, &content))
    }

    fn sign_content(&mut self, content: &str, timestamp: f64) -> Result<Message, PublishError> {
        self.store.sign_next(content, timestamp, &self.me, &self.signing, timestamp)
    }

    // What is private is sealed for the place of the next message.
    fn content<'a>(&mut self, draft: &'a Draft) -> Result<Cow<'a, str>, RemoteError> {
        let (plain, recipients) = match draft {
            Draft::Content(content) => return Ok(Cow::Borrowed(content)),
            Draft::Private { plain, recipients } => (plain, recipients),
        };
        let me = self.me.id();
        let place = Place::new(me, self.store.state(&me).latest());
        let key_for = |id: &FeedId| {
            if *id == me {
                return self.keyring.own(&self.home).cloned().map_err(|error| create::not_encrypted(&error));
            }
            RecipientKey::direct(&self.me, *id)
                .map_err(|WeakKey| create::not_encrypted(&format_args!("recipient {id} has an unusable key")))
        };
        let keys = recipients.iter().map(key_for).collect::<Result<Vec<_>, _>>()?;
        let sealed = box2::text::seal(plain.as_bytes(), &place, &keys, &entropy::bytes());
        sealed.map(|boxed| Cow::Owned(format!("\"{boxed}\""))).map_err(|error| create::not_encrypted(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::key;
    use crate::keyring::Keyring;
    use crate::log_inbox::Work;
    use crate::log_thread::bench::Bench;
    use crate::log_thread::bench::ME;
    use crate::log_thread::bench::own;
    use crate::log_thread::bench::publish;
    use crate::log_thread::bench::publish_draft;
    use crate::log_thread::bench::publish_for;
    use ssb_gossip::event::Outcome;
    use ssb_keys::published_mark::PublishedMark;
    use ssb_log::Opener;
    use ssb_log::Ordinal;
    use ssb_log::Stored;

    /// What a key finds in the messages of the log.
    fn read_by(opener: &Opener, bench: &Bench) -> Vec<Option<String>> {
        let reader = bench.thread.store.reader();
        let messages = reader.page(Ordinal::ZERO..reader.end(), usize::MAX).unwrap();
        let open = |stored: &Stored| opener.open(&stored.fields()?).map(|opened| opened.content().to_owned());
        messages.iter().map(open).collect()
    }

    #[test]
    fn what_is_published_is_durable_and_marked_before_it_is_answered() {
        let mut bench = Bench::created();
        let (publish, answered) = publish(r#"{"type":"post","text":"hi"}"#);

        bench.thread.work(own(publish));

        let answer = answered.try_recv().unwrap().unwrap();
        assert!(answer.contains(r#""sequence":1"#), "{answer}");
        assert_eq!(bench.mark_on_disk().sequence, 1);
        assert_eq!(bench.thread.store.reader().len(), 1);
        let stored = Outcome::Stored { feed: key(ME).id(), sequence: 1, contact: None };
        assert_eq!(bench.outcomes(), [stored]);
    }

    #[test]
    fn several_wishes_of_one_turn_follow_each_other() {
        let mut bench = Bench::created();
        let (one, first) = publish(r#"{"type":"post"}"#);
        let (none, refused) = publish(r#"{"type":""}"#);
        let (two, second) = publish(r#"{"type":"post"}"#);

        bench.thread.work(Work { own: vec![one, none, two], ..Work::default() });

        assert!(first.try_recv().unwrap().unwrap().contains(r#""sequence":1"#));
        assert!(refused.try_recv().unwrap().unwrap_err().message().starts_with("type must be a string"));
        assert!(second.try_recv().unwrap().unwrap().contains(r#""sequence":2"#));
    }

    #[test]
    fn what_is_for_a_few_is_sealed_in_the_place_of_its_message() {
        let mut bench = Bench::created();
        let (one, first) = publish_for(r#"{"type":"post","n":1}"#, &[2]);
        let (two, _) = publish(r#"{"type":"post"}"#);
        let (three, third) = publish_for(r#"{"type":"post","n":3}"#, &[ME, 2]);

        bench.thread.work(Work { own: vec![one, two, three], ..Work::default() });

        for answered in [first, third] {
            let answer = answered.try_recv().unwrap().unwrap();
            assert!(answer.contains(".box2\"") && !answer.contains("post"), "{answer}");
        }
        let [one, three] = [1, 3].map(|n| Some(format!(r#"{{"type":"post","n":{n}}}"#)));
        assert_eq!(read_by(&Opener::new(key(2)), &bench), [one, None, three.clone()]);
        // The first was not for its author.
        assert_eq!(read_by(&bench.thread.opener, &bench), [None, None, three]);
        assert_eq!(read_by(&Opener::new(key(3)), &bench), [None, None, None]);
    }

    #[test]
    fn what_cannot_be_sealed_is_not_published() {
        let mut bench = Bench::created();
        let nobody = FeedId::from_bytes([0; 32]);
        let recipients = vec![key(2).id(), nobody];
        let plain = r#"{"type":"post"}"#.to_owned();
        let (weak, refused) = publish_draft(Draft::Private { plain, recipients });
        let (none, nobody_named) = publish_for("{}", &[]);
        let (own, no_key) = publish_for("{}", &[2, ME]);
        bench.thread.keyring = Keyring::unusable(&key(ME));

        bench.thread.work(Work { own: vec![weak, none, own], ..Work::default() });

        let refused = [refused, nobody_named, no_key]
            .map(|answered| answered.try_recv().unwrap().unwrap_err().message().to_owned());
        let because = |why: &str| format!("create() failed to encrypt content: {why}");
        assert_eq!(
            refused,
            [
                because(&format!("recipient {nobody} has an unusable key")),
                because("a box needs at least one recipient"),
                because("the keyring has no key of one's own"),
            ]
        );
        assert!(bench.thread.store.reader().is_empty());
    }

    #[test]
    fn a_mark_that_permits_nothing_is_asked_last() {
        let mut bench = Bench::new(PublishedMark::unknown(key(ME).id()));
        let (publish, answered) = publish(r#"{"type":"post"}"#);

        bench.thread.work(own(publish));

        assert_eq!(answered.try_recv().unwrap(), Err(RemoteError::new("publishing is locked")));
        assert!(bench.thread.store.reader().is_empty());
    }

    #[test]
    fn more_than_one_commit_s_worth_is_published_in_one_turn() {
        let mut bench = Bench::created();
        let content = format!(r#"{{"type":"post","text":"{}"}}"#, "x".repeat(7500));
        let (wishes, answers): (Vec<_>, Vec<_>) = (0..1200).map(|_| publish(&content)).unzip();

        bench.thread.work(Work { own: wishes, ..Work::default() });

        assert!(answers.iter().all(|answer| answer.try_recv().unwrap().is_ok()));
    }
}
