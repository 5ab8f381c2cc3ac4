//! What a side measured, by name.

use std::collections::BTreeMap;

use bench::usage::Usage;
use serde_json::Value;

/// Seconds, bytes and counts, by names like `query.get.median`.
#[derive(Debug, Default)]
pub(super) struct Figures(BTreeMap<String, f64>);

/// One turn of all sides.
pub(super) struct Round {
    pub(super) ours: Figures,
    /// In the order of [`STORES`](bench::javascript::STORES).
    pub(super) theirs: [Figures; 3],
}

impl Figures {
    pub(super) fn set(&mut self, name: &str, value: f64) {
        self.0.insert(name.to_owned(), value);
    }

    pub(super) fn get(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or(f64::NAN)
    }

    /// What a program printed: a line a figure, or a name and several.
    pub(super) fn add(&mut self, mode: &str, lines: &[Value]) {
        for fields in lines.iter().filter_map(Value::as_object) {
            let name = fields.get("name").and_then(Value::as_str).map(|name| format!(".{name}"));
            for (key, value) in fields.iter().filter_map(|(key, value)| Some((key, value.as_f64()?))) {
                self.set(&format!("{mode}{}.{key}", name.as_deref().unwrap_or_default()), value);
            }
        }
    }

    pub(super) fn ingest(&mut self, usage: &Usage) {
        self.set("ingest.seconds", usage.seconds);
        self.set("ingest.cpu", usage.cpu);
        self.set("ingest.memory", usage.memory);
        self.set("ingest.disk", usage.disk);
    }
}
