//! What an event asks of the agents. Nothing is decided about a finding here: only who has to look at what.

use super::work::{Lead, OUR_BRANCHES};
use super::{
    AdvisoryEvent, AlertEvent, Checks, Comment, Few, FullName, GitHubEvent, InstallationEvent, PullRequest,
    PullRequestEvent, Push, REPOSITORIES_MAX, Repository, RepositoryChanges, RepositoryEvent, Sender, Side, Us, Work,
};
use crate::ids::{CaseId, IdError};
use crate::payload::{
    Account, AdvisoryPackage, AdvisoryPublished, AlertChanged, AlertKind, CheckRerequested, ChecksCompleted,
    CommentReceived, InstallationAccess, Mode, PullRequestChanged, PullRequestClosed, PullRequestReopened,
    PullRequestScan, RepositoryAccess, ScanRequested,
};

/// What `event` leads to. An error where a repository can't be named, which the host in `us` would have to be to blame for.
pub fn lead(event: &GitHubEvent, us: Us) -> Result<Lead, IdError> {
    match event {
        GitHubEvent::Ping => Ok(Lead::Nowhere("it is only a ping")),
        GitHubEvent::Push(push) => of_push(push, us),
        GitHubEvent::PullRequest(action, event) => of_pull_request(action, event, us),
        GitHubEvent::Review("submitted", event) => {
            let said = Said { comment: &event.review, number: event.pull_request.number, is_review: true };
            match our_case(&event.pull_request, &event.repository) {
                Some(case) => of_comment(said, Some(case), &event.repository, us),
                None => Ok(Lead::Nowhere("the pull request is not one of ours")),
            }
        }
        GitHubEvent::Comment("created", event) if event.issue.pull_request => {
            let said = Said { comment: &event.comment, number: event.issue.number, is_review: false };
            of_comment(said, None, &event.repository, us)
        }
        GitHubEvent::Comment("created", _) => Ok(Lead::Nowhere("it is no comment at a pull request")),
        GitHubEvent::Checks("completed", checks) => of_checks(checks, us),
        GitHubEvent::Checks("rerequested", checks) => rerequested(checks, us),
        GitHubEvent::Checks("requested_action", _) => Ok(Lead::Nowhere("no check of ours offers an action")),
        GitHubEvent::Alert(action, kind, event) => of_alert(action, *kind, event, us),
        GitHubEvent::Advisory(action @ ("published" | "updated" | "withdrawn"), event) => {
            of_advisory(action, event, us)
        }
        GitHubEvent::Installation(action, event) => of_installation(action, event, us),
        GitHubEvent::Repository(action, event) => of_repository(action, event, us),
        GitHubEvent::Review(..) | GitHubEvent::Comment(..) | GitHubEvent::Checks(..) | GitHubEvent::Advisory(..) => {
            Ok(Lead::Nowhere("nothing follows from this action"))
        }
        GitHubEvent::Unknown { .. } => Ok(Lead::Nowhere("this version does not know it")),
    }
}

fn one(work: Work) -> Result<Lead, IdError> {
    Ok(Lead::To(vec![work]))
}

fn of_push(push: &Push, us: Us) -> Result<Lead, IdError> {
    let Some(branch) = push.reference.as_str().strip_prefix("refs/heads/") else {
        return Ok(Lead::Nowhere("no branch was pushed"));
    };
    if push.after.as_str().bytes().all(|digit| digit == b'0') {
        return Ok(Lead::Nowhere("the branch was deleted"));
    }
    if branch.starts_with(OUR_BRANCHES) {
        return Ok(Lead::Nowhere("the branch is ours"));
    }
    if push.repository.default_branch.as_ref().is_none_or(|default| default.as_str() != branch) {
        return Ok(Lead::Nowhere("the branch is not the default branch"));
    }
    one(Work::Scan(ScanRequested {
        repository: push.repository.full_name.on(us.host)?,
        base_branch: branch.to_owned(),
        commit: push.after.clone(),
        mode: Mode::Heal,
        is_anew: false,
    }))
}

fn of_pull_request(action: &str, event: &PullRequestEvent, us: Us) -> Result<Lead, IdError> {
    let PullRequestEvent { pull_request: pull, repository: base, sender } = event;
    let repository = base.full_name.on(us.host)?;
    let (number, head_commit) = (pull.number, pull.head.sha.clone());
    match (our_case(pull, base), action) {
        (Some(case), "closed") => {
            let merged = pull.merged == Some(true);
            let merge_commit = pull.merge_commit_sha.clone().filter(|_| merged);
            let closed_by = pull.merged_by.as_ref().filter(|_| merged).or(sender.as_ref()).map(account);
            let closed = PullRequestClosed { case, repository, number, head_commit, merged, merge_commit, closed_by };
            one(Work::PullRequestClosed(closed))
        }
        (Some(case), "reopened") => one(Work::PullRequestReopened(PullRequestReopened { case, repository, number })),
        (Some(case), "synchronize") => {
            let changed_by = sender.as_ref().map(account);
            one(Work::PullRequestChanged(PullRequestChanged { case, repository, number, head_commit, changed_by }))
        }
        (None, "opened" | "reopened" | "synchronize" | "ready_for_review") => {
            one(Work::ScanPullRequest(PullRequestScan {
                repository,
                number,
                base_branch: pull.base.branch.as_str().to_owned(),
                base_commit: pull.base.sha.clone(),
                head_commit,
                is_fork: is_fork(&pull.head, base),
                is_again: false,
            }))
        }
        _ => Ok(Lead::Nowhere("nothing follows from this action")),
    }
}

/// Something that somebody wrote at a pull request.
struct Said<'a> {
    comment: &'a Comment,
    number: u64,
    is_review: bool,
}

fn of_comment(said: Said, case: Option<CaseId>, at: &Repository, us: Us) -> Result<Lead, IdError> {
    let Comment { id, user, author_association, command } = said.comment;
    let Some(command) = command else { return Ok(Lead::Nowhere("it does not begin with /suture")) };
    let Some(author) = user.as_ref().map(account).filter(|author| !author.is_bot) else {
        return Ok(Lead::Nowhere("no person wrote it"));
    };
    one(Work::Comment(CommentReceived {
        case,
        repository: at.full_name.on(us.host)?,
        number: said.number,
        comment: *id,
        is_review: said.is_review,
        author,
        association: author_association.as_ref().map_or_else(String::new, |word| word.as_str().to_owned()),
        words: command.0.clone(),
    }))
}

fn of_checks(checks: &Checks, us: Us) -> Result<Lead, IdError> {
    let Some(case) = checks.branch.as_ref().filter(|_| !checks.is_fork).and_then(|branch| case_of(branch.as_str()))
    else {
        return Ok(Lead::Nowhere("the branch is not ours"));
    };
    if checks.is_named_as_ours || us.app.is_some_and(|app| checks.app == Some(app)) {
        return Ok(Lead::Nowhere("the check is our own"));
    }
    let repository = checks.repository.full_name.on(us.host)?;
    one(Work::ChecksCompleted(ChecksCompleted { case, repository, commit: checks.commit.clone() }))
}

/// GitHub tells an App alone of what is wanted of its own checks; a webhook of a repository hears of all of them.
fn rerequested(checks: &Checks, us: Us) -> Result<Lead, IdError> {
    if us.app.is_none() || checks.app != us.app {
        return Ok(Lead::Nowhere("the check is not our own"));
    }
    let repository = checks.repository.full_name.on(us.host)?;
    one(Work::CheckRerequested(CheckRerequested { repository, commit: checks.commit.clone() }))
}

fn of_alert(action: &str, kind: AlertKind, event: &AlertEvent, us: Us) -> Result<Lead, IdError> {
    let alert = &event.alert;
    let manifest = alert.dependency.as_ref().and_then(|dependency| dependency.manifest_path.as_ref());
    let place = alert.most_recent_instance.as_ref().and_then(|place| place.location.as_ref()?.path.as_ref());
    let path = match kind {
        AlertKind::Dependabot => manifest,
        AlertKind::CodeScanning => place,
        AlertKind::SecretScanning => None,
    };
    one(Work::Alert(AlertChanged {
        repository: event.repository.full_name.on(us.host)?,
        kind,
        number: alert.number,
        action: action.to_owned(),
        state: alert.state.as_ref().map(|state| state.as_str().to_owned()),
        path: path.map(|path| path.as_str().to_owned()),
    }))
}

fn of_advisory(action: &str, event: &AdvisoryEvent, us: Us) -> Result<Lead, IdError> {
    let AdvisoryEvent { advisory, repository } = event;
    let named = advisory.vulnerabilities.as_ref();
    let packages = named.iter().flat_map(|named| &named.kept).filter_map(|vulnerability| {
        let package = vulnerability.package.as_ref()?;
        Some(AdvisoryPackage {
            ecosystem: package.ecosystem.as_str().to_owned(),
            name: package.name.as_ref()?.as_str().to_owned(),
            range: vulnerability.vulnerable_version_range.as_ref().map(|range| range.as_str().to_owned()),
        })
    });
    one(Work::Advisory(AdvisoryPublished {
        ghsa: advisory.ghsa_id.as_str().to_owned(),
        packages: packages.collect(),
        has_more: named.is_some_and(|named| named.more > 0),
        withdrawn: action == "withdrawn" || advisory.is_withdrawn,
        repository: repository.as_ref().map(|repository| repository.full_name.on(us.host)).transpose()?,
        among: Vec::new(),
    }))
}

fn of_installation(action: &str, event: &InstallationEvent, us: Us) -> Result<Lead, IdError> {
    let (is_added, named) = match action {
        "created" | "new_permissions_accepted" | "unsuspend" => (true, &event.repositories),
        "added" => (true, &event.repositories_added),
        "deleted" | "suspend" => (false, &event.repositories),
        "removed" => (false, &event.repositories_removed),
        _ => return Ok(Lead::Nowhere("nothing follows from this action")),
    };
    let installation = event.installation.id;
    // Those that are taken off are not the whole account: what is not named among too many is forgotten by the daily look.
    let is_enough =
        |named: &&Few<Repository, REPOSITORIES_MAX>| !named.kept.is_empty() && (named.more == 0 || action == "removed");
    if let Some(Few { kept, .. }) = named.as_ref().filter(is_enough) {
        let work = |name: &FullName| {
            let access = RepositoryAccess { repository: name.on(us.host)?, installation };
            Ok(if is_added { Work::RepositoryAdded(access) } else { Work::RepositoryRemoved(access) })
        };
        return kept.iter().map(|repository| work(&repository.full_name)).collect::<Result<_, _>>().map(Lead::To);
    }
    if action == "removed" && named.as_ref().is_none_or(|named| named.kept.is_empty()) {
        return Ok(Lead::Nowhere("it names no repository"));
    }
    let account = event.installation.account.as_ref().and_then(|account| account.login.as_ref());
    let access = InstallationAccess {
        installation,
        account: account.map(|login| login.as_str().to_owned()),
        named: named.as_ref().map_or(0, |named| named.kept.len() + named.more),
        page: None,
        among: Vec::new(),
    };
    one(if is_added { Work::InstallationAdded(access) } else { Work::InstallationRemoved(access) })
}

/// What nothing changes in any more is no work. Where pull requests go elsewhere by default, there is another branch to look at.
fn of_repository(action: &str, event: &RepositoryEvent, us: Us) -> Result<Lead, IdError> {
    let RepositoryEvent { repository, changes, installation } = event;
    let access = |name: &FullName| {
        let installation = installation.as_ref().map_or(0, |installation| installation.id);
        Ok(RepositoryAccess { repository: name.on(us.host)?, installation })
    };
    let is_elsewhere = changes.as_ref().is_some_and(|changes| changes.default_branch);
    match action {
        "archived" | "deleted" => one(Work::RepositoryRemoved(access(&repository.full_name)?)),
        "unarchived" => one(Work::RepositoryAdded(access(&repository.full_name)?)),
        "edited" if is_elsewhere => one(Work::RepositoryAdded(access(&repository.full_name)?)),
        "renamed" | "transferred" => match changes.as_ref().and_then(|changes| name_before(repository, changes)) {
            Some(before) => one(Work::RepositoryRenamed(access(&before)?)),
            None => Ok(Lead::Nowhere("it does not say how it was called before")),
        },
        _ => Ok(Lead::Nowhere("nothing follows from this action")),
    }
}

/// How a repository was called before it was renamed, or transferred.
fn name_before(repository: &Repository, changes: &RepositoryChanges) -> Option<FullName> {
    match changes {
        RepositoryChanges { repository: Some(before), .. } => repository.full_name.with_name(before.name.from.as_str()),
        RepositoryChanges { owner: Some(before), .. } => {
            let owner = before.from.user.as_ref().or(before.from.organization.as_ref())?;
            repository.full_name.with_owner(owner.login.as_ref()?.as_str())
        }
        _ => None,
    }
}

/// The case of a pull request that is ours: from our branches, in the same repository.
fn our_case(pull: &PullRequest, base: &Repository) -> Option<CaseId> {
    case_of(pull.head.branch.as_str()).filter(|_| !is_fork(&pull.head, base))
}

fn is_fork(head: &Side, base: &Repository) -> bool {
    head.repo.as_ref().is_none_or(|repo| repo.full_name != base.full_name)
}

/// The case whose fix `branch` carries, if it is one of ours.
pub fn case_of(branch: &str) -> Option<CaseId> {
    branch.strip_prefix(OUR_BRANCHES)?.parse().ok()
}

fn account(sender: &Sender) -> Account {
    let is_bot = sender.kind.as_ref().is_some_and(|kind| kind.as_str() == "Bot");
    Account { login: sender.login.as_str().to_owned(), is_bot }
}
