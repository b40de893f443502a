//! How a repository is called: after its remote, without anything that could be a secret.

use git2::Repository;
use pipeline::ids::RepoName;
use url::Url;

/// `host/owner/name` of the remote `origin`, or `None` where it names no other machine, or can't be told from a password.
pub fn name(repository: &Repository) -> Option<RepoName> {
    let remote = repository.find_remote("origin").ok()?;
    place(remote.url().ok()?)?.parse().ok()
}

/// Host, port and path of `address`: no scheme, user, password, query, or `.git`.
fn place(address: &str) -> Option<String> {
    let (host, path) = if address.contains("://") { of_url(address)? } else { of_scp(address)? };
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    // A password with a slash in it is read as a path by every reader of URLs: what holds an `@` is not repeated.
    let is_safe = !host.is_empty() && !path.is_empty() && !path.contains('@');
    is_safe.then(|| format!("{host}/{path}"))
}

fn of_url(address: &str) -> Option<(String, String)> {
    let url = Url::parse(address).ok().filter(|url| url.scheme() != "file")?;
    let host = url.host_str()?;
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    Some((host, url.path().to_owned()))
}

/// `user@host:path`, as `scp` writes it.
fn of_scp(address: &str) -> Option<(String, String)> {
    let (machine, path) = address.split_once(':')?;
    let (_, host) = machine.rsplit_once('@')?;
    (!machine.contains('/')).then(|| (host.to_owned(), path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_is_named_without_user_or_password() {
        let check = |address: &str, expect: Option<&str>| assert_eq!(place(address).as_deref(), expect, "{address}");
        check("https://host/o/r.git", Some("host/o/r"));
        check("https://host:8443/o/r/", Some("host:8443/o/r"));
        check("https://u:p@host/o", Some("host/o"));
        check("https://u:p@ss@host/o", Some("host/o"));
        check("https://u:pa/ss@host/o", None);
        check("https://u/ss@host/o", None);
        check("https://u:80/ss@host/o", None);
        check("https://host/o/r?private_token=secret#secret", Some("host/o/r"));
        check("ssh://git@host:22/o/r.git", Some("host:22/o/r"));
        check("ssh://u:p@ss@host/o/r", Some("host/o/r"));
        check("git@host:o/r.git", Some("host/o/r"));
        check("git@host:/o/r", Some("host/o/r"));
        check("u:p@ss@host:o/r", None);
        check("u@x:pass@host:o/r", None);
        check("file:///srv/o/r.git", None);
        check("/srv/o/r.git", None);
        check("../r", None);
        check("https://", None);
        check("", None);
    }
}
