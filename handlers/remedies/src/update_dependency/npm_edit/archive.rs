//! Addresses of archives, in the lockfile's own style.

use pipeline::facts::Release;

/// The address of a release's archive, from the address of another archive in the same lockfile.
///
/// `like` belongs to `like_name`. Registries that don't put `/-/` before the file name have addresses of their own, which
/// only the registry knows.
pub(super) fn resolved(name: &str, release: &Release, like: &str, like_name: &str) -> Option<String> {
    let known = release.archive.as_deref();
    let Some((before, like_file)) = like.rsplit_once("/-/") else { return known.map(str::to_owned) };
    let known_file = known.and_then(|known| Some(known.rsplit_once("/-/")?.1));
    let file = known_file.map(|file| file.split(['?', '#']).next().unwrap_or(file).to_owned());
    let file = file.unwrap_or_else(|| format!("{}-{}.tgz", name.rsplit('/').next().unwrap_or(name), release.version));
    let file = in_style(file, name, like_file, like_name);
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

/// The file name with its scope, `@s/b-1.0.0.tgz`, where the lockfile writes it so, as those of GitLab and Artifactory do.
fn in_style(file: String, name: &str, like_file: &str, like_name: &str) -> String {
    let (Some((scope, _)), true) = (name.split_once('/'), like_name.starts_with('@')) else { return file };
    let bare = file.rsplit('/').next().unwrap_or(&file);
    if like_file.contains('/') { format!("{scope}/{bare}") } else { bare.to_owned() }
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

    #[test]
    fn a_scope_in_the_file_name_is_kept() {
        let like = ("@s/b", "https://gitlab.example/api/v4/packages/npm/@s/b/-/@s/b-1.0.0.tgz");
        let expect = Some("https://gitlab.example/api/v4/packages/npm/@s/b/-/@s/b-2.0.0.tgz");
        check("@s/b", like, Some("https://gitlab.example/api/v4/packages/npm/@s/b/-/@s/b-2.0.0.tgz?x=1"), expect);
        check("@s/b", like, Some("https://registry.example/@s/b/-/b-2.0.0.tgz"), expect);
        check("@s/b", like, None, expect);
        let plain = ("@s/b", "https://registry.example/@s/b/-/b-1.0.0.tgz");
        let scoped = Some("https://gitlab.example/@s/b/-/@s/b-2.0.0.tgz");
        check("@s/b", plain, scoped, Some("https://registry.example/@s/b/-/b-2.0.0.tgz"));
    }
}
