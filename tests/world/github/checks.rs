//! Check runs and statuses.

use super::app::Caller;
use super::service::{Answer, Question, not_found, refused, told};
use super::state::{State, in_delivery, shaped, user};
use super::{APP_ID, SLUG};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Annotations that are taken at once.
const ANNOTATIONS_AT_ONCE: usize = 50;

pub(super) fn answer(state: &mut State, caller: &Caller, id: u64, question: &Question) -> Option<Answer> {
    let path: Vec<_> = question.path.iter().map(String::as_str).collect();
    let needs = |access: &str| caller.needs(&["checks"], access);
    Some(match (question.method.as_str(), &path[..]) {
        ("GET", ["commits", sha, "check-runs"]) => needs("read").and_then(|()| list(state, id, sha, question)),
        ("GET", ["commits", sha, "status"]) => caller.needs(&["statuses"], "read").and_then(|()| {
            let statuses = state.repos[&id].statuses.iter().filter(|(of, _)| of == sha);
            let statuses: Vec<_> = statuses.map(|(_, status)| status.clone()).collect();
            let (all, repository) = (statuses.len(), state.repository_value(id));
            question.page(state, "repos/get-combined-status-for-ref", statuses, |statuses| {
                shaped("statuses", json!({ "sha": sha, "state": "pending", "total_count": all, "statuses": statuses, "repository": repository }))
            })
        }),
        ("POST", ["check-runs"]) => needs("write").and_then(|()| {
            if !caller.is_app() {
                return Err(refused(403, "You must authenticate via a GitHub App."));
            }
            let run = json!({ "id": state.id(), "app": app(SLUG), "output": { "annotations_count": 0 } });
            let run = put(shaped("check_run", run), &question.body)?;
            state.repo(id).check_runs.push(run.clone());
            state.tell_check(id, &run, "created");
            told("checks/create", 201, run)
        }),
        ("PATCH", ["check-runs", number]) => needs("write").and_then(|()| {
            let runs = &mut state.repo(id).check_runs;
            let run = runs.iter_mut().find(|run| run["id"].as_u64() == number.parse().ok()).ok_or_else(not_found)?;
            *run = put(run.clone(), &question.body)?;
            let run = run.clone();
            state.tell_check(id, &run, "completed");
            told("checks/update", 200, run)
        }),
        ("POST", ["actions", "jobs", number, "rerun"]) => caller.needs(&["actions"], "write").and_then(|()| {
            let mut runs = state.repos[&id].check_runs.iter();
            let run = runs.find(|run| run["id"].as_u64() == number.parse().ok()).ok_or_else(not_found)?;
            if run["status"] != "completed" {
                return Err(refused(403, "The workflow run containing this job is already running"));
            }
            told("actions/re-run-job-for-workflow-run", 201, json!({}))
        }),
        _ => return None,
    })
}

fn app(slug: &str) -> Value {
    shaped("app", json!({ "id": slug.len(), "slug": slug, "name": slug, "owner": user("octo") }))
}

fn put(mut run: Value, change: &Value) -> Result<Value, super::service::Reply> {
    for key in ["name", "external_id", "head_sha", "status", "conclusion"] {
        if !change[key].is_null() {
            run[key] = change[key].clone();
        }
    }
    let annotations = change["output"]["annotations"].as_array().map_or(0, Vec::len);
    if annotations > ANNOTATIONS_AT_ONCE {
        return Err(refused(422, "Invalid request. No more than 50 items are allowed"));
    }
    for key in ["title", "summary"] {
        run["output"][key] = change["output"][key].clone();
    }
    run["output"]["annotations_count"] =
        json!(run["output"]["annotations_count"].as_u64().unwrap() as usize + annotations);
    Ok(run)
}

fn list(state: &State, id: u64, sha: &str, question: &Question) -> Answer {
    let name = question.query.get("check_name");
    let of_it = |run: &&Value| run["head_sha"] == *sha && name.is_none_or(|name| run["name"] == *name);
    let mut runs: Vec<_> = state.repos[&id].check_runs.iter().filter(of_it).cloned().collect();
    if question.lags {
        runs.pop();
    }
    if question.query.get("filter").is_none_or(|filter| filter == "latest") {
        let newest: BTreeMap<_, _> =
            runs.into_iter().map(|run| ((run["app"]["slug"].to_string(), run["name"].to_string()), run)).collect();
        runs = newest.into_values().collect();
    }
    let all = runs.len();
    question.page(state, "checks/list-for-ref", runs, |runs| json!({ "total_count": all, "check_runs": runs }))
}

impl State {
    fn tell_check(&mut self, id: u64, run: &Value, action: &str) {
        let login = format!("{}[bot]", run["app"]["slug"].as_str().unwrap());
        // A delivery says more of the suite than the API does.
        let sha = run["head_sha"].as_str();
        let branch = self.branches(id).into_iter().find(|branch| self.tip(id, branch).as_deref() == sha);
        let mut told = run.clone();
        told["check_suite"] = json!({ "id": 1, "head_branch": branch, "head_sha": sha, "app": run["app"] });
        let told = in_delivery("told_check_run", told);
        self.tell(id, "check_run", Some(&login), json!({ "action": action, "check_run": told }));
    }

    /// Somebody wants our check of a commit once more: GitHub tells of it, and leaves the check run as it is.
    pub fn rerequest(&mut self, id: u64, sha: &str, login: &str) {
        let mut runs = self.repos[&id].check_runs.iter();
        let mut told = runs.rfind(|run| run["head_sha"] == *sha).unwrap().clone();
        told["app"]["id"] = APP_ID.into();
        told["check_suite"] = json!({
            "id": 1, "head_branch": null, "head_sha": sha, "app": told["app"], "status": "completed",
            "conclusion": told["conclusion"],
        });
        let told = in_delivery("told_check_run", told);
        self.tell(id, "check_run", Some(login), json!({ "action": "rerequested", "check_run": told }));
    }

    pub fn add_check(&mut self, id: u64, sha: &str, slug: &str, name: &str, conclusion: Option<&str>) {
        let status = if conclusion.is_some() { "completed" } else { "in_progress" };
        let values = json!({ "id": self.id(), "app": app(slug), "name": name, "head_sha": sha, "status": status, "conclusion": conclusion });
        let run = shaped("check_run", values);
        self.repo(id).check_runs.push(run.clone());
        self.tell_check(id, &run, if conclusion.is_some() { "completed" } else { "created" });
    }

    pub fn add_status(&mut self, id: u64, sha: &str, context: &str, state: &str) {
        let status = shaped("status", json!({ "id": self.id(), "context": context, "state": state }));
        let statuses = &mut self.repo(id).statuses;
        statuses.retain(|(of, status)| of != sha || status["context"] != context);
        statuses.push((sha.to_owned(), status));
    }
}
