//! The manifest: which methods exist and of what kind, as JSON nested like their paths.

use alloc::string::String;
use alloc::vec::Vec;

use crate::method::Methods;

impl Methods {
    /// The manifest of all methods, as the method `manifest` answers it: `{"blobs":{"get":"source"},"whoami":"sync"}`.
    pub fn manifest(&self) -> String {
        let mut out = String::from("{");
        let mut groups: Vec<&str> = Vec::new();
        for (_, method) in self.iter() {
            let path: Vec<&str> = method.path().collect();
            let Some((name, parents)) = path.split_last() else { continue };

            let shared = groups.iter().zip(parents).take_while(|(a, b)| a == b).count();
            while groups.len() > shared {
                groups.pop();
                out.push('}');
            }
            if !out.ends_with('{') {
                out.push(',');
            }
            for parent in parents.iter().skip(shared) {
                groups.push(parent);
                push_name(&mut out, parent);
                out.push('{');
            }
            push_name(&mut out, name);
            out.push('"');
            out.push_str(method.kind().as_str());
            out.push('"');
        }
        out.extend(groups.iter().map(|_| '}'));
        out.push('}');
        out
    }
}

fn push_name(out: &mut String, name: &str) {
    out.push_str(&serde_json::to_string(name).unwrap_or_default());
    out.push(':');
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use crate::method::Kind;
    use crate::method::Method;
    use crate::method::Methods;
    use crate::method::Roles;

    fn manifest(methods: &[(&str, Kind)]) -> String {
        let methods = methods.iter().map(|(path, kind)| Method::new(path, *kind));
        Methods::new(methods, Roles::NONE).unwrap().manifest()
    }

    #[test]
    fn a_manifest_is_nested_like_the_paths() {
        let methods = [
            ("whoami", Kind::Sync),
            ("deep.er.add", Kind::Async),
            ("blobs.get", Kind::Source),
            ("deep.sink", Kind::Sink),
            ("blobs.add", Kind::Sink),
        ];

        assert_eq!(
            manifest(&methods),
            r#"{"blobs":{"add":"sink","get":"source"},"deep":{"er":{"add":"async"},"sink":"sink"},"whoami":"sync"}"#
        );
    }

    #[test]
    fn a_manifest_of_nothing_is_empty() {
        assert_eq!(manifest(&[]), "{}");
        assert_eq!(manifest(&[("a.b.c", Kind::Duplex)]), r#"{"a":{"b":{"c":"duplex"}}}"#);
    }
}
