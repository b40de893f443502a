//! Checks of a commit: what others say of it, and our own check run.

use super::error::GitHubError;
use super::repository::{GitHubRepository, in_segment};
use super::scope::Scope;
use super::session::Listed;
use http::Method;
use pipeline::ids::CommitSha;
use serde::Deserialize;
use serde_json::{Value, json};

/// Pages of check runs.
const PAGES_MAX: usize = 10;
/// Slug of the App by which Actions tells of its jobs.
const ACTIONS: &str = "github-actions";
/// Annotations that GitHub takes at once.
const ANNOTATIONS_AT_ONCE: usize = 50;
/// Annotations of a check run. What comes after is left out.
pub const ANNOTATIONS_MAX: usize = 500;

/// What one check says of a commit: a check run, or a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was run once: run again, it has another one.
    pub id: u64,
    /// Its name; of a status its context.
    pub name: String,
    /// Slug of the App that made it; none made a status.
    pub app: Option<String>,
    /// `queued`, `in_progress`, `completed`, …
    pub status: String,
    /// `success`, `failure`, `neutral`, `cancelled`, `skipped`, `timed_out`, `action_required`, `stale`, … of a completed one.
    pub conclusion: Option<String>,
}

/// Our check run.
#[derive(Debug, Clone, Copy)]
pub struct NewCheckRun<'a> {
    /// What it says is known by: another text, another id. Annotations of a check run can be added to, but not taken back.
    pub external_id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// `neutral`, `success`, `failure`, …
    pub conclusion: &'a str,
    /// Its headline.
    pub title: &'a str,
    /// Its text.
    pub summary: &'a str,
    /// What it says of single lines.
    pub annotations: &'a [Annotation],
}

/// What is said of single lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// Path of the file.
    pub path: String,
    /// First line, from 1.
    pub start_line: u64,
    /// Last line.
    pub end_line: u64,
    /// `notice`, `warning` or `failure`.
    pub level: &'static str,
    /// A headline.
    pub title: String,
    /// What is said.
    pub message: String,
}

#[derive(Deserialize)]
struct WireRun {
    id: u64,
    name: String,
    external_id: Option<String>,
    status: String,
    conclusion: Option<String>,
    app: Option<WireApp>,
    output: Option<WireOutput>,
}

#[derive(Deserialize)]
struct WireApp {
    slug: Option<String>,
}

#[derive(Deserialize)]
struct WireOutput {
    #[serde(default)]
    annotations_count: usize,
}

#[derive(Deserialize)]
struct WireStatus {
    id: u64,
    context: String,
    state: String,
}

impl Annotation {
    fn json(&self) -> Value {
        let Self { path, start_line, end_line, level, title, message } = self;
        json!({
            "path": path, "start_line": start_line, "end_line": end_line,
            "annotation_level": level, "title": title, "message": message,
        })
    }
}

impl GitHubRepository {
    /// What all check runs (the newest of each name) and statuses say of `commit`, at most 1000 of each.
    pub async fn check_runs(&self, commit: &CommitSha) -> Result<Listed<Check>, GitHubError> {
        let who = self.who(Scope::ReadChecks);
        let path = self.path(&format!("/commits/{commit}/check-runs?filter=latest"));
        let runs: Listed<WireRun> = self.session.list(&who, path, Some("check_runs"), PAGES_MAX, |_| false).await?;
        let path = self.path(&format!("/commits/{commit}/status"));
        let statuses: Listed<WireStatus> =
            self.session.list(&who, path, Some("statuses"), PAGES_MAX, |_| false).await?;
        let of_run = |run: WireRun| Check {
            id: run.id,
            name: run.name,
            app: run.app.and_then(|app| app.slug),
            status: run.status,
            conclusion: run.conclusion,
        };
        let of_status = |status: WireStatus| {
            let is_done = status.state != "pending";
            Check {
                id: status.id,
                name: status.context,
                app: None,
                status: if is_done { "completed" } else { "in_progress" }.to_owned(),
                conclusion: is_done.then(|| if status.state == "error" { "failure".to_owned() } else { status.state }),
            }
        };
        let is_cut = runs.is_cut || statuses.is_cut;
        let items = runs.items.into_iter().map(of_run).chain(statuses.items.into_iter().map(of_status));
        Ok(Listed { items: items.collect(), is_cut })
    }

    /// Has a check run again, which only a job of Actions can be had to. Whether it will.
    pub async fn rerun(&self, check: &Check) -> Result<bool, GitHubError> {
        if check.app.as_deref() != Some(ACTIONS) {
            return Ok(false);
        }
        // The check run of a job has the id of the job.
        let below = format!("/actions/jobs/{}/rerun", check.id);
        let effect = format!("another run of {}", check.name);
        match self.write(Method::POST, Scope::Rerun, &below, json!({}), &effect).await {
            Ok(_) => Ok(true),
            Err(error @ (GitHubError::TryLater { .. } | GitHubError::Crashed(_))) => Err(error),
            Err(error) => {
                tracing::warn!(%error, check = check.name, "a check that failed can't be run again");
                Ok(false)
            }
        }
    }

    /// Puts our check run on `commit`: made, or the one with this id brought to its end.
    ///
    /// Only an App may. What an earlier attempt left half done is gone on with.
    pub async fn put_check_run(&self, commit: &CommitSha, run: &NewCheckRun<'_>) -> Result<(), GitHubError> {
        let NewCheckRun { external_id, name, conclusion, title, summary, annotations } = run;
        let annotations: Vec<_> = annotations.iter().take(ANNOTATIONS_MAX).map(Annotation::json).collect();
        let who = self.who(Scope::Checks);
        let path = self.path(&format!("/commits/{commit}/check-runs?filter=all&check_name={}", in_segment(name)));
        let there: Listed<WireRun> = self.session.list(&who, path, Some("check_runs"), PAGES_MAX, |_| false).await?;
        let there = there.items.into_iter().find(|one| one.external_id.as_deref() == Some(*external_id));
        let effect = format!("check run {name}");
        let body = |annotations: &[Value]| {
            json!({
                "name": name, "external_id": external_id, "status": "completed", "conclusion": conclusion,
                "output": { "title": title, "summary": summary, "annotations": annotations },
            })
        };
        let said = there.as_ref().and_then(|run| run.output.as_ref()).map_or(0, |output| output.annotations_count);
        let left = annotations.get(said..).unwrap_or_default();
        let mut parts = left.chunks(ANNOTATIONS_AT_ONCE);
        let id = match there {
            Some(run) => {
                let is_same = run.conclusion.as_deref() == Some(*conclusion);
                if is_same && left.is_empty() {
                    return Ok(());
                }
                if left.is_empty() {
                    self.write(Method::PATCH, Scope::Checks, &format!("/check-runs/{}", run.id), body(&[]), &effect)
                        .await?;
                }
                run.id
            }
            None => {
                let mut made = body(parts.next().unwrap_or_default());
                if let Some(made) = made.as_object_mut() {
                    made.insert("head_sha".to_owned(), json!(commit));
                }
                self.write(Method::POST, Scope::Checks, "/check-runs", made, &effect).await?.json::<WireRun>()?.id
            }
        };
        for part in parts {
            self.write(Method::PATCH, Scope::Checks, &format!("/check-runs/{id}"), body(part), &effect).await?;
        }
        Ok(())
    }
}
