//! Everything outside: the clock, chance, the store, git, registries, advisories. Concrete clients; their addresses are the seam.

pub mod advisories;
pub mod clock;
pub mod effects;
pub mod folder;
pub mod git;
pub mod github;
pub mod ids;
pub mod last_work;
pub mod open;
pub mod outlet;
pub mod reach;
pub mod registries;
pub mod repository;
pub mod retention;
pub mod settings;
pub mod settings_file;
pub mod sources;
pub mod store;
pub mod tls;
pub mod tree_limits;

use crate::error::AgentError;
use advisories::AdvisorySource;
use clock::Clock;
use git::LocalRepository;
use github::GitHub;
use ids::Ids;
use last_work::LastWork;
use outlet::Outlet;
use pipeline::ids::RepoName;
use pipeline::policy::layers::Policies;
use pipeline::suppress::Suppressions;
use registries::Registries;
use repository::Repository;
use retention::Retention;
use store::Store;
use tree_limits::TreeLimits;

/// What an agent works with.
#[derive(Debug)]
pub struct Environment {
    /// The only time.
    pub clock: Clock,
    /// The only chance.
    pub ids: Ids,
    /// Journal, cases, wake-ups, claim checks.
    pub store: Store,
    /// Repositories of this machine.
    pub repositories: Vec<LocalRepository>,
    /// Where the others are.
    pub github: Option<GitHub>,
    /// Where package metadata comes from.
    pub registries: Registries,
    /// Where advisories come from.
    pub advisories: AdvisorySource,
    /// What may be healed.
    pub policies: Policies,
    /// What is known already: a baseline, OpenVEX statements.
    pub suppressions: Suppressions,
    /// Limits on what is read of a repository.
    pub tree_limits: TreeLimits,
    /// How long records are kept.
    pub retention: Retention,
    /// When each function worked last, in this process.
    pub last_work: LastWork,
    /// Where notices go.
    pub outlet: Outlet,
}

impl Environment {
    /// An environment on `store` with the machine's clock and chance, the starter set of advisories, and nothing else: no repository, no
    /// registry, no policy, nobody to tell. What there is besides is put in its place.
    pub fn alone(store: Store) -> Self {
        Self {
            clock: Clock::System,
            ids: Ids::System,
            store,
            repositories: Vec::new(),
            github: None,
            registries: Registries::offline(),
            advisories: AdvisorySource::Starter,
            policies: Policies::default(),
            suppressions: Suppressions::default(),
            tree_limits: TreeLimits::default(),
            retention: Retention::default(),
            last_work: LastWork::default(),
            outlet: Outlet::new(|_| {}),
        }
    }

    /// The repository called `name`.
    ///
    /// A clone on this machine comes before the repository on GitHub that it was made of.
    pub fn repository(&self, name: &RepoName) -> Result<Repository<'_>, AgentError> {
        let local = self.repositories.iter().find(|repository| repository.name() == name).map(Repository::Local);
        let remote = || self.github.as_ref()?.repository(name).map(Repository::GitHub);
        local
            .or_else(remote)
            .ok_or_else(|| AgentError::cant_be_helped(format!("the repository {name} is not known here")))
    }
}
