//! Feeds: messages drafted, forked, damaged and delivered in any order.

use ssb_keys::Keypair;
use ssb_keys::hmac::HmacKey;
use ssb_keys::verify::KeyCache;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::Unverified;
use ssb_msg::ValidationState;
use ssb_msg::chain::ChainError;
use ssb_msg::draft;
use ssb_msg::verify_group;

use crate::cast::ALICE;
use crate::cast::MALLORY;
use crate::script::Script;

/// Makes and delivers messages: a state takes exactly the messages whose predecessor it took last, and of damaged bytes
/// none verifies.
///
/// Script: with which key the network signs, then steps.
pub fn message_chain(data: &[u8]) {
    let script = &mut Script::new(data);
    let mut world = World::new(if script.flag() { NETWORKS[1] } else { NETWORKS[0] });
    for _ in 0..STEPS_MAX {
        if script.is_empty() {
            break;
        }
        match script.below(4) {
            0 => world.draft(script),
            1 | 2 => world.deliver(script),
            _ => world.damage(script),
        }
    }
    world.verify_all_at_once();
}

/// Signatures are slow.
const STEPS_MAX: usize = 24;

const NETWORKS: [Signing; 2] = [Signing::plain(), Signing::keyed(HmacKey::from_bytes([9; 32]))];

struct World {
    signing: Signing,
    keys: KeyCache,
    drafted: Vec<Drafted>,
    /// What is known of Alice's feed, and which drafted message that is.
    known: ValidationState,
    latest: Option<usize>,
}

struct Drafted {
    message: Message,
    by_alice: bool,
    /// Which drafted message it follows.
    parent: Option<usize>,
}

impl World {
    fn new(signing: Signing) -> Self {
        let known = ValidationState::new(ALICE.id());
        Self { signing, keys: KeyCache::new(), drafted: Vec::new(), known, latest: None }
    }

    /// Script: whose, after which message, with which timestamp and content.
    fn draft(&mut self, script: &mut Script<'_>) {
        let by_alice = script.below(8) != 7;
        let author: &Keypair = if by_alice { &ALICE } else { &MALLORY };
        let parent = script.below(self.drafted.len() + 1).checked_sub(1);
        let parent = parent.filter(|at| self.drafted[*at].by_alice == by_alice);
        let state = match parent.map(|at| &self.drafted[at].message) {
            Some(message) => ValidationState::resume(author.id(), message.sequence(), message.id()),
            None => ValidationState::new(author.id()),
        };
        let timestamp = f64::from_bits(u64::from_be_bytes(script.array()));
        let content = script.run();
        let content = std::str::from_utf8(content).unwrap_or(r#"{"type":"post"}"#);
        let Ok(message) = draft::sign(content, &state, timestamp, author, &self.signing) else { return };

        assert_eq!(message.previous(), state.latest());
        assert_eq!(message.sequence(), state.sequence() + 1);
        let received = Unverified::parse(message.compact()).expect("what was drafted parses");
        assert_eq!(received.verify(&self.signing, &mut self.keys).as_ref(), Ok(&message));
        self.drafted.push(Drafted { message, by_alice, parent });
    }

    /// Script: which message.
    fn deliver(&mut self, script: &mut Script<'_>) {
        let at = script.below(self.drafted.len());
        let Some(Drafted { message, by_alice, parent }) = self.drafted.get(at) else { return };
        let sequence = message.sequence();
        // The same message can be drafted twice.
        let id_of = |at: usize| self.drafted[at].message.id();
        let latest = self.latest.map(id_of);
        let fits = *by_alice && parent.map(id_of) == latest;

        match self.known.check(message) {
            Ok(next) => {
                assert!(fits, "a message was taken that follows another one");
                self.known.advance(next);
                self.latest = Some(at);
                assert_eq!((self.known.sequence(), self.known.latest()), (sequence, Some(message.id())));
            }
            Err(error) => {
                assert!(!fits, "the next message was refused: {error}");
                let known = self.known.sequence();
                match error {
                    ChainError::WrongAuthor { found } => assert!(!by_alice && found == message.author()),
                    ChainError::AlreadyHave { .. } => assert_eq!(Some(message.id()), latest),
                    ChainError::Behind { .. } => assert!(sequence < known),
                    ChainError::Fork { .. } => {
                        assert!(sequence == known || sequence == known + 1);
                        assert_ne!(Some(message.id()), latest);
                    }
                    ChainError::Gap { .. } => assert!(sequence > known + 1),
                    error => panic!("unknown verdict: {error}"),
                }
            }
        }
    }

    /// Script: which message, and what becomes of its bytes.
    fn damage(&mut self, script: &mut Script<'_>) {
        let at = script.below(self.drafted.len());
        let Some(Drafted { message, .. }) = self.drafted.get(at) else { return };
        let mut bytes = message.compact().to_vec();
        for _ in 0..=script.below(3) {
            let at = script.short() % bytes.len().max(1);
            match script.below(3) {
                0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = script.byte()),
                1 => drop(bytes.splice(at..at, script.run().iter().copied())),
                _ => drop(bytes.drain(at..bytes.len().min(at + 1 + script.below(4)))),
            }
        }
        if let Ok(damaged) = Unverified::parse(&bytes)
            && let Ok(verified) = damaged.verify(&self.signing, &mut self.keys)
        {
            assert_eq!(verified.json(), message.json(), "a damaged message verified");
        }
    }

    /// A group changes no verdict, and on another network every message is forged.
    fn verify_all_at_once(&mut self) {
        let group: Vec<Unverified> = self
            .drafted
            .iter()
            .map(|drafted| Unverified::parse(drafted.message.compact()).expect("it parsed before"))
            .collect();
        let other = if self.signing == NETWORKS[0] { NETWORKS[1] } else { NETWORKS[0] };
        assert!(verify_group(group.clone(), &other, &mut self.keys).iter().all(Result::is_err));
        let verified = verify_group(group, &self.signing, &mut self.keys);
        assert_eq!(verified.len(), self.drafted.len());
        for (verified, drafted) in verified.iter().zip(&self.drafted) {
            assert_eq!(verified.as_ref(), Ok(&drafted.message));
        }
    }
}
