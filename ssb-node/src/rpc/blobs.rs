//! `blobs.*`: arguments, answers and error texts (ssb-blobs 1.2.2 on multiblob 1.13). Where those stumble over an argument with a
//! TypeError of their engine, or die of it, it is refused here in the words for others of its kind.

use std::io;

use ssb_blobs::Disk;
use ssb_blobs::Store;
use ssb_blobs::store::Facts;
use ssb_blobs::store::Origin;
use ssb_blobs::store::path;
use ssb_blobs::wants::limits::PUSHES_MAX;
use ssb_blobs::writer::Expected;
use ssb_blobs::writer::WriteError;
use ssb_keys::BlobId;
use ssb_msg::json;
use ssb_msg::json::Value;
use ssb_muxrpc::RemoteError;

use super::args;
use crate::blobs::Blobs;
use crate::blobs::Shape;
use crate::blobs::slice::Slice;

/// The largest whole number of JavaScript.
const NUMBER_MAX: f64 = 9_007_199_254_740_991.0;

/// A blob, or a part of one, that is wanted; and how far it was read.
#[derive(Debug, PartialEq)]
pub(crate) struct Get {
    slice: Slice,
    /// The error if it is not there.
    missing: &'static str,
    /// What is to be true of its length, until that was looked at.
    condition: Option<Condition>,
}

#[derive(Debug, PartialEq)]
struct Condition {
    size: Option<Value>,
    max: Option<Value>,
}

impl Get {
    /// All of a blob: an id, or `{id|key|hash, size, max}`.
    ///
    /// # Errors
    ///
    /// JavaScript's text for what names no blob.
    pub(crate) fn parse(args: &[u8]) -> Result<Self, RemoteError> {
        let argument = args::nth(args, 0).unwrap_or(Value::Null);
        if let Some(id) = as_id(&argument) {
            return Ok(Self { slice: Slice::whole(id), missing: MISSING, condition: None });
        }
        Self::named(&argument).ok_or_else(|| RemoteError::new("multiblob.get: {id} is mandatory"))
    }

    /// A part of a blob: `{id|key|hash, start, end, size, max}`, from `start` up to, but not including, `end`.
    ///
    /// # Errors
    ///
    /// JavaScript's texts for what names no blob and what is no number.
    pub(crate) fn parse_slice(args: &[u8]) -> Result<Self, RemoteError> {
        let refused = |why: &str| RemoteError::new(format!("multiblob.getSlice: {why}"));
        let argument = args::nth(args, 0).unwrap_or(Value::Null);
        let mut get = Self::named(&argument).ok_or_else(|| refused("{id} is mandatory"))?;
        let bound = |name: &str| {
            bound(argument.get(name)).ok_or_else(|| refused(&format!("{{{name}}} must be a number")))
        };
        let (start, end) = (bound("start")?, bound("end")?);
        // No end, for JavaScript.
        let end = if end == 0 { u64::MAX } else { end };
        get.slice.select(start..end);
        Ok(get)
    }

    fn named(argument: &Value) -> Option<Self> {
        let named = ["id", "key", "hash"].into_iter().filter_map(|name| argument.get(name));
        let id = named.filter(|id| id.is_truthy()).map(as_id).next()??;
        let given = |name| argument.get(name).filter(|value| **value != Value::Null).cloned();
        let condition = Some(Condition { size: given("size"), max: given("max") });
        Some(Self { slice: Slice::whole(id), missing: "stat failed", condition })
    }

    /// Reads the next pieces, none at the end. Blocks.
    ///
    /// # Errors
    ///
    /// JavaScript's texts for a blob that is not there, or not as long as it should be.
    pub(crate) fn read(&mut self, store: &Store<Disk>) -> Result<Vec<Vec<u8>>, RemoteError> {
        if let Some(condition) = self.condition.take()
            && let Ok(Some(len)) = store.size(self.slice.id())
        {
            condition.check(self.slice.id(), len)?;
        }
        match self.slice.read(store) {
            Ok(Some(pieces)) => {
                self.missing = MISSING;
                Ok(pieces)
            }
            Ok(None) => Err(RemoteError::new(self.missing)),
            Err(_) => Err(RemoteError::new(MISSING)),
        }
    }
}

impl Condition {
    fn check(&self, id: &BlobId, len: u64) -> Result<(), RemoteError> {
        let is_wrong = self.size.as_ref().is_some_and(|size| *size != Value::Number(as_number(len)));
        let is_long = self.max.as_ref().is_some_and(|max| loosely(max) < as_number(len));
        if !is_wrong && !is_long {
            return Ok(());
        }
        let requested = self.size.as_ref().map_or_else(|| "undefined".to_owned(), shown);
        Err(RemoteError::new(format!(
            "incorrect file length, requested:{requested} file was:{len} for file:{id}"
        )))
    }
}

/// What `blobs.add` takes: any blob, or the one with an id.
///
/// # Errors
///
/// JavaScript's text for what is no id.
pub(crate) fn expected(args: &[u8]) -> Result<Expected, RemoteError> {
    let id = match args::nth(args, 0) {
        Some(argument) if argument.is_truthy() => match named(&argument) {
            Some(id) => Some(id),
            None => return Err(RemoteError::new(format!("not a valid hash: {}", shown(&argument)))),
        },
        _ => None,
    };
    Ok(Expected { id, len_max: None, origin: Origin::Own })
}

/// Why a blob was not stored.
pub(crate) fn not_stored(error: WriteError) -> RemoteError {
    RemoteError::new(error.to_string())
}

/// One blob that a call is about, or several.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Which {
    One(BlobId),
    Some(Vec<BlobId>),
}

impl Which {
    /// Those that a call names: an id, `{id}`, or a list of ids. `invalid` are JavaScript's words in front of what is none.
    ///
    /// # Errors
    ///
    /// That, for what is none.
    pub(crate) fn parse(args: &[u8], invalid: &str) -> Result<Self, RemoteError> {
        let argument = args::nth(args, 0).unwrap_or(Value::Null);
        let Value::Array(ids) = &argument else { return one(args, invalid).map(Self::One) };
        let ids = ids
            .iter()
            .map(|id| as_id(id).ok_or_else(|| RemoteError::new(format!("{invalid}:{}", shown(id)))));
        ids.collect::<Result<_, _>>().map(Self::Some)
    }

    /// What `look` says of each, and of how many bytes it has if it is here, in their order. Blocks.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub(crate) fn answer(
        &self,
        store: &Store<Disk>,
        mut look: impl FnMut(&BlobId, Option<u64>) -> String,
    ) -> Result<String, RemoteError> {
        let mut look =
            |id: &BlobId| store.size(id).map(|size| look(id, size)).map_err(|error| failed(&error));
        match self {
            Self::One(id) => look(id),
            Self::Some(ids) => {
                let all: Vec<String> = ids.iter().map(look).collect::<Result<_, _>>()?;
                Ok(format!("[{}]", all.join(",")))
            }
        }
    }
}

/// The one blob that a call is about: an id, or `{id}`.
///
/// # Errors
///
/// `invalid` and `null`, which is what JavaScript makes of anything else but a list.
pub(crate) fn one(args: &[u8], invalid: &str) -> Result<BlobId, RemoteError> {
    let argument = args::nth(args, 0).unwrap_or(Value::Null);
    let invalid = || {
        let what = if matches!(argument, Value::Array(_)) { shown(&argument) } else { "null".to_owned() };
        RemoteError::new(format!("{invalid}:{what}"))
    };
    named(&argument).ok_or_else(invalid)
}

/// What `blobs.has` says of a blob: the empty one counts as missing, as in JavaScript.
pub(crate) fn has(size: Option<u64>) -> String {
    size.is_some_and(|size| size > 0).to_string()
}

/// What `blobs.size` says of a blob.
pub(crate) fn size(size: Option<u64>) -> String {
    size.map_or_else(|| "null".to_owned(), |size| size.to_string())
}

/// What `blobs.changes` says of a blob.
pub(crate) fn id(id: &BlobId) -> String {
    format!("\"{id}\"")
}

/// What `blobs.ls` with `meta` says of a blob.
pub(crate) fn entry(id: &BlobId, size: u64, seen: u64) -> String {
    format!("{{\"id\":\"{id}\",\"size\":{size},\"ts\":{seen}}}")
}

/// What `blobs.meta` says of a blob: what `blobs.ls` does, and more; `null` if it is not here. JavaScript has the method in its
/// manifest only. Blocks.
///
/// # Errors
///
/// Those of the system.
pub(crate) fn look(blobs: &Blobs, id: &BlobId) -> Result<String, RemoteError> {
    let facts = blobs.store().facts(id).map_err(|error| failed(&error))?;
    let is_pushed = blobs.pushes().contains(id);
    Ok(facts.map_or_else(|| "null".to_owned(), |facts| meta(id, &facts, is_pushed)))
}

fn meta(id: &BlobId, facts: &Facts, is_pushed: bool) -> String {
    let Facts { size, seen, origin, is_pinned } = facts;
    let from = origin.peer().map_or_else(|| "null".to_owned(), |peer| format!("\"{peer}\""));
    let is_own = origin.is_own();
    format!(
        "{{\"id\":\"{id}\",\"size\":{size},\"ts\":{seen},\"own\":{is_own},\"from\":{from},\"pinned\":{is_pinned},\
         \"pushed\":{is_pushed}}}"
    )
}

/// Removes a blob, for good. Blocks.
///
/// # Errors
///
/// The words of Node, with the path, if it is not there; and those of the system.
pub(crate) fn remove(blobs: &Blobs, id: &BlobId) -> Result<String, RemoteError> {
    match blobs.remove(id) {
        Ok(true) => Ok("false".to_owned()),
        Ok(false) => {
            let path = blobs.path().join(path(id));
            let why = format!("ENOENT: no such file or directory, unlink '{}'", path.display());
            Err(RemoteError::new(why))
        }
        Err(error) => Err(failed(&error)),
    }
}

/// Says that a blob is to be kept whatever happens, or that it need not be. Answers whether it is here. Blocks.
///
/// # Errors
///
/// Those of the system.
pub(crate) fn pin(blobs: &Blobs, id: &BlobId, is_pinned: bool) -> Result<String, RemoteError> {
    let was_here = blobs.store().mark(id, |facts| facts.is_pinned = is_pinned);
    was_here.map(|was_here| was_here.to_string()).map_err(|error| failed(&error))
}

/// Has a blob pushed, also after the next start. [`Input::Push`](ssb_blobs::wants::event::Input) is to follow. Returns whether the blob
/// is here; one that is not is wanted, as in JavaScript. Blocks.
///
/// # Errors
///
/// Too many are pushed already; and those of the system.
pub(crate) fn push(blobs: &Blobs, id: &BlobId) -> Result<bool, RemoteError> {
    if !blobs.pushes().add(*id) {
        return Err(RemoteError::new(format!("{PUSHES_MAX} blobs are pushed already")));
    }
    blobs.pushes().save().map_err(|error| failed(&error))?;
    blobs.store().size(id).map(|size| size.is_some()).map_err(|error| failed(&error))
}

fn failed(error: &io::Error) -> RemoteError {
    RemoteError::new(error.to_string())
}

/// What `blobs.ls` lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) shape: Shape,
    /// Whether blobs that are here are listed.
    pub(crate) old: bool,
    /// Whether it goes on with those that come.
    pub(crate) live: bool,
    /// Whether it is said where those begin.
    pub(crate) sync: bool,
}

impl Listing {
    /// What `blobs.changes` tells: the ids of blobs that come.
    pub(crate) const CHANGES: Self = Self { shape: Shape::Id, old: false, live: true, sync: false };

    /// Reads `{meta|long|size, old, live, sync}`.
    pub(crate) fn parse(args: &[u8]) -> Self {
        let argument = args::nth(args, 0).unwrap_or(Value::Null);
        let is_set = |name| argument.get(name).is_some_and(Value::is_truthy);
        let is_long = ["meta", "long", "size"].into_iter().any(is_set);
        let isnt = |name, value| argument.get(name) != Some(&Value::Bool(value));
        let old = isnt("old", false);
        Self {
            shape: if is_long { Shape::Entry } else { Shape::Id },
            old,
            live: !old || !isnt("live", true),
            sync: isnt("sync", false),
        }
    }
}

fn named(argument: &Value) -> Option<BlobId> {
    as_id(argument).or_else(|| as_id(argument.get("id")?))
}

fn as_id(value: &Value) -> Option<BlobId> {
    BlobId::parse(&value.as_text()?.decode()).ok()
}

/// A bound of a slice: a whole number, or nothing.
fn bound(value: Option<&Value>) -> Option<u64> {
    match value? {
        Value::Null => Some(0),
        Value::Number(number) if (0.0..=NUMBER_MAX).contains(number) => {
            json::compact(&Value::Number(*number)).parse().ok()
        }
        _ => None,
    }
}

/// The number that JavaScript compares a value as.
fn loosely(value: &Value) -> f64 {
    match value {
        Value::Number(number) => *number,
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        Value::Text(text) if text.decode().trim().is_empty() => 0.0,
        Value::Text(text) => text.decode().trim().parse().unwrap_or(f64::NAN),
        Value::Null | Value::Array(_) | Value::Object(_) => f64::NAN,
    }
}

/// A value in a text of JavaScript's.
fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) => text.decode().into_owned(),
        Value::Object(_) => "[object Object]".to_owned(),
        // No deeper than JSON may nest.
        Value::Array(items) => {
            let item = |item: &Value| if *item == Value::Null { String::new() } else { shown(item) };
            items.iter().map(item).collect::<Vec<_>>().join(",")
        }
        other => json::compact(other),
    }
}

/// Lengths of files are far below the whole numbers that JavaScript cannot tell apart.
const fn as_number(len: u64) -> f64 {
    len as f64
}

/// The error when a blob is not there, and when it cannot be read on.
const MISSING: &str = "could not get blob";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blobs::JOB_LEN;
    use crate::blobs::Setup;
    use crate::clock::Clock;
    use crate::fixture::key;
    use ssb_blobs::EMPTY;
    use ssb_blobs::limits::PIECE_LEN;
    use tempfile::TempDir;

    const NOWHERE: BlobId = BlobId::from_bytes([9; 32]);

    struct Scene {
        _home: TempDir,
        blobs: Blobs,
    }

    impl Scene {
        fn new() -> Self {
            let home = tempfile::tempdir().unwrap();
            let blobs = Blobs::start(home.path(), Setup::default(), &Clock::start()).unwrap().0;
            Self { _home: home, blobs }
        }

        fn add(&self, bytes: &[u8]) -> BlobId {
            let expected = Expected { id: None, len_max: None, origin: Origin::Own };
            let mut writer = self.blobs.store().writer(expected).unwrap();
            writer.write(bytes).unwrap();
            self.blobs.finish(writer).unwrap().id
        }

        /// All bytes of a call, or the error that ends it.
        fn read(&self, get: Result<Get, RemoteError>) -> Result<Vec<u8>, String> {
            let text = |error: RemoteError| error.message().to_owned();
            let (mut get, mut bytes) = (get.map_err(text)?, Vec::new());
            loop {
                let pieces = get.read(self.blobs.store()).map_err(text)?;
                if pieces.is_empty() {
                    return Ok(bytes);
                }
                assert!(pieces.iter().all(|piece| (1..=PIECE_LEN).contains(&piece.len())));
                bytes.extend(pieces.concat());
            }
        }

        fn get(&self, argument: &str) -> Result<Vec<u8>, String> {
            self.read(Get::parse(format!("[{argument}]").as_bytes()))
        }

        fn slice(&self, argument: &str) -> Result<Vec<u8>, String> {
            self.read(Get::parse_slice(format!("[{argument}]").as_bytes()))
        }
    }

    #[test]
    fn an_id_or_an_object_with_one_names_a_blob() {
        let scene = Scene::new();
        let id = scene.add(b"hello");

        for argument in [
            format!("\"{id}\""),
            format!("{{\"id\":\"{id}\"}}"),
            format!("{{\"key\":\"{id}\"}}"),
            format!("{{\"hash\":\"{id}\"}}"),
            format!("{{\"id\":\"\",\"key\":\"{id}\"}}"),
            format!("{{\"id\":\"{id}\",\"size\":5,\"max\":5}}"),
            format!("{{\"id\":\"{id}\",\"size\":null,\"max\":null}}"),
            format!("{{\"id\":\"{id}\",\"max\":\"x\"}}"),
        ] {
            assert_eq!(scene.get(&argument), Ok(b"hello".to_vec()), "{argument}");
        }
        for argument in ["", "null", "5", "\"x\"", "{}", "{\"id\":5}", &format!("\"{id}?unbox=x\"")] {
            assert_eq!(scene.get(argument), Err("multiblob.get: {id} is mandatory".to_owned()), "{argument}");
        }
        let other = format!("{{\"id\":\"{id}x\",\"key\":\"{id}\"}}");
        assert_eq!(scene.get(&other), Err("multiblob.get: {id} is mandatory".to_owned()));
    }

    #[test]
    fn a_blob_of_another_length_is_refused_in_javascript_s_words() {
        let scene = Scene::new();
        let id = scene.add(b"hello");

        for (condition, requested) in [
            ("\"size\":4", "4"),
            ("\"size\":\"5\"", "5"),
            ("\"max\":4", "undefined"),
            ("\"max\":\"4\"", "undefined"),
            ("\"max\":4,\"size\":5", "5"),
            ("\"size\":{}", "[object Object]"),
        ] {
            let error = format!("incorrect file length, requested:{requested} file was:5 for file:{id}");
            let argument = format!("{{\"id\":\"{id}\",{condition}}}");
            assert_eq!(scene.get(&argument), Err(error), "{condition}");
        }
    }

    #[test]
    fn a_blob_that_is_not_here_is_missing_in_javascript_s_words() {
        let scene = Scene::new();

        assert_eq!(scene.get(&format!("\"{NOWHERE}\"")), Err("could not get blob".to_owned()));
        assert_eq!(scene.get(&format!("{{\"id\":\"{NOWHERE}\"}}")), Err("stat failed".to_owned()));
        let slice = format!("{{\"id\":\"{NOWHERE}\",\"start\":1,\"end\":2}}");
        assert_eq!(scene.slice(&slice), Err("stat failed".to_owned()));
        assert_eq!(scene.get(&format!("\"{EMPTY}\"")), Ok(Vec::new()));
    }

    #[test]
    fn a_blob_that_is_removed_in_the_middle_ends_with_an_error() {
        let scene = Scene::new();
        let id = scene.add(&[7; 3 * JOB_LEN]);
        let mut get = Get::parse(format!("[{{\"id\":\"{id}\"}}]").as_bytes()).unwrap();
        assert_eq!(get.read(scene.blobs.store()).unwrap().concat().len(), JOB_LEN);

        assert!(scene.blobs.remove(&id).unwrap());

        assert_eq!(get.read(scene.blobs.store()), Err(RemoteError::new("could not get blob")));
    }

    #[test]
    fn a_slice_is_a_part_of_a_blob() {
        let scene = Scene::new();
        let id = scene.add(b"hello");

        for (bounds, expected) in [
            ("\"start\":1,\"end\":3", "el"),
            ("\"start\":0,\"end\":99", "hello"),
            ("\"start\":0,\"end\":0", "hello"),
            ("\"start\":null,\"end\":null", "hello"),
            ("\"start\":3,\"end\":3", ""),
            ("\"start\":4,\"end\":2", ""),
            ("\"start\":9,\"end\":12", ""),
        ] {
            let argument = format!("{{\"key\":\"{id}\",{bounds}}}");
            assert_eq!(scene.slice(&argument), Ok(expected.as_bytes().to_vec()), "{bounds}");
        }
        for (bounds, wrong) in [
            ("", "start"),
            ("\"end\":1", "start"),
            ("\"start\":1", "end"),
            ("\"start\":-2,\"end\":3", "start"),
            ("\"start\":1.5,\"end\":3", "start"),
            ("\"start\":\"1\",\"end\":3", "start"),
            ("\"start\":1,\"end\":1e300", "end"),
            ("\"start\":1,\"end\":[]", "end"),
        ] {
            let argument = format!("{{\"id\":\"{id}\"{}{bounds}}}", if bounds.is_empty() { "" } else { "," });
            let error = format!("multiblob.getSlice: {{{wrong}}} must be a number");
            assert_eq!(scene.slice(&argument), Err(error), "{bounds}");
        }
        let mandatory = Err("multiblob.getSlice: {id} is mandatory".to_owned());
        assert_eq!(scene.slice(&format!("\"{id}\"")), mandatory);
    }

    #[test]
    fn one_blob_or_a_list_is_asked_for() {
        let scene = Scene::new();
        let id = scene.add(b"hello");
        let ask = |argument: &str, look: fn(Option<u64>) -> String| {
            let which = Which::parse(format!("[{argument}]").as_bytes(), "invalid id");
            which.and_then(|which| which.answer(scene.blobs.store(), |_, size| look(size)))
        };
        let list = format!("[\"{id}\",\"{NOWHERE}\",\"{EMPTY}\"]");

        assert_eq!(ask(&format!("\"{id}\""), has), Ok("true".to_owned()));
        assert_eq!(ask(&format!("{{\"id\":\"{id}\"}}"), size), Ok("5".to_owned()));
        assert_eq!(ask(&list, has), Ok("[true,false,false]".to_owned()));
        assert_eq!(ask(&list, size), Ok("[5,null,0]".to_owned()));
        assert_eq!(ask("[]", size), Ok("[]".to_owned()));
        for (argument, shown) in
            [("", "null"), ("5", "null"), ("\"x\"", "null"), ("[\"x\"]", "x"), ("[5]", "5")]
        {
            let error = RemoteError::new(format!("invalid id:{shown}"));
            assert_eq!(ask(argument, has), Err(error), "{argument}");
        }
    }

    #[test]
    fn what_is_to_be_added_may_have_to_be_a_certain_blob() {
        let id = |args: &str| expected(args.as_bytes()).map(|expected| expected.id);

        assert_eq!(id("[]"), Ok(None));
        assert_eq!(id("[null]"), Ok(None));
        assert_eq!(id(&format!("[\"{NOWHERE}\"]")), Ok(Some(NOWHERE)));
        assert_eq!(id(&format!("[{{\"id\":\"{NOWHERE}\"}}]")), Ok(Some(NOWHERE)));
        assert_eq!(id("[\"bad\"]"), Err(RemoteError::new("not a valid hash: bad")));
    }

    #[test]
    fn what_is_known_of_a_blob_is_told_and_whether_it_is_to_stay() {
        let scene = Scene::new();
        let id = scene.add(b"hello");
        assert_eq!(look(&scene.blobs, &NOWHERE), Ok("null".to_owned()));

        assert_eq!(pin(&scene.blobs, &id, true), Ok("true".to_owned()));
        assert_eq!(pin(&scene.blobs, &NOWHERE, true), Ok("false".to_owned()));

        let told: serde_json::Value = serde_json::from_str(&look(&scene.blobs, &id).unwrap()).unwrap();
        assert_eq!(told["id"], id.to_string());
        assert_eq!((told["size"].as_u64(), told["own"].as_bool()), (Some(5), Some(true)));
        assert_eq!((told["pinned"].as_bool(), told["from"].is_null()), (Some(true), true));
        let origin = Origin::Peer(key(2).id());
        let facts = Facts { size: 5, seen: 7, origin, is_pinned: false };
        let from = format!(r#""ts":7,"own":false,"from":"{}","pinned":false"#, key(2).id());
        let meta = meta(&id, &facts, false);
        assert!(meta.contains(&from), "{meta}");
    }

    #[test]
    fn what_is_removed_and_not_there_is_told_as_node_tells_it() {
        let scene = Scene::new();
        let id = scene.add(b"hello");

        assert_eq!(remove(&scene.blobs, &id), Ok("false".to_owned()));

        let error = remove(&scene.blobs, &id).unwrap_err();
        let text = error.message();
        assert!(text.starts_with("ENOENT: no such file or directory, unlink '/"), "{text}");
        assert!(
            text.ends_with(
                "/blobs/sha256/2c/f24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'"
            )
        );
    }

    #[test]
    fn a_listing_is_of_what_is_here_or_goes_on_or_both() {
        let parse = |options: &str| {
            let Listing { shape, old, live, sync } = Listing::parse(format!("[{options}]").as_bytes());
            (shape, old, live, sync)
        };

        for options in ["", "null", "5", "{}", "{\"live\":1}", "{\"meta\":0}"] {
            assert_eq!(parse(options), (Shape::Id, true, false, true), "{options}");
        }
        for options in ["{\"meta\":true}", "{\"long\":1}", "{\"size\":\"x\"}"] {
            assert_eq!(parse(options).0, Shape::Entry, "{options}");
        }
        assert_eq!(parse("{\"live\":true}"), (Shape::Id, true, true, true));
        assert_eq!(parse("{\"live\":true,\"sync\":false}"), (Shape::Id, true, true, false));
        assert_eq!(parse("{\"old\":false}"), (Shape::Id, false, true, true));
        assert_eq!(parse("{\"old\":false,\"live\":false}"), (Shape::Id, false, true, true));
    }
}
