//! Where a setting was set, and how to say so.

use std::fmt;
use std::path::PathBuf;

/// Where a setting was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nowhere: what ssb-config 3.4.6 has built in.
    Default,
    /// Nowhere: it follows from other settings, or from the machine.
    Derived,
    /// An option behind `--`.
    WeakOption,
    /// A file.
    File(PathBuf),
    /// A variable, by its name.
    Variable(String),
    /// An option.
    Option,
}

impl Origin {
    /// Whether somebody set it.
    pub(crate) const fn is_somebody_s(&self) -> bool {
        !matches!(self, Self::Default | Self::Derived)
    }

    /// The setting of this dotted name, as whoever set it wrote it.
    pub(crate) fn name(&self, key: &str) -> String {
        match self {
            Self::Default | Self::Derived => key.to_owned(),
            Self::File(path) => format!("{}: {key}", path.display()),
            Self::Variable(name) => format!("variable {name}"),
            Self::Option => format!("option --{key}"),
            Self::WeakOption => format!("option --{key} behind `--`"),
        }
    }
}

/// Where it is to be looked for.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Derived => f.write_str("derived"),
            Self::WeakOption => f.write_str("option behind `--`"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Option => f.write_str("option"),
        }
    }
}
