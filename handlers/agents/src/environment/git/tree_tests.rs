//! Trees that cost more than they look, and clones that lack some of their objects.

use super::*;
use crate::environment::tree_limits::TreeLimits;
use tempfile::TempDir;

struct Odd {
    folder: TempDir,
    local: LocalRepository,
}

impl Odd {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let local = LocalRepository::begin(folder.path(), "begin", Timestamp::UNIX_EPOCH, Effects::default()).unwrap();
        Self { folder, local }
    }

    fn git(&self) -> Repository {
        Repository::open(self.folder.path()).unwrap()
    }

    fn blob(&self, text: &str) -> Oid {
        self.git().blob(text.as_bytes()).unwrap()
    }

    fn tree(&self, entries: &[(&str, Oid, i32)]) -> Oid {
        let git = self.git();
        let mut builder = git.treebuilder(None).unwrap();
        for (name, id, mode) in entries {
            builder.insert(name, *id, *mode).unwrap();
        }
        builder.write().unwrap()
    }

    fn commit(&self, tree: Oid) -> CommitSha {
        let git = self.git();
        let who = signature(Timestamp::UNIX_EPOCH).unwrap();
        sha(git.commit(None, &who, &who, "odd", &git.find_tree(tree).unwrap(), &[]).unwrap()).unwrap()
    }

    /// Takes the loose object away, as a partial clone would never have had it.
    fn lose(&self, id: Oid) {
        let id = id.to_string();
        let path = self.folder.path().join(".git/objects").join(&id[..2]).join(&id[2..]);
        std::fs::remove_file(path).unwrap();
    }
}

const FILE: i32 = 0o100_644;
const FOLDER: i32 = 0o40_000;
const SUBMODULE: i32 = 0o160_000;

#[test]
fn tree_of_2_to_the_64_paths_ends_with_its_limit_said() {
    let odd = Odd::new();
    let mut tree = odd.tree(&[("package.json", odd.blob("{}"), FILE)]);
    for _ in 0..64 {
        tree = odd.tree(&[("a", tree, FOLDER), ("b", tree, FOLDER)]);
    }
    let commit = odd.commit(tree);
    for entries_max in [0, 1, 10_000, TreeLimits::default().entries_max] {
        let limits = TreeLimits { entries_max, depth_max: 100, ..TreeLimits::default() };
        let read = odd.local.tree(&commit, &limits).unwrap();
        assert!(read.limits_hit.iter().any(|limit| limit.contains("entries_max")), "{:?}", read.limits_hit);
        assert!(read.has_unseen && read.len() <= entries_max);
    }
}

#[test]
fn entries_of_every_kind_count() {
    let odd = Odd::new();
    let folder = odd.tree(&[]);
    let submodule = Oid::from_bytes(&[7; 20]).unwrap();
    let link = (odd.blob("package.json"), 0o120_000);
    let long = "n".repeat(2000);
    let entries = [
        ("a", folder, FOLDER),
        ("b", submodule, SUBMODULE),
        ("c", link.0, link.1),
        ("node_modules", folder, FOLDER),
        (long.as_str(), link.0, FILE),
        ("package.json", odd.blob("{}"), FILE),
    ];
    let commit = odd.commit(odd.tree(&entries));
    let read = |entries_max| odd.local.tree(&commit, &TreeLimits { entries_max, ..TreeLimits::default() }).unwrap();
    assert!(read(6).bytes("package.json").is_some());
    assert!(!read(6).limits_hit.iter().any(|limit| limit.contains("entries_max")));
    assert!(read(5).limits_hit.iter().any(|limit| limit.contains("entries_max")));
    assert!(!read(5).contains("package.json"));
}

#[test]
fn absent_objects_are_said_and_the_rest_is_read() {
    let odd = Odd::new();
    let (wanted, unwanted, below) =
        (odd.blob("{\"name\":\"a\"}"), odd.blob("a picture"), odd.tree(&[("c", odd.blob("c"), FILE)]));
    let entries = [
        ("package.json", wanted, FILE),
        ("picture.png", unwanted, FILE),
        ("requirements.txt", odd.blob("idna==3.4\n"), FILE),
        ("sub", below, FOLDER),
    ];
    let commit = odd.commit(odd.tree(&entries));
    for id in [wanted, unwanted, below] {
        odd.lose(id);
    }
    let read = odd.local.tree(&commit, &TreeLimits::default()).unwrap();
    assert_eq!(read.text("requirements.txt"), Ok("idna==3.4\n"));
    assert!(read.contains("package.json") && read.bytes("package.json").is_none());
    assert!(read.contains("picture.png"));
    let said = |path: &str| read.limits_hit.iter().any(|limit| limit.contains(path) && limit.contains("partial clone"));
    assert!(said("package.json:") && said("sub:") && !said("picture.png"), "{:?}", read.limits_hit);
}

#[test]
fn absent_folder_is_unseen_and_an_absent_picture_is_not() {
    let odd = Odd::new();
    let (picture, below) = (odd.blob("a picture"), odd.tree(&[("c", odd.blob("c"), FILE)]));
    let without_picture = odd.commit(odd.tree(&[("picture.png", picture, FILE)]));
    let without_folder = odd.commit(odd.tree(&[("sub", below, FOLDER)]));
    odd.lose(picture);
    odd.lose(below);
    let has_unseen = |commit| odd.local.tree(commit, &TreeLimits::default()).unwrap().has_unseen;
    assert_eq!((has_unseen(&without_picture), has_unseen(&without_folder)), (false, true));
}
