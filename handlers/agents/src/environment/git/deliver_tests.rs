//! Deliveries beside other people's work, other processes and other work trees.

use super::*;
use crate::environment::repository::Fix;
use crate::error::AgentError;
use pipeline::patch::{Patch, PatchedFile};
use std::path::Path;
use std::sync::Barrier;
use tempfile::TempDir;

const BRANCH: &str = "suture/npm-1";
const MESSAGE: &str = "fix: heal\n\nSuture-Case: npm-1\n";

struct Desk {
    folder: TempDir,
    local: LocalRepository,
    base: CommitSha,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("package.json"), "{}").unwrap();
        let local = LocalRepository::begin(folder.path(), "begin", at(0), Effects::default()).unwrap();
        let base = local.head().unwrap().commit;
        Self { folder, local, base }
    }

    fn git(&self) -> Repository {
        Repository::open(self.folder.path()).unwrap()
    }

    fn deliver(&self, after: &str, second: i64) -> Result<Delivered, GitError> {
        self.deliver_from(&self.local, after, second)
    }

    fn deliver_from(&self, local: &LocalRepository, after: &str, second: i64) -> Result<Delivered, GitError> {
        let file = PatchedFile { path: "package.json".to_owned(), before: "{}".to_owned(), after: after.to_owned() };
        let patch = Patch { files: vec![file] };
        let fix = Fix { base_branch: "main", base: &self.base, branch: BRANCH, patch: &patch, message: MESSAGE };
        local.deliver(fix, at(second))
    }

    fn tip(&self) -> Option<CommitSha> {
        self.local.branch(BRANCH).unwrap()
    }

    /// A work tree beside the repository that has `BRANCH` or, without it, a branch of its own checked out.
    fn work_tree(&self, name: &str, branch: Option<&str>) -> (TempDir, LocalRepository) {
        let beside = tempfile::tempdir().unwrap();
        let git = self.git();
        let reference = branch.map(|branch| git.find_reference(&format!("refs/heads/{branch}")).unwrap());
        let mut options = git2::WorktreeAddOptions::new();
        options.reference(reference.as_ref());
        git.worktree(name, &beside.path().join(name), Some(&options)).unwrap();
        let local = LocalRepository::discover(&beside.path().join(name), Effects::default()).unwrap();
        (beside, local)
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn now(delivered: Result<Delivered, GitError>) -> CommitSha {
    match delivered {
        Ok(Delivered::Now(commit)) => commit,
        other => panic!("{other:?}"),
    }
}

/// Makes the tip of the branch over, as `change` says, and expects that nobody touches it any more.
fn check_foreign(change: impl Fn(&Repository, &git2::Commit<'_>) -> Oid) {
    let desk = Desk::new();
    now(desk.deliver("{1}", 1));
    let git = desk.git();
    let ours = git.find_reference("refs/heads/suture/npm-1").unwrap().peel_to_commit().unwrap();
    let theirs = change(&git, &ours);
    git.reference("refs/heads/suture/npm-1", theirs, true, "somebody").unwrap();
    let theirs = sha(theirs).unwrap();
    assert_eq!(desk.deliver("{2}", 2).unwrap(), Delivered::Foreign(theirs.clone()));
    assert_eq!(desk.deliver("{1}", 2).unwrap(), Delivered::Foreign(theirs.clone()));
    assert!(!desk.local.withdraw(BRANCH, &theirs).unwrap());
    assert_eq!(desk.tip(), Some(theirs));
}

fn somebody() -> Signature<'static> {
    Signature::new("Somebody", "somebody@localhost", &Time::new(1_700_000_100, 0)).unwrap()
}

#[test]
fn amended_commit_is_somebody_elses() {
    check_foreign(|_, ours| ours.amend(None, None, Some(&somebody()), None, None, None).unwrap());
}

#[test]
fn commit_upon_ours_is_somebody_elses_even_with_our_trailer() {
    check_foreign(|git, ours| {
        git.commit(None, &somebody(), &somebody(), MESSAGE, &ours.tree().unwrap(), &[ours]).unwrap()
    });
}

#[test]
fn merge_is_somebody_elses_even_with_our_signature() {
    check_foreign(|git, ours| {
        let who = ours.committer();
        git.commit(None, &who, &who, MESSAGE, &ours.tree().unwrap(), &[ours, &ours.parent(0).unwrap()]).unwrap()
    });
}

#[test]
fn symbolic_branch_is_somebody_elses() {
    let desk = Desk::new();
    desk.git().reference_symbolic("refs/heads/suture/npm-1", "refs/heads/main", false, "somebody").unwrap();
    assert_eq!(desk.deliver("{1}", 1).unwrap(), Delivered::Foreign(desk.base.clone()));
    assert!(!desk.local.withdraw(BRANCH, &desk.base).unwrap());
    assert_eq!(desk.local.branch("main").unwrap(), Some(desk.base.clone()));
}

#[test]
fn our_own_branch_is_moved_and_taken_back() {
    let desk = Desk::new();
    let first = now(desk.deliver("{1}", 1));
    assert_eq!(desk.deliver("{1}", 2).unwrap(), Delivered::Before(first.clone()));
    let second = now(desk.deliver("{2}", 3));
    assert!(!desk.local.withdraw(BRANCH, &first).unwrap());
    assert_eq!(desk.tip(), Some(second.clone()));
    assert!(desk.local.withdraw(BRANCH, &second).unwrap());
    assert_eq!(desk.tip(), None);
    assert!(desk.local.withdraw(BRANCH, &second).unwrap());
}

#[test]
fn of_deliveries_at_once_exactly_one_makes_the_branch() {
    for _ in 0..30 {
        let desk = Desk::new();
        let start = Barrier::new(4);
        let delivered: Vec<Delivered> = std::thread::scope(|scope| {
            let deliveries: Vec<_> = (0..4)
                .map(|second| {
                    let (desk, start) = (&desk, &start);
                    scope.spawn(move || {
                        let local = LocalRepository::discover(desk.folder.path(), Effects::default()).unwrap();
                        start.wait();
                        desk.deliver_from(&local, "{1}", second).unwrap()
                    })
                })
                .collect();
            deliveries.into_iter().map(|delivery| delivery.join().unwrap()).collect()
        });
        let tip = desk.tip().unwrap();
        assert_eq!(delivered.iter().filter(|one| **one == Delivered::Now(tip.clone())).count(), 1, "{delivered:?}");
        assert_eq!(delivered.iter().filter(|one| **one == Delivered::Before(tip.clone())).count(), 3, "{delivered:?}");
    }
}

#[test]
fn locked_branch_is_tried_later() {
    let desk = Desk::new();
    let lock = desk.folder.path().join(".git/refs/heads/suture");
    std::fs::create_dir_all(&lock).unwrap();
    std::fs::write(lock.join("npm-1.lock"), "").unwrap();
    let error = desk.deliver("{1}", 1).unwrap_err();
    assert!(matches!(AgentError::from(error), AgentError::TryLater { .. }));
    std::fs::remove_file(lock.join("npm-1.lock")).unwrap();
    now(desk.deliver("{1}", 1));
}

#[test]
fn branch_that_the_main_work_tree_has_is_refused_from_a_linked_one() {
    let desk = Desk::new();
    now(desk.deliver("{1}", 1));
    let (_beside, linked) = desk.work_tree("linked", None);
    desk.git().set_head("refs/heads/suture/npm-1").unwrap();
    assert!(matches!(desk.deliver_from(&linked, "{2}", 2), Err(GitError::CheckedOut { .. })));
    assert!(matches!(linked.withdraw(BRANCH, &desk.tip().unwrap()), Err(GitError::CheckedOut { .. })));
    desk.git().set_head("refs/heads/main").unwrap();
    now(desk.deliver_from(&linked, "{2}", 2));
}

#[test]
fn branch_that_a_linked_work_tree_has_is_refused_everywhere() {
    let desk = Desk::new();
    now(desk.deliver("{1}", 1));
    let (_has, has) = desk.work_tree("has", Some(BRANCH));
    let (_other, other) = desk.work_tree("other", None);
    for local in [&desk.local, &has, &other] {
        assert!(matches!(desk.deliver_from(local, "{2}", 2), Err(GitError::CheckedOut { .. })), "{:?}", local.folder());
    }
}

#[test]
fn broken_work_trees_block_nothing() {
    let desk = Desk::new();
    let (gone, _) = desk.work_tree("gone", None);
    drop(gone);
    let (_torn, _) = desk.work_tree("torn", None);
    std::fs::write(desk.folder.path().join(".git/worktrees/torn/HEAD"), "\0").unwrap();
    let (_empty, _) = desk.work_tree("empty", None);
    std::fs::remove_file(desk.folder.path().join(".git/worktrees/empty/HEAD")).unwrap();
    now(desk.deliver("{1}", 1));
}

#[test]
fn origin_that_can_not_be_told_from_a_password_is_not_named() {
    let desk = Desk::new();
    desk.git().remote("origin", "https://u:pa/ss@host/o").unwrap();
    let local = LocalRepository::discover(desk.folder.path(), Effects::default()).unwrap();
    assert_eq!(Path::new(local.name().as_str()), local.folder());
}
