//! What the operator set: app settings, which come as environment variables. All that is wrong in them is said at once.

use agents::environment::Environment;
use agents::environment::advisories::AdvisorySource;
use agents::environment::clock::Clock;
use agents::environment::effects::Effects;
use agents::environment::git::LocalRepository;
use agents::environment::github::{GitHub, GitHubSettings};
use agents::environment::ids::Ids;
use agents::environment::last_work::LastWork;
use agents::environment::open::{self, OpenError, StorePlace};
use agents::environment::outlet::Outlet;
use agents::environment::registries::{Address, Trust};
use agents::environment::retention::Retention;
use agents::environment::settings::Settings;
use agents::environment::tree_limits::TreeLimits;
use pipeline::suppress::Suppressions;
use std::collections::BTreeMap;
use std::path::PathBuf;
use tracing_subscriber::filter::Targets;

/// Which log lines are written where nothing else is set.
const LOG: &str = "info";

/// The settings of the handler, each of them usable as far as that can be seen without looking outside.
#[derive(Debug)]
pub struct HandlerSettings {
    /// `FUNCTIONS_CUSTOMHANDLER_PORT`: where the host will call.
    pub port: u16,
    /// `SUTURE_LOG`: a level, or levels by target such as `info,agents=debug`.
    pub log: Targets,
    store: StorePlace,
    repositories: Vec<PathBuf>,
    advisories: AdvisoryChoice,
    policy: Option<PathBuf>,
    retention: Retention,
    github: Option<GitHubSettings>,
    settings: Settings,
}

/// `SUTURE_ADVISORIES`.
#[derive(Debug, PartialEq, Eq)]
enum AdvisoryChoice {
    /// Not set: the OSV API, and the starter set where that can't be asked.
    Api,
    /// The starter set alone.
    Starter,
    /// An index that `suture advisories build` wrote.
    Index(PathBuf),
}

impl HandlerSettings {
    /// Makes sense of environment variables. Errors are all that is wrong, in words.
    pub fn of(mut variables: BTreeMap<String, String>) -> Result<Self, Vec<String>> {
        let github =
            GitHubSettings::take(&mut variables, |file| open::text(file.as_ref()).map_err(|error| error.to_string()));
        let get = |name: &str| variables.get(name).filter(|value| !value.is_empty()).cloned();
        let mut errors = Vec::new();
        let port = port(get("FUNCTIONS_CUSTOMHANDLER_PORT").as_deref());
        let log = get("SUTURE_LOG").unwrap_or_else(|| LOG.to_owned());
        let log = log.parse().map_err(|error| {
            format!("SUTURE_LOG is {log}: {error}; it has to be a level such as `info`, or `info,agents=debug`")
        });
        let retention = get("SUTURE_RETENTION_DAYS").map_or(Ok(Retention::default()), |days| days.parse());
        let repositories = get("SUTURE_REPOSITORIES").map(|list| std::env::split_paths(&list).collect());
        let advisories = match get("SUTURE_ADVISORIES") {
            None => AdvisoryChoice::Api,
            Some(set) if set == "starter" => AdvisoryChoice::Starter,
            Some(file) => AdvisoryChoice::Index(file.into()),
        };
        let policy = get("SUTURE_POLICY").map(PathBuf::from);
        let settings = Settings::of(variables);
        let registries = [
            ("SUTURE_NPM_REGISTRY", &settings.registries.npm_registry),
            ("SUTURE_PIP_INDEX_URL", &settings.registries.pip_index_url),
        ];
        // The value may hold a password, so it is not said.
        let is_wrong = |set: &Option<String>| set.as_ref().is_some_and(|set| Address::read(set, Trust::User).is_none());
        errors.extend(
            registries
                .iter()
                .filter(|(_, set)| is_wrong(set))
                .map(|(name, _)| format!("{name} is not an address that begins with http:// or https://")),
        );
        errors.extend(open::osv_address(&settings).err().map(|error| error.to_string()));
        let github = github.map_err(|wrong| errors.extend(wrong)).unwrap_or_default();
        let retention = retention.map_err(|error| errors.push(error)).unwrap_or_default();
        let store = StorePlace::of(&settings).map_err(|error| error.to_string());
        match (port, log, store) {
            (Ok(port), Ok(log), Ok(store)) if errors.is_empty() => {
                let repositories = repositories.unwrap_or_default();
                Ok(Self { port, log, store, repositories, advisories, policy, retention, github, settings })
            }
            (port, log, store) => {
                let first = [port.err(), log.err(), store.err()];
                Err(first.into_iter().flatten().chain(errors).collect())
            }
        }
    }

    /// What agents work with. Reads files and opens the store, so it may take a while. An error names all that can't be used.
    pub fn open(&self) -> Result<Environment, OpenError> {
        let effects = Effects::default();
        let store = open::store(&self.store, &self.settings.azure, effects.clone());
        let advisories = match &self.advisories {
            AdvisoryChoice::Api => open::osv(&self.settings).map(AdvisorySource::ApiOrStarter),
            AdvisoryChoice::Starter => Ok(AdvisorySource::Starter),
            AdvisoryChoice::Index(file) => open::index(file).map(AdvisorySource::Index).map_err(|error| {
                OpenError(format!("SUTURE_ADVISORIES: {error}; `suture advisories build` writes an index"))
            }),
        };
        let policies =
            open::policies(self.policy.as_deref()).map_err(|error| OpenError(format!("SUTURE_POLICY: {error}")));
        let (mut repositories, mut errors) = (Vec::new(), Vec::new());
        for folder in &self.repositories {
            match LocalRepository::discover(folder, effects.clone()) {
                Ok(repository) => repositories.push(repository),
                Err(error) => errors.push(format!("SUTURE_REPOSITORIES: {error}")),
            }
        }
        let github = self.github.clone().map(|github| GitHub::new(github, effects)).transpose();
        match (store, advisories, policies, github) {
            (Ok(store), Ok(advisories), Ok(policies), Ok(github)) if errors.is_empty() => Ok(Environment {
                clock: Clock::System,
                ids: Ids::System,
                store,
                repositories,
                registries: open::registries(&self.settings),
                advisories,
                policies,
                suppressions: Suppressions::default(),
                tree_limits: TreeLimits::default(),
                retention: self.retention,
                github,
                last_work: LastWork::default(),
                outlet: Outlet::new(|notice| tracing::info!(subject = notice.subject, "notice")),
            }),
            (store, advisories, policies, github) => {
                let first = [store.err(), advisories.err(), policies.err(), github.err()];
                errors.extend(first.into_iter().flatten().map(|error| error.to_string()));
                Err(OpenError(errors.join("; ")))
            }
        }
    }
}

fn port(set: Option<&str>) -> Result<u16, String> {
    let set = set.ok_or(
        "FUNCTIONS_CUSTOMHANDLER_PORT is not set; the functions host sets it, so start this program by `func start` or `suture local`",
    )?;
    let port = set.parse().ok().filter(|port| *port != 0);
    port.ok_or_else(|| format!("FUNCTIONS_CUSTOMHANDLER_PORT is {set}; it has to be a port from 1 to 65535"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<HandlerSettings, Vec<String>> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        HandlerSettings::of(variables.iter().map(own).collect())
    }

    const PORT: (&str, &str) = ("FUNCTIONS_CUSTOMHANDLER_PORT", "8080");

    #[test]
    fn a_port_and_a_store_are_enough() {
        let settings = of(&[PORT, ("SUTURE_STORE", "memory")]).unwrap();
        assert_eq!((settings.port, settings.store), (8080, StorePlace::Memory));
        assert_eq!(settings.advisories, AdvisoryChoice::Api);
        assert_eq!(settings.log.to_string(), "info");
    }

    #[test]
    fn everything_is_taken_as_it_is_set() {
        let settings = of(&[
            PORT,
            ("SUTURE_STORE", "az://account/container"),
            ("SUTURE_REPOSITORIES", "/one:/two"),
            ("SUTURE_ADVISORIES", "/advisories.index"),
            ("SUTURE_POLICY", "/policies.yml"),
            ("SUTURE_LOG", "warn,agents=debug"),
            ("SUTURE_RETENTION_DAYS", "30"),
        ])
        .unwrap();
        let store = StorePlace::Azure { account: "account".to_owned(), container: "container".to_owned() };
        assert_eq!(settings.store, store);
        assert_eq!(settings.repositories, ["/one", "/two"].map(PathBuf::from));
        assert_eq!(settings.advisories, AdvisoryChoice::Index("/advisories.index".into()));
        assert_eq!(settings.policy, Some("/policies.yml".into()));
    }

    #[test]
    fn all_errors_are_said_at_once_and_no_value_that_may_be_secret() {
        let errors = of(&[
            ("FUNCTIONS_CUSTOMHANDLER_PORT", "0"),
            ("SUTURE_STORE", "s3://bucket"),
            ("SUTURE_LOG", "loud=very"),
            ("SUTURE_RETENTION_DAYS", "0"),
            ("SUTURE_NPM_REGISTRY", "user:passw0rd@registry"),
            ("SUTURE_PIP_INDEX_URL", "ftp://user:passw0rd@index/"),
            ("SUTURE_OSV_API", "file:///osv"),
        ])
        .unwrap_err();
        assert_eq!(errors.len(), 7, "{errors:#?}");
        for name in ["PORT", "STORE", "LOG", "RETENTION_DAYS", "NPM_REGISTRY", "PIP_INDEX_URL", "OSV_API"] {
            assert_eq!(
                errors
                    .iter()
                    .filter(|error| error.split(' ').next().unwrap_or("").trim_end_matches(':').ends_with(name))
                    .count(),
                1,
                "{name}"
            );
        }
        assert!(!errors.concat().contains("passw0rd"), "{errors:#?}");
        assert_eq!(of(&[("SUTURE_STORE", "memory")]).unwrap_err().len(), 1);
    }

    #[test]
    fn whatever_can_not_be_opened_is_named_at_once() {
        let settings = of(&[
            PORT,
            ("SUTURE_STORE", "/dev/null/store"),
            ("SUTURE_REPOSITORIES", "/nowhere/one:/nowhere/two"),
            ("SUTURE_ADVISORIES", "/nowhere/advisories"),
            ("SUTURE_POLICY", "/nowhere/policies.yml"),
        ]);
        let OpenError(words) = settings.unwrap().open().unwrap_err();
        for part in ["/dev/null/store", "/nowhere/one", "/nowhere/two", "SUTURE_ADVISORIES", "SUTURE_POLICY"] {
            assert!(words.contains(part), "{part}: {words}");
        }
    }
}
