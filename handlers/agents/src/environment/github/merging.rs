//! Merging a pull request, and what stands against it.

use super::error::{GitHubError, Refusal};
use super::repository::{GitHubRepository, Login};
use super::scope::Scope;
use super::session::Listed;
use http::Method;
use pipeline::ids::CommitSha;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// Pages of reviews.
const PAGES_MAX: usize = 10;

/// How GitHub merges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeMethod {
    /// As one commit.
    Squash,
    /// By a merge commit.
    Merge,
    /// Its commits upon the base.
    Rebase,
}

/// What came of asking for a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merging {
    /// It is merged.
    Done,
    /// It is not, in GitHub's words: it can't be merged, may not be by us, or offers another commit.
    Refused(String),
}

#[derive(Deserialize)]
struct WireReview {
    user: Option<Login>,
    state: String,
}

impl MergeMethod {
    fn name(self) -> &'static str {
        match self {
            Self::Squash => "squash",
            Self::Merge => "merge",
            Self::Rebase => "rebase",
        }
    }
}

impl GitHubRepository {
    /// The first way of merging that the repository allows. `None`: none that is known here.
    pub async fn merge_method(&self) -> Result<Option<MergeMethod>, GitHubError> {
        #[derive(Deserialize)]
        struct Allowed {
            allow_squash_merge: Option<bool>,
            allow_merge_commit: Option<bool>,
            allow_rebase_merge: Option<bool>,
        }
        // GitHub tells them those alone who may write.
        let allowed: Allowed = self.session.get(&self.who(Scope::Merges), self.path("")).await?;
        let rows = [
            (allowed.allow_squash_merge, MergeMethod::Squash),
            (allowed.allow_merge_commit, MergeMethod::Merge),
            (allowed.allow_rebase_merge, MergeMethod::Rebase),
        ];
        Ok(rows.into_iter().find(|(is_allowed, _)| *is_allowed == Some(true)).map(|(_, method)| method))
    }

    /// Whether somebody asked for changes of the pull request `number`, and took it back neither by an approval nor otherwise. Where there
    /// are more reviews than are read, somebody may have.
    pub async fn has_objections(&self, number: u64) -> Result<bool, GitHubError> {
        let path = self.path(&format!("/pulls/{number}/reviews"));
        let reviews: Listed<WireReview> =
            self.session.list(&self.who(Scope::Pulls), path, None, PAGES_MAX, |_| false).await?;
        let mut last: BTreeMap<String, String> = BTreeMap::new();
        // In the order of time; a mere comment takes nothing back.
        for WireReview { user, state } in reviews.items.into_iter().filter(|review| review.state != "COMMENTED") {
            last.insert(user.and_then(|user| user.login).unwrap_or_default(), state);
        }
        Ok(reviews.is_cut || last.values().any(|state| state == "CHANGES_REQUESTED"))
    }

    /// Merges the pull request `number`, as long as it offers `commit`. A merge that was made before and whose answer was lost is refused:
    /// whoever asks looks first, and again afterwards.
    pub async fn merge(&self, number: u64, commit: &CommitSha, method: MergeMethod) -> Result<Merging, GitHubError> {
        let below = format!("/pulls/{number}/merge");
        let wanted = json!({ "sha": commit, "merge_method": method.name() });
        match self.write(Method::PUT, Scope::Merges, &below, wanted, &format!("merge of #{number}")).await {
            Ok(_) => Ok(Merging::Done),
            Err(
                GitHubError::Refused { refusal: Refusal::Archived, message, .. } | GitHubError::Denied { message, .. },
            ) => Ok(Merging::Refused(message)),
            Err(GitHubError::Refused { status: 405 | 409 | 422, message, .. }) => Ok(Merging::Refused(message)),
            Err(error) => Err(error),
        }
    }
}
