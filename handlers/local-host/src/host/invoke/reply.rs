//! What a handler answered, read by the rules of the functions host.

use serde_json::{Map, Value as Json};

/// Characters of an answer that are shown in a reason.
const SHOWN_CHARACTERS_MAX: usize = 400;

/// An answer that is taken.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reply {
    /// By the names of bindings; upper and lower case differ.
    pub outputs: Map<String, Json>,
    /// Lines for the log.
    pub logs: Vec<String>,
    /// For a binding called `$return`.
    pub return_value: Option<Json>,
}

/// Reads an answer; an error is why the invocation failed, in words.
///
/// An empty body, or `null`, with a good status is taken by nobody: in Azure the invocation hangs until `functionTimeout`, and the process
/// is restarted then. Here it fails at once, and says so.
pub fn read(status: u16, content_type: Option<&str>, body: &[u8]) -> Result<Reply, String> {
    if !(200..300).contains(&status) {
        return Err(format!("Response status code does not indicate success: {status}. {}", shown(body)));
    }
    if body.is_empty() || body.trim_ascii() == b"null" {
        return Err(format!(
            "the handler answered {status} with an empty body: in Azure this invocation would hang until functionTimeout, and all others \
             would be cut off then; answer {{}}"
        ));
    }
    let invalid =
        |why: &str| Err(format!("Invalid HttpResponseMessage: {why}; StatusCode: {status}, Content: {}", shown(body)));
    let media_type = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !matches!(media_type.as_str(), "application/json" | "text/json") {
        return invalid(&format!("UnsupportedMediaType `{media_type}`, application/json is needed"));
    }
    let members: Map<String, Json> = match serde_json::from_slice(body) {
        Ok(members) => members,
        Err(error) => return invalid(&format!("no JSON object ({error})")),
    };
    let mut reply = Reply::default();
    for (name, value) in members {
        match (name.to_ascii_lowercase().as_str(), value) {
            ("outputs", Json::Object(outputs)) => reply.outputs = outputs,
            ("outputs" | "logs", Json::Null) => {}
            ("outputs", _) => return invalid("Outputs is no object"),
            ("logs", Json::Array(lines)) => reply.logs = lines.iter().map(text).collect(),
            ("logs", _) => return invalid("Logs is no array"),
            ("returnvalue", value) => reply.return_value = (!value.is_null()).then_some(value),
            _ => {}
        }
    }
    Ok(reply)
}

impl Reply {
    /// What the binding `name` is given; `has_return` says whether the function has a binding called `$return`. Without one, the members of
    /// a return value that is an object are outputs, too.
    pub fn output(&self, name: &str, has_return: bool) -> Option<&Json> {
        if name == "$return" {
            return self.return_value.as_ref();
        }
        let returned = || self.return_value.as_ref().filter(|_| !has_return)?.as_object()?.get(name);
        self.outputs.get(name).or_else(returned).filter(|value| !value.is_null())
    }
}

/// A value as .NET prints it.
pub fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        Json::Bool(true) => "True".to_owned(),
        Json::Bool(false) => "False".to_owned(),
        Json::Number(number) => number.to_string(),
        Json::Array(_) | Json::Object(_) => serde_json::to_string_pretty(value).unwrap_or_default(),
    }
}

fn shown(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut shown: String = text.chars().take(SHOWN_CHARACTERS_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const JSON: Option<&str> = Some("application/json; charset=utf-8");

    #[track_caller]
    fn refused(status: u16, content_type: Option<&str>, body: &str, expect: &str) {
        let error = read(status, content_type, body.as_bytes()).unwrap_err();
        assert!(error.contains(expect), "{error}");
    }

    #[test]
    fn outputs_logs_and_return_value_are_read() {
        let body = r#"{"Outputs":{"a":["1"]},"logs":["l1","l2"],"RETURNVALUE":{"b":2},"other":1}"#;
        let reply = read(200, JSON, body.as_bytes()).unwrap();
        assert_eq!(reply.logs, ["l1", "l2"]);
        assert_eq!(reply.output("a", false), Some(&json!(["1"])));
        assert_eq!(reply.output("b", false), Some(&json!(2)));
        assert_eq!(reply.output("b", true), None);
        assert_eq!(reply.output("$return", true), Some(&json!({ "b": 2 })));
        assert_eq!(reply.output("A", false), None);
    }

    #[test]
    fn any_json_object_is_a_success() {
        for body in ["{}", r#"{"x":1}"#, r#"{"Outputs":null,"Logs":null,"ReturnValue":null}"#] {
            assert_eq!(read(200, JSON, body.as_bytes()).unwrap(), Reply::default(), "{body}");
        }
        assert_eq!(read(201, Some("text/json"), b"{}").unwrap(), Reply::default());
    }

    #[test]
    fn what_the_host_does_not_take_is_a_failure_in_words() {
        refused(400, JSON, "{}", "does not indicate success: 400");
        refused(500, JSON, "{}", "does not indicate success: 500");
        refused(200, JSON, "not json", "not json");
        refused(200, JSON, "not json", "StatusCode: 200");
        refused(200, JSON, "[1]", "no JSON object");
        refused(200, Some("text/plain"), "{}", "UnsupportedMediaType");
        refused(200, None, "{}", "UnsupportedMediaType");
        refused(200, JSON, r#"{"Outputs":[]}"#, "Outputs is no object");
        refused(204, None, "", "would hang");
        refused(200, JSON, " null\n", "would hang");
    }
}
