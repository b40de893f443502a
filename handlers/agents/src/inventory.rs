//! What each branch that was scanned depends on: kept so that an advisory that is published later is held against it without a push.
//!
//! One record for each scan, under `inventory/<branch>/<run>`, of which the newest counts; older ones are deleted when it is written. Those of
//! one repository, or of one owner, are found under `branches/<owner>/<repository>/<branch>` without looking at the others.

use crate::environment::store::{Created, Store, StoreError};
use crate::examine::Examination;
use crate::{dashboard, offered};
use detectors::source_tree::SourceTree;
use jiff::Timestamp;
use jiff::civil::Date;
use pipeline::advisory::normalised_name;
use pipeline::dependency::{DependencyGraph, Package, Source};
use pipeline::finding::Scope;
use pipeline::ids::{CommitSha, Fingerprint, RepoName, hash_of};
use pipeline::learning::track::day;
use pipeline::message::{Envelope, MessageId, RunId};
use pipeline::payload::{Mode, ScanCompleted, ScanRequested};
use pipeline::version::Ecosystem;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Where all of them are.
const SHELF: &str = "inventory";

/// Where they are by owner and repository.
const BRANCHES: &str = "branches";

/// What a branch depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inventory {
    /// The repository.
    pub repository: RepoName,
    /// The branch.
    pub branch: String,
    /// The commit that was scanned.
    pub commit: CommitSha,
    /// How far its scan might go.
    pub mode: Mode,
    /// The message that asked for the scan. In the journal, it came to its end.
    pub message: MessageId,
    /// The run that read the files, where later ones only saw that these did not change. Older records lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_in: Option<RunId>,
    /// When it was scanned.
    pub at: Timestamp,
    /// Its projects.
    pub projects: Vec<Project>,
    /// Everything that was found, suppressed or not.
    pub findings: BTreeSet<Fingerprint>,
    /// Findings to act on, by severity.
    pub summary: BTreeMap<String, usize>,
    /// How many findings are suppressed.
    pub suppressed: usize,
    /// The last day on which all of these suppressions hold; `None`: none of them ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed_until: Option<Date>,
    /// The files that were read.
    pub files: BTreeSet<String>,
    /// Whether everything could be looked at.
    pub is_whole: bool,
}

/// Packages that advisories can be held against, of one project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Project {
    /// Whose packages these are.
    pub ecosystem: Ecosystem,
    /// The packages.
    pub packages: Vec<Entry>,
}

/// One package at one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    /// The file that names it.
    pub path: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its package URL.
    pub purl: String,
}

/// The name under which what concerns a branch is kept.
pub fn branch_key(repository: &RepoName, branch: &str) -> String {
    hash_of(&[repository.as_str(), branch])[..32].to_owned()
}

impl Inventory {
    /// What `examination` saw at the commit that `message` asks for.
    pub fn of(message: &Envelope<ScanRequested>, tree: &SourceTree, examination: &Examination, at: Timestamp) -> Self {
        let request = &message.payload;
        let suppressed = examination.suppressed.iter().map(|(matched, _)| matched);
        let findings = examination.matched.iter().chain(suppressed).map(|matched| matched.finding.fingerprint.clone());
        Self {
            repository: request.repository.clone(),
            branch: request.base_branch.clone(),
            commit: request.commit.clone(),
            mode: request.mode,
            message: message.id,
            read_in: Some(message.correlation_id),
            at,
            projects: examination.graphs.iter().map(Project::of).collect(),
            findings: findings.collect(),
            summary: examination.summary(),
            suppressed: examination.suppressed.len(),
            suppressed_until: examination.suppressed.iter().filter_map(|(_, why)| why.until).min(),
            files: tree.paths().map(str::to_owned).collect(),
            is_whole: examination.is_complete
                && !examination.has_unseen
                && examination.errors.iter().all(|error| error.path.is_empty()),
        }
    }

    /// Keeps it as that of `run`. What the same run kept before stays, and so does one of a later run.
    pub async fn keep(&self, store: &Store, run: RunId) -> Result<(), StoreError> {
        store.create(&self.key(run), self).await?;
        self.take_over(store, run).await
    }

    /// As [`Self::keep`], of the commit that was the head when it was looked at: a run looks again where its base moved meanwhile, and what it saw
    /// last counts.
    pub async fn keep_of_head(&self, store: &Store, run: RunId) -> Result<(), StoreError> {
        let key = self.key(run);
        if store.create(&key, self).await? == Created::Before {
            let there = match store.read::<Self>(&key).await {
                Err(StoreError::Damaged { .. }) => None,
                there => there?,
            };
            if there.is_none_or(|there| there.message != self.message && there.at < self.at) {
                store.overwrite(&key, self).await?;
            }
        }
        self.take_over(store, run).await
    }

    /// Lets that of `run` be found, and deletes those of earlier runs.
    async fn take_over(&self, store: &Store, run: RunId) -> Result<(), StoreError> {
        self.make_findable(store).await?;
        let key = self.key(run);
        for older in store.list(&self.folder()).await?.into_iter().filter(|other| *other < key) {
            store.delete(&older).await?;
        }
        Ok(())
    }

    /// Where those of its branch are.
    fn folder(&self) -> String {
        format!("{SHELF}/{}", branch_key(&self.repository, &self.branch))
    }

    fn key(&self, run: RunId) -> String {
        format!("{}/{run}", self.folder())
    }

    /// Whether something that was suppressed is not any more at `now`.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.suppressed_until.is_some_and(|last| day(now) > last)
    }

    /// Lets it be found by its repository: those of earlier versions were not.
    pub async fn make_findable(&self, store: &Store) -> Result<(), StoreError> {
        store.create(&self.findable_key(), &self.repository).await.map(drop)
    }

    /// Forgets it.
    pub async fn forget(&self, store: &Store) -> Result<(), StoreError> {
        delete(store, &branch_key(&self.repository, &self.branch)).await?;
        store.delete(&self.findable_key()).await
    }

    /// Forgets it, and what is offered on its branch: nobody may look at its repository any more.
    pub async fn forget_with_offers(&self, store: &Store) -> Result<(), StoreError> {
        offered::forget_branch(store, &branch_key(&self.repository, &self.branch)).await?;
        self.forget(store).await
    }

    /// Keeps it under `name`, which its repository has now, as that of the same run.
    pub async fn rename(&self, store: &Store, name: &RepoName) -> Result<(), StoreError> {
        if let Some(run) = Self::newest_run(store, &self.repository, &self.branch).await? {
            Self { repository: name.clone(), ..self.clone() }.keep(store, run).await?;
        }
        self.forget(store).await
    }

    fn findable_key(&self) -> String {
        format!("{}/{}", folder_of(&self.repository), branch_key(&self.repository, &self.branch))
    }

    /// That of `branch` of `repository`, if it was ever scanned.
    pub async fn find(store: &Store, repository: &RepoName, branch: &str) -> Result<Option<Self>, StoreError> {
        read(store, &branch_key(repository, branch)).await
    }

    /// The run of the newest scan of `branch` of `repository`.
    pub async fn newest_run(store: &Store, repository: &RepoName, branch: &str) -> Result<Option<RunId>, StoreError> {
        let keys = store.list(&format!("{SHELF}/{}", branch_key(repository, branch))).await?;
        Ok(keys.last().and_then(|key| run_of(key)))
    }

    /// What the scan told of it.
    pub fn completed(&self) -> ScanCompleted {
        ScanCompleted {
            repository: self.repository.clone(),
            commit: self.commit.clone(),
            summary: self.summary.clone(),
            suppressed: self.suppressed,
            errors: Vec::new(),
            is_complete: true,
            unread: Vec::new(),
            notes: Vec::new(),
            limits_hit: Vec::new(),
            has_unseen: false,
        }
    }

    /// Whether any of its packages is called `name`, however it is written.
    pub fn has(&self, ecosystem: Ecosystem, name: &str) -> bool {
        let name = normalised_name(ecosystem, name);
        let mut packages = self.projects.iter().filter(|one| one.ecosystem == ecosystem).flat_map(|one| &one.packages);
        packages.any(|package| normalised_name(ecosystem, &package.name) == name)
    }

    /// The packages of each project, as far as advisories are held against them.
    pub fn graphs(&self) -> Vec<(Ecosystem, Vec<Package>)> {
        self.projects
            .iter()
            .map(|project| (project.ecosystem, project.packages.iter().map(package).collect()))
            .collect()
    }
}

/// The names under which inventories are kept.
pub async fn names(store: &Store) -> Result<Vec<String>, StoreError> {
    store.folders(SHELF).await
}

/// The newest inventory that is kept under `name`. Damaged ones are no inventory: the next scan makes a new one.
pub async fn read(store: &Store, name: &str) -> Result<Option<Inventory>, StoreError> {
    for key in store.list(&format!("{SHELF}/{name}")).await?.into_iter().rev() {
        match store.read(&key).await {
            Ok(None) => {}
            Ok(found) => return Ok(found),
            Err(StoreError::Damaged { key, error }) => tracing::error!(key, %error, "an inventory is damaged"),
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// The names under which what concerns the branches of `repository` is kept, as far as they were scanned.
pub async fn branch_keys(store: &Store, repository: &RepoName) -> Result<BTreeSet<String>, StoreError> {
    Ok(store.list(&folder_of(repository)).await?.iter().map(|key| name_in(key).to_owned()).collect())
}

/// Every inventory of `repository`. Whoever died while one was forgotten left its name, which goes now.
pub async fn of_repository(store: &Store, repository: &RepoName) -> Result<Vec<Inventory>, StoreError> {
    let mut inventories = Vec::new();
    for key in store.list(&folder_of(repository)).await? {
        match read(store, name_in(&key)).await? {
            Some(inventory) => inventories.push(inventory),
            None => store.delete(&key).await?,
        }
    }
    Ok(inventories)
}

/// Forgets what `repository` depends on, what is offered there, and that its issue is to be written. No inventory is read for it: damaged
/// ones go as well.
pub async fn forget_repository(store: &Store, repository: &RepoName) -> Result<(), StoreError> {
    for key in store.list(&folder_of(repository)).await? {
        offered::forget_branch(store, name_in(&key)).await?;
        delete(store, name_in(&key)).await?;
        store.delete(&key).await?;
    }
    // Of branches that were forgotten before them.
    offered::forget_all(store, repository).await?;
    dashboard::forget_mark(store, repository).await
}

/// The repositories of `owner` (`host/owner`) of which anything is kept, sorted.
pub async fn repositories_of(store: &Store, owner: &str) -> Result<Vec<RepoName>, StoreError> {
    let mut repositories: BTreeSet<RepoName> = dashboard::dirty(store).await?.into_iter().collect();
    repositories.extend(offered::all(store).await?.into_iter().map(|offered| offered.repository));
    repositories.retain(|repository| owner_of(repository) == owner);
    for key in store.list(&format!("{BRANCHES}/{}", key_of(owner))).await? {
        repositories.extend(store.read::<RepoName>(&key).await?);
    }
    Ok(repositories.into_iter().collect())
}

/// Deletes every inventory that is kept under `name`.
async fn delete(store: &Store, name: &str) -> Result<(), StoreError> {
    for key in store.list(&format!("{SHELF}/{name}")).await? {
        store.delete(&key).await?;
    }
    Ok(())
}

/// The name in the key by which an inventory is found.
fn name_in(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or_default()
}

/// The host and the owner of `repository`.
fn owner_of(repository: &RepoName) -> &str {
    repository.as_str().rsplit_once('/').map_or("", |(owner, _)| owner)
}

/// Where the names of the inventories of `repository` are.
fn folder_of(repository: &RepoName) -> String {
    format!("{BRANCHES}/{}/{}", key_of(owner_of(repository)), key_of(repository.as_str()))
}

fn key_of(name: &str) -> String {
    hash_of(&[name])[..32].to_owned()
}

/// The run whose inventory is kept at `key`.
fn run_of(key: &str) -> Option<RunId> {
    key.rsplit('/').next()?.parse().ok().map(RunId)
}

impl Project {
    fn of(graph: &DependencyGraph) -> Self {
        let entry = |package: &Package| Entry {
            path: package.path.clone(),
            name: package.name.clone(),
            version: package.version.clone(),
            purl: package.purl.clone(),
        };
        let packages: BTreeSet<Entry> =
            graph.packages.iter().filter(|package| package.is_judged()).map(entry).collect();
        Self { ecosystem: graph.ecosystem, packages: packages.into_iter().collect() }
    }
}

/// As much of a package as advisories are held against.
fn package(entry: &Entry) -> Package {
    Package {
        place: String::new(),
        name: entry.name.clone(),
        version: entry.version.clone(),
        purl: entry.purl.clone(),
        path: entry.path.clone(),
        line: 1,
        scope: Scope::Prod,
        direct: false,
        via: Vec::new(),
        source: Source::Registry(None),
        hashes: Vec::new(),
        dependencies: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::effects::Effects;
    use crate::offered::tests::offer;
    use pipeline::ids::CaseId;

    fn inventory(repository: &str, projects: Vec<Project>) -> Inventory {
        Inventory {
            repository: repository.parse().unwrap(),
            branch: "main".to_owned(),
            commit: "0".repeat(40).parse().unwrap(),
            mode: Mode::Heal,
            message: MessageId(uuid::Uuid::nil()),
            read_in: None,
            at: Timestamp::UNIX_EPOCH,
            projects,
            findings: BTreeSet::new(),
            summary: BTreeMap::new(),
            suppressed: 0,
            suppressed_until: None,
            files: BTreeSet::new(),
            is_whole: true,
        }
    }

    async fn kept(store: &Store, repositories: &[&str]) -> Vec<bool> {
        let mut kept = Vec::new();
        for repository in repositories {
            let name = repository.parse().unwrap();
            kept.push(Inventory::find(store, &name, "main").await.unwrap().is_some());
        }
        kept
    }

    #[tokio::test]
    async fn repository_is_forgotten_alone_and_those_of_an_owner_are_known() {
        let store = Store::memory(Effects::default());
        let run = RunId::new(Timestamp::UNIX_EPOCH, [0; 10]);
        let all = ["hub/octo/shop", "hub/octo/store", "hub/octo-two/shop", "other/octo/shop"];
        for repository in all {
            inventory(repository, Vec::new()).keep(&store, run).await.unwrap();
        }
        forget_repository(&store, &all[0].parse().unwrap()).await.unwrap();
        assert_eq!(kept(&store, &all).await, [false, true, true, true]);
        assert_eq!(repositories_of(&store, "hub/octo").await.unwrap(), ["hub/octo/store".parse().unwrap()]);
        assert_eq!(store.list(BRANCHES).await.unwrap().len(), 3);
    }

    #[tokio::test]
    async fn offers_are_forgotten_without_their_inventory_or_case() {
        let store = Store::memory(Effects::default());
        let repositories = ["hub/octo/shop", "hub/octo/store", "other/octo/shop"];
        for repository in repositories {
            let case = CaseId::of(&repository.parse().unwrap(), "main", "npm", "package-lock.json");
            offered::keep(&store, &case, offer(repository, 1)).await.unwrap();
            let mark = format!("dirty/{}", &hash_of(&[repository])[..32]);
            store.create(&mark, &repository).await.unwrap();
        }
        // That of the first can't be read; the others were never looked at.
        inventory(repositories[0], Vec::new()).make_findable(&store).await.unwrap();
        let damaged = format!("{SHELF}/{}/run", branch_key(&repositories[0].parse().unwrap(), "main"));
        store.create(&damaged, &"damaged").await.unwrap();
        let left = async || {
            let offered = offered::all(&store).await.unwrap().into_iter().map(|offered| offered.repository.to_string());
            let marked = dashboard::dirty(&store).await.unwrap().into_iter().map(|repository| repository.to_string());
            (offered.collect::<BTreeSet<_>>(), marked.collect::<BTreeSet<_>>())
        };
        let all_but = |gone: usize| repositories[gone..].iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        forget_repository(&store, &repositories[0].parse().unwrap()).await.unwrap();
        assert_eq!(left().await, (all_but(1), all_but(1)));
        assert_eq!(store.list(SHELF).await.unwrap(), Vec::<String>::new());
        let others = repositories_of(&store, "hub/octo").await.unwrap();
        assert_eq!(others, [repositories[1].parse().unwrap()], "though it was never looked at");
        forget_repository(&store, &others[0]).await.unwrap();
        assert_eq!(left().await, (all_but(2), all_but(2)));
    }

    #[tokio::test]
    async fn run_that_looks_twice_keeps_what_it_saw_last() {
        let store = Store::memory(Effects::default());
        let run = RunId::new(Timestamp::UNIX_EPOCH, [0; 10]);
        let first = inventory("hub/octo/shop", Vec::new());
        let later = |number: u128, second| Inventory {
            message: MessageId(uuid::Uuid::from_u128(number)),
            at: Timestamp::from_second(second).unwrap(),
            commit: format!("{second:040x}").parse().unwrap(),
            ..first.clone()
        };
        for (kept, expect) in [(later(1, 10), 10), (later(2, 20), 20), (later(2, 30), 20), (later(1, 10), 20)] {
            kept.keep_of_head(&store, run).await.unwrap();
            kept.keep(&store, run).await.unwrap();
            let found = Inventory::find(&store, &first.repository, "main").await.unwrap().unwrap();
            assert_eq!(found.at.as_second(), expect);
        }
    }

    #[tokio::test]
    async fn renamed_inventory_is_older_than_one_that_was_made_meanwhile() {
        let store = Store::memory(Effects::default());
        let run = |second| RunId::new(Timestamp::from_second(second).unwrap(), [0; 10]);
        let (before, now) = ("hub/octo/shop", "hub/octo/store");
        inventory(before, Vec::new()).keep(&store, run(1)).await.unwrap();
        let newer = Inventory { suppressed: 7, ..inventory(now, Vec::new()) };
        newer.keep(&store, run(2)).await.unwrap();
        let [old] = &of_repository(&store, &before.parse().unwrap()).await.unwrap()[..] else { panic!("one is kept") };
        for _ in 0..2 {
            old.rename(&store, &now.parse().unwrap()).await.unwrap();
            assert_eq!(kept(&store, &[before, now]).await, [false, true]);
            assert_eq!(of_repository(&store, &now.parse().unwrap()).await.unwrap(), std::slice::from_ref(&newer));
        }
    }

    #[test]
    fn package_is_found_however_its_name_is_written() {
        let entry = |name: &str| Entry {
            path: "requirements.txt".to_owned(),
            name: name.to_owned(),
            version: "1.0".to_owned(),
            purl: String::new(),
        };
        let project = |ecosystem, name| Project { ecosystem, packages: vec![entry(name)] };
        let projects = vec![project(Ecosystem::PyPI, "Flask_Login"), project(Ecosystem::Npm, "latch")];
        let inventory = inventory("github.example/octo/shop", projects);
        for name in ["Flask_Login", "flask-login", "FLASK.login"] {
            assert!(inventory.has(Ecosystem::PyPI, name), "{name}");
        }
        assert!(inventory.has(Ecosystem::Npm, "latch"));
        assert!(!inventory.has(Ecosystem::Npm, "Latch") && !inventory.has(Ecosystem::PyPI, "latch"));
    }
}
