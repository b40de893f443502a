//! Alerts of Dependabot, of code scanning, of secret scanning.

use super::app::Caller;
use super::service::{Answer, Question, not_found, refused, told};
use super::state::{State, in_delivery, put_over, shaped, user};
use serde_json::{Value, json};

/// What there is of one kind: its path, name, permission, and operations to list, get and update.
type Kind = (&'static str, &'static str, &'static str, [&'static str; 3]);

const KINDS: [Kind; 3] = [
    (
        "dependabot",
        "dependabot",
        "vulnerability_alerts",
        ["dependabot/list-alerts-for-repo", "dependabot/get-alert", "dependabot/update-alert"],
    ),
    (
        "code-scanning",
        "code",
        "security_events",
        ["code-scanning/list-alerts-for-repo", "code-scanning/get-alert", "code-scanning/update-alert"],
    ),
    (
        "secret-scanning",
        "secret",
        "secret_scanning_alerts",
        ["secret-scanning/list-alerts-for-repo", "secret-scanning/get-alert", "secret-scanning/update-alert"],
    ),
];

pub(super) fn answer(state: &mut State, caller: &Caller, id: u64, question: &Question) -> Option<Answer> {
    let path: Vec<_> = question.path.iter().map(String::as_str).collect();
    let [first, "alerts", rest @ ..] = &path[..] else { return None };
    let (_, kind, permission, operations) = KINDS.into_iter().find(|(path, ..)| path == first)?;
    let needs = |access: &str| caller.needs(&[permission], access);
    let Some(alerts) = state.repos[&id].alerts.get(kind) else {
        // Each kind says in its own way that it is switched off.
        return Some(Err(match kind {
            "dependabot" => refused(403, "Dependabot alerts are disabled for this repository."),
            "code" => refused(403, "Code Security must be enabled for this repository to use code scanning."),
            _ => refused(404, "Secret scanning is disabled on this repository."),
        }));
    };
    let at = rest.first().map(|number| alerts.iter().position(|alert| alert["number"].as_u64() == number.parse().ok()));
    let at = at.flatten();
    Some(match (question.method.as_str(), rest) {
        ("GET", []) => needs("read").and_then(|()| {
            let wanted = question.query.get("state");
            let fits = |alert: &&Value| wanted.is_none_or(|state| alert["state"] == *state);
            question.page(state, operations[0], alerts.iter().filter(fits).cloned().collect(), Value::from)
        }),
        ("GET", [_]) => {
            needs("read").and_then(|()| told(operations[1], 200, alerts[at.ok_or_else(not_found)?].clone()))
        }
        ("PATCH", [_]) => needs("write").and_then(|()| {
            let at = at.ok_or_else(not_found)?;
            let now = state.now();
            let alert = &mut state.repo(id).alerts.get_mut(kind).unwrap()[at];
            for (key, value) in question.body.as_object().unwrap() {
                alert[key] = value.clone();
            }
            let (closed_at, is_closed) =
                (if kind == "secret" { "resolved_at" } else { "dismissed_at" }, alert["state"] != "open");
            alert[closed_at] = is_closed.then_some(now).into();
            told(operations[2], 200, alert.clone())
        }),
        ("GET", [_, "locations"]) => needs("read").and_then(|()| {
            at.ok_or_else(not_found)?;
            let details = json!({
                "path": "config.env", "start_line": 3, "end_line": 3, "start_column": 1, "end_column": 9,
                "blob_sha": "b".repeat(40), "blob_url": "https://github.example/", "commit_sha": "c".repeat(40),
                "commit_url": "https://github.example/",
            });
            let places = vec![shaped("location", json!({ "type": "commit", "details": details }))];
            question.page(state, "secret-scanning/list-locations-for-alert", places, Value::from)
        }),
        _ => return None,
    })
}

impl State {
    pub fn close_alert(&mut self, id: u64, kind: &str, number: u64, state: &str) {
        let now = self.now();
        let alerts = self.repo(id).alerts.get_mut(kind).unwrap();
        let alert = alerts.iter_mut().find(|alert| alert["number"] == number).unwrap();
        alert["state"] = state.into();
        if state == "fixed" {
            alert["fixed_at"] = now.into();
        }
        let alert = in_delivery(&format!("told_{kind}_alert"), alert.clone());
        let sender = shaped("told_github", json!({}));
        self.tell(id, &format!("{kind}_alert"), None, json!({ "action": state, "alert": alert, "sender": sender }));
    }

    pub fn add_alert(&mut self, id: u64, kind: &str, mut values: Value) -> u64 {
        let alerts = self.repo(id).alerts.entry(kind.to_owned()).or_default();
        let number = alerts.len() as u64 + 1;
        values["number"] = number.into();
        values["state"] = "open".into();
        alerts.push(shaped(kind, values));
        number
    }

    /// Tells what happened to an alert of secret scanning. By GitHub's schemas, of `created` no sender is told, and of `reopened` less of the
    /// alert.
    pub fn tell_secret_alert(&mut self, id: u64, number: u64, action: &str, login: &str) {
        let alerts = &self.repos[&id].alerts["secret"];
        let mut alert = alerts.iter().find(|alert| alert["number"] == number).unwrap().clone();
        if matches!(action, "resolved" | "revoked") {
            let resolved = json!({ "state": "resolved", "resolution": "revoked", "resolved_at": self.now(), "resolved_by": user(login) });
            put_over(&mut alert, resolved);
        }
        let shape = if action == "reopened" { "told_reopened_secret_alert" } else { "told_secret_alert" };
        let body = json!({ "action": action, "alert": in_delivery(shape, alert) });
        self.tell(id, "secret_scanning_alert", (action != "created").then_some(login), body);
    }
}
