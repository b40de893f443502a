//! What came of a fix that was offered: written once for each.

use crate::decision::Reach;
use crate::ids::{CaseId, Fingerprint, RepoName};
use crate::policy::vocabulary::ActionType;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// A kind of fix, of which one can tell how it fares: `update_dependency:npm:in_place`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Remedy(String);

impl Remedy {
    /// Updates of packages of `ecosystem` that reach so far.
    pub fn update(ecosystem: &str, reach: Reach) -> Self {
        let reach = match reach {
            Reach::InPlace => "in_place",
            Reach::Manifest => "manifest",
            Reach::Override => "override",
            Reach::Breaking => "breaking",
        };
        Self(format!("{}:{ecosystem}:{reach}", ActionType::UpdateDependency))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is believed of it before anything is seen: successes and failures.
    ///
    /// | remedy | successes | failures |
    /// |---|---|---|
    /// | an update in place, or within what the manifest may say | 8 | 2 |
    /// | any other | 1 | 1 |
    pub fn prior(&self) -> (f64, f64) {
        let is_mild = self.0.ends_with(":in_place") || self.0.ends_with(":manifest");
        if is_mild { (8.0, 2.0) } else { (1.0, 1.0) }
    }
}

impl From<String> for Remedy {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

/// What there is to learn of: a kind of fix, and how much was hoped of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// The kind of fix.
    pub remedy: Remedy,
    /// The confidence with which it was offered.
    pub confidence: f64,
}

/// How a fix ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Merged as it was offered, and the findings are gone.
    Merged,
    /// Merged after somebody changed it.
    MergedEdited,
    /// Closed, and not merged.
    Declined,
    /// The checks of the repository failed.
    ChecksFailed,
    /// Suture itself took it back: it did not hold.
    TakenBack,
    /// Merged, and the findings are still there.
    NotFixed,
    /// Merged, and reverted.
    Reverted,
    /// Merged, and something broke because of it.
    Regressed,
    /// It says nothing: nothing happened to it for 30 days, or it was taken back because nothing was left to mend.
    Censored,
}

impl fmt::Display for Ending {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Merged => "merged",
            Self::MergedEdited => "merged_edited",
            Self::Declined => "declined",
            Self::ChecksFailed => "checks_failed",
            Self::TakenBack => "taken_back",
            Self::NotFixed => "not_fixed",
            Self::Reverted => "reverted",
            Self::Regressed => "regressed",
            Self::Censored => "censored",
        })
    }
}

impl Ending {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Merged,
        Self::MergedEdited,
        Self::Declined,
        Self::ChecksFailed,
        Self::TakenBack,
        Self::NotFixed,
        Self::Reverted,
        Self::Regressed,
        Self::Censored,
    ];

    /// How much it counts, as a success and as a failure.
    ///
    /// | ending | success | failure |
    /// |---|---|---|
    /// | merged | 1 | 0 |
    /// | merged after it was changed | 0.5 | 0.5 |
    /// | declined | 0 | 0.5: people decline for reasons that are not the fix's, too |
    /// | checks failed, taken back, not fixed | 0 | 1 |
    /// | reverted, regressed | 0, and what its merge counted is taken back | 1 |
    /// | censored | 0 | 0 |
    pub fn weights(self) -> (f64, f64) {
        match self {
            Self::Merged => (1.0, 0.0),
            Self::MergedEdited => (0.5, 0.5),
            Self::Declined => (0.0, 0.5),
            Self::ChecksFailed | Self::TakenBack | Self::NotFixed | Self::Reverted | Self::Regressed => (0.0, 1.0),
            Self::Censored => (0.0, 0.0),
        }
    }

    /// Whether the fix was right; `None` where nothing tells.
    pub fn is_success(self) -> Option<bool> {
        match self {
            Self::Merged => Some(true),
            // What people changed first, or would not have, says little of whether the proof was right.
            Self::MergedEdited | Self::Declined | Self::Censored => None,
            Self::ChecksFailed | Self::TakenBack | Self::NotFixed | Self::Reverted | Self::Regressed => Some(false),
        }
    }

    /// Which of several that were told of one fix counts: the highest, the last of them. What ends a pull request counts, whatever was told while
    /// it was open; that people then close what failed its checks says nothing for it. `None` for those that only add to what was told.
    fn rank(self) -> Option<u8> {
        match self {
            Self::Merged | Self::MergedEdited | Self::TakenBack | Self::NotFixed => Some(2),
            Self::ChecksFailed => Some(1),
            Self::Declined => Some(0),
            Self::Reverted | Self::Regressed | Self::Censored => None,
        }
    }

    /// Whether it takes back that the same fix was merged.
    pub fn undoes_merge(self) -> bool {
        matches!(self, Self::Reverted | Self::Regressed)
    }

    /// Whether it did harm where people work: it was merged, and wrong.
    pub fn is_harm(self) -> bool {
        matches!(self, Self::NotFixed | Self::Reverted | Self::Regressed)
    }
}

/// What was told of a fix, and counts unless something else that was told of it does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// How it ended.
    pub ending: Ending,
    /// When.
    pub at: Timestamp,
    /// What was to be learned of it.
    pub tried: Tried,
}

impl Word {
    /// Of all that was told of one fix, that with the greatest counts.
    pub fn order(&self) -> (Option<u8>, Timestamp, Ending) {
        (self.ending.rank(), self.at, self.ending)
    }
}

/// What came of one fix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutcomeRecord {
    /// The case.
    pub case: CaseId,
    /// The hash of the plan. With the case, the identity of the fix.
    pub plan: String,
    /// The number of the pull request: the same fix may be offered again. 0 where it is not known.
    #[serde(default)]
    pub pull_request: u64,
    /// The repository.
    pub repository: RepoName,
    /// The kind of fix.
    pub remedy: Remedy,
    /// The confidence with which it was offered.
    pub confidence: f64,
    /// Whether it was merged without people.
    #[serde(default)]
    pub is_unattended: bool,
    /// When it ended.
    pub at: Timestamp,
    /// How.
    pub ending: Ending,
    /// What counted of the same fix when this was heard: from then on, only the greater of both does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Word>,
    /// Findings that are gone with it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub healed: BTreeSet<Fingerprint>,
}

impl OutcomeRecord {
    /// What it says of the fix by itself; `None` where it only adds to what was told.
    pub fn word(&self) -> Option<Word> {
        self.ending.rank()?;
        let tried = Tried { remedy: self.remedy.clone(), confidence: self.confidence };
        Some(Word { ending: self.ending, at: self.at, tried })
    }

    /// Whether what was told before counts still, and this does not.
    pub fn is_outranked(&self) -> bool {
        match (&self.before, self.word()) {
            (Some(before), Some(word)) => before.order() > word.order(),
            _ => false,
        }
    }
}
