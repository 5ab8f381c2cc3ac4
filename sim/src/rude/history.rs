//! How rude peers answer `createHistoryStream`.

use ssb_gossip::connection::ConnectionId;
use ssb_gossip::history::HistoryQuery;
use ssb_keys::Keypair;

use super::branches;
use crate::network::Network;
use crate::scenario::Role;

/// What is sent to somebody who asks.
pub(super) fn answer(
    role: Role,
    me: &Keypair,
    id: ConnectionId,
    query: Option<HistoryQuery>,
    network: &mut Network,
) -> Vec<String> {
    match role {
        Role::Sloppy => sloppy(me, query, network),
        Role::Liar => vec![lie(me, network)],
        Role::Forker => {
            let query = query.filter(|query| query.feed == me.id());
            query.map_or_else(Vec::new, |query| own(role, me, id, query.from))
        }
        _ => Vec::new(),
    }
}

/// The branch of the own feed that is for this connection, from a sequence on.
pub(super) fn own(role: Role, me: &Keypair, id: ConnectionId, from: u32) -> Vec<String> {
    let mut all = branches(role, me);
    let turn = if all.len() > 1 { id.0 % 2 } else { 0 };
    let branch = if turn == 0 { all.swap_remove(0) } else { all.swap_remove(1) };
    let asked = branch.into_iter().filter(|message| message.sequence() >= from);
    asked.map(|message| message.json().to_owned()).collect()
}

fn lie(me: &Keypair, network: &mut Network) -> String {
    let feed = branches(Role::Liar, me).concat();
    let text = feed.get(3).map(|message| message.json().to_owned()).unwrap_or_default();
    match network.random.below(4) {
        0 => "{}".to_owned(),
        1 => format!("\"{}\"", "x".repeat(20_000)),
        2 => text,
        _ => text.replace("who you asked", "whom you asked"),
    }
}

/// The own feed from where it was asked for, with mistakes.
fn sloppy(me: &Keypair, query: Option<HistoryQuery>, network: &mut Network) -> Vec<String> {
    let Some(query) = query.filter(|query| query.feed == me.id()) else { return Vec::new() };
    let mut items: Vec<String> = Vec::new();
    let feed = branches(Role::Sloppy, me).concat();
    for message in feed.iter().filter(|message| message.sequence() >= query.from) {
        let text = message.json().to_owned();
        match network.random.below(10) {
            0 => {}
            1 => items.extend([text.clone(), text]),
            2 => items.insert(items.len().saturating_sub(1), text),
            _ => items.push(text),
        }
    }
    items
}
