//! The mutations of GraphQL that have no other way.

use super::app::Caller;
use super::objects::update_reference;
use super::service::{Answer, Question, Reply, not_found, refused, told};
use super::state::State;
use serde_json::{Value, json};

pub(super) fn answer(state: &mut State, caller: &Caller, question: &Question) -> Answer {
    state.graphql.push(question.body.clone());
    let (query, input) = (question.text("query"), &question.body["variables"]["input"]);
    let mutations = ["updateRefs", "convertPullRequestToDraft", "markPullRequestReadyForReview"];
    let mutation = mutations.into_iter().find(|name| query.contains(&format!("{{ {name}(")));
    let mutation = mutation.unwrap_or_else(|| panic!("the simulation does not know {query}"));
    let done = match mutation {
        "updateRefs" => update(state, caller, input),
        _ => redraft(state, caller, input, mutation == "convertPullRequestToDraft"),
    };
    // Whatever happens, the status is 200.
    let body = match done {
        Ok(()) => json!({ "data": { mutation: { "clientMutationId": null } } }),
        Err(reply) => {
            let kind = match reply.status {
                403 => "FORBIDDEN",
                404 => "NOT_FOUND",
                _ => "UNPROCESSABLE",
            };
            let error = json!({ "type": kind, "path": [mutation], "message": reply.body["message"] });
            json!({ "data": { mutation: null }, "errors": [error] })
        }
    };
    told("", 200, body)
}

fn seen(state: &State, caller: &Caller, id: u64) -> Result<(), Reply> {
    if !state.repos.contains_key(&id) {
        return Err(not_found());
    }
    caller.may_see(state, id)?;
    let is_archived = state.repos[&id].is_archived;
    if is_archived { Err(refused(403, "Repository was archived so is read-only.")) } else { Ok(()) }
}

fn update(state: &mut State, caller: &Caller, input: &Value) -> Result<(), Reply> {
    let id = input["repositoryId"].as_str().unwrap().strip_prefix("R_").unwrap().parse().unwrap();
    seen(state, caller, id)?;
    for one in input["refUpdates"].as_array().unwrap() {
        update_reference(state, caller, id, one)?;
    }
    Ok(())
}

fn redraft(state: &mut State, caller: &Caller, input: &Value, is_draft: bool) -> Result<(), Reply> {
    let node = input["pullRequestId"].as_str().unwrap().strip_prefix("PR_").unwrap();
    let (id, number) = node.split_once('_').unwrap();
    let (id, number) = (id.parse().unwrap(), number.parse().unwrap());
    seen(state, caller, id)?;
    caller.needs(&["pull_requests"], "write")?;
    caller.needs(&["contents"], "write")?;
    if is_draft && !state.repos[&id].has_drafts {
        return Err(refused(422, "Draft pull requests are not supported in this repository."));
    }
    state.change_pull(id, number, &json!({ "draft": is_draft }), &caller.login()).ok_or_else(not_found)
}
