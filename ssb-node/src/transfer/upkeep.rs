//! What is done to a log while no node runs: a check down to the signatures, a repair, and giving back the space of what was
//! deleted.

use std::thread;

use ssb_keys::verify::BadSignature;
use ssb_keys::verify::KeyCache;
use ssb_log::Disk;
use ssb_log::check::Check;
use ssb_log::check::CheckError;
use ssb_log::check::Defect;
use ssb_log::check::Repaired;
use ssb_log::compact;
use ssb_log::compact::Compacted;
use ssb_log::recover;
use ssb_msg::Message;
use ssb_msg::Signing;
use ssb_msg::Unverified;

use super::TransferError;
use crate::config::Config;

/// How many messages a core verifies at once.
const GROUP_LEN: usize = 64;

/// How much of the log is copied between two tellings.
const PIECE_LEN: usize = 1024 * 1024;

/// What a check found, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// How many messages are sound.
    pub messages: u32,
    /// What is wrong, up to [`DEFECTS_MAX`](ssb_log::check::DEFECTS_MAX).
    pub defects: Vec<Defect>,
    /// How many defects there are.
    pub defect_count: u64,
    /// What the repair came to, if one was wanted and needed.
    pub repaired: Option<Repaired>,
}

/// What to do about defects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defects {
    /// Only tell them.
    Tell,
    /// Repair the log.
    Repair,
}

/// Looks at every byte of the log and every signature, on all cores. Tells how many bytes of how many were looked at.
///
/// # Errors
///
/// [`TransferError`]. The log is as it was.
pub fn check(
    config: &Config,
    defects: Defects,
    mut progress: impl FnMut(u64, u64),
) -> Result<Checked, TransferError> {
    let disk = disk(config)?;
    let signing = config.signing.map_or_else(Signing::plain, Signing::keyed);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut caches: Vec<KeyCache> = (0..cores).map(|_| KeyCache::new()).collect();
    let mut check = Check::begin(&disk).map_err(|error| check_error(config, error))?;
    while check
        .work(|messages| verify(messages, &signing, &mut caches))
        .map_err(|error| check_error(config, error))?
    {
        let (done, all) = check.progress();
        progress(done, all);
    }
    let mut checked = Checked {
        messages: check.messages(),
        defects: check.defects().to_vec(),
        defect_count: check.defect_count(),
        repaired: None,
    };
    if defects == Defects::Repair && !check.is_sound() {
        checked.repaired = Some(check.repair().map_err(|error| check_error(config, error))?);
    }
    Ok(checked)
}

/// Gives back the space of what was deleted. Tells how many records of how many were copied.
///
/// # Errors
///
/// [`TransferError`]. The log is as it was.
pub fn compact(config: &Config, mut progress: impl FnMut(u32, u32)) -> Result<Compacted, TransferError> {
    // Whoever has no log has nothing to give back.
    disk(config)?;
    let mut store = super::open(config)?;
    let mut compactor = store.compactor();
    let all = store.reader().end().get();
    while compactor.work(PIECE_LEN)? == compact::Progress::More {
        progress(compactor.copied(), all);
    }
    Ok(store.finish_compaction(compactor)?)
}

/// The directory of a log that exists.
fn disk(config: &Config) -> Result<Disk, TransferError> {
    let log = config.path.join("log");
    let unusable = |error| TransferError::Directory { path: log.clone(), error };
    log.metadata().map_err(unusable)?;
    Disk::open(&log).map_err(unusable)
}

/// Each core verifies a part of them, in groups.
fn verify(
    messages: Vec<Unverified>,
    signing: &Signing,
    caches: &mut [KeyCache],
) -> Vec<Result<Message, BadSignature>> {
    let share = messages.len().div_ceil(caches.len().max(1)).max(GROUP_LEN);
    let mut messages = messages.into_iter();
    thread::scope(|scope| {
        let shares: Vec<_> = caches
            .iter_mut()
            .map(|keys| {
                let mut mine: Vec<Unverified> = messages.by_ref().take(share).collect();
                scope.spawn(move || {
                    let mut verdicts = Vec::with_capacity(mine.len());
                    while !mine.is_empty() {
                        let rest = mine.split_off(mine.len().min(GROUP_LEN));
                        verdicts.extend(ssb_msg::verify_group(mine, signing, keys));
                        mine = rest;
                    }
                    verdicts
                })
            })
            .collect();
        shares.into_iter().flat_map(|share| share.join().unwrap_or_default()).collect()
    })
}

fn check_error(config: &Config, error: CheckError) -> TransferError {
    match error {
        CheckError::Open(recover::OpenError::Locked { pid, .. }) => {
            TransferError::InUse { path: config.path.clone(), pid }
        }
        error => TransferError::Check(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::key;
    use ssb_msg::ValidationState;
    use ssb_msg::draft;

    #[test]
    fn verdicts_come_in_the_order_of_the_messages_however_many_cores_there_are() {
        let me = key(1);
        let mut state = ValidationState::new(me.id());
        let mut texts = Vec::new();
        for n in 0..300_u32 {
            let message = draft::sign(
                r#"{"type":"post","text":"hello"}"#,
                &state,
                f64::from(n),
                &me,
                &Signing::plain(),
            )
            .unwrap();
            state.advance(state.check(&message).unwrap());
            let forged = message.json().replace("hello", "hullo");
            texts.push(if n % 7 == 3 { forged } else { message.json().to_owned() });
        }
        for cores in [1, 2, 3, 16] {
            let mut caches: Vec<KeyCache> = (0..cores).map(|_| KeyCache::new()).collect();
            let messages = texts.iter().map(|text| Unverified::parse(text.as_bytes()).unwrap()).collect();

            let verdicts = verify(messages, &Signing::plain(), &mut caches);

            assert_eq!(verdicts.len(), 300);
            assert!((0..).zip(&verdicts).all(|(n, verdict)| verdict.is_ok() == (n % 7 != 3)));
        }
    }
}
