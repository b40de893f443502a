//! Why a registry gave no facts.

/// Why a registry gave no facts. The text is for people: it names what to set or to do, and never holds a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// Neither the project nor the user's configuration says where to ask.
    #[error("no registry address is known: {0}")]
    NoAddress(String),
    /// The user wants nobody to be asked.
    #[error("registries are not asked: offline")]
    Offline,
    /// Suture has no client for registries of this ecosystem.
    #[error("registries of {0} are not asked by this version")]
    NoClient(pipeline::version::Ecosystem),
    /// The address is one that must not be asked on a project's word, or that can't be asked at all.
    #[error("the registry at {address} is not asked: {reason}")]
    Refused {
        /// The address, without credentials.
        address: String,
        /// Why, and what to set.
        reason: String,
    },
    /// The registry does not know the package.
    #[error("no such package at {address}")]
    NoSuchPackage {
        /// What was asked, without credentials.
        address: String,
    },
    /// The index has no metadata beside the archives of a release.
    #[error("version {version} has no wheel with metadata: what it needs is not known without building it")]
    NoMetadata {
        /// The release.
        version: String,
    },
    /// 401 or 403.
    #[error("{address} answered {status}: {hint}")]
    Denied {
        /// What was asked, without credentials.
        address: String,
        /// The HTTP status.
        status: u16,
        /// Which credential was sent, or where to put one.
        hint: String,
    },
    /// The registry is overloaded or broken for now: the same question may be answered later.
    #[error("{address} can't answer now ({reason}); try again later")]
    TryLater {
        /// What was asked, without credentials.
        address: String,
        /// What it said.
        reason: String,
        /// How long it wants to be left alone, where it says so.
        retry_after_s: Option<u64>,
    },
    /// There is no connection to it: offline, a wrong address, or a certificate that is not trusted.
    #[error("{address} can't be reached: {reason}")]
    Unreachable {
        /// What was asked, without credentials.
        address: String,
        /// The underlying failure.
        reason: String,
    },
    /// The answer is over a limit, or not what was asked for.
    #[error("the answer of {address} can't be used: {reason}")]
    Unusable {
        /// What was asked, without credentials.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Unavailable {
    /// The same, said of a whole registry rather than of the question that showed it.
    #[must_use]
    pub(super) fn of_registry(mut self, registry: &str) -> Self {
        if let Self::TryLater { address, .. } | Self::Unreachable { address, .. } = &mut self {
            registry.clone_into(address);
        }
        self
    }

    /// Whether asking again later may help.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::TryLater { .. } | Self::Unreachable { .. })
    }
}
