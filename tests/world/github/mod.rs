//! A simulated GitHub over HTTP: repositories with real git objects, an App that is installed on them, and faults to order.
//!
//! Each answer is what GitHub's own descriptions let it be (`shapes.json`), with the values of the simulation over it; all are kept, so
//! that `tests/contracts/github.rs` can hold them against the descriptions.

mod alerts;
mod app;
mod checks;
mod deliveries;
mod graphql;
mod hooks;
mod issues;
mod objects;
mod pulls;
mod service;
mod state;
mod storm;
mod web;

pub use deliveries::Delivery;
pub use service::{Fault, Recorded};

use agents::environment::clock::Clock;
use agents::environment::effects::Effects;
use agents::environment::github::{GitHub, GitHubRepository, GitHubSettings, Identity, WebhookSecrets};
use axum::Router;
use pipeline::ids::{CommitSha, RepoName};
use serde_json::{Value, json};
use state::State;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use storm::Storm;

/// By which deliveries are signed.
pub const HOOK_SECRET: &str = "a secret of the simulation";
/// The App's name in addresses.
pub const SLUG: &str = "suture-app";
const APP_ID: u64 = 4711;

/// A GitHub with one App.
#[derive(Clone)]
pub struct SimulatedGitHub {
    /// `http://127.0.0.1:PORT/`, for `SUTURE_GITHUB_URL`.
    pub address: String,
    state: Arc<Mutex<State>>,
}

/// One of its repositories.
#[derive(Clone)]
pub struct SimulatedRepository {
    id: u64,
    state: Arc<Mutex<State>>,
}

impl SimulatedGitHub {
    /// Starts one without any repository, whose time is that of `clock`.
    pub async fn start(clock: &Clock) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let archives = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let state = State::new(clock.clone(), &host, &archives.local_addr().unwrap().to_string());
        let state = Arc::new(Mutex::new(state));
        let app = Router::new().fallback(service::serve).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let app = Router::new().fallback(objects::serve_archive).with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(archives, app).await.unwrap() });
        Self { address: format!("http://{host}/"), state }
    }

    /// From now on it is called by its address, as those call it who have nothing but `SUTURE_GITHUB_URL`.
    pub fn call_by_address(&self) {
        let mut state = self.state();
        state.host = state.address.clone();
    }

    /// The settings of somebody who is the App.
    pub fn settings(&self) -> GitHubSettings {
        self.settings_as(Identity::App { id: APP_ID, key: app::private_key().into() })
    }

    /// The settings of somebody with a token of the user `login`, who may do everything.
    pub fn settings_of_user(&self, login: &str) -> GitHubSettings {
        let token = self.state().token_of(login);
        self.settings_as(Identity::Token(token.into()))
    }

    fn settings_as(&self, identity: Identity) -> GitHubSettings {
        let host = self.state().host.clone();
        GitHubSettings {
            host,
            api: format!("{}api/v3/", self.address).parse().unwrap(),
            identity,
            secrets: WebhookSecrets(vec![HOOK_SECRET.into()]),
        }
    }

    /// PEM of the App's key, for `SUTURE_GITHUB_APP_KEY`, and the App's id.
    pub fn app_key(&self) -> (u64, String) {
        (APP_ID, app::private_key())
    }

    /// A client of the App.
    pub fn client(&self, effects: Effects) -> GitHub {
        GitHub::new(self.settings(), effects).unwrap()
    }

    /// Makes `owner/name`, on which the App is installed, with `files` on `main`.
    pub fn repository(&self, full_name: &str, files: &[(&str, &str)]) -> SimulatedRepository {
        let id = self.state().add_repository(full_name);
        let repository = SimulatedRepository { id, state: Arc::clone(&self.state) };
        repository.push("main", files, "octocat");
        repository
    }

    /// The next request whose `METHOD /path` has `on` in it meets `fault`.
    pub fn order(&self, on: &str, fault: Fault) {
        self.state().faults.push((on.to_owned(), fault));
    }

    /// From now on requests meet faults by chance, for a while.
    pub fn begin_storm(&self, seed: u64) {
        self.state().storm = Some(Storm::new(seed));
    }

    /// How many requests met a fault of the storm.
    pub fn met_in_storm(&self) -> usize {
        self.state().storm.as_ref().map_or(0, Storm::met)
    }

    /// From now on no token that was issued is accepted.
    pub fn expire_tokens(&self) {
        self.state().tokens.retain(|_, token| token.login.is_some());
    }

    /// The App is granted `access` (`read`, `write`, or none at all) to what `permission` names.
    pub fn grant(&self, permission: &str, access: Option<&str>) {
        let mut state = self.state();
        match access {
            Some(access) => state.granted.insert(permission.to_owned(), access.to_owned()),
            None => state.granted.remove(permission),
        };
    }

    /// From now on what an App signs is held against the time, as GitHub does it.
    pub fn mind_the_clock(&self) {
        self.state().minds_the_clock = true;
    }

    /// The App subscribes to exactly these events.
    pub fn subscribe(&self, events: &[&str]) {
        self.state().events = events.iter().map(|event| (*event).to_owned()).collect();
    }

    /// The App's webhook is as `values` say; null: it is not active.
    pub fn set_hook(&self, values: Value) {
        self.state().hook = (!values.is_null()).then_some(values);
    }

    /// The owner of the installation suspends it.
    pub fn suspend(&self) {
        let mut state = self.state();
        state.suspended_at = Some(state.now());
    }

    /// The owner lets it be used again.
    pub fn unsuspend(&self) {
        self.state().suspended_at = None;
    }

    /// The owner takes the App off and puts it on again: the installation is another one, and no token of the old one is accepted.
    pub fn reinstall(&self) {
        self.expire_tokens();
        let mut state = self.state();
        state.installation = state.id();
    }

    /// From now on tokens are classic ones, with these scopes.
    pub fn scope_tokens(&self, scopes: &str) {
        self.state().scopes = Some(scopes.to_owned());
    }

    /// A token of `login` for these repositories alone.
    pub fn token_for(&self, login: &str, repositories: &[&SimulatedRepository]) -> String {
        let mut state = self.state();
        let token = state.token_of(login);
        let ids = repositories.iter().map(|repository| repository.id).collect();
        state.tokens.get_mut(&token).unwrap().repos = Some(ids);
        token
    }

    /// Somebody agrees to an App. The code that GitHub sends their browser back with.
    pub fn agree(&self) -> String {
        let mut state = self.state();
        let code = format!("c0de{}", state.id());
        state.codes.insert(code.clone(), Value::Null);
        code
    }

    /// Manifests that somebody agreed to and whose code was not used yet.
    pub fn manifests(&self) -> Vec<Value> {
        self.state().codes.values().cloned().collect()
    }

    /// What was asked so far: `METHOD /path`.
    pub fn asked(&self) -> Vec<String> {
        self.state().asked.clone()
    }

    /// What was answered so far.
    pub fn answers(&self) -> Vec<Recorded> {
        self.state().answers.clone()
    }

    /// What GraphQL was asked so far: query and variables.
    pub fn graphql(&self) -> Vec<Value> {
        self.state().graphql.clone()
    }

    /// Deliveries since they were last taken, oldest first.
    pub fn take_deliveries(&self) -> Vec<Delivery> {
        std::mem::take(&mut self.state().deliveries)
    }

    /// Tells the same again, as it does where somebody asks for it.
    pub fn deliver_again(&self, deliveries: &[Delivery]) {
        self.state().deliveries.extend_from_slice(deliveries);
    }

    /// The host in the names of its repositories.
    pub fn host(&self) -> String {
        self.state().host.clone()
    }

    /// How many deliveries wait to be taken.
    pub fn waiting_deliveries(&self) -> usize {
        self.state().deliveries.len()
    }

    /// Ids of the deliveries of which no attempt was taken.
    pub fn failed_deliveries(&self) -> BTreeSet<String> {
        self.state().failed_deliveries()
    }

    /// Notes how a delivery was answered, for the App's list of deliveries; 0: it was not.
    pub fn note_delivery(&self, delivery: &Delivery, status_code: u16) {
        self.state().note_delivery(delivery, status_code);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl SimulatedRepository {
    /// `host/owner/name`.
    pub fn name(&self) -> RepoName {
        let state = self.state.lock().unwrap();
        format!("{}/{}", state.host, state.repos[&self.id].full_name).parse().unwrap()
    }

    /// The client's view of it.
    pub fn of(&self, client: &GitHub) -> GitHubRepository {
        client.repository(&self.name()).unwrap()
    }

    /// `login` commits `files` upon `branch`; an empty text deletes a file.
    pub fn push(&self, branch: &str, files: &[(&str, &str)], login: &str) -> CommitSha {
        self.state.lock().unwrap().push(self.id, branch, files, login).parse().unwrap()
    }

    /// `login` commits `files` upon `branch` just before the next request whose `METHOD /path` has `on` in it is answered.
    pub fn push_before(&self, on: &str, branch: &str, files: &[(&str, &str)], login: &str) {
        let owned = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let push = state::Push { id: self.id, branch: branch.to_owned(), files: owned, login: login.to_owned() };
        self.state.lock().unwrap().pushes.push((on.to_owned(), push));
    }

    /// `login` moves `branch` to `commit`, by force where it has to be.
    pub fn force(&self, branch: &str, commit: &CommitSha, login: &str) {
        self.state.lock().unwrap().move_branch(self.id, branch, Some(commit.as_str()), login);
    }

    /// `login` deletes `branch`.
    pub fn delete(&self, branch: &str, login: &str) {
        self.state.lock().unwrap().move_branch(self.id, branch, None, login);
    }

    /// Where `branch` stands.
    pub fn branch(&self, branch: &str) -> Option<CommitSha> {
        let state = self.state.lock().unwrap();
        state.tip(self.id, branch).map(|sha| sha.parse().unwrap())
    }

    /// Commits of `branch` that `main` lacks, and those of `main` that it lacks.
    pub fn ahead_and_behind(&self, branch: &str) -> (usize, usize) {
        self.state.lock().unwrap().ahead_and_behind(self.id, branch)
    }

    /// Names of its branches, sorted.
    pub fn branches(&self) -> Vec<String> {
        self.state.lock().unwrap().branches(self.id)
    }

    /// The text of a file at `branch`.
    pub fn text(&self, branch: &str, path: &str) -> Option<String> {
        self.state.lock().unwrap().text(self.id, branch, path)
    }

    /// The mode of a file at `branch`, as git has it.
    pub fn mode(&self, branch: &str, path: &str) -> i32 {
        self.state.lock().unwrap().mode(self.id, branch, path)
    }

    /// From now on nobody may force or delete `branch`.
    pub fn protect(&self, branch: &str) {
        self.state.lock().unwrap().repo(self.id).protected.insert(branch.to_owned());
    }

    /// Users may do only this here: `push`, `admin`.
    pub fn allow(&self, may: &[&str]) {
        self.state.lock().unwrap().repo(self.id).may = may.iter().map(|one| (*one).to_owned()).collect();
    }

    /// Its webhooks as GitHub tells them, oldest first.
    pub fn hooks(&self) -> Vec<Value> {
        self.state.lock().unwrap().repos[&self.id].hooks.clone()
    }

    /// Secrets of its webhooks, which GitHub tells nobody.
    pub fn hook_secrets(&self) -> Vec<String> {
        self.state.lock().unwrap().repos[&self.id].hook_secrets.clone()
    }

    /// Changes the first of its webhooks.
    pub fn change_hook(&self, change: impl FnOnce(&mut Value)) {
        change(&mut self.state.lock().unwrap().repo(self.id).hooks[0]);
    }

    /// From now on nothing in it changes.
    pub fn archive(&self) {
        self.state.lock().unwrap().set_archived(self.id, true, "octocat");
    }

    /// From now on it changes again.
    pub fn unarchive(&self) {
        self.state.lock().unwrap().set_archived(self.id, false, "octocat");
    }

    /// From now on it is one of a free plan, which has no drafts.
    pub fn forbid_drafts(&self) {
        self.state.lock().unwrap().repo(self.id).has_drafts = false;
    }

    /// Takes the App off it.
    pub fn uninstall(&self) {
        self.state.lock().unwrap().repo(self.id).is_installed = false;
    }

    /// Renames it, or gives it to another owner. What is asked by the old name is redirected.
    pub fn rename(&self, full_name: &str) {
        self.state.lock().unwrap().rename(self.id, full_name, "octocat");
    }

    /// Its pull requests as GitHub tells them, oldest first.
    pub fn pulls(&self) -> Vec<Value> {
        self.state.lock().unwrap().pull_values(self.id)
    }

    /// `login` opens a pull request of `head` to `base`.
    pub fn open(&self, head: &str, base: &str, login: &str) -> u64 {
        self.state.lock().unwrap().open_pull(self.id, head, base, login)
    }

    /// `login` closes a pull request.
    pub fn close(&self, number: u64, login: &str) {
        self.state.lock().unwrap().change_pull(self.id, number, &json!({ "state": "closed" }), login);
    }

    /// `login` opens a pull request of a fork, whose commits are those of the branch `head` here.
    pub fn open_of_fork(&self, head: &str, base: &str, login: &str) -> u64 {
        let mut state = self.state.lock().unwrap();
        let number = state.open_pull(self.id, head, base, login);
        state.repo(self.id).pulls.iter_mut().find(|pull| pull.number == number).unwrap().is_fork = true;
        number
    }

    /// `login` opens a closed pull request again.
    pub fn reopen(&self, number: u64, login: &str) {
        self.state.lock().unwrap().change_pull(self.id, number, &json!({ "state": "open" }), login);
    }

    /// `login` writes another text for a pull request.
    pub fn edit(&self, number: u64, body: &str, login: &str) {
        self.state.lock().unwrap().change_pull(self.id, number, &json!({ "body": body }), login);
    }

    /// `login` has a pull request go to another branch.
    pub fn retarget(&self, number: u64, base: &str, login: &str) {
        self.state.lock().unwrap().change_pull(self.id, number, &json!({ "base": base }), login);
    }

    /// `login` gives a pull request another title.
    pub fn retitle(&self, number: u64, title: &str, login: &str) {
        self.state.lock().unwrap().change_pull(self.id, number, &json!({ "title": title }), login);
    }

    /// `login` merges a pull request. The commit that comes of it.
    pub fn merge(&self, number: u64, login: &str) -> CommitSha {
        self.state.lock().unwrap().merge_pull(self.id, number, login).parse().unwrap()
    }

    /// `login` has the base merged into the branch of a pull request.
    pub fn bring_up(&self, number: u64, login: &str) {
        self.state.lock().unwrap().bring_up(self.id, number, login);
    }

    /// `login` says `state` (`APPROVED`, `CHANGES_REQUESTED`, …) of a pull request.
    pub fn review(&self, number: u64, state: &str, login: &str) {
        self.state.lock().unwrap().review(self.id, number, state, login);
    }

    /// `login` makes a draft of a pull request, or has it looked at.
    pub fn redraft(&self, number: u64, is_draft: bool, login: &str) {
        self.state.lock().unwrap().change_pull(self.id, number, &json!({ "draft": is_draft }), login);
    }

    /// Only these ways of merging are allowed from now on: `squash`, `merge`, `rebase`.
    pub fn allow_merges(&self, methods: &[&str]) {
        self.state.lock().unwrap().repo(self.id).merge_methods = methods.iter().map(|one| (*one).to_owned()).collect();
    }

    /// Issues as GitHub tells them, oldest first.
    pub fn issues(&self) -> Vec<Value> {
        self.state.lock().unwrap().issue_values(self.id)
    }

    /// An App of that slug says something of a commit.
    pub fn check(&self, commit: &CommitSha, app: &str, name: &str, conclusion: Option<&str>) {
        self.state.lock().unwrap().add_check(self.id, commit.as_str(), app, name, conclusion);
    }

    /// Somebody sets a status of a commit.
    pub fn status(&self, commit: &CommitSha, context: &str, state: &str) {
        self.state.lock().unwrap().add_status(self.id, commit.as_str(), context, state);
    }

    /// Check runs as GitHub tells them, oldest first.
    pub fn check_runs(&self) -> Vec<Value> {
        self.state.lock().unwrap().repos[&self.id].check_runs.clone()
    }

    /// Raises an alert of `kind` (`dependabot`, `code`, `secret`) with these values. Its number.
    pub fn alert(&self, kind: &str, values: Value) -> u64 {
        self.state.lock().unwrap().add_alert(self.id, kind, values)
    }

    /// What an alert says is true no more, and GitHub closes it as `state` says.
    pub fn close_alert(&self, kind: &str, number: u64, state: &str) {
        self.state.lock().unwrap().close_alert(self.id, kind, number, state);
    }

    /// An alert says something else from now on.
    pub fn change_alert(&self, kind: &str, number: u64, change: impl FnOnce(&mut Value)) {
        let mut state = self.state.lock().unwrap();
        let alerts = state.repo(self.id).alerts.get_mut(kind).unwrap();
        change(alerts.iter_mut().find(|alert| alert["number"] == number).unwrap());
    }

    /// Somebody wants our check of `commit` once more.
    pub fn rerequest(&self, commit: &CommitSha, login: &str) {
        self.state.lock().unwrap().rerequest(self.id, commit.as_str(), login);
    }

    /// Comments at a pull request or an issue, oldest first.
    pub fn comments(&self, number: u64) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let of_it = state.repos[&self.id].comments.iter().filter(|(of, _)| *of == number);
        of_it.map(|(_, comment)| comment["body"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Something happened to an alert of secret scanning: `login` did `action`.
    pub fn tell_secret_alert(&self, number: u64, action: &str, login: &str) {
        self.state.lock().unwrap().tell_secret_alert(self.id, number, action, login);
    }

    /// Alerts of `kind` as GitHub tells them.
    pub fn alerts(&self, kind: &str) -> Vec<Value> {
        self.state.lock().unwrap().repos[&self.id].alerts.get(kind).cloned().unwrap_or_default()
    }
}
