//! GitHub: where repositories are that are not on this machine.

mod settings;

pub use settings::{GitHubSettings, Identity, WebhookSecrets};

/// GitHub, asked as an App or by a token.
#[derive(Debug, Clone)]
pub struct GitHub {
    settings: GitHubSettings,
}

impl GitHub {
    /// The GitHub of `settings`.
    pub fn new(settings: GitHubSettings) -> Self {
        Self { settings }
    }

    /// The host in the names of its repositories.
    pub fn host(&self) -> &str {
        &self.settings.host
    }

    /// The id of the App that we are; `None` where we have a token.
    pub fn app(&self) -> Option<u64> {
        match self.settings.identity {
            Identity::App { id, .. } => Some(id),
            Identity::Token(_) => None,
        }
    }

    /// By which deliveries are signed.
    pub fn webhook_secrets(&self) -> &WebhookSecrets {
        &self.settings.secrets
    }
}
