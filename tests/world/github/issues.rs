//! Issues, labels, comments.

use super::app::Caller;
use super::service::{Answer, Question, not_found, refused, told};
use super::state::{State, shaped, user};
use serde_json::{Value, json};

pub(super) fn answer(state: &mut State, caller: &Caller, id: u64, question: &Question) -> Option<Answer> {
    let path: Vec<_> = question.path.iter().map(String::as_str).collect();
    let needs = |access: &str| caller.needs(&["issues"], access);
    let either = |access: &str| caller.needs(&["issues", "pull_requests"], access);
    Some(match (question.method.as_str(), &path[..]) {
        ("GET", ["issues"]) => needs("read").and_then(|()| list(state, id, question)),
        ("POST", ["issues"]) => needs("write").and_then(|()| {
            let number = state.number(id);
            let issue = shaped("issue", json!({
                "id": number, "number": number, "title": question.text("title"), "body": question.text("body"), "state": "open",
                "user": user(&caller.login()), "labels": labels(&question.body["labels"]),
                "html_url": format!("https://{}/issues/{number}", state.host),
            }));
            state.repo(id).issues.push(issue.clone());
            told("issues/create", 201, issue)
        }),
        ("PATCH", ["issues", number]) => needs("write").and_then(|()| {
            let found = state.repo(id).issues.iter_mut().find(|issue| issue["number"].as_u64() == number.parse().ok());
            let issue = found.ok_or_else(not_found)?;
            for key in ["title", "body", "state"] {
                if !question.body[key].is_null() {
                    issue[key] = question.body[key].clone();
                }
            }
            told("issues/update", 200, issue.clone())
        }),
        ("POST", ["issues", number, "labels"]) => either("write").and_then(|()| label(state, id, number, question)),
        ("GET", ["labels", name]) => either("read").and_then(|()| {
            let found = state.repos[&id].labels.iter().find(|label| label["name"] == *name);
            told("issues/get-label", 200, found.cloned().ok_or_else(not_found)?)
        }),
        ("POST", ["labels"]) => either("write").and_then(|()| {
            if state.repos[&id].labels.iter().any(|label| label["name"] == question.body["name"]) {
                return Err(refused(422, "Validation Failed: already_exists"));
            }
            let label = shaped("label", question.body.clone());
            state.repo(id).labels.push(label.clone());
            told("issues/create-label", 201, label)
        }),
        ("GET", ["issues", number, "comments"]) => either("read").and_then(|()| {
            let of_it = state.repos[&id].comments.iter().filter(|(of, _)| of.to_string() == *number);
            question.page(state, "issues/list-comments", of_it.map(|(_, comment)| comment.clone()).collect(), Value::from)
        }),
        ("POST", ["issues", number, "comments"]) => either("write").and_then(|()| {
            let comment = json!({ "id": state.id(), "body": question.text("body"), "user": user(&caller.login()) });
            let comment = shaped("comment", comment);
            state.repo(id).comments.push((number.parse().unwrap(), comment.clone()));
            told("issues/create-comment", 201, comment)
        }),
        _ => return None,
    })
}

fn labels(names: &Value) -> Vec<Value> {
    names
        .as_array()
        .into_iter()
        .flatten()
        .map(|name| shaped("label", json!({ "name": name, "color": "ededed" })))
        .collect()
}

fn list(state: &State, id: u64, question: &Question) -> Answer {
    let repo = &state.repos[&id];
    let creator = question.query.get("creator");
    let is_by = |issue: &&Value| creator.is_none_or(|creator| issue["user"]["login"] == *creator);
    let mut issues: Vec<_> = repo.issues.iter().filter(is_by).cloned().collect();
    // To GitHub a pull request is an issue too.
    for pull in state.pull_values(id) {
        let link = json!({ "url": null, "html_url": null, "diff_url": null, "patch_url": null });
        let (number, title, body, user) = (&pull["number"], &pull["title"], &pull["body"], &pull["user"]);
        let issue = json!({ "number": number, "title": title, "body": body, "user": user, "state": pull["state"], "pull_request": link });
        issues.push(shaped("issue", issue));
    }
    issues.sort_by_key(|issue| issue["number"].as_u64());
    if question.lags {
        issues.pop();
    }
    issues.reverse();
    question.page(state, "issues/list-for-repo", issues, Value::from)
}

fn label(state: &mut State, id: u64, number: &str, question: &Question) -> Answer {
    let added = labels(&question.body["labels"]);
    if let Some(pull) = state.repo(id).pulls.iter_mut().find(|pull| pull.number.to_string() == number) {
        pull.labels.extend(added.iter().map(|label| label["name"].as_str().unwrap().to_owned()));
        pull.labels.dedup();
        let names = json!(pull.labels);
        return told("issues/add-labels", 200, labels(&names).into());
    }
    let issue = state.repo(id).issues.iter_mut().find(|issue| issue["number"].as_u64() == number.parse().ok());
    let labels = issue.ok_or_else(not_found)?["labels"].as_array_mut().unwrap();
    labels.extend(added);
    told("issues/add-labels", 200, labels.clone().into())
}

impl State {
    pub fn issue_values(&self, id: u64) -> Vec<Value> {
        self.repos[&id].issues.clone()
    }
}
