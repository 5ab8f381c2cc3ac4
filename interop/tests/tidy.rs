//! Rules of ARCHITECTURE.md and STYLE.md that neither the compiler nor clippy checks.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail tests"
)]

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

/// Which of our crates each may depend on: the diagram of ARCHITECTURE.md. A new edge is a commit of its own.
const EDGES: &[(&str, &[&str])] = &[
    ("ssb-kernel", &[]),
    ("ssb-keys", &["ssb-kernel"]),
    ("ssb-msg", &["ssb-keys"]),
    ("ssb-shs", &["ssb-keys"]),
    ("ssb-boxstream", &["ssb-keys"]),
    ("ssb-muxrpc", &[]),
    ("ssb-privatebox", &["ssb-keys"]),
    ("ssb-log", &["ssb-keys", "ssb-msg", "ssb-privatebox"]),
    ("ssb-blobs", &["ssb-keys"]),
    ("ssb-gossip", &["ssb-keys", "ssb-msg", "ssb-shs", "ssb-boxstream", "ssb-muxrpc", "ssb-blobs"]),
    (
        "ssb-node",
        &[
            "ssb-keys",
            "ssb-msg",
            "ssb-shs",
            "ssb-boxstream",
            "ssb-muxrpc",
            "ssb-privatebox",
            "ssb-log",
            "ssb-blobs",
            "ssb-gossip",
        ],
    ),
    ("ssb-cli", &["ssb-node", "ssb-keys", "ssb-msg"]),
    ("interop", &[]),
    ("bench", &["interop", "ssb-keys", "ssb-muxrpc", "ssb-gossip", "ssb-node"]),
    ("sim", &["ssb-keys", "ssb-msg", "ssb-muxrpc", "ssb-log", "ssb-blobs", "ssb-gossip"]),
];

/// Who alone may depend on what is not ours.
const OWNERS: &[(&str, &str)] = &[
    ("smol", "ssb-node"),
    ("clap", "ssb-cli"),
    ("curve25519-dalek", "ssb-keys"),
    ("ed25519-dalek", "ssb-keys"),
    ("getrandom", "ssb-keys"),
    ("hmac", "ssb-keys"),
    ("poly1305", "ssb-kernel"),
    ("salsa20", "ssb-kernel"),
    ("sha2", "ssb-keys"),
];

/// The one crate in which `unsafe` is not forbidden.
const MAY_BE_UNSAFE: &str = "ssb-kernel";

#[test]
fn crates_depend_on_each_other_as_architecture_md_draws() {
    let edges: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    for package in PACKAGES.iter() {
        let allowed = edges.get(package.name.as_str());
        let allowed = allowed.unwrap_or_else(|| panic!("{} is not in the table", package.name));
        for dependency in package.dependencies.iter().filter(|name| is_ours(name)) {
            assert!(allowed.contains(&dependency.as_str()), "{} depends on {dependency}", package.name);
        }
    }
}

#[test]
fn runtime_command_line_and_cryptography_have_one_owner_each() {
    for package in PACKAGES.iter() {
        for (dependency, owner) in OWNERS {
            let depends = package.dependencies.contains(*dependency);
            assert!(!depends || package.name == *owner, "{} depends on {dependency}", package.name);
        }
    }
}

#[test]
fn every_crate_has_a_readme_as_its_front_page() {
    for package in PACKAGES.iter() {
        assert!(package.path("README.md").is_file(), "{} has no README.md", package.name);
        let roots = package.targets.iter().filter(|target| target.kind == "lib");
        for root in roots {
            let text = read(&root.path);
            let front_page = "#![doc = include_str!(\"../README.md\")]";
            assert!(text.starts_with(front_page), "{} does not start with {front_page}", root.path.display());
        }
    }
}

#[test]
fn every_changelog_ends_with_the_version_of_its_crate() {
    for package in PACKAGES.iter().filter(|package| package.is_published) {
        let changelog = read(&package.path("CHANGELOG.md"));
        let mut headings = changelog.lines().filter_map(|line| line.strip_prefix("## "));
        let released = headings.find(|heading| *heading != "Unreleased");
        assert_eq!(released, Some(package.version.as_str()), "CHANGELOG.md of {}", package.name);
    }
}

#[test]
fn every_crate_has_the_licence_and_the_lints_of_the_workspace() {
    for package in PACKAGES.iter() {
        assert_eq!(package.license, "MIT OR Apache-2.0", "{}", package.name);
        let manifest = read(&package.path("Cargo.toml"));
        let has_them = manifest.contains("[lints]\nworkspace = true");
        assert!(has_them || package.name == MAY_BE_UNSAFE, "{} has lints of its own", package.name);
    }
}

#[test]
fn the_crate_that_may_be_unsafe_has_all_other_lints_of_the_workspace() {
    let kernel = PACKAGES.iter().find(|package| package.name == MAY_BE_UNSAFE).unwrap();
    let lints = read(&kernel.path("Cargo.toml"));
    let workspace = read(&root().join("Cargo.toml"));
    let (_, wanted) = workspace.split_once("[workspace.lints.rust]\n").unwrap();
    let (wanted, _) = wanted.split_once("\n\n[profile").unwrap();
    // The others concern cfg of other crates.
    let others = ["unsafe_code", "unexpected_cfgs", "[workspace.lints.clippy]"];
    let wanted = wanted.lines().filter(|line| !others.iter().any(|other| line.starts_with(other)));
    for lint in wanted.chain(["unsafe_code = \"deny\"", "undocumented_unsafe_blocks = \"warn\""]) {
        assert!(lints.contains(lint), "{MAY_BE_UNSAFE} lacks: {lint}");
    }
}

#[test]
fn no_test_is_forgotten() {
    for package in PACKAGES.iter() {
        let tests = package.path("tests");
        let known: BTreeSet<&Path> = package.targets.iter().map(|target| target.path.as_path()).collect();
        let files = sources(&tests);
        for file in files.iter().filter(|file| !known.contains(file.as_path())) {
            assert_ne!(file.parent(), Some(tests.as_path()), "cargo does not run {}", file.display());
            let module = module_name(file);
            let used = files.iter().any(|file| declares(file, &module));
            assert!(used, "no test uses {}", file.display());
        }
    }
}

#[test]
fn no_module_is_forgotten() {
    for package in PACKAGES.iter() {
        let files = sources(&package.path("src"));
        for file in &files {
            let is_root = package.targets.iter().any(|target| target.path == *file);
            let module = module_name(file);
            let used = is_root || files.iter().any(|file| declares(file, &module));
            assert!(used, "no module declares {}", file.display());
        }
    }
}

#[test]
fn nothing_is_left_to_do_without_an_issue() {
    let marks = [["TO", "DO"].concat(), ["FIX", "ME"].concat()];
    let folders = PACKAGES.iter().map(|package| package.folder.clone());
    for file in folders.chain([root().join("fuzz")]).flat_map(|folder| sources(&folder)) {
        for (number, line) in (1..).zip(read(&file).lines()) {
            let left = marks.iter().any(|mark| line.contains(mark.as_str()) && !line.contains('#'));
            assert!(!left, "{}:{number}: {line}", file.display());
        }
    }
}

struct Package {
    name: String,
    version: String,
    license: String,
    is_published: bool,
    folder: PathBuf,
    /// What it needs to be built; what only its tests need is not here.
    dependencies: BTreeSet<String>,
    targets: Vec<Target>,
}

struct Target {
    kind: String,
    path: PathBuf,
}

impl Package {
    fn parse(package: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let dependencies = list(&package["dependencies"]);
        let dependencies = dependencies.iter().filter(|dependency| dependency["kind"] != "dev");
        let target = |target: &Value| Target {
            kind: text(&target["kind"][0]),
            path: PathBuf::from(text(&target["src_path"])),
        };
        Self {
            name: text(&package["name"]),
            version: text(&package["version"]),
            license: text(&package["license"]),
            is_published: package["publish"].is_null(),
            folder: Path::new(&text(&package["manifest_path"])).parent().unwrap().to_owned(),
            dependencies: dependencies.map(|dependency| text(&dependency["name"])).collect(),
            targets: list(&package["targets"]).iter().map(target).collect(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// All members of the workspace.
static PACKAGES: LazyLock<Vec<Package>> = LazyLock::new(|| {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages: Vec<Package> =
        metadata["packages"].as_array().unwrap().iter().map(Package::parse).collect();
    assert!(!packages.is_empty());
    packages
});

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn is_ours(name: &str) -> bool {
    EDGES.iter().any(|(ours, _)| *ours == name) || PACKAGES.iter().any(|package| package.name == name)
}

/// All Rust files under a folder, but for what is built and what npm brought.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() && name != "target" && name != "node_modules" {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// What a file is called where it is declared: its own name, or its folder's.
fn module_name(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default();
    let name = if stem == "mod" { file.parent().unwrap().file_name().unwrap_or_default() } else { stem };
    name.to_str().unwrap().to_owned()
}

fn declares(file: &Path, module: &str) -> bool {
    read(file).lines().any(|line| line.trim_end().ends_with(&format!("mod {module};")))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
