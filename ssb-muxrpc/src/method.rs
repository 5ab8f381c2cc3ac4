//! The methods of one side: which exist, of what kind, who may call them, and how much they may be sent.

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::error::RemoteError;
use crate::limits::BODY_LEN_MAX;
use crate::limits::CALL_LEN_MAX;
use crate::limits::ITEM_LEN_MAX;

/// The table of methods a session serves, made once and shared by all of them.
#[derive(Debug, Default)]
pub struct Methods {
    methods: Vec<Method>,
    /// Indexes into `methods`, in the order of their paths.
    sorted: Vec<MethodId>,
    /// May call whatever does not deny them.
    unrestricted: Roles,
}

impl Methods {
    /// Makes the table. A method's [`MethodId`] is its position in `methods`.
    ///
    /// Callers in one of the `unrestricted` roles may call every method that does not [deny](Method::denied_to) them,
    /// and learn whether a method exists; all others may call what [allows](Method::allowed_to) them and learn nothing.
    ///
    /// # Errors
    ///
    /// A [`TableError`] if two methods cannot be told apart.
    pub fn new(methods: impl IntoIterator<Item = Method>, unrestricted: Roles) -> Result<Self, TableError> {
        let methods: Vec<Method> = methods.into_iter().collect();
        let count = u16::try_from(methods.len()).map_err(|_| TableError::TooMany)?;
        let mut sorted: Vec<MethodId> = (0..count).map(MethodId).collect();
        let path = |id: &MethodId| methods.get(id.index()).map(|method| method.path.as_slice());
        sorted.sort_by(|a, b| path(a).cmp(&path(b)));
        let table = Self { methods, sorted, unrestricted };
        table.check()?;
        Ok(table)
    }

    /// The method of this id, if the id is from this table.
    pub fn get(&self, id: MethodId) -> Option<&Method> {
        self.methods.get(id.index())
    }

    /// The method of this path.
    pub fn find<S: AsRef<str>>(&self, path: &[S]) -> Option<MethodId> {
        let order = |id: &MethodId| match self.get(*id) {
            Some(method) => method.path().cmp(path.iter().map(AsRef::as_ref)),
            None => Ordering::Less,
        };
        self.sorted.binary_search_by(order).ok().and_then(|at| self.sorted.get(at).copied())
    }

    /// All methods in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (MethodId, &Method)> {
        self.sorted.iter().filter_map(|id| Some((*id, self.get(*id)?)))
    }

    /// The longest call `caller` has a use for, in bytes.
    pub(crate) fn call_len_max(&self, caller: Role) -> u32 {
        let open = self.methods.iter().filter(|method| self.permits(method, caller));
        open.map(|method| method.call_len_max).fold(CALL_LEN_MAX, u32::max)
    }

    /// Finds the method to call, or the answer that refuses: permission first, then the kind (muxrpc 6.7.3).
    pub(crate) fn admit(&self, caller: Role, name: &Name, kind: Kind) -> Result<MethodId, RemoteError> {
        let found = self.find(name.segments()).and_then(|id| Some((id, self.get(id)?)));
        let path = || name.segments().join(",");
        if !self.unrestricted.contains(caller) {
            return match found {
                Some((id, method)) if self.permits(method, caller) => {
                    method.check_kind(kind, path).map(|()| id)
                }
                _ => Err(RemoteError::not_allowed(&path())),
            };
        }
        if found.is_some_and(|(_, method)| method.denied.contains(caller)) {
            return Err(RemoteError::disallowed(&path()));
        }
        if *name == Name::Single([String::from("emit")]) {
            return Err(RemoteError::emit_removed());
        }
        match found {
            Some((id, method)) => method.check_kind(kind, path).map(|()| id),
            None => Err(RemoteError::missing(kind.as_str(), &path())),
        }
    }

    fn permits(&self, method: &Method, caller: Role) -> bool {
        let listed = self.unrestricted.contains(caller) || method.allowed.contains(caller);
        listed && !method.denied.contains(caller)
    }

    fn check(&self) -> Result<(), TableError> {
        if self.methods.iter().any(|method| method.path().any(str::is_empty)) {
            return Err(TableError::EmptyName);
        }
        let mut previous: Option<&Method> = None;
        for (_, method) in self.iter() {
            // In this order a method's own path comes right before those it is the beginning of.
            if previous
                .is_some_and(|previous| previous.path().eq(method.path().take(previous.path().count())))
            {
                return Err(TableError::Ambiguous);
            }
            previous = Some(method);
        }
        Ok(())
    }
}

/// One method.
#[derive(Clone, Debug)]
pub struct Method {
    path: Vec<String>,
    kind: Kind,
    allowed: Roles,
    denied: Roles,
    pub(crate) call_len_max: u32,
    pub(crate) item_len_max: u32,
}

impl Method {
    /// A method that only unrestricted callers may call. The path is written with dots: `blobs.get`.
    pub fn new(path: &str, kind: Kind) -> Self {
        Self {
            path: path.split('.').map(String::from).collect(),
            kind,
            allowed: Roles::NONE,
            denied: Roles::NONE,
            call_len_max: CALL_LEN_MAX,
            item_len_max: ITEM_LEN_MAX,
        }
    }

    /// Lets these roles call it.
    #[must_use]
    pub fn allowed_to(mut self, roles: Roles) -> Self {
        self.allowed = roles;
        self
    }

    /// Keeps these roles from calling it, unrestricted ones too.
    #[must_use]
    pub fn denied_to(mut self, roles: Roles) -> Self {
        self.denied = roles;
        self
    }

    /// Sets how long the body of a call may be, in bytes; at most [`ITEM_LEN_MAX`].
    ///
    /// # Panics
    ///
    /// If it is more than that.
    #[must_use]
    pub fn with_call_len_max(mut self, len: u32) -> Self {
        assert!(len <= ITEM_LEN_MAX, "a call longer than any item");
        self.call_len_max = len;
        self
    }

    /// Sets how long an item the caller sends may be, in bytes; at most [`BODY_LEN_MAX`].
    ///
    /// # Panics
    ///
    /// If it is more than that.
    #[must_use]
    pub fn with_item_len_max(mut self, len: u32) -> Self {
        assert!(len <= BODY_LEN_MAX, "an item longer than any body");
        self.item_len_max = len;
        self
    }

    /// The names its path consists of.
    pub fn path(&self) -> impl Iterator<Item = &str> {
        self.path.iter().map(String::as_str)
    }

    /// Its kind.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    fn check_kind(&self, called: Kind, path: impl Fn() -> String) -> Result<(), RemoteError> {
        match (called, self.kind) {
            // Nobody can tell them apart on the wire.
            (Kind::Async, Kind::Sync) => Ok(()),
            (called, kind) if called == kind => Ok(()),
            (called, _) => Err(RemoteError::missing(called.as_str(), &path())),
        }
    }
}

/// Which method of its [`Methods`]: the position it was given at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MethodId(u16);

impl MethodId {
    /// The position in the table, counted from zero.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// How a method answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Answers once. Callers cannot tell it from [`Sync`](Self::Sync).
    Async,
    /// Answers once, at once.
    Sync,
    /// Sends items to its caller.
    Source,
    /// Is sent items by its caller.
    Sink,
    /// Both.
    Duplex,
}

impl Kind {
    /// Its name on the wire and in manifests.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Async => "async",
            Self::Sync => "sync",
            Self::Source => "source",
            Self::Sink => "sink",
            Self::Duplex => "duplex",
        }
    }

    /// Whether items flow, rather than one answer.
    pub const fn is_stream(self) -> bool {
        matches!(self, Self::Source | Self::Sink | Self::Duplex)
    }
}

/// What a caller is, as a number the application gives a meaning to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Role(u8);

impl Role {
    /// One of 32 roles.
    ///
    /// # Panics
    ///
    /// If `index` is 32 or more.
    pub const fn new(index: u8) -> Self {
        assert!(index < 32, "there are 32 roles");
        Self(index)
    }
}

/// A set of roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Roles(u32);

impl Roles {
    /// No role.
    pub const NONE: Self = Self(0);
    /// Every role.
    pub const ALL: Self = Self(u32::MAX);

    /// These roles.
    pub const fn of(mut roles: &[Role]) -> Self {
        let mut bits = 0;
        while let [first, rest @ ..] = roles {
            bits |= 1 << first.0;
            roles = rest;
        }
        Self(bits)
    }

    /// Whether `role` is one of them.
    pub const fn contains(self, role: Role) -> bool {
        self.0 & 1 << role.0 != 0
    }
}

/// Why methods do not make a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// Part of a path is empty.
    #[error("method with an empty name")]
    EmptyName,
    /// Two methods have one path, or one's path is the beginning of the other's.
    #[error("method paths are ambiguous")]
    Ambiguous,
    /// There are more than 65,535 methods.
    #[error("too many methods")]
    TooMany,
}

/// A method's name as a caller wrote it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// A plain string, which is never split.
    Single([String; 1]),
    /// An array.
    Path(Vec<String>),
}

impl Name {
    fn segments(&self) -> &[String] {
        match self {
            Self::Single(name) => name,
            Self::Path(path) => path,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use super::*;

    const OWNER: Role = Role::new(0);
    const STRANGER: Role = Role::new(1);

    fn table() -> Methods {
        let strangers = Roles::of(&[STRANGER]);
        let methods = [
            Method::new("whoami", Kind::Sync),
            Method::new("blobs.get", Kind::Source).allowed_to(strangers),
            Method::new("secret", Kind::Async).denied_to(Roles::of(&[OWNER])),
        ];
        Methods::new(methods, Roles::of(&[OWNER])).unwrap()
    }

    fn admit(caller: Role, path: &[&str], kind: Kind) -> Result<usize, String> {
        let name = Name::Path(path.iter().map(ToString::to_string).collect());
        match table().admit(caller, &name, kind) {
            Ok(id) => Ok(id.index()),
            Err(error) => Err(error.message().to_string()),
        }
    }

    #[test]
    fn a_stranger_cannot_tell_a_forbidden_method_from_an_unknown_one() {
        let forbidden = admit(STRANGER, &["whoami"], Kind::Async);
        let unknown = admit(STRANGER, &["what", "ever"], Kind::Source);

        assert_eq!(forbidden, Err("method:whoami is not in list of allowed methods".into()));
        assert_eq!(unknown, Err("method:what,ever is not in list of allowed methods".into()));
    }

    #[test]
    fn a_stranger_may_call_what_allows_it() {
        assert_eq!(admit(STRANGER, &["blobs", "get"], Kind::Source), Ok(1));
        assert_eq!(admit(STRANGER, &["blobs", "get"], Kind::Async), Err("no async:blobs,get".into()));
    }

    #[test]
    fn an_unrestricted_caller_learns_what_does_not_exist() {
        assert_eq!(admit(OWNER, &["whoami"], Kind::Async), Ok(0));
        assert_eq!(admit(OWNER, &["whoami"], Kind::Source), Err("no source:whoami".into()));
        assert_eq!(admit(OWNER, &["blobs"], Kind::Duplex), Err("no duplex:blobs".into()));
        assert_eq!(admit(OWNER, &["blobs.get"], Kind::Source), Err("no source:blobs.get".into()));
    }

    #[test]
    fn a_denied_method_is_refused_to_unrestricted_callers_too() {
        let text = "method:secret is on list of disallowed methods";

        assert_eq!(admit(OWNER, &["secret"], Kind::Async), Err(text.into()));
    }

    #[test]
    fn emit_as_a_plain_name_has_been_removed() {
        let name = Name::Single(["emit".to_string()]);

        let error = table().admit(OWNER, &name, Kind::Async).unwrap_err();
        assert_eq!(error.message(), "emit has been removed");
        assert_eq!(admit(OWNER, &["emit"], Kind::Async), Err("no async:emit".into()));
    }

    #[test]
    fn tables_that_cannot_be_told_apart_are_refused() {
        let table = |paths: &[&str]| {
            let methods: Vec<_> = paths.iter().map(|path| Method::new(path, Kind::Async)).collect();
            Methods::new(methods, Roles::NONE).map(|table| table.iter().count())
        };

        assert_eq!(table(&["a", "b", "a"]), Err(TableError::Ambiguous));
        assert_eq!(table(&["a.b", "ab", "a"]), Err(TableError::Ambiguous));
        assert_eq!(table(&["a..b"]), Err(TableError::EmptyName));
        assert_eq!(table(&["a.b", "ab", "a.c"]), Ok(3));
    }

    #[test]
    fn a_long_call_is_only_buffered_for_those_who_may_make_it() {
        let methods = vec![Method::new("publish", Kind::Async).with_call_len_max(ITEM_LEN_MAX)];
        let table = Methods::new(methods, Roles::of(&[OWNER])).unwrap();

        assert_eq!(table.call_len_max(OWNER), ITEM_LEN_MAX);
        assert_eq!(table.call_len_max(STRANGER), CALL_LEN_MAX);
    }
}
