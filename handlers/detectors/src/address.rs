//! Addresses as others may see them.

/// `text` without credentials and queries of the addresses in it. A user name stays where ssh needs it.
pub fn without_secrets(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let end = after.find(|c: char| matches!(c, '/' | '?' | '#' | '\\') || c.is_whitespace()).unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        match authority.rsplit_once('@') {
            Some((user, host)) if before.ends_with("ssh") => {
                shown.push_str(user.split(':').next().unwrap_or_default());
                shown.push('@');
                shown.push_str(host);
            }
            Some((_, host)) => shown.push_str(host),
            None => shown.push_str(authority),
        }
        let end = tail.find(char::is_whitespace).unwrap_or(tail.len());
        let (tail, next) = tail.split_at(end);
        let (path, fragment) = tail.split_once('#').map_or((tail, None), |(path, fragment)| (path, Some(fragment)));
        shown.push_str(path.split('?').next().unwrap_or_default());
        if let Some(fragment) = fragment {
            shown.push('#');
            shown.push_str(fragment);
        }
        rest = next;
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_front_of_a_host_are_left_out() {
        let check = |text: &str, expect: &str| assert_eq!(without_secrets(text), expect);
        check("git+https://t0ken@host.example/x#main", "git+https://host.example/x#main");
        check("npm:a@1 https://me:hush@host.example/x?token=hush", "npm:a@1 https://host.example/x");
        check("git+ssh://git@host.example/x", "git+ssh://git@host.example/x");
        check("^1.0.0 || 2", "^1.0.0 || 2");
    }
}
