//! Pull requests.

use super::app::Caller;
use super::service::{Answer, Question, not_found, refused, told};
use super::state::{Merged, Pull, State, in_delivery, put_over, shaped, user};
use git2::Oid;
use serde_json::{Value, json};

pub(super) fn answer(state: &mut State, caller: &Caller, id: u64, question: &Question) -> Option<Answer> {
    let path: Vec<_> = question.path.iter().map(String::as_str).collect();
    let needs = |access: &str| caller.needs(&["pull_requests"], access);
    Some(match (question.method.as_str(), &path[..]) {
        ("GET", ["pulls"]) => needs("read").and_then(|()| list(state, id, question)),
        ("POST", ["pulls"]) => needs("write").and_then(|()| {
            // All repositories of the simulation are private.
            caller
                .needs(&["contents"], "read")
                .map_err(|_| refused(422, "Validation Failed: not all refs are readable"))?;
            open(state, caller, id, question)
        }),
        ("GET", ["pulls", number]) => needs("read").and_then(|()| {
            let pull =
                state.repos[&id].pulls.iter().find(|pull| pull.number.to_string() == *number).ok_or_else(not_found)?;
            told("pulls/get", 200, state.pull_value(id, pull))
        }),
        ("PATCH", ["pulls", number]) => needs("write").and_then(|()| {
            let number = number.parse().unwrap();
            state.change_pull(id, number, &question.body, &caller.login()).ok_or_else(not_found)?;
            let pull = state.repos[&id].pulls.iter().find(|pull| pull.number == number).unwrap();
            told("pulls/update", 200, state.pull_value(id, pull))
        }),
        ("PUT", ["pulls", number, "merge"]) => {
            caller.needs(&["contents"], "write").and_then(|()| merge(state, caller, id, number, question))
        }
        ("GET", ["pulls", number, "reviews"]) => needs("read").and_then(|()| {
            let reviews = state.repos[&id].reviews.iter().filter(|(of, _)| of.to_string() == *number);
            let reviews = reviews.map(|(_, review)| review.clone()).collect();
            question.page(state, "pulls/list-reviews", reviews, Value::from)
        }),
        _ => return None,
    })
}

fn merge(state: &mut State, caller: &Caller, id: u64, number: &str, question: &Question) -> Answer {
    let told_so = |status, message: &str| told("pulls/merge", status, refused(status, message).body);
    let pull =
        state.repos[&id].pulls.iter().find(|pull| pull.number.to_string() == number).ok_or_else(not_found)?.clone();
    let (method, sha) = (question.text("merge_method"), question.text("sha"));
    if !pull.is_open
        || pull.is_draft
        || !state.is_mergeable(id, &pull)
        || state.repos[&id].protected.contains(&pull.base)
    {
        return told_so(405, "Pull Request is not mergeable");
    }
    if !state.repos[&id].merge_methods.contains(&method) {
        return told_so(405, &format!("{method} merges are not allowed on this repository."));
    }
    if !sha.is_empty() && sha != pull.head_sha {
        return told_so(409, "Head branch was modified. Review and try the merge again.");
    }
    let merged = state.merge_pull_by(id, pull.number, &caller.login(), &method);
    let body = json!({ "sha": merged, "merged": true, "message": "Pull Request successfully merged" });
    told("pulls/merge", 200, body)
}

fn list(state: &State, id: u64, question: &Question) -> Answer {
    let repo = &state.repos[&id];
    let owner = repo.full_name.split('/').next().unwrap();
    let asked = |key: &str| question.query.get(key).map(String::as_str);
    let fits = |pull: &&Pull| {
        let is_state = match asked("state") {
            Some("all") => true,
            Some("closed") => !pull.is_open,
            _ => pull.is_open,
        };
        is_state && asked("head").is_none_or(|head| head == format!("{owner}:{}", pull.head))
    };
    let mut pulls: Vec<_> = repo.pulls.iter().filter(fits).collect();
    if question.lags {
        pulls.pop();
    }
    let pulls = pulls.iter().rev().map(|pull| state.pull_value(id, pull)).collect();
    question.page(state, "pulls/list", pulls, Value::from)
}

fn open(state: &mut State, caller: &Caller, id: u64, question: &Question) -> Answer {
    let (head, base) = (question.text("head"), question.text("base"));
    let owner = state.repos[&id].full_name.split('/').next().unwrap().to_owned();
    if state.repos[&id].pulls.iter().any(|pull| pull.is_open && pull.head == head && pull.base == base) {
        let message = format!("Validation Failed: A pull request already exists for {owner}:{head}.");
        return Err(refused(422, &message));
    }
    let (Some(head_sha), Some(base_sha)) = (state.tip(id, &head), state.tip(id, &base)) else {
        return Err(refused(422, "Validation Failed: head or base is invalid"));
    };
    if head_sha == base_sha {
        return Err(refused(422, &format!("Validation Failed: No commits between {base} and {head}")));
    }
    if question.body["draft"] == true && !state.repos[&id].has_drafts {
        return Err(refused(422, "Draft pull requests are not supported in this repository."));
    }
    let number = state.number(id);
    let pull = Pull {
        number,
        title: question.text("title"),
        body: question.text("body"),
        head,
        head_sha,
        base,
        is_draft: question.body["draft"] == true,
        is_open: true,
        merged: None,
        is_fork: false,
        author: caller.login(),
        labels: Vec::new(),
    };
    let value = state.pull_value(id, &pull);
    state.repo(id).pulls.push(pull);
    state.tell_pull(id, number, "opened", &caller.login(), json!({}));
    told("pulls/create", 201, value)
}

impl State {
    /// `login` opens a pull request.
    pub fn open_pull(&mut self, id: u64, head: &str, base: &str, login: &str) -> u64 {
        let number = self.number(id);
        let pull = Pull {
            number,
            title: head.to_owned(),
            body: String::new(),
            head: head.to_owned(),
            head_sha: self.tip(id, head).unwrap(),
            base: base.to_owned(),
            is_draft: false,
            is_open: true,
            merged: None,
            is_fork: false,
            author: login.to_owned(),
            labels: Vec::new(),
        };
        self.repo(id).pulls.push(pull);
        self.tell_pull(id, number, "opened", login, json!({}));
        number
    }

    pub fn number(&mut self, id: u64) -> u64 {
        let repo = self.repo(id);
        repo.last_number += 1;
        repo.last_number
    }

    pub fn pull_values(&self, id: u64) -> Vec<Value> {
        self.repos[&id].pulls.iter().map(|pull| self.pull_value(id, pull)).collect()
    }

    fn pull_value(&self, id: u64, pull: &Pull) -> Value {
        let repository = self.repository_value(id);
        let owner = repository["owner"].clone();
        let side = |branch: &str, sha: &str| {
            let label = format!("{}:{branch}", owner["login"].as_str().unwrap());
            json!({ "ref": branch, "sha": sha, "label": label, "repo": repository, "user": owner })
        };
        let base_sha = self.tip(id, &pull.base).unwrap_or_else(|| pull.head_sha.clone());
        let labels: Vec<_> = pull
            .labels
            .iter()
            .map(|name| shaped("label", json!({ "name": name, "color": "ededed", "description": "" })))
            .collect();
        let merged = pull.merged.as_ref();
        let mut head = side(&pull.head, &pull.head_sha);
        if pull.is_fork {
            head["repo"] = Value::Null;
        }
        shaped(
            "pull",
            json!({
                "id": pull.number, "node_id": format!("PR_{id}_{}", pull.number), "number": pull.number,
                "html_url": format!("https://{}/{}/pull/{}", self.host, self.repos[&id].full_name, pull.number),
                "state": if pull.is_open { "open" } else { "closed" }, "draft": pull.is_draft, "title": pull.title,
                "body": pull.body, "user": user(&pull.author), "labels": labels, "merged": merged.is_some(),
                "merged_at": merged.map(|merged| merged.at.to_string()),
                "merge_commit_sha": merged.map(|merged| &merged.commit),
                "merged_by": merged.map(|merged| user(&merged.by)),
                "mergeable": pull.is_open.then(|| self.is_mergeable(id, pull)),
                "closed_at": (!pull.is_open).then(|| self.now()),
                "head": head, "base": side(&pull.base, &base_sha),
            }),
        )
    }

    /// Tells of a pull request, and `more` that the action has.
    fn tell_pull(&mut self, id: u64, number: u64, action: &str, login: &str, more: Value) {
        let pull = self.repos[&id].pulls.iter().find(|pull| pull.number == number).unwrap();
        let mut told = self.pull_value(id, pull);
        for side in ["head", "base"] {
            told[side]["repo"] = self.repository_in_delivery(id);
        }
        let mut body = json!({ "action": action, "number": number, "pull_request": in_delivery("told_pull", told) });
        put_over(&mut body, more);
        self.tell(id, "pull_request", Some(login), body);
    }

    /// `login` changes a pull request as `change` says. `None`: there is no such one.
    pub fn change_pull(&mut self, id: u64, number: u64, change: &Value, login: &str) -> Option<()> {
        let pull = self.repo(id).pulls.iter_mut().find(|pull| pull.number == number)?;
        let text = |key: &str| change[key].as_str().map(str::to_owned);
        pull.title = text("title").unwrap_or_else(|| pull.title.clone());
        pull.body = text("body").unwrap_or_else(|| pull.body.clone());
        pull.base = text("base").unwrap_or_else(|| pull.base.clone());
        let is_draft = change["draft"].as_bool().unwrap_or(pull.is_draft);
        let is_open = text("state").map_or(pull.is_open, |state| state == "open");
        let action = match () {
            () if pull.is_open && !is_open => "closed",
            () if !pull.is_open && is_open => "reopened",
            () if !pull.is_draft && is_draft => "converted_to_draft",
            () if pull.is_draft && !is_draft => "ready_for_review",
            () => "edited",
        };
        (pull.is_open, pull.is_draft) = (is_open, is_draft);
        let more = if action == "edited" { json!({ "changes": {} }) } else { json!({}) };
        self.tell_pull(id, number, action, login, more);
        Some(())
    }

    /// A branch was moved or deleted: its open pull request follows, or is closed.
    pub fn head_moved(&mut self, id: u64, branch: &str, to: Option<&str>, login: &str) {
        let pulls = self.repo(id).pulls.iter_mut().filter(|pull| pull.is_open && pull.head == branch);
        let mut moved = Vec::new();
        for pull in pulls {
            let before = pull.head_sha.clone();
            match to {
                Some(to) => to.clone_into(&mut pull.head_sha),
                None => pull.is_open = false,
            }
            moved.push((pull.number, before));
        }
        for (number, before) in moved {
            match to {
                Some(to) => {
                    let more = json!({ "before": before, "after": to });
                    self.tell_pull(id, number, "synchronize", login, more);
                }
                None => self.tell_pull(id, number, "closed", login, json!({})),
            }
        }
    }

    /// Whether its commits can be merged to its base without a conflict.
    fn is_mergeable(&self, id: u64, pull: &Pull) -> bool {
        let git = self.git(id);
        let commit = |sha: &str| git.find_commit(Oid::from_str(sha).unwrap()).unwrap();
        let Some(base) = self.tip(id, &pull.base) else { return false };
        !git.merge_commits(&commit(&base), &commit(&pull.head_sha), None).unwrap().has_conflicts()
    }

    /// `login` has GitHub merge the base into the branch of a pull request.
    pub fn bring_up(&mut self, id: u64, number: u64, login: &str) {
        let git = self.git(id);
        let pull = self.repos[&id].pulls.iter().find(|pull| pull.number == number).unwrap().clone();
        let commit = |sha: &str| git.find_commit(Oid::from_str(sha).unwrap()).unwrap();
        let (base, head) = (commit(&self.tip(id, &pull.base).unwrap()), commit(&pull.head_sha));
        let mut index = git.merge_commits(&head, &base, None).unwrap();
        let tree = git.find_tree(index.write_tree_to(&git).unwrap()).unwrap();
        let who = self.signature(login);
        let merged = git.commit(None, &who, &who, "Merge the base\n", &tree, &[&head, &base]).unwrap().to_string();
        self.move_branch(id, &pull.head, Some(&merged), login);
    }

    pub fn merge_pull(&mut self, id: u64, number: u64, login: &str) -> String {
        self.merge_pull_by(id, number, login, "merge")
    }

    fn merge_pull_by(&mut self, id: u64, number: u64, login: &str, method: &str) -> String {
        let git = self.git(id);
        let pull = self.repos[&id].pulls.iter().find(|pull| pull.number == number).unwrap().clone();
        let commit = |sha: &str| git.find_commit(Oid::from_str(sha).unwrap()).unwrap();
        let (ours, theirs) = (commit(&self.tip(id, &pull.base).unwrap()), commit(&pull.head_sha));
        let mut index = git.merge_commits(&ours, &theirs, None).unwrap();
        let tree = git.find_tree(index.write_tree_to(&git).unwrap()).unwrap();
        let who = self.signature(login);
        let parents: &[_] = if method == "merge" { &[&ours, &theirs] } else { &[&ours] };
        let merged = git.commit(None, &who, &who, &format!("Merge #{number}\n"), &tree, parents).unwrap().to_string();
        let at = self.clock.now();
        let found = self.repo(id).pulls.iter_mut().find(|pull| pull.number == number).unwrap();
        found.is_open = false;
        found.merged = Some(Merged { at, commit: merged.clone(), by: login.to_owned() });
        self.move_branch(id, &pull.base, Some(&merged), login);
        self.tell_pull(id, number, "closed", login, json!({}));
        merged
    }

    /// `login` says `state` (`APPROVED`, `CHANGES_REQUESTED`, …) of a pull request.
    pub fn review(&mut self, id: u64, number: u64, state: &str, login: &str) {
        let review = json!({ "id": self.id(), "user": user(login), "body": "", "state": state });
        self.repo(id).reviews.push((number, shaped("review", review)));
    }
}
