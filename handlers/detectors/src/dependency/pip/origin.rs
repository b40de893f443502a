//! Requirements that are not taken from a registry: URLs, repositories, paths.

/// What an address tells of its project.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// From `#egg=`, or from the file name of a wheel; otherwise empty.
    pub name: String,
    /// From the file name of a wheel.
    pub version: Option<String>,
}

/// The schemes that pip takes for a URL: `https:`, `file:`, `git+ssh:` and their like.
pub fn is_url(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else { return false };
    let scheme = scheme.to_ascii_lowercase();
    let plain = |scheme: &str| matches!(scheme, "http" | "https" | "file" | "ftp");
    match scheme.split_once('+') {
        Some(("git" | "hg" | "svn" | "bzr", transport)) => {
            plain(transport) || matches!(transport, "ssh" | "git" | "svn" | "sftp" | "lp" | "static-http")
        }
        Some(_) => false,
        None => plain(&scheme),
    }
}

/// Whether pip would look for a file or folder: `./here`, `a/b`, `x.whl`; not `name @ …`.
///
/// Prose with a slash in it is none: without a leading `.` or `/`, white space tells it.
pub fn is_path(text: &str) -> bool {
    let looks_like_path = |text: &str| text.contains('/') || text.starts_with('.');
    if let Some((name, _)) = text.split_once('@')
        && !looks_like_path(name)
    {
        return false;
    }
    let is_prose = text.contains(char::is_whitespace) && !text.starts_with(['.', '/']);
    !is_prose && (looks_like_path(text) || is_archive(text))
}

/// Name and version of the project at `address`, as far as it says.
pub fn names(address: &str) -> Named {
    let (path, fragment) = address.split_once('#').unwrap_or((address, ""));
    let egg = fragment.split('&').find_map(|part| part.strip_prefix("egg=")).unwrap_or_default();
    let file = path.split('?').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    let mut named = file.strip_suffix(".whl").and_then(wheel).unwrap_or_default();
    let egg = egg.split(['[', '=', '<', '>', '!', '~', '@', ' ']).next().unwrap_or_default();
    if !egg.is_empty() && is_name(egg) {
        named.name = egg.to_owned();
    }
    named
}

/// Masks what stands before the `@` of a web address: it is, or holds, a secret.
///
/// `ssh` addresses keep their user name, which is none.
pub fn without_credentials(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((user, host)) if user.contains(':') || !scheme.ends_with("ssh") => {
            format!("{scheme}://***@{host}{}", &rest[authority.len()..])
        }
        _ => address.to_owned(),
    }
}

/// `name-version(-build)?-python-abi-platform`.
fn wheel(stem: &str) -> Option<Named> {
    let parts: Vec<_> = stem.split('-').collect();
    let [name, version, ..] = parts.as_slice() else { return None };
    let version = version.replace("%2B", "+").replace("%2b", "+").replace("%21", "!");
    let valid = matches!(parts.len(), 5 | 6) && is_name(name);
    valid.then(|| Named { name: (*name).to_owned(), version: Some(version) })
}

fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    text.chars().all(inner) && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

fn is_archive(text: &str) -> bool {
    const EXTENSIONS: &[&str] = &[
        ".whl",
        ".zip",
        ".tar.gz",
        ".tgz",
        ".tar",
        ".tar.bz2",
        ".tbz",
        ".tar.xz",
        ".txz",
        ".tlz",
        ".tar.lz",
        ".tar.lzma",
    ];
    let text = text.to_ascii_lowercase();
    EXTENSIONS.iter().any(|extension| text.ends_with(extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, name: &str, version: Option<&str>) {
        assert_eq!(names(address), Named { name: name.to_owned(), version: version.map(str::to_owned) }, "{address}");
    }

    #[test]
    fn addresses_name_their_project_where_they_can() {
        check("https://h/a/foo_bar-1.0-py3-none-any.whl", "foo_bar", Some("1.0"));
        check("https://h/torch-2.0%2Bcpu-1-cp311-cp311-linux_x86_64.whl?x=1#sha256=ab", "torch", Some("2.0+cpu"));
        check("git+https://h/x.git@main#egg=x[all]&subdirectory=y", "x", None);
        check("git+https://h/x.git#subdirectory=y&egg=z", "z", None);
        check("./vendored", "", None);
        check("https://h/a.whl", "", None);
    }

    #[test]
    fn credentials_are_masked_and_user_names_of_ssh_kept() {
        assert_eq!(without_credentials("https://u:p@h/x?a@b"), "https://***@h/x?a@b");
        assert_eq!(without_credentials("git+https://t0ken@h/x"), "git+https://***@h/x");
        assert_eq!(without_credentials("git+ssh://git@h/x"), "git+ssh://git@h/x");
        assert_eq!(without_credentials("https://h/a@b"), "https://h/a@b");
    }

    #[test]
    fn urls_and_paths_are_told_from_names() {
        assert!(is_url("git+ssh://git@h/x") && is_url("HTTPS://h/x") && !is_url("ssh://h/x") && !is_url("foo==1"));
        assert!(is_path("./x") && is_path("a/b") && is_path("x-1.tar.gz") && is_path(".[dev]"));
        assert!(!is_path("foo @ https://h/x.whl") && !is_path("read docs/x first") && !is_path("foo"));
    }
}
