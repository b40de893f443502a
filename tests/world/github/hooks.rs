//! Webhooks of one repository.

use super::app::Caller;
use super::service::{Answer, Question, not_found, refused, told};
use super::state::{State, shaped};
use serde_json::{Value, json};

pub(super) fn answer(state: &mut State, caller: &Caller, id: u64, question: &Question) -> Option<Answer> {
    let path: Vec<_> = question.path.iter().map(String::as_str).collect();
    if path != ["hooks"] {
        return None;
    }
    // Whoever is no administrator is told that there are none.
    if caller.is_app() || !state.repos[&id].may.contains("admin") {
        return Some(Err(not_found()));
    }
    Some(match question.method.as_str() {
        "GET" => question.page(state, "repos/list-webhooks", state.repos[&id].hooks.clone(), Value::from),
        "POST" => {
            let url = &question.body["config"]["url"];
            if state.repos[&id].hooks.iter().any(|hook| hook["config"]["url"] == *url) {
                return Some(Err(refused(422, "Validation Failed: Hook already exists on this repository")));
            }
            let hook = state.make_hook(id, &question.body);
            told("repos/create-webhook", 201, hook)
        }
        _ => return None,
    })
}

impl State {
    /// Makes a webhook as `asked`. GitHub does not tell its secret again.
    fn make_hook(&mut self, id: u64, asked: &Value) -> Value {
        let mut config = asked["config"].clone();
        let secret = std::mem::replace(&mut config["secret"], json!("********"));
        let hook = shaped(
            "repository_hook",
            json!({
                "id": self.id(), "name": "web", "type": "Repository", "active": asked["active"], "events": asked["events"],
                "config": config, "last_response": { "code": null, "status": "unused", "message": null },
            }),
        );
        let repo = self.repo(id);
        repo.hooks.push(hook.clone());
        repo.hook_secrets.push(secret.as_str().unwrap().to_owned());
        hook
    }
}
