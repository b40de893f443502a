use super::*;

fn record(id: &str, ecosystem: &str, name: &str) -> Result<pipeline::advisory::osv::OsvRecord, Skipped> {
    let text = format!(
        r#"{{"id":"{id}","modified":"2024-01-02T03:04:05Z","aliases":["CVE-{id}"],"affected":[{{"package":{{"ecosystem":"{ecosystem}","name":"{name}"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}},{{"fixed":"1.2.3"}}]}}]}}]}}"#
    );
    pipeline::advisory::osv::OsvRecord::parse(text.as_bytes())
        .map_err(|error| Skipped { place: id.to_owned(), reason: error.to_string() })
}

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().expect("a time")
}

/// An index of `packages` packages of npm named `p0`, `p1`, …
fn built(packages: usize) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("advisories.index");
    let records = (0..packages).map(|at| record(&format!("A-{at}"), "npm", &format!("p{at}")));
    Index::build(&path, records, now()).expect("an index");
    (folder, path)
}

#[test]
fn every_package_that_was_put_in_is_found_and_no_other() {
    let (_folder, path) = built(5000);
    let index = Index::open(&path).expect("an index");
    for at in 0..5000 {
        let found = index.lookup(Ecosystem::Npm, &format!("p{at}")).expect("an answer");
        let ids: Vec<_> = found.iter().map(|advisory| advisory.id.clone()).collect();
        assert_eq!(ids, [format!("A-{at}")]);
        assert_eq!(found[0].aliases, [format!("CVE-A-{at}")]);
        assert_eq!(found[0].ranges[0].len(), 2);
        assert_eq!(index.lookup(Ecosystem::PyPI, &format!("p{at}")).expect("an answer"), []);
        assert_eq!(index.lookup(Ecosystem::Npm, &format!("q{at}")).expect("an answer"), []);
    }
}

#[test]
fn an_index_says_what_it_is_made_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("new").join("advisories.index");
    let broken = Skipped { place: "b.json".to_owned(), reason: "not JSON".to_owned() };
    let records = [record("A-1", "npm", "a"), record("A-2", "npm", "a"), record("B-1", "PyPI", "B_b"), Err(broken.clone())];
    let report = Index::build(&path, records, now()).expect("an index");
    let index = Index::open(&path).expect("an index");
    assert_eq!(index.meta(), &report.meta);
    assert_eq!((index.meta().created, index.meta().records, index.meta().skipped), (now(), 3, 1));
    assert_eq!(report.skipped, [broken]);
    let npm = &index.meta().ecosystems["npm"];
    assert_eq!((npm.packages, npm.advisories, npm.newest.map(|at| at.to_string())), (1, 2, Some("2024-01-02T03:04:05Z".to_owned())));
    assert!(index.knows(Ecosystem::PyPI));
    assert_eq!(index.lookup(Ecosystem::PyPI, "b.B").expect("an answer").len(), 1);
    assert_eq!(std::fs::read_dir(path.parent().expect("a folder")).expect("a folder").count(), 1, "only the index is left");
}

#[test]
fn an_index_of_nothing_opens_and_knows_nothing() {
    let (_folder, path) = built(0);
    let index = Index::open(&path).expect("an index");
    assert!(!index.knows(Ecosystem::Npm));
    assert_eq!(index.lookup(Ecosystem::Npm, "p0").expect("an answer"), []);
}

#[test]
fn a_foreign_old_or_cut_file_is_refused_with_the_reason() {
    let (folder, path) = built(50);
    let whole = std::fs::read(&path).expect("bytes");
    let check = |bytes: &[u8], expect: &str| {
        let path = folder.path().join("other.index");
        std::fs::write(&path, bytes).expect("written");
        let error = Index::open(&path).expect_err(expect).to_string();
        assert!(error.contains(expect), "{error}");
    };
    check(b"", "not an index");
    check(&[b'x'; 4096], "not an index");
    let mut other = whole.clone();
    other[8] = 99;
    check(&other, "has format 99");
    for cut in [HEADER_BYTES, HEADER_BYTES + 1, whole.len() / 2, whole.len() - 1] {
        check(&whole[..cut], "damaged");
    }
    check(&[whole.clone(), vec![0]].concat(), "damaged");
    let missing = Index::open(&folder.path().join("none")).expect_err("no file").to_string();
    assert!(missing.contains("none"), "{missing}");
}

#[test]
fn a_build_that_fails_leaves_the_old_index() {
    let (folder, path) = built(3);
    let blocked = folder.path().join("blocked");
    std::fs::create_dir_all(blocked.join("full")).expect("a folder");
    assert!(Index::build(&blocked, [record("A-9", "npm", "a")], now()).is_err(), "a folder is in the way");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 2, "nothing half-written is left");
    assert_eq!(Index::open(&path).expect("an index").lookup(Ecosystem::Npm, "p1").expect("an answer").len(), 1);
}

#[test]
fn no_changed_byte_passes_unnoticed() {
    let (folder, path) = built(12);
    let whole = std::fs::read(&path).expect("bytes");
    let other = folder.path().join("other.index");
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        std::fs::write(&other, &bytes).expect("written");
        let seen = Index::open(&other).and_then(|index| (0..12).try_for_each(|at| index.lookup(Ecosystem::Npm, &format!("p{at}")).map(drop)));
        assert!(seen.is_err(), "byte {at} of {} can change without anyone noticing", whole.len());
    }
}

proptest::proptest! {
    /// Blocks that pass the checksum but hold anything.
    #[test]
    fn any_block_is_read_or_refused(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let block = [&layout::checksum(&bytes).to_le_bytes()[..], &bytes].concat();
        let _ = find(&block, "npm\0a");
        let _ = find(&bytes, "npm\0a");
    }

    #[test]
    fn any_header_is_read_or_refused(bytes in proptest::array::uniform32(proptest::prelude::any::<u8>()), length in 0u64..1 << 40) {
        let mut header = [0; HEADER_BYTES];
        header[..8].copy_from_slice(&layout::MAGIC);
        header[8] = 1;
        header[12..44].copy_from_slice(&bytes);
        let _ = Header::read(&header, length);
    }
}
