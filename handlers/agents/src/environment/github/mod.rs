//! GitHub: where repositories are that are not on this machine. Only what is below this folder names octocrab.
//!
//! Everything is asked with limits, nothing is waited for: what can't be had now is an error that says when it may go better. A write
//! looks first whether it is done already, so that one whose answer was lost is found by the next attempt.

mod alerts;
mod app;
mod checks;
mod deliver;
mod differing;
mod error;
mod hooks;
mod issues;
mod memory;
mod merging;
mod pulls;
mod reception;
mod registration;
mod repository;
mod scope;
mod session;
mod settings;
mod tarball;
mod tokens;
mod transport;

pub use alerts::{
    AlertAdvisory, AlertClosure, AlertDependency, AlertInstance, AlertPackage, AlertPlace, AlertRule, AlertTool,
    AlertVulnerability, CodeAlert, DependabotAlert, PatchedVersion, SecretAlert, SecretLocation, SecretPlace,
};
pub use app::{Account, App, FailedDelivery, Hook, Installation, InstalledPage, InstalledRepository};
pub use checks::{ANNOTATIONS_MAX, Annotation, Check, NewCheckRun};
pub use error::{GitHubError, Refusal};
pub use hooks::{LastResponse, RepositoryHook};
pub use issues::Issue;
pub use merging::{MergeMethod, Merging};
pub use pulls::{Changes, Comment, Label, NewPullRequest, PullRequest};
pub use reception::{Reach, Reception, Refused};
pub use registration::{CodeError, NewApp, Registration};
pub use repository::{About, ChangedFiles, Commit, GitHubRepository};
pub use session::Listed;
pub use settings::{GitHubPlace, GitHubSettings, Identity, WebhookSecrets};
pub use tarball::Archive;

use crate::environment::effects::Effects;
use crate::environment::open::OpenError;
use pipeline::ids::RepoName;
use session::Session;
use std::fmt;
use std::sync::Arc;
pub(super) use transport::causes;

/// GitHub, asked as an App or by a token.
#[derive(Clone)]
pub struct GitHub(Arc<Session>);

impl fmt::Debug for GitHub {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("GitHub").field(&self.0.settings).finish()
    }
}

impl GitHub {
    /// The GitHub of `settings`. Nobody is asked yet. Within a runtime of tokio, and usable as long as that lives.
    pub fn new(settings: GitHubSettings, effects: Effects) -> Result<Self, OpenError> {
        Ok(Self(Arc::new(Session::new(settings, effects)?)))
    }

    /// The host in the names of its repositories.
    pub fn host(&self) -> &str {
        &self.0.settings.host
    }

    /// The id of the App that we are; `None` where we have a token.
    pub fn app_id(&self) -> Option<u64> {
        match self.0.settings.identity {
            Identity::App { id, .. } => Some(id),
            Identity::Token(_) => None,
        }
    }

    /// By which deliveries are signed.
    pub fn webhook_secrets(&self) -> &WebhookSecrets {
        &self.0.settings.secrets
    }

    /// The repository called `name`. `None`: it is not on this host, or can't be a repository there.
    pub fn repository(&self, name: &RepoName) -> Option<GitHubRepository> {
        let (host, path) = name.as_str().split_once('/')?;
        let (owner, repo) = path.split_once('/')?;
        let is_name = |text: &str| {
            !matches!(text, "" | "." | "..")
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        };
        let is_ours = host.eq_ignore_ascii_case(self.host()) && is_name(owner) && is_name(repo);
        is_ours.then(|| GitHubRepository::new(Arc::clone(&self.0), name.clone(), owner.to_owned()))
    }
}
