//! What rude peers say in `ebt.replicate`.

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::ebt::note;
use ssb_gossip::ebt::note::Item;
use ssb_gossip::ebt::note::Note;
use ssb_gossip::ebt::note::SEQUENCE_MAX;
use ssb_keys::FeedId;
use ssb_keys::Keypair;

use super::branches;
use super::history;
use crate::random::Random;
use crate::scenario::Role;

/// Whether those of a role know the protocol.
pub(super) const fn speaks(role: Role) -> bool {
    !matches!(role, Role::Ours | Role::Silent | Role::Noise | Role::Liar | Role::Sloppy)
}

/// Whether they say what nobody asked for.
pub(super) const fn floods(role: Role) -> bool {
    matches!(role, Role::Flooder | Role::NoteFlooder | Role::Garbler)
}

/// What they say first.
pub(super) fn greeting(role: Role, me: &Keypair, id: ConnectionId) -> Vec<String> {
    let latest = history::own(role, me, id, 1).len();
    let sequence = u64::try_from(latest).unwrap_or_default();
    match role {
        Role::Garbler => Vec::new(),
        _ => vec![note::to_json(&[(me.id(), Note::Has { sequence, send: true })])],
    }
}

/// What they say to an item.
pub(super) fn answer(role: Role, me: &Keypair, id: ConnectionId, item: &Item) -> Vec<String> {
    let Item::Clock(notes) = item else { return Vec::new() };
    match role {
        Role::Forker | Role::Flooder => {
            let wanted = notes.iter().find_map(|(feed, note)| match note {
                Note::Has { sequence, send: true } if *feed == me.id() => u32::try_from(*sequence).ok(),
                _ => None,
            });
            wanted.map_or_else(Vec::new, |held| history::own(role, me, id, held + 1))
        }
        // It has everything, and more than that, and sends nothing.
        Role::ClockLiar => {
            let claims = notes.iter().enumerate().map(|(n, (feed, _))| {
                let sequence = if n % 2 == 0 { SEQUENCE_MAX } else { 1_000 };
                (*feed, Note::Has { sequence, send: n % 3 == 0 })
            });
            vec![note::to_json(&claims.collect::<Vec<_>>())]
        }
        // It wants everything, and reads nothing of it.
        Role::SlowReader => {
            let wants = notes.iter().map(|(feed, _)| (*feed, Note::Has { sequence: 0, send: true }));
            vec![note::to_json(&wants.collect::<Vec<_>>())]
        }
        _ => Vec::new(),
    }
}

/// What they say now and then.
pub(super) fn flood(role: Role, me: &Keypair, random: &mut Random) -> Vec<String> {
    match role {
        Role::Flooder => {
            // Of somebody nobody knows; of itself, but out of order; and what is no message.
            let stranger = Keypair::from_seed(&random.seed());
            let theirs = branches(Role::Flooder, &stranger).concat();
            let ours = branches(Role::Flooder, me).concat();
            let some = |all: &[ssb_msg::Message], random: &mut Random| {
                all.get(random.index(all.len())).map(|message| message.json().to_owned())
            };
            let forged = some(&ours, random).map(|text| text.replace("hello", "Hello"));
            [some(&theirs, random), some(&ours, random), forged].into_iter().flatten().collect()
        }
        Role::NoteFlooder => {
            let ours = (me.id(), Note::Has { sequence: random.below(1 << 40), send: random.once_in(2) });
            let mut notes: Vec<(FeedId, Note)> =
                (0..NOTES).map(|_| (FeedId::from_bytes(random.seed()), Note::Refused)).collect();
            notes.push(ours);
            vec![note::to_json(&notes)]
        }
        Role::Garbler => {
            let number = random.below(u64::MAX);
            let id = me.id();
            let all = [
                "[]".to_owned(),
                "\"text\"".to_owned(),
                format!("{{\"{id}\":{number}}}"),
                format!("{{\"{id}\":-{number}.5}}"),
                format!("{{\"clock\":{{\"{id}\":\"1\"}}}}"),
                format!("{{\"author\":\"{id}\",\"sequence\":1,\"content\":{number}}}"),
                format!("{{\"author\":\"{number}\",\"sequence\":{number},\"content\":{{}}}}"),
                "[".repeat(5_000),
            ];
            all.get(random.index(all.len())).cloned().into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// How many notes are in one item of a flood.
const NOTES: usize = 100;
