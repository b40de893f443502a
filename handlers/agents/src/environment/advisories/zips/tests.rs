use super::*;
use pipeline::advisory::Advisory;
use pipeline::version::Version;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use zip::write::SimpleFileOptions;

fn now() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().expect("a time")
}

/// Writes `ECOSYSTEM/all.zip` with these entries.
fn archive(folder: &Path, ecosystem: &str, entries: &[(&str, &[u8])]) {
    fs::create_dir_all(folder.join(ecosystem)).expect("a folder");
    let mut zip = zip::ZipWriter::new(File::create(folder.join(ecosystem).join("all.zip")).expect("a file"));
    for (name, bytes) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).expect("an entry");
        zip.write_all(bytes).expect("written");
    }
    zip.finish().expect("an archive");
}

fn record(id: &str, name: &str) -> String {
    format!(r#"{{"id":"{id}","affected":[{{"package":{{"ecosystem":"npm","name":"{name}"}},"versions":["1.0.0"]}}]}}"#)
}

fn opened(folder: &Path) -> Result<Opened, ZipsError> {
    open(folder, &folder.join("cache"), now(), &mut |_| {})
}

#[test]
fn a_folder_is_indexed_once_and_again_when_an_archive_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    archive(path, "npm", &[("A-1.json", record("A-1", "a").as_bytes())]);
    let mut seen = Vec::new();
    let first = open(path, &path.join("cache"), now(), &mut |at| seen.push(at.clone())).expect("opened");
    assert_eq!(first.report.expect("it was built").meta.records, 1);
    assert_eq!(seen, [Progress { ecosystem: "npm".to_owned(), records: 1, records_all: 1 }]);
    let second = opened(path).expect("opened");
    assert!(second.report.is_none(), "it is taken from the cache");
    assert_eq!(second.index.lookup(Ecosystem::Npm, "a").expect("an answer").len(), 1);
    archive(path, "npm", &[("A-1.json", record("A-1", "a").as_bytes()), ("A-2.json", record("A-2", "a").as_bytes())]);
    let third = opened(path).expect("opened");
    assert_eq!(third.report.expect("it was built").meta.records, 2);
    assert_eq!(fs::read_dir(path.join("cache")).expect("the cache").count(), 1, "the older index is gone");
}

const KEV: &str = r#"{"dateReleased":"2025-12-20T00:00:00Z","vulnerabilities":[{"cveID":"CVE-2020-0001"}]}"#;
const EPSS: &str = "#score_date:2025-12-30\ncve,epss,percentile\nCVE-2020-0001,0.5,0.9\nCVE-2020-0002,0.25,0.8\n";

#[test]
fn what_is_exploited_is_joined_by_id_and_alias_and_indexed_anew_when_a_file_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let with_aliases = |id: &str, aliases: &str| {
        record(id, "a").replace("\"affected\"", &format!("\"aliases\":[{aliases}],\"affected\""))
    };
    let records = [
        with_aliases("CVE-2020-0001", ""),
        with_aliases("GHSA-1", "\"CVE-2020-0003\",\"CVE-2020-0002\""),
        record("GHSA-2", "a"),
    ];
    let entries: Vec<_> =
        records.iter().enumerate().map(|(at, text)| (format!("{at}.json"), text.as_bytes())).collect();
    let entries: Vec<_> = entries.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    archive(path, "npm", &entries);
    let found = || {
        let opened = opened(path).expect("opened");
        let found = opened.index.lookup(Ecosystem::Npm, "a").expect("an answer");
        let told: Vec<_> = found.into_iter().map(|one| (one.id, one.known_exploited, one.epss)).collect();
        (told, opened.report.is_some(), opened.index.meta().exploitation)
    };
    let ids = ["CVE-2020-0001", "GHSA-1", "GHSA-2"];
    let expect = |told: [(bool, Option<f64>); 3]| -> Vec<_> {
        ids.iter().zip(told).map(|(id, (known, epss))| ((*id).to_owned(), known, epss)).collect()
    };
    let (told, is_built, meta) = found();
    assert_eq!((told, is_built), (expect([(false, None); 3]), true));
    assert_eq!(meta, Default::default());
    fs::write(path.join("known_exploited_vulnerabilities.json"), KEV).expect("written");
    let (told, is_built, _) = found();
    assert_eq!((told, is_built), (expect([(true, None), (false, None), (false, None)]), true));
    fs::write(path.join("epss_scores-current.csv.gz"), EPSS).expect("written");
    let (told, is_built, meta) = found();
    assert_eq!((told, is_built), (expect([(true, Some(0.5)), (false, Some(0.25)), (false, None)]), true));
    assert_eq!(
        meta.known_exploited.map(|list| (list.date.to_string(), list.count)),
        Some(("2025-12-20T00:00:00Z".to_owned(), 1))
    );
    assert_eq!(meta.epss.map(|list| (list.date.to_string(), list.count)), Some(("2025-12-30T00:00:00Z".to_owned(), 2)));
    assert!(!found().1, "nothing changed: it is taken from the cache");
}

#[test]
fn damaged_file_of_what_is_exploited_leaves_the_old_index() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    archive(path, "npm", &[("A-1.json", record("A-1", "a").as_bytes())]);
    let (epss, out) = (path.join("scores.csv"), path.join("out.index"));
    fs::write(&epss, EPSS).expect("written");
    let files = ExploitationFiles { kev: None, epss: Some(epss.clone()) };
    build_index(path, &files, &out, now(), &mut |_| {}).expect("built");
    let before = fs::read(&out).expect("an index");
    fs::write(&epss, EPSS.replace("0.25", "2.5")).expect("written");
    let error = build_index(path, &files, &out, now(), &mut |_| {}).expect_err("damaged").to_string();
    assert_eq!(error, format!("{}: line 4: `2.5` is not within 0 to 1", epss.display()));
    assert_eq!(fs::read(&out).expect("an index"), before);
}

#[test]
fn a_damaged_index_in_the_cache_is_built_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    archive(path, "npm", &[("A-1.json", record("A-1", "a").as_bytes())]);
    opened(path).expect("opened");
    let cached =
        fs::read_dir(path.join("cache")).expect("the cache").next().expect("an index").expect("an index").path();
    fs::write(&cached, b"SUTRADV\0 and no more").expect("written");
    assert!(opened(path).expect("opened").report.is_some());
}

#[test]
fn broken_records_are_skipped_with_the_reason_and_the_rest_counts() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    let (good, huge) = (record("A-1", "a"), vec![b' '; RECORD_BYTES_MAX + 1]);
    let bomb = vec![b'{'; 4 << 20];
    archive(
        path,
        "npm",
        &[
            ("../../etc/A-1.json", good.as_bytes()),
            ("B.json", b"{"),
            ("C.json", b"[]"),
            ("D.json", huge.as_slice()),
            ("E.json", bomb.as_slice()),
            ("README.md", b"no record"),
            ("folder/", b""),
        ],
    );
    let report = opened(path).expect("opened").report.expect("it was built");
    assert_eq!((report.meta.records, report.meta.skipped), (1, 4));
    let reasons: Vec<_> =
        report.skipped.iter().map(|skipped| format!("{}: {}", skipped.place, skipped.reason)).collect();
    for (reason, expect) in reasons.iter().zip([
        "npm/all.zip#B.json: not a JSON object",
        "C.json: not a JSON",
        "D.json: 16777217 bytes",
        "E.json: packed more than",
    ]) {
        assert!(reason.contains(expect), "{reason}");
    }
}

#[test]
fn an_archive_that_cannot_be_read_is_an_error_and_not_an_empty_ecosystem() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    archive(path, "PyPI", &[]);
    archive(path, "npm", &[("A-1.json", record("A-1", "a").as_bytes())]);
    let whole = fs::read(path.join("npm/all.zip")).expect("bytes");
    fs::write(path.join("npm/all.zip"), &whole[..whole.len() / 2]).expect("written");
    let error = opened(path).expect_err("half an archive").to_string();
    assert!(error.contains("npm") && error.contains("not a readable archive"), "{error}");
}

#[test]
fn a_folder_without_archives_is_an_error_and_unknown_ecosystems_are_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    archive(path, "Atlantis", &[]);
    assert!(opened(path).expect_err("nothing").to_string().contains("no `ECOSYSTEM/all.zip`"));
    archive(path, "npm", &[]);
    assert!(opened(path).expect("opened").notes[0].contains("Atlantis: not an ecosystem"));
    assert!(open(&path.join("none"), path, now(), &mut |_| {}).is_err());
}

#[test]
fn an_index_file_is_opened_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    archive(path, "npm", &[("A-1.json", record("A-1", "a").as_bytes())]);
    let out = path.join("my.index");
    archive(path, "Nowhere", &[]);
    let (report, notes) = build_index(path, &ExploitationFiles::default(), &out, now(), &mut |_| {}).expect("built");
    assert_eq!(report.meta.records, 1);
    assert!(notes.concat().contains("Nowhere"), "{notes:?}");
    let index = Index::open(&out).expect("opened");
    assert_eq!(index.lookup(Ecosystem::Npm, "a").expect("an answer").len(), 1);
}

/// Those of ecosystems that Suture doesn't know, too.
#[test]
fn no_real_record_is_odd() {
    let shared = shared().join("advisories");
    let Ok(folders) = fs::read_dir(&shared) else {
        println!("skipped: {} is absent", shared.display());
        return;
    };
    for folder in
        folders.map(|folder| folder.expect("a folder")).filter(|folder| folder.path().join("all.zip").exists())
    {
        let ecosystem = folder.file_name().to_string_lossy().into_owned();
        let archive =
            Archive { path: folder.path().join("all.zip"), ecosystem: ecosystem.clone(), state: String::new() };
        let (mut records, mut rated, mut withdrawn) = (0, 0, 0);
        for (record, _) in Records::open(&archive).expect("records") {
            let record = record.expect("a record");
            assert!(record.oddities.is_empty() || record.id == "NSWG-ECO-504", "{}: {:?}", record.id, record.oddities);
            assert!(!record.affected.is_empty() && record.modified.is_some(), "{}", record.id);
            records += 1;
            rated += usize::from(!record.worst_rating().is_empty());
            withdrawn += usize::from(record.withdrawn);
        }
        println!("{ecosystem}: {records} records, {rated} with a severity, {withdrawn} withdrawn");
        assert!(records > 100);
    }
}

/// Every real record is read, and each advisory is evaluated for versions at, before and after each of its bounds.
#[test]
fn all_real_records_are_read_and_evaluated() {
    let shared = shared().join("advisories");
    if !shared.exists() {
        println!("skipped: {} is absent", shared.display());
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut records_all = 0;
    let mut progress = |at: &Progress| {
        if at.records == at.records_all {
            records_all += at.records
        }
    };
    let opened = open(&shared, folder.path(), now(), &mut progress).expect("opened");
    let report = opened.report.expect("it was built");
    println!("{:#?} {:?} {:?} {:?}", report.meta, report.skipped, report.oddities, opened.notes);
    assert_eq!(report.meta.records as usize, records_all, "every entry is a record that was read");
    assert_eq!(report.meta.skipped, 0);
    // The vector of NSWG-ECO-504 has values that CVSS 3.0 does not know.
    let expected = |odd: &String| odd.starts_with("NSWG-ECO-504: severity: not a vector");
    assert!(report.oddities.iter().all(expected), "{:?}", report.oddities);
    let (mut evaluated, mut affected, mut fixed, mut unreadable) = (0, 0, 0, 0);
    for ecosystem in Ecosystem::ALL.into_iter().filter(|ecosystem| shared.join(ecosystem.to_string()).exists()) {
        let archive = &archives(&shared).expect("archives").0;
        let archive = archive.iter().find(|archive| archive.ecosystem == ecosystem.to_string()).expect("its archive");
        for (record, _) in Records::open(archive).expect("records") {
            let record = record.expect("a record");
            for (ecosystem, name, advisory) in record.advisories().into_iter().filter(|_| !record.withdrawn) {
                let found = opened.index.lookup(ecosystem, &name).expect("an answer");
                let kept = found.iter().find(|kept| kept.id == advisory.id).expect("it is in the index");
                assert_eq!((&kept.ranges, &kept.versions), (&advisory.ranges, &advisory.versions));
                assert!(kept.severity() >= advisory.severity(), "{}", kept.id);
                let listed = record.affected.iter().flat_map(|affected| &affected.versions);
                for text in listed {
                    match Version::parse(ecosystem, text) {
                        Ok(version) => assert!(kept.affects(&version), "{} lists {text}", kept.id),
                        Err(_) => assert!(kept.lists(text), "{} lists {text}", kept.id),
                    }
                }
                for event in kept.ranges.iter().flatten() {
                    use pipeline::advisory::RangeEvent::{Fixed, Introduced, LastAffected, Limit};
                    let (Introduced(text) | Fixed(text) | LastAffected(text) | Limit(text)) = event;
                    let Ok(version) = Version::parse(ecosystem, text) else {
                        unreadable += usize::from(text != "0");
                        continue;
                    };
                    evaluated += 1;
                    affected += usize::from(kept.affects(&version));
                    if matches!(event, LastAffected(_)) {
                        assert!(kept.affects(&version), "{} {text}", kept.id);
                    }
                    for text in kept.fixed_versions(ecosystem, &version) {
                        fixed += 1;
                        let end = Version::parse(ecosystem, &text).expect("a version");
                        assert!(end > version && !kept.affects(&end), "{} {version} {text}", kept.id);
                    }
                }
            }
        }
    }
    println!(
        "{evaluated} bounds evaluated, {affected} affected, {fixed} fixed versions, {unreadable} bounds unreadable"
    );
    assert!(evaluated > 5000 && fixed > 1000);
}

/// PyPA's records list every affected version beside the ranges: the ranges alone have to hold those and no others, of all
/// versions that any record of the package lists.
#[test]
fn ranges_hold_what_real_records_list() {
    let records: Vec<_> = real_records().into_iter().filter(|record| record.id.starts_with("PYSEC-")).collect();
    if records.is_empty() {
        return;
    }
    let mut known: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for affected in records.iter().flat_map(|record| &record.affected) {
        known.entry(&affected.name).or_default().extend(affected.versions.iter().map(String::as_str));
    }
    let (mut compared, mut not_held, mut not_listed) = (0, Vec::new(), BTreeMap::new());
    for record in &records {
        let [affected] = record.affected.as_slice() else { continue };
        if affected.versions.is_empty() || affected.ranges.is_empty() {
            continue;
        }
        let ranges = Advisory { ranges: affected.ranges.clone(), ..Advisory::default() };
        for text in &known[affected.name.as_str()] {
            let Ok(version) = Version::parse(Ecosystem::PyPI, text) else { continue };
            compared += 1;
            match (ranges.affects(&version), affected.versions.iter().any(|listed| listed == text)) {
                (false, true) => not_held.push(format!("{} {} {text}", record.id, affected.name)),
                (true, false) => *not_listed.entry(affected.name.as_str()).or_insert(0) += 1,
                _ => {}
            }
        }
    }
    println!("{compared} versions compared; listed, not held: {not_held:?}; held, not listed: {not_listed:?}");
    assert!(compared > 200_000);
    // In these the list goes beyond the ranges, and both count.
    let beyond = ["PYSEC-2021-114 ", "PYSEC-2023-177 ", "PYSEC-2023-61 "];
    assert!(not_held.iter().all(|place| beyond.iter().any(|id| place.starts_with(id))), "{not_held:?}");
    // Lists without release candidates, or older than the newest releases.
    assert!(not_listed.values().sum::<usize>() * 100 < compared, "{not_listed:?}");
}

/// The real records of ecosystems that Suture knows; empty where the shared files are absent.
pub(in super::super) fn real_records() -> Vec<OsvRecord> {
    let folder = shared().join("advisories");
    if !folder.exists() {
        println!("skipped: {} is absent", folder.display());
        return Vec::new();
    }
    let archives = archives(&folder).expect("archives").0;
    let records = archives.iter().flat_map(|archive| Records::open(archive).expect("records"));
    records.map(|(record, _)| record.expect("a record")).collect()
}

fn shared() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "a test is told where the shared files are")]
    let told = std::env::var_os("SUTURE_TEST_SHARED");
    told.map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")), PathBuf::from)
}
