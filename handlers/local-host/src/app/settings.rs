//! App settings: the host has them as environment variables, and looks names up without regard to case.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// App settings that begin so override `host.json`: `AzureFunctionsJobHost__extensions__http__routePrefix`.
const HOST_JSON_PREFIX: &str = "azurefunctionsjobhost";

/// App settings by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// The value of `name`, whatever the case of its letters.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(&name.to_ascii_lowercase()).map(String::as_str)
    }

    /// Writes over `host_json` what the settings say of it.
    pub(super) fn override_host_json(&self, host_json: &mut Value) {
        for (name, value) in &self.0 {
            let Some(path) = name.strip_prefix(HOST_JSON_PREFIX) else { continue };
            let Some(path) = path.strip_prefix("__").or_else(|| path.strip_prefix(':')) else { continue };
            let mut at = &mut *host_json;
            for name in path.split("__").flat_map(|part| part.split(':')) {
                at = member(at, name);
            }
            *at = Value::String(value.clone());
        }
    }
}

impl<N: AsRef<str>, V: Into<String>> FromIterator<(N, V)> for Settings {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(settings: T) -> Self {
        Self(settings.into_iter().map(|(name, value)| (name.as_ref().to_ascii_lowercase(), value.into())).collect())
    }
}

/// The member `name` of `at`, made where it is not there.
fn member<'a>(at: &'a mut Value, name: &str) -> &'a mut Value {
    if !at.is_object() {
        *at = Value::Object(Map::new());
    }
    let known = at.as_object().and_then(|members| members.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned());
    &mut at[known.unwrap_or_else(|| name.to_owned())]
}

/// What is known of the app settings.
#[derive(Debug, Clone, Copy)]
pub(super) enum Known<'a> {
    /// They are these, and no others.
    These(&'a Settings),
    /// Nothing: the app is only checked, as before a deployment.
    Nothing,
}

impl Known<'_> {
    /// `text` with each `%NAME%` in it replaced. `Err` names one that has no value; `Ok(None)`: nothing is known.
    pub fn resolve(self, text: &str) -> Result<Option<String>, String> {
        self.replace(text, |name| Err(name.to_owned()))
    }

    /// As [`Self::resolve`], but a name without a value becomes nothing.
    pub fn resolve_or_empty(self, text: &str) -> Option<String> {
        self.replace(text, |_| Ok(String::new())).ok().flatten()
    }

    fn replace(self, text: &str, absent: impl Fn(&str) -> Result<String, String>) -> Result<Option<String>, String> {
        let mut resolved = String::new();
        let mut rest = text;
        while let Some((before, name, after)) = first_name(rest) {
            let Self::These(settings) = self else { return Ok(None) };
            resolved.push_str(before);
            match settings.get(name) {
                Some(value) => resolved.push_str(value),
                None => resolved.push_str(&absent(name)?),
            }
            rest = after;
        }
        resolved.push_str(rest);
        Ok(Some(resolved))
    }
}

/// The first `%NAME%` of `text`, with what is before and after.
fn first_name(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('%')?;
    let (name, after) = rest.split_once('%')?;
    (!name.is_empty()).then_some((before, name, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings() -> Settings {
        Settings::from_iter([("Queue", "scan"), ("EMPTY", "")])
    }

    #[test]
    fn names_are_looked_up_without_regard_to_case() {
        assert_eq!(settings().get("QUEUE"), Some("scan"));
        assert_eq!(settings().get("other"), None);
    }

    #[test]
    fn names_between_percent_signs_are_replaced() {
        let settings = settings();
        let check = |text: &str, expect: Result<Option<&str>, &str>| {
            let found = Known::These(&settings).resolve(text);
            assert_eq!(found, expect.map(|text| text.map(str::to_owned)).map_err(str::to_owned), "{text}");
        };
        check("scan", Ok(Some("scan")));
        check("%QUEUE%-%queue%", Ok(Some("scan-scan")));
        check("%empty%", Ok(Some("")));
        check("%other%", Err("other"));
        check("100%", Ok(Some("100%")));
        check("%%", Ok(Some("%%")));
        assert_eq!(Known::Nothing.resolve("%other%"), Ok(None));
        assert_eq!(Known::Nothing.resolve("plain"), Ok(Some("plain".to_owned())));
        assert_eq!(Known::These(&settings).resolve_or_empty("a%other%b"), Some("ab".to_owned()));
    }

    #[test]
    fn settings_override_what_host_json_says() {
        let mut host_json = json!({ "customHandler": { "description": { "arguments": ["a"] } } });
        Settings::from_iter([
            ("AzureFunctionsJobHost__customHandler__description__arguments", "[\"b\"]"),
            ("AzureFunctionsJobHost:extensions:http:routePrefix", "v1"),
            ("AzureFunctionsJobHostess", "no"),
        ])
        .override_host_json(&mut host_json);
        assert_eq!(
            host_json,
            json!({
                "customHandler": { "description": { "arguments": "[\"b\"]" } },
                "extensions": { "http": { "routeprefix": "v1" } },
            })
        );
    }
}
