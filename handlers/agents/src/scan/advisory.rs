//! An advisory was published, changed or withdrawn: whatever has its packages is held against it.

use crate::environment::Environment;
use crate::error::AgentError;
use crate::{history, identity, inventory, offered};
use jiff::SignedDuration;
use pipeline::advisory::normalised_name;
use pipeline::case::Outcome;
use pipeline::ids::{CaseId, RepoName};
use pipeline::message::{Envelope, queue, topic};
use pipeline::outbox::{Outbox, Reply};
use pipeline::payload::{
    AdvisoryPublished, AlertChanged, AlertKind, AlertsAwaited, MatchRequested, Mode, ScanRequested,
};
use pipeline::version::Ecosystem;

/// The source of advisories may know of it later than GitHub does: it is asked once more after this.
const AGAIN_HOURS: i64 = 1;

/// So many inventories are read for one message.
const INVENTORIES_MAX: usize = 200;

/// Asks for every inventory that names one of the packages to be held against the advisories, now and a while later. Where there are many
/// inventories, each message has a share of them.
pub async fn published(env: &Environment, message: Envelope<AdvisoryPublished>) -> Result<Outbox, AgentError> {
    let now = env.clock.now();
    let mut reply = Reply::new("scan", &message, now);
    let packages: Vec<(Ecosystem, String)> = message
        .payload
        .packages
        .iter()
        .filter_map(|package| {
            let ecosystem = ecosystem(&package.ecosystem)?;
            Some((ecosystem, normalised_name(ecosystem, &package.name).into_owned()))
        })
        .collect();
    if packages.is_empty() {
        return Ok(reply.finish());
    }
    let later = now.saturating_add(SignedDuration::from_hours(AGAIN_HOURS)).unwrap_or(now);
    let names = match &message.payload.among[..] {
        [] => inventory::names(&env.store).await?,
        share => share.to_vec(),
    };
    if names.len() > INVENTORIES_MAX {
        for share in names.chunks(INVENTORIES_MAX) {
            let advisory = AdvisoryPublished { among: share.to_vec(), ..message.payload.clone() };
            reply.command(queue::SCAN, topic::ADVISORY_PUBLISHED, &share[0], &advisory)?;
        }
        return Ok(reply.finish());
    }
    for name in names {
        let Some(inventory) = inventory::read(&env.store, &name).await? else { continue };
        if packages.iter().any(|(ecosystem, package)| inventory.has(*ecosystem, package)) {
            let request = MatchRequested { inventory: name.clone() };
            reply.command(queue::SCAN, topic::MATCH_REQUESTED, &name, &request)?;
            reply.command_later(later, queue::SCAN, topic::MATCH_REQUESTED, &name, &request)?;
        }
    }
    Ok(reply.finish())
}

/// GitHub found something in a repository, or sees it again: its default branch is scanned. Where it closed an alert, that may be the one
/// that a merged fix waits for.
pub async fn alerted(env: &Environment, message: Envelope<AlertChanged>) -> Result<Outbox, AgentError> {
    let mut reply = Reply::new("scan", &message, env.clock.now());
    let AlertChanged { repository, kind, action, path, .. } = &message.payload;
    let is_news = matches!(action.as_str(), "created" | "reintroduced" | "reopened" | "auto_reopened");
    let is_closed = matches!(action.as_str(), "fixed" | "dismissed" | "auto_dismissed");
    if *kind != AlertKind::Dependabot || !is_news && !is_closed {
        return Ok(reply.finish());
    }
    let there = env.repository(repository)?;
    let Some(remote) = there.on_github() else { return Ok(reply.finish()) };
    let about = remote.about().await?;
    let repository = remote.name_now(&about)?;
    if is_closed {
        let named_after = identity::first_name(env, remote, &repository, &about).await?;
        for case in path.iter().flat_map(|path| cases_of(&named_after, &about.default_branch, path)) {
            if let Some(awaited) = awaited(env, &case, &repository).await? {
                reply.command(queue::VERIFY, topic::ALERTS_AWAITED, case.as_str(), &awaited)?;
            }
        }
        return Ok(reply.finish());
    }
    let branch = about.default_branch;
    let Some(commit) = remote.branch(&branch).await? else { return Ok(reply.finish()) };
    let before = inventory::Inventory::find(&env.store, &repository, &branch).await?;
    let mode = before.map_or(Mode::Heal, |inventory| inventory.mode);
    let request = ScanRequested { repository, base_branch: branch, commit, mode, is_anew: false };
    reply.command_in_new_run(queue::SCAN, topic::SCAN_REQUESTED, request.commit.as_str(), &request)?;
    Ok(reply.finish())
}

/// The cases that the file at `path` may have: an alert does not say in which ecosystem.
fn cases_of(repository: &RepoName, branch: &str, path: &str) -> [CaseId; 2] {
    [Ecosystem::Npm, Ecosystem::PyPI].map(|ecosystem| super::case_of(repository, branch, ecosystem, path))
}

/// What a case waits for whose fix was merged and holds. Where it is not known of which advisories it was healed, one alert that is closed says
/// nothing of others: then only the look that is due does.
async fn awaited(env: &Environment, case: &CaseId, repository: &RepoName) -> Result<Option<AlertsAwaited>, AgentError> {
    let Some(healed) = history::case(&env.store, case).await? else { return Ok(None) };
    let Some(wound) =
        healed.wound.filter(|_| matches!(healed.outcome, Some(Outcome::Verified | Outcome::VerifiedEdited)))
    else {
        return Ok(None);
    };
    let merged = healed.delivery.and_then(|delivery| delivery.pull_request).map(|pull| pull.number);
    let last = offered::last(&env.store, case).await?.filter(|last| {
        let pull = last.delivery.pull_request.as_ref();
        pull.is_some_and(|pull| Some(pull.number) == merged) && !last.advisories.is_empty()
    });
    let Some(advisories) = last.map(|last| last.advisories) else { return Ok(None) };
    let (case, repository) = (case.clone(), repository.clone());
    Ok(Some(AlertsAwaited { case, repository, run: healed.run, path: wound.path, advisories, look: None }))
}

/// As GitHub calls an ecosystem.
pub(super) fn ecosystem(name: &str) -> Option<Ecosystem> {
    match name.to_ascii_lowercase().as_str() {
        "npm" => Some(Ecosystem::Npm),
        "pip" | "pypi" => Some(Ecosystem::PyPI),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::effects::Effects;
    use crate::environment::store::Store;
    use crate::inventory::{Entry, Inventory, Project};
    use crate::test_office::environment;
    use pipeline::message::RunId;
    use pipeline::payload::AdvisoryPackage;

    async fn keep(env: &Environment, number: usize, package: &str) {
        let entry = Entry {
            path: "package-lock.json".to_owned(),
            name: package.to_owned(),
            version: "1.0.0".to_owned(),
            purl: String::new(),
        };
        let run = env.ids.run(env.clock.now());
        let inventory = Inventory {
            repository: format!("github.example/octo/r{number}").parse().unwrap(),
            branch: "main".to_owned(),
            commit: "0".repeat(40).parse().unwrap(),
            mode: Mode::Heal,
            message: pipeline::message::MessageId(run.0),
            at: env.clock.now(),
            projects: vec![Project { ecosystem: Ecosystem::Npm, packages: vec![entry] }],
            findings: Default::default(),
            summary: Default::default(),
            suppressed: 0,
            suppressed_until: None,
            files: Default::default(),
            is_whole: true,
            read_in: None,
        };
        inventory.keep(&env.store, run).await.unwrap();
    }

    fn message(env: &Environment, payload: &AdvisoryPublished, run: RunId) -> Envelope<AdvisoryPublished> {
        let root = Envelope::root("test", queue::SCAN, topic::ADVISORY_PUBLISHED, payload, run, env.clock.now());
        root.unwrap().read().unwrap()
    }

    #[tokio::test]
    async fn many_inventories_are_shared_out_among_messages() {
        let env = environment(Store::memory(Effects::default()));
        let count = INVENTORIES_MAX * 2 + 7;
        for number in 0..count {
            keep(&env, number, if number % 100 == 0 { "latch" } else { "gate" }).await;
        }
        let package = AdvisoryPackage { ecosystem: "npm".to_owned(), name: "latch".to_owned(), range: None };
        let advisory = AdvisoryPublished {
            ghsa: "GHSA-aaaa-bbbb-cccc".to_owned(),
            packages: vec![package],
            has_more: false,
            withdrawn: false,
            repository: None,
            among: Vec::new(),
        };
        let run = env.ids.run(env.clock.now());
        let shares = published(&env, message(&env, &advisory, run)).await.unwrap();
        assert!(shares.later.is_empty());
        let (mut lengths, mut asked) = (Vec::new(), 0);
        for share in shares.messages {
            let share = share.read::<AdvisoryPublished>().unwrap();
            lengths.push(share.payload.among.len());
            let outbox = published(&env, share).await.unwrap();
            assert!(outbox.messages.iter().all(|message| message.topic == topic::MATCH_REQUESTED));
            assert_eq!(outbox.messages.len(), outbox.later.len());
            asked += outbox.messages.len();
        }
        assert_eq!(lengths, [INVENTORIES_MAX, INVENTORIES_MAX, 7]);
        assert_eq!(asked, count.div_ceil(100));
    }
}
