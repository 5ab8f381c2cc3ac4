//! What rude peers say of blobs, and send instead of them.

use std::collections::BTreeSet;

use ssb_blobs::wants::item;
use ssb_blobs::wants::item::Word;
use ssb_gossip::peer::Peer;
use ssb_keys::BlobId;
use ssb_muxrpc::Body;
use ssb_muxrpc::Kind;
use ssb_muxrpc::RemoteError;
use ssb_muxrpc::RequestId;

use crate::network::Network;
use crate::scenario::Role;
use crate::scenario::SECOND;

/// What a rude peer has to do with blobs on one connection.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// The call on which it hears what is wanted.
    heard: Option<RequestId>,
    /// The call on which it says what it wants and has.
    told: Option<RequestId>,
    /// What it sends.
    going: BTreeSet<RequestId>,
    /// When it goes on.
    next: u64,
}

/// What a peer says of blobs.
pub(super) enum Said {
    /// It wants to hear.
    Asked(RequestId),
    /// It wants some, or has some.
    Words(Vec<(BlobId, Word)>),
    /// It gets one.
    Gets(RequestId, Option<BlobId>),
}

impl Line {
    /// Whether an item of this stream is about blobs.
    pub(super) fn hears(&self, request: RequestId) -> bool {
        self.heard == Some(request)
    }

    /// A stream is over.
    pub(super) fn ended(&mut self, request: RequestId) {
        self.going.remove(&request);
    }
}

/// Whether those of a role have to do with blobs.
fn deals(role: Role) -> bool {
    Role::OF_BLOBS.contains(&role)
}

/// Calls go both ways.
pub(super) fn open(role: Role, peer: &mut Peer, line: &mut Line) {
    if deals(role) {
        line.heard = peer.call(&["blobs", "createWants"], Kind::Source, "[]").ok();
    }
}

/// Answers what was said.
pub(super) fn answer(role: Role, said: Said, peer: &mut Peer, line: &mut Line, network: &mut Network) {
    match said {
        Said::Asked(request) if deals(role) => {
            line.told = Some(request);
            peer.item(request, Body::Json("{}"));
        }
        Said::Asked(request) | Said::Gets(request, None) => {
            peer.refuse_call(request, &RemoteError::new("no such thing here"));
        }
        Said::Words(words) => {
            let wanted = words.iter().filter(|(_, word)| matches!(word, Word::Wanted(_)));
            let claims: Vec<(BlobId, Word)> =
                wanted.map(|(id, _)| (*id, Word::Has(claim(role, network)))).collect();
            if let Some(request) = line.told.filter(|_| role != Role::WantFlooder && !claims.is_empty()) {
                peer.item(request, Body::Json(&item::to_json(&claims)));
            }
        }
        Said::Gets(request, Some(_)) => match role {
            // More than it said; or much less.
            Role::SizeLiar => {
                let count = network.blob_random.index(3);
                for _ in 0..count {
                    peer.item(request, Body::Binary(&[7; 3_000]));
                }
                peer.end(request);
            }
            Role::BlobForger => {
                peer.item(request, Body::Binary(&[7; FORGED_LEN]));
                peer.end(request);
            }
            Role::Dripper => drop(line.going.insert(request)),
            _ => peer.refuse_call(request, &RemoteError::new("could not get blob")),
        },
    }
}

/// Goes on with what it says or sends by itself. Returns in how long it does so again.
pub(super) fn deal(role: Role, peer: &mut Peer, line: &mut Line, network: &mut Network) -> Option<u64> {
    let goes_on = match role {
        Role::Dripper => !line.going.is_empty(),
        Role::WantFlooder => line.told.is_some(),
        _ => false,
    };
    if !goes_on || line.next > network.micros() {
        return None;
    }
    match line.told.filter(|_| role == Role::WantFlooder) {
        Some(request) => {
            let random = &mut network.blob_random;
            let mut want = |distance| (BlobId::from_bytes(random.seed()), Word::Wanted(distance));
            let wants: Vec<(BlobId, Word)> = (1..=5).cycle().take(WANTS).map(&mut want).collect();
            peer.item(request, Body::Json(&item::to_json(&wants)));
        }
        None => line.going.iter().for_each(|request| peer.item(*request, Body::Binary(&[7]))),
    }
    let pause = if role == Role::WantFlooder && !network.is_stormy { 5 * SECOND } else { SECOND };
    line.next = network.micros() + pause;
    Some(pause)
}

/// How many bytes it says that a blob has.
fn claim(role: Role, network: &mut Network) -> u64 {
    let random = &mut network.blob_random;
    match role {
        Role::SizeLiar => match random.below(4) {
            0 => u64::MAX,
            1 => 1,
            _ => random.between(1, 5_000),
        },
        Role::BlobForger => u64::try_from(FORGED_LEN).unwrap_or_default(),
        _ => 1_500,
    }
}

/// How many bytes a forged blob has.
const FORGED_LEN: usize = 500;

/// How many wants are in one item of a flood.
const WANTS: usize = 200;
