//! An npm project as npm would write it, from a few words.

use super::registry::integrity;
use serde_json::{Map, Value, json};

/// A `package.json` and a `package-lock.json` (v3) in the making.
#[derive(Debug, Clone, Default)]
pub struct Project {
    direct: Map<String, Value>,
    entries: Map<String, Value>,
}

impl Project {
    /// A project without any dependency.
    pub fn new() -> Self {
        Self::default()
    }

    /// The project asks for `name` at `range`.
    #[must_use]
    pub fn needs(mut self, name: &str, range: &str) -> Self {
        self.direct.insert(name.to_owned(), range.into());
        self
    }

    /// The lockfile has `name` at `version`, which needs `dependencies`.
    #[must_use]
    pub fn locks(mut self, name: &str, version: &str, dependencies: &[(&str, &str)]) -> Self {
        let mut entry = json!({
            "version": version,
            "resolved": format!("https://registry.example/{name}/-/{name}-{version}.tgz"),
            "integrity": integrity(name, version),
        });
        if !dependencies.is_empty() {
            entry["dependencies"] = dependencies
                .iter()
                .map(|(name, range)| ((*name).to_owned(), Value::from(*range)))
                .collect::<Map<_, _>>()
                .into();
        }
        self.entries.insert(format!("node_modules/{name}"), entry);
        self
    }

    /// The manifest.
    pub fn manifest(&self) -> String {
        pretty(&json!({ "name": "shop", "version": "1.0.0", "dependencies": self.direct }))
    }

    /// The lockfile.
    pub fn lockfile(&self) -> String {
        let mut packages = Map::new();
        packages.insert(String::new(), json!({ "name": "shop", "version": "1.0.0", "dependencies": self.direct }));
        packages.extend(self.entries.clone());
        pretty(
            &json!({ "name": "shop", "version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": packages }),
        )
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}
