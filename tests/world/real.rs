//! The real agents on a repository, with the user's own registries instead of a simulated one.

use super::program::Program;
use super::repository::GitRepository;
use super::topology;
use agents::environment::Environment;
use agents::environment::advisories::AdvisorySource;
use agents::environment::clock::Clock;
use agents::environment::effects::Effects;
use agents::environment::git::LocalRepository;
use agents::environment::ids::Ids;
use agents::environment::last_work::LastWork;
use agents::environment::outlet::Outlet;
use agents::environment::registries::{Configuration, Limits, Registries, UserFiles};
use agents::environment::retention::Retention;
use agents::environment::settings::Settings;
use agents::environment::store::Store;
use agents::environment::tree_limits::TreeLimits;
use agents::history;
use agents::in_process::{self, Bus};
use pipeline::case::Case;
use pipeline::payload::Mode;
use pipeline::policy::layers::Policies;
use pipeline::policy::{DEFAULT_POLICIES, parse};
use pipeline::suppress::Suppressions;
use std::path::Path;

/// Where packages come from on this machine.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    /// As npm has it.
    pub npm: Option<String>,
    /// As pip has it.
    pub pip: Option<String>,
}

/// What npm says its registry is. `None`: npm is absent, or its registry does not answer.
pub fn npm_registry(folder: &Path) -> Option<String> {
    let npm = Program::new("npm", folder);
    let address = npm.run(["config", "get", "registry"])?.expect(0).trim().to_owned();
    npm.run(["ping", "--fetch-retries=0", "--fetch-timeout=10000"])?.is_ok().then_some(address)
}

/// What pip says its index is. `None`: pip is absent, or its index does not answer.
pub fn pip_index(folder: &Path) -> Option<String> {
    let python = Program::new("python3", folder);
    let set = python.run(["-m", "pip", "config", "get", "global.index-url"])?;
    let built_in = || python.run(["-c", "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"]);
    let address = if set.is_ok() { set } else { built_in()? };
    let ping = [
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--no-cache-dir",
        "--retries=0",
        "--timeout=10",
        "--dest=ping",
        "idna==3.7",
    ];
    let answers = python.run(ping)?.is_ok();
    (address.is_ok() && answers).then(|| address.stdout.trim().to_owned())
}

/// The agents at work on `repository` with real registries, in the present.
pub fn environment(
    repository: &GitRepository,
    addresses: &Addresses,
    advisories: AdvisorySource,
    policies: Option<&str>,
) -> Environment {
    let mut settings = Settings::read().registries;
    settings.npm_registry.clone_from(&addresses.npm);
    settings.pip_index_url.clone_from(&addresses.pip);
    let configuration = Configuration::of(&settings, &UserFiles::read(&settings));
    Environment {
        clock: Clock::System,
        ids: Ids::counted(),
        store: Store::memory(Effects::default()),
        repositories: vec![LocalRepository::discover(repository.folder(), Effects::default()).unwrap()],
        registries: Registries::new(configuration, None, Limits::default()),
        advisories,
        policies: Policies::of_organisation(parse("policies.yml", policies.unwrap_or(DEFAULT_POLICIES)).unwrap())
            .unwrap(),
        suppressions: Suppressions::default(),
        tree_limits: TreeLimits::default(),
        retention: Retention::default(),
        github: None,
        last_work: LastWork::default(),
        outlet: Outlet::new(|_| {}),
    }
}

/// Lets the agents heal the head of the repository. Fails on anything that no function could handle.
pub async fn heal(env: &Environment) -> Vec<Case> {
    let root = in_process::request(env, &env.repositories[0], "test", Mode::Heal).unwrap();
    let mut bus = Bus::new(topology());
    bus.send(None, &root).unwrap();
    bus.settle(env, |_| {}).await.unwrap();
    assert!(bus.dead_letters.is_empty(), "{:?}", bus.dead_letters);
    let history::Cases { cases, damaged } = history::cases(&env.store).await.unwrap();
    assert_eq!(damaged, Vec::<String>::new());
    cases
}
