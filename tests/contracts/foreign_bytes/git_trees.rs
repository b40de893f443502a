//! Git trees as git itself would never write them: odd names and modes, links, submodules, objects that are absent.

use super::runner;
use agents::environment::effects::Effects;
use agents::environment::git::LocalRepository;
use agents::environment::tree_limits::TreeLimits;
use git2::{ObjectType, Oid, Repository, Signature, Time};
use pipeline::ids::CommitSha;
use proptest::prelude::*;
use proptest::sample::select;
use std::cell::Cell;

const LINK_TEXT: &[u8] = b"{\"name\":\"behind-a-link\"}";

const NAMES: [&[u8]; 18] = [
    b"package.json",
    b"package-lock.json",
    b"requirements.txt",
    b".suture.yml",
    b".npmrc",
    b"src",
    b"node_modules",
    b"..",
    b".",
    b"",
    b".git",
    b"a/b",
    b"../package.json",
    b"\xff\xfe",
    b"package.json\r",
    b"\xe2\x80\xae.txt",
    b"CON",
    b"-r requirements.txt",
];

const MODES: [&str; 9] = ["100644", "100755", "120000", "160000", "40000", "0", "100664", "777777777", "x"];

#[derive(Debug, Clone, Copy)]
enum Target {
    Manifest,
    Link,
    Below,
    Absent,
}

fn entries() -> impl Strategy<Value = Vec<(&'static [u8], &'static str, Target)>> {
    let target = select(vec![Target::Manifest, Target::Link, Target::Below, Target::Absent]);
    let entry = (select(NAMES.to_vec()), select(MODES.to_vec()), target);
    // What a link says stands behind links alone, so that it shows when one was taken for a file.
    let entry = entry
        .prop_map(|(name, mode, target)| (name, if matches!(target, Target::Link) { "120000" } else { mode }, target));
    prop::collection::vec(entry, 0..8)
}

/// A tree object, byte by byte.
fn tree(entries: &[(&[u8], &str, Target)], of: impl Fn(Target) -> Oid) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, mode, target) in entries {
        bytes.extend_from_slice(mode.as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(name);
        bytes.push(0);
        bytes.extend_from_slice(of(*target).as_bytes());
    }
    bytes
}

#[test]
fn trees_that_git_would_not_write() {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let local = LocalRepository::discover(folder.path(), Effects::default()).unwrap();
    let odb = repository.odb().unwrap();
    let manifest = odb.write(ObjectType::Blob, b"{\"name\":\"shop\"}").unwrap();
    let link = odb.write(ObjectType::Blob, LINK_TEXT).unwrap();
    let empty = odb.write(ObjectType::Tree, b"").unwrap();
    let absent = Oid::from_bytes(&[7; 20]).unwrap();
    let who = Signature::new("Somebody", "somebody@localhost", &Time::new(1_700_000_000, 0)).unwrap();
    let read = Cell::new(0);
    let run = runner().run(&(entries(), entries()), |(above, below)| {
        let of = |below: Oid| {
            move |target| match target {
                Target::Manifest => manifest,
                Target::Link => link,
                Target::Below => below,
                Target::Absent => absent,
            }
        };
        let below = odb.write(ObjectType::Tree, &tree(&below, of(empty))).unwrap();
        let root = odb.write(ObjectType::Tree, &tree(&above, of(below))).unwrap();
        // By hand: libgit2 refuses to commit a tree that it can't read.
        let commit = format!("tree {root}\nauthor {who} 1700000000 +0000\ncommitter {who} 1700000000 +0000\n\nodd\n");
        let commit = odb.write(ObjectType::Commit, commit.as_bytes()).unwrap();
        let commit: CommitSha = commit.to_string().parse().unwrap();
        if let Ok(tree) = local.tree(&commit, &TreeLimits::default()) {
            let followed: Vec<&str> = tree.paths().filter(|path| tree.bytes(path) == Some(LINK_TEXT)).collect();
            prop_assert!(followed.is_empty(), "{followed:?} are links");
            detectors::dependency::graphs(&tree);
            read.set(read.get() + usize::from(!tree.is_empty()));
        }
        Ok(())
    });
    if let Err(failure) = run {
        panic!("{failure}");
    }
    assert!(read.get() > 10, "only {} trees had files", read.get());
}
