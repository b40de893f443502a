//! `Cargo.lock`, as cargo writes it: one table for each package, one line for each value.

/// The packages of a lockfile, in its order.
#[derive(Debug, PartialEq, Eq)]
pub struct Lockfile<'a> {
    pub packages: Vec<Locked<'a>>,
}

/// One package.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Locked<'a> {
    pub name: &'a str,
    pub version: &'a str,
    /// `None`: a crate of the workspace.
    pub source: Option<&'a str>,
    /// SHA-256 in hex.
    pub checksum: Option<&'a str>,
    /// As written: `name`, `name version`, `name version (source)`.
    pub dependencies: Vec<&'a str>,
    /// Of its name, from 1.
    pub line: u32,
}

impl<'a> Lockfile<'a> {
    /// Reads versions 3 and 4 of the form.
    pub fn read(text: &'a str) -> Result<Self, String> {
        let mut packages: Vec<Locked<'a>> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let place = || format!("Cargo.lock:{}", index + 1);
            if line == "[[package]]" {
                packages.push(Locked::default());
                continue;
            }
            let Some(package) = packages.last_mut() else { continue };
            if let Some(need) = line.strip_prefix(" \"").and_then(|need| need.strip_suffix("\",")) {
                package.dependencies.push(need);
                continue;
            }
            let Some((key, value)) = line.split_once(" = ") else { continue };
            let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            match (key, value) {
                ("name", Some(name)) => {
                    package.name = name;
                    package.line = u32::try_from(index + 1).map_err(|_| format!("{}: too long", place()))?;
                }
                ("version", Some(version)) => package.version = version,
                ("source", Some(source)) => package.source = Some(source),
                ("checksum", Some(checksum)) => package.checksum = Some(checksum),
                ("dependencies", None) => {}
                _ => return Err(format!("{}: \"{line}\" is not known", place())),
            }
        }
        Ok(Self { packages })
    }

    /// The package that `need` names.
    pub fn find(&self, need: &str) -> Result<usize, String> {
        let mut parts = need.split(' ');
        let (name, version) = (parts.next().unwrap_or_default(), parts.next());
        let source = parts.next().map(|source| source.trim_matches(['(', ')']));
        let fits = |package: &Locked<'_>| {
            package.name == name
                && version.is_none_or(|version| package.version == version)
                && source.is_none_or(|source| package.source == Some(source))
        };
        let mut found = self.packages.iter().enumerate().filter(|(_, package)| fits(package));
        match (found.next(), found.next()) {
            (Some((index, _)), None) => Ok(index),
            (None, _) => Err(format!("Cargo.lock has no {need}")),
            (Some(_), Some(_)) => Err(format!("Cargo.lock has more than one {need}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# written by cargo
version = 4

[[package]]
name = "a"
version = "1.0.0"
dependencies = [
 "b 2.0.0",
 "c",
]

[[package]]
name = "b"
version = "1.0.0"
source = "registry+x"
checksum = "ab"

[[package]]
name = "b"
version = "2.0.0"

[[package]]
name = "c"
version = "0.1.0"
"#;

    #[test]
    fn packages_and_their_needs_are_read() {
        let lockfile = Lockfile::read(TEXT).unwrap();
        let b = Locked {
            name: "b",
            version: "1.0.0",
            source: Some("registry+x"),
            checksum: Some("ab"),
            dependencies: Vec::new(),
            line: 13,
        };
        assert_eq!(lockfile.packages[1], b);
        assert_eq!(lockfile.packages[0].dependencies, ["b 2.0.0", "c"]);
        assert_eq!(
            (lockfile.find("b 2.0.0"), lockfile.find("c"), lockfile.find("b 1.0.0 (registry+x)")),
            (Ok(2), Ok(3), Ok(1))
        );
        assert_eq!(lockfile.find("b"), Err("Cargo.lock has more than one b".to_owned()));
        assert_eq!(lockfile.find("d"), Err("Cargo.lock has no d".to_owned()));
    }

    #[test]
    fn what_is_not_known_is_named() {
        assert_eq!(
            Lockfile::read("[[package]]\nname = 1\n"),
            Err("Cargo.lock:2: \"name = 1\" is not known".to_owned())
        );
    }
}
