//! Why a feed does or does not arrive, in words.

use std::fmt;

use ssb_keys::FeedId;
use ssb_msg::content::Relation;

use crate::ebt::Standing;
use crate::peers::Known;
use crate::peers::Peers;
use crate::scope::Scope;

/// What a node knows of a feed and its way here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Which feed.
    pub feed: FeedId,
    /// How far it is here.
    pub held: u32,
    /// Whether it is to be replicated, and why.
    pub reason: Reason,
    /// The sequence of a message that contradicts what is here, if the feed has forked.
    pub fork: Option<u32>,
    /// How many peers are connected.
    pub connections: usize,
    /// How it stands with each connected peer that said something of it, or was told of it.
    pub peers: Vec<(FeedId, Standing)>,
    /// Whether the owner wants nobody to be dialed for now.
    pub is_stopped: bool,
    /// What went wrong last with known peers, the newest first: at most [`TROUBLES_MAX`].
    pub troubles: Vec<Trouble>,
}

/// How many peers are told of that could not be reached.
pub const TROUBLES_MAX: usize = 3;

/// A dial that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Where the peer is, as it was written.
    pub address: String,
    /// What went wrong.
    pub error: String,
    /// How many dials have failed since the last that did not.
    pub failures: u32,
}

impl Trouble {
    /// The newest of a table.
    pub(crate) fn newest(peers: &Peers) -> Vec<Self> {
        let mut all: Vec<&Known> = peers.all().iter().filter(|known| known.error.is_some()).collect();
        let changed = |known: &Known| known.state_change.map_or(0.0, |at| at.0);
        all.sort_by(|one, other| changed(other).total_cmp(&changed(one)));
        let newest = all.into_iter().take(TROUBLES_MAX).filter_map(|known| {
            let (address, failures) = (known.place.text().to_owned(), known.failure.unwrap_or_default());
            Some(Self { address, error: known.error.clone()?, failures })
        });
        newest.collect()
    }
}

/// Why a feed is replicated, or is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is the own feed.
    Own,
    /// It is followed, by those in between, the own feed first.
    Near(Vec<FeedId>),
    /// The owner asked for it, however far it is.
    Asked,
    /// The owner asked not to replicate it.
    Declined,
    /// The owner removed it for good.
    Removed,
    /// The owner blocks it.
    Blocked,
    /// Somebody near blocks it.
    BlockedBy(FeedId),
    /// The owner followed it once.
    Left,
    /// Somebody near followed it once.
    Unfollowed(FeedId),
    /// It is followed, but from further away than feeds are replicated: by so many hops.
    Far {
        /// How many follows away feeds are replicated.
        hops_max: u8,
    },
    /// Nobody within reach says anything of it.
    Unknown {
        /// How many follows away feeds are replicated.
        hops_max: u8,
    },
}

impl Reason {
    pub(crate) fn of(feed: &FeedId, scope: &Scope) -> Self {
        let graph = &scope.graph;
        let hops_max = graph.hops_max();
        if *feed == scope.me {
            return Self::Own;
        }
        if scope.bans(feed) {
            return Self::Removed;
        }
        if scope.shuns(feed) {
            return Self::Blocked;
        }
        match scope.requested(feed) {
            Some(true) => return Self::Asked,
            Some(false) => return Self::Declined,
            None => {}
        }
        if graph.wants(feed) {
            return Self::Near(graph.path(feed));
        }
        if scope.blocks(feed) {
            return Self::Blocked;
        }
        let excluded = graph.hops(feed).filter(|hops| *hops < 0).and_then(|_| graph.excluded_by(feed));
        match excluded {
            Some((author, Relation::Block)) => Self::BlockedBy(author),
            Some((author, _)) if author == scope.me => Self::Left,
            Some((author, _)) => Self::Unfollowed(author),
            None if graph
                .edges()
                .any(|(_, contact, relation)| contact == *feed && relation == Relation::Follow) =>
            {
                Self::Far { hops_max }
            }
            None => Self::Unknown { hops_max },
        }
    }

    /// Whether it is replicated.
    pub const fn is_wanted(&self) -> bool {
        matches!(self, Self::Own | Self::Near(_) | Self::Asked)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => f.write_str("replicated: it is your own feed"),
            Self::Near(path) => match path.as_slice() {
                [_, _] => f.write_str("replicated: you follow it"),
                [_, between @ .., _] => {
                    f.write_str("replicated: you follow ")?;
                    for (n, feed) in between.iter().enumerate() {
                        write!(f, "{}{feed}", if n == 0 { "" } else { ", who follows " })?;
                    }
                    f.write_str(", who follows it")
                }
                _ => f.write_str("replicated"),
            },
            Self::Asked => f.write_str("replicated: you asked for it (replicate.request)"),
            Self::Declined => f.write_str("not replicated: you asked not to (replicate.request)"),
            Self::Removed => {
                f.write_str("not replicated: you removed it for good (del); undel lets it come back")
            }
            Self::Blocked => f.write_str("not replicated: you block it"),
            Self::BlockedBy(author) => {
                write!(f, "not replicated: {author} blocks it, and you do not follow it yourself")
            }
            Self::Left => f.write_str("not replicated: you do not follow it any more"),
            Self::Unfollowed(author) => write!(f, "not replicated: {author} does not follow it any more"),
            Self::Far { hops_max } => write!(
                f,
                "not replicated: those who follow it are too far away; friends.hops is {hops_max}, or follow it yourself"
            ),
            Self::Unknown { hops_max } => write!(
                f,
                "not replicated: nobody within {hops_max} hops follows it; follow it yourself, or ask for it once with \
                 replicate.request"
            ),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { feed, held, reason, fork, connections, peers, is_stopped, troubles } = self;
        writeln!(f, "{feed}")?;
        match held {
            0 => writeln!(f, "  here: nothing")?,
            held => writeln!(f, "  here: {}", Messages(u64::from(*held)))?,
        }
        writeln!(f, "  {reason}")?;
        if let Some(sequence) = fork {
            writeln!(
                f,
                "  forked: its author has signed two histories, which part at message {sequence}; the one that came here first is \
                 kept, and peers that have the other cannot send more"
            )?;
        }
        if !reason.is_wanted() {
            return Ok(());
        }
        if *connections == 0 {
            if *is_stopped {
                writeln!(
                    f,
                    "  no peer is connected, and none is dialed: ssb-cli conn.start lets the node dial again"
                )?;
            } else {
                writeln!(f, "  no peer is connected: ssb-cli gossip.connect ADDRESS, or wait for one")?;
            }
            return troubles.iter().try_for_each(|trouble| writeln!(f, "  {trouble}"));
        }
        if peers.is_empty() {
            return writeln!(f, "  none of {connections} connected peers has said anything of it yet");
        }
        for (peer, standing) in peers {
            writeln!(f, "  {peer} {}", Told { standing, held: u64::from(*held) })?;
        }
        let most = peers.iter().filter_map(|(_, standing)| standing.theirs).max().unwrap_or(0);
        let missing = most.saturating_sub(u64::from(*held));
        if missing > 0 {
            writeln!(f, "  missing here: {}", Messages(missing))
        } else if peers.iter().all(|(_, standing)| standing.is_refused) {
            writeln!(f, "  no connected peer replicates it: connect to one that does")
        } else {
            writeln!(f, "  no connected peer has more")
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, error, failures } = self;
        if !error.contains(address.as_str()) {
            write!(f, "{address}: ")?;
        }
        match failures {
            0 | 1 => f.write_str(error),
            _ => write!(f, "{error} ({failures} dials in a row)"),
        }
    }
}

/// So many messages.
struct Messages(u64);

impl fmt::Display for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("1 message"),
            count => write!(f, "{count} messages"),
        }
    }
}

/// How it stands with one peer.
struct Told<'a> {
    standing: &'a Standing,
    held: u64,
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Standing { theirs, is_refused, receives, strikes, .. } = self.standing;
        match (theirs, is_refused) {
            (_, true) => return f.write_str("does not replicate it with us"),
            (None, _) => return f.write_str("was told of it, and has not answered"),
            (Some(0), _) => f.write_str("has nothing of it")?,
            (Some(theirs), _) => write!(f, "has {}", Messages(*theirs))?,
        }
        let owes = *theirs > Some(self.held);
        match strikes {
            _ if !owes => Ok(()),
            0 if *receives => f.write_str(", and sends them"),
            0 => f.write_str(", and waits for its turn"),
            1 => f.write_str(", owes them, and was asked again"),
            2 => f.write_str(", owes them, and was asked again from the start"),
            3 => f.write_str(", owes them, and is asked for them with createHistoryStream"),
            _ => f.write_str(", did not send them, and is asked again in a while"),
        }
    }
}
