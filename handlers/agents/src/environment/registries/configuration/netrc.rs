//! `~/.netrc`: who one is at which host.

use secrecy::SecretString;

/// User and password at one host.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) host: String,
    pub(super) user: String,
    pub(super) password: SecretString,
}

/// The logins of a netrc. The entry `default` is left out: it would be sent to any host.
pub(super) fn logins(text: &str) -> Vec<Login> {
    let mut logins = Vec::new();
    let mut current: Option<(String, String, String)> = None;
    let mut done = |entry: Option<(String, String, String)>| {
        if let Some((host, user, password)) = entry.filter(|(host, _, _)| !host.is_empty()) {
            logins.push(Login { host, user, password: password.into() });
        }
    };
    let mut tokens = tokens(text).into_iter();
    while let Some(token) = tokens.next() {
        match token.as_str() {
            "machine" => {
                done(current.take());
                current = tokens.next().map(|host| (host.to_ascii_lowercase(), String::new(), String::new()));
            }
            "default" => {
                done(current.take());
                current = Some(Default::default());
            }
            "login" | "user" => {
                if let (Some(value), Some(entry)) = (tokens.next(), current.as_mut()) {
                    entry.1 = value;
                }
            }
            "password" => {
                if let (Some(value), Some(entry)) = (tokens.next(), current.as_mut()) {
                    entry.2 = value;
                }
            }
            "account" => drop(tokens.next()),
            _ => {}
        }
    }
    done(current);
    logins
}

/// Words, or texts in double quotes with `\` escapes. Comments (a line that starts with `#`) and macros are left out.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut in_macro = false;
    for line in text.lines() {
        let line = line.trim();
        in_macro &= !line.is_empty();
        if in_macro || line.starts_with('#') {
            continue;
        }
        let mut chars = line.chars().peekable();
        loop {
            while chars.next_if(|char| char.is_whitespace()).is_some() {}
            let Some(&first) = chars.peek() else { break };
            let quoted = first == '"';
            if quoted {
                chars.next();
            }
            let mut token = String::new();
            while let Some(char) = chars.next_if(|char| if quoted { *char != '"' } else { !char.is_whitespace() }) {
                let escaped = if char == '\\' { chars.next() } else { None };
                token.push(escaped.unwrap_or(char));
            }
            if quoted {
                chars.next();
            }
            if token == "macdef" {
                in_macro = true;
                break;
            }
            tokens.push(token);
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[track_caller]
    fn check(text: &str, expect: &[(&str, &str, &str)]) {
        let read: Vec<_> = logins(text)
            .into_iter()
            .map(|login| (login.host, login.user, login.password.expose_secret().to_owned()))
            .collect();
        let expect: Vec<_> = expect.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect();
        assert_eq!(read, expect, "{text}");
    }

    #[test]
    fn netrc_is_read_in_all_its_layouts() {
        check("machine a.example login me password pw", &[("a.example", "me", "pw")]);
        check("# mine\nmachine A.example\n\tlogin me\n\taccount x\n\tpassword p#w\nmachine b.example login you password z", &[
            ("a.example", "me", "p#w"),
            ("b.example", "you", "z"),
        ]);
        check("machine a.example login me password \"a \\\"b\"", &[("a.example", "me", "a \"b")]);
        check("macdef init\nmachine evil.example login x password y\n\nmachine a.example login me password pw", &[("a.example", "me", "pw")]);
        check("default login me password pw", &[]);
        check("machine", &[]);
        check("machine a.example password", &[("a.example", "", "")]);
    }
}
