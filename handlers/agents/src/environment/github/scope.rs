//! What a call needs: the permissions that its token is asked for, and no more.

/// A set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Scope {
    /// Files, commits, branches.
    Read,
    /// Commits and branches.
    Deliver,
    /// Pull requests, and labels and comments on them. One of a private repository is opened only by who may read its branches.
    Pulls,
    /// Whether a pull request is a draft: GitHub wants more for that than for the pull request itself.
    Drafts,
    /// Merges of pull requests, and which kinds of them a repository allows.
    Merges,
    /// Check runs and statuses of others.
    ReadChecks,
    /// Check runs of our own.
    Checks,
    /// Jobs of Actions, to have them run again.
    Rerun,
    /// Issues, labels, comments.
    Issues,
    /// Alerts of Dependabot.
    Dependabot,
    /// Alerts of code scanning.
    CodeScanning,
    /// Alerts of secret scanning.
    SecretScanning,
    /// As `Dependabot`, to be read.
    ReadDependabot,
    /// As `CodeScanning`, to be read.
    ReadCodeScanning,
    /// As `SecretScanning`, to be read.
    ReadSecretScanning,
}

impl Scope {
    /// The permissions as GitHub names them. `metadata` is part of every token.
    pub fn permissions(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Read => &[("contents", "read"), ("metadata", "read")],
            Self::Deliver => &[("contents", "write"), ("metadata", "read")],
            Self::Pulls => &[("pull_requests", "write"), ("contents", "read"), ("metadata", "read")],
            Self::Drafts | Self::Merges => &[("pull_requests", "write"), ("contents", "write"), ("metadata", "read")],
            Self::ReadChecks => &[("checks", "read"), ("statuses", "read"), ("metadata", "read")],
            Self::Checks => &[("checks", "write"), ("metadata", "read")],
            Self::Rerun => &[("actions", "write"), ("metadata", "read")],
            Self::Issues => &[("issues", "write"), ("metadata", "read")],
            Self::Dependabot => &[("vulnerability_alerts", "write"), ("metadata", "read")],
            Self::CodeScanning => &[("security_events", "write"), ("metadata", "read")],
            Self::SecretScanning => &[("secret_scanning_alerts", "write"), ("metadata", "read")],
            Self::ReadDependabot => &[("vulnerability_alerts", "read"), ("metadata", "read")],
            Self::ReadCodeScanning => &[("security_events", "read"), ("metadata", "read")],
            Self::ReadSecretScanning => &[("secret_scanning_alerts", "read"), ("metadata", "read")],
        }
    }
}
