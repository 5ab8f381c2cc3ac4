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
