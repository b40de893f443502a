//! The environment of a command: what the user set, made into the clients that agents work with.

use crate::Failure;
use crate::arguments::{AdvisoryChoice, Known};
use crate::terminal::Terminal;
use agents::environment::Environment;
use agents::environment::advisories::{AdvisorySource, zips};
use agents::environment::clock::Clock;
use agents::environment::effects::Effects;
use agents::environment::git::LocalRepository;
use agents::environment::ids::Ids;
use agents::environment::last_work::LastWork;
use agents::environment::open::{self, OpenError, StorePlace};
use agents::environment::outlet::Outlet;
use agents::environment::registries::{Configuration, Limits, Registries, RegistrySettings, UserFiles};
use agents::environment::retention::Retention;
use agents::environment::settings::Settings;
use agents::environment::store::Store;
use agents::environment::tree_limits::TreeLimits;
use pipeline::policy::layers::Policies;
use pipeline::suppress::Suppressions;
use pipeline::suppress::baseline::Baseline;
use pipeline::suppress::openvex::OpenVex;
use std::path::{Path, PathBuf};

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::new(error)
    }
}

/// What a command needs.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// Where advisories come from.
    pub advisories: &'a AdvisoryChoice,
    /// What is known already.
    pub known: Option<&'a Known>,
    /// Policies that come before the built-in ones.
    pub policy: Option<&'a Path>,
    /// The repository to heal; `None`: nothing is delivered.
    pub repository: Option<LocalRepository>,
    /// Where records are kept; `None`: nowhere.
    pub store: Option<Store>,
    /// Where progress is shown.
    pub terminal: &'a Terminal,
}

/// The environment for `wanted`.
pub fn environment(wanted: Wanted<'_>) -> Result<Environment, Failure> {
    let settings = Settings::read();
    let clock = Clock::System;
    // Only a fix asks registries and policies: a scan does not read the user's configuration of them.
    let heals = wanted.repository.is_some();
    let registries = match (wanted.advisories.offline, heals) {
        (true, _) => Registries::offline(),
        (false, true) => open::registries(&settings),
        (false, false) => Registries::new(Configuration::default(), None, Limits::default()),
    };
    let policies = if heals { open::policies(wanted.policy)? } else { Policies::default() };
    let suppressions = wanted.known.map(suppressions).transpose()?.unwrap_or_default();
    // Last, for it may take a minute to index them: what can be refused at once is refused before.
    let advisories = advisories(&wanted, &settings, &clock)?;
    Ok(Environment {
        clock,
        ids: Ids::System,
        store: wanted.store.unwrap_or_else(|| Store::memory(Effects::default())),
        repositories: wanted.repository.into_iter().collect(),
        registries,
        advisories,
        policies,
        suppressions,
        tree_limits: TreeLimits::default(),
        retention: Retention::default(),
        github: None,
        last_work: LastWork::default(),
        outlet: log_notices(),
    })
}

/// The store in `folder`, else where the user's settings put it. It is made where it is absent.
pub fn store(folder: Option<&Path>) -> Result<Store, Failure> {
    Ok(open::store(&place(folder)?, &Settings::read().azure, Effects::default())?)
}

/// As [`store`], to look into: one that is absent is empty, and stays absent.
pub fn store_to_read(folder: Option<&Path>) -> Result<Store, Failure> {
    match place(folder)? {
        StorePlace::Folder(folder) if !folder.exists() => Ok(Store::memory(Effects::default())),
        place => Ok(open::store(&place, &Settings::read().azure, Effects::default())?),
    }
}

/// The folder in which records are kept. There is none for a store elsewhere.
pub fn state(folder: Option<&Path>) -> Result<PathBuf, Failure> {
    match place(folder)? {
        StorePlace::Folder(folder) => Ok(folder),
        _ => Err(Failure("SUTURE_STORE is no folder of this machine; use --state DIR".to_owned())),
    }
}

fn place(folder: Option<&Path>) -> Result<StorePlace, Failure> {
    match folder {
        Some(folder) => Ok(StorePlace::Folder(folder.to_path_buf())),
        None => {
            StorePlace::of(&Settings::read()).map_err(|error| Failure(format!("{error}; --state DIR goes before it")))
        }
    }
}

/// The environment of the demo: recorded registries, the starter set, nothing kept.
pub fn demo(repository: LocalRepository, npm_registry: &str, pip_index_url: &str) -> Result<Environment, Failure> {
    let settings = RegistrySettings {
        npm_registry: Some(npm_registry.to_owned()),
        pip_index_url: Some(pip_index_url.to_owned()),
        ..RegistrySettings::default()
    };
    Ok(Environment {
        repositories: vec![repository],
        registries: Registries::new(Configuration::of(&settings, &UserFiles::default()), None, Limits::default()),
        policies: open::policies(None)?,
        outlet: log_notices(),
        ..Environment::alone(Store::memory(Effects::default()))
    })
}

/// The command tells what became of every case at its end, and the store keeps the notices: here they are only logged.
fn log_notices() -> Outlet {
    Outlet::new(|notice| tracing::info!(subject = notice.subject, "notice"))
}

fn advisories(wanted: &Wanted<'_>, settings: &Settings, clock: &Clock) -> Result<AdvisorySource, Failure> {
    let Some(path) = &wanted.advisories.advisories else {
        if wanted.advisories.offline {
            return Ok(AdvisorySource::Starter);
        }
        return Ok(AdvisorySource::ApiOrStarter(open::osv(settings)?));
    };
    if path.as_os_str() == "starter" {
        return Ok(AdvisorySource::Starter);
    }
    if path.is_file() {
        return Ok(AdvisorySource::Index(open::index(path)?));
    }
    let cache = open::cache(settings, "advisories")
        .ok_or_else(|| Failure("there is no cache folder; set HOME or XDG_CACHE_HOME".to_owned()))?;
    let progress = wanted.terminal.progress();
    let opened = zips::open(path, &cache, clock.now(), &mut |step| progress.indexing(step));
    drop(progress);
    let opened = opened.map_err(Failure::new)?;
    crate::advisories::tell(opened.report.as_ref(), &opened.notes, wanted.terminal);
    Ok(AdvisorySource::Index(opened.index))
}

fn suppressions(known: &Known) -> Result<Suppressions, Failure> {
    let mut suppressions = Suppressions::default();
    if let Some(path) = &known.baseline {
        suppressions.baselines.push(Baseline::parse(&path.display().to_string(), &open::text(path)?).map_err(Failure)?);
    }
    for path in &known.vex {
        suppressions.vex.push(OpenVex::parse(&path.display().to_string(), &open::text(path)?).map_err(Failure)?);
    }
    Ok(suppressions)
}
