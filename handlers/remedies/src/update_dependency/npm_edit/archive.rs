//! Addresses of archives, in the lockfile's own style.

use pipeline::facts::Release;

/// The address of a release's archive, from the address of another archive in the same lockfile.
///
/// `like` belongs to `like_name`. Registries that don't put `/-/` before the file name have addresses of their own, which
/// only the registry knows.
pub(super) fn resolved(name: &str, release: &Release, like: &str, like_name: &str) -> Option<String> {
    let known = release.archive.as_deref();
    let file_of =
        |address: &str| address.rsplit('/').next().map(|file| file.split(['?', '#']).next().unwrap_or(file).to_owned());
    let base_name = name.rsplit('/').next().unwrap_or(name);
    let file = known
        .filter(|known| known.contains("/-/"))
        .and_then(file_of)
        .unwrap_or_else(|| format!("{base_name}-{}.tgz", release.version));
    let Some((before, _)) = like.rsplit_once("/-/") else { return known.map(str::to_owned) };
    if name == like_name {
        return Some(format!("{before}/-/{file}"));
    }
    let encoded = like_name.replace('/', "%2f");
    let base = [like_name, &encoded].into_iter().find_map(|written| {
        let base = before.strip_suffix(written)?;
        base.ends_with('/').then_some((base, written.contains("%2f")))
    });
    match base {
        Some((base, true)) => Some(format!("{base}{}/-/{file}", name.replace('/', "%2f"))),
        Some((base, false)) => Some(format!("{base}{name}/-/{file}")),
        None => known.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, like: (&str, &str), archive: Option<&str>, expect: Option<&str>) {
        let release = Release { version: "2.0.0".into(), archive: archive.map(str::to_owned), ..Release::default() };
        assert_eq!(resolved(name, &release, like.1, like.0).as_deref(), expect);
    }

    #[test]
    fn the_registry_of_the_lockfile_is_kept() {
        let like = ("a", "https://mirror.example/npm/a/-/a-1.0.0.tgz");
        check(
            "a",
            like,
            Some("https://registry.example/a/-/a-2.0.0.tgz"),
            Some("https://mirror.example/npm/a/-/a-2.0.0.tgz"),
        );
        check("@s/b", like, None, Some("https://mirror.example/npm/@s/b/-/b-2.0.0.tgz"));
        check(
            "a",
            ("a", "https://r.example/download/a/1.0.0/0f"),
            Some("https://r.example/download/a/2.0.0/1e"),
            Some("https://r.example/download/a/2.0.0/1e"),
        );
        check("a", ("a", "https://r.example/download/a/1.0.0/0f"), None, None);
    }
}
