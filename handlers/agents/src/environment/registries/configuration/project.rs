//! What a scanned project says of its registries.

use super::npmrc::{self, NpmRegistries};
use pipeline::dependency::{DependencyGraph, Source};
use std::collections::{BTreeMap, HashMap};

/// What a scanned project says of its registries. All of it is foreign text.
#[derive(Debug, Clone, Default)]
pub struct ProjectAddresses {
    /// Registry of each package that the lockfile has an address for.
    by_package: BTreeMap<String, String>,
    /// Registries in the repository's `.npmrc`.
    pub npmrc: NpmRegistries,
    /// `--index-url` of the requirements files, outermost first.
    pub index_urls: Vec<String>,
}

impl ProjectAddresses {
    /// What lockfile, `.npmrc` and requirements files (their `--index-url`) say.
    pub fn of(graph: &DependencyGraph, npmrc: Option<&str>, index_urls: Vec<String>) -> Self {
        let resolved = graph.packages.iter().filter_map(|package| match &package.source {
            Source::Registry(Some(archive)) => Some((package.name.as_str(), archive.as_str())),
            _ => None,
        });
        Self::of_archives(resolved, npmrc, index_urls)
    }

    /// The same of package names and the addresses of their archives (npm `resolved`).
    pub fn of_archives<'a>(
        archives: impl IntoIterator<Item = (&'a str, &'a str)>,
        npmrc: Option<&str>,
        index_urls: Vec<String>,
    ) -> Self {
        let known = archives.into_iter().filter_map(|(name, archive)| {
            Some((name.to_owned(), registry_of_archive(name, archive)?))
        });
        Self { by_package: known.collect(), npmrc: npmrc.map(npmrc::of_project).unwrap_or_default(), index_urls }
    }

    /// The registry that the lockfile takes `name` from.
    pub(super) fn of_package(&self, name: &str) -> Option<String> {
        self.by_package.get(name).cloned()
    }

    /// The registry that most of the lockfile's packages of `scope` come from, else most of all packages.
    pub(super) fn of_most(&self, scope: Option<&str>) -> Option<String> {
        let most = |of_scope: &dyn Fn(&str) -> bool| {
            let mut counts: HashMap<&str, usize> = HashMap::new();
            for (_, registry) in self.by_package.iter().filter(|(name, _)| of_scope(name)) {
                *counts.entry(registry).or_default() += 1;
            }
            counts.into_iter().max_by_key(|(registry, count)| (*count, std::cmp::Reverse(*registry))).map(|(most, _)| most.to_owned())
        };
        scope.and_then(|scope| most(&|name| name.split_once('/').is_some_and(|(of, _)| of == scope))).or_else(|| most(&|_| true))
    }

    /// The registry in whose name the lockfile would write an archive of `name`.
    pub(in crate::environment::registries) fn written_registry(&self, name: &str) -> Option<String> {
        let scope = name.split_once('/').map(|(scope, _)| scope);
        self.of_package(name).or_else(|| self.of_most(scope))
    }
}

/// What comes before `NAME/-/FILE.tgz`: the registry that an archive lies in. `None`: another layout.
fn registry_of_archive(name: &str, archive: &str) -> Option<String> {
    let is_web = archive.starts_with("https://") || archive.starts_with("http://");
    let (before, file) = archive.split_once("/-/")?;
    let before = before.strip_suffix(name).or_else(|| before.strip_suffix(&name.replace('/', "%2f"))).or_else(|| before.strip_suffix(&name.replace('/', "%2F")))?;
    let is_file = !file.is_empty() && !name.is_empty();
    (is_web && is_file && before.ends_with('/')).then(|| before.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, archive: &str, expect: Option<&str>) {
        assert_eq!(registry_of_archive(name, archive).as_deref(), expect, "{archive}");
    }

    #[test]
    fn the_registry_of_an_archive_is_what_comes_before_its_name() {
        check("lodash", "https://registry.example/lodash/-/lodash-4.17.20.tgz", Some("https://registry.example/"));
        check("@babel/core", "https://registry.example/npm/@babel/core/-/core-7.0.0.tgz", Some("https://registry.example/npm/"));
        check("@babel/core", "https://registry.example/@babel%2fcore/-/core-7.0.0.tgz", Some("https://registry.example/"));
        check("lodash", "https://registry.example/other/-/lodash-4.17.20.tgz", None);
        check("dash", "https://registry.example/lodash/-/lodash-4.17.20.tgz", None);
        check("lodash", "https://codeload.example/lodash.tgz", None);
        check("lodash", "file:lodash/-/lodash.tgz", None);
    }

    #[test]
    fn a_package_new_to_the_lockfile_comes_from_where_most_of_its_scope_comes_from() {
        let project = ProjectAddresses::of_archives(
            [
                ("a", "https://one.example/a/-/a-1.tgz"),
                ("b", "https://one.example/b/-/b-1.tgz"),
                ("@s/a", "https://two.example/@s/a/-/a-1.tgz"),
            ],
            None,
            Vec::new(),
        );
        assert_eq!(project.written_registry("c").as_deref(), Some("https://one.example/"));
        assert_eq!(project.written_registry("@s/b").as_deref(), Some("https://two.example/"));
        assert_eq!(project.written_registry("@t/b").as_deref(), Some("https://one.example/"));
    }
}
