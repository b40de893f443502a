//! The pages of GitHub that people see: the one that makes an App of a manifest.

use super::service::{Answer, Question, Reply, not_found, refused};
use super::state::State;
use serde_json::Value;

/// What an event takes, as far as it is known here. GitHub refuses the whole App for an event whose permission is not asked for.
const NEEDED: [(&str, &str); 13] = [
    ("push", "contents"),
    ("pull_request", "pull_requests"),
    ("pull_request_review", "pull_requests"),
    ("issue_comment", "issues"),
    ("check_run", "checks"),
    ("check_suite", "checks"),
    ("workflow_run", "actions"),
    ("dependabot_alert", "vulnerability_alerts"),
    ("code_scanning_alert", "security_events"),
    ("secret_scanning_alert", "secret_scanning_alerts"),
    ("repository_advisory", "repository_advisories"),
    ("security_advisory", "metadata"),
    ("repository", "metadata"),
];

/// Whether `path` is that of a page.
pub(super) fn is_page(path: &[String]) -> bool {
    path.ends_with(&["settings", "apps", "new"].map(str::to_owned))
}

/// Somebody who is signed in agrees to the App of the manifest in the form.
pub(super) fn answer(state: &mut State, question: &Question) -> Answer {
    let path: Vec<_> = question.path.iter().map(String::as_str).collect();
    if !matches!(path[..], ["settings", ..] | ["organizations", "octo", "settings", ..]) || question.method != "POST" {
        return Err(not_found());
    }
    let manifest: Value = serde_json::from_str(&question.form["manifest"]).map_err(|_| refused(422, "no manifest"))?;
    let permissions = manifest["default_permissions"].as_object().unwrap();
    for event in manifest["default_events"].as_array().unwrap() {
        let event = event.as_str().unwrap();
        let needed = NEEDED.iter().find(|(known, _)| *known == event);
        let Some((_, needed)) = needed else {
            return Err(refused(422, &format!("Default events unsupported: {event}")));
        };
        if !permissions.contains_key(*needed) {
            return Err(refused(422, &format!("Default events are not supported by permissions: {event}")));
        }
    }
    let code = format!("c0de{}", state.id());
    state.codes.insert(code.clone(), manifest.clone());
    let back = manifest["redirect_url"].as_str().unwrap();
    let location = format!("{back}?code={code}&state={}", question.query["state"]);
    Err(Reply { operation: "", status: 302, headers: vec![("location", location)], body: Value::Null })
}
