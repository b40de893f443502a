use super::*;
use index::Skipped;
use pipeline::advisory::exploitation::{EpssScores, Exploitation};
use pipeline::advisory::osv::OsvRecord;
use std::path::Path;

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn index(folder: &Path, records: &[&str], skipped: usize) -> AdvisorySource {
    let records = records.iter().map(|record| Ok(OsvRecord::parse(record.as_bytes()).expect("a record")));
    let broken = (0..skipped).map(|at| Err(Skipped { place: at.to_string(), reason: "broken".to_owned() }));
    let path = folder.join("advisories.index");
    Index::build(&path, records.chain(broken), time("2026-01-01T00:00:00Z")).expect("built");
    AdvisorySource::Index(Index::open(&path).expect("opened"))
}

const RECORD: &str = r#"{"id":"A-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"PyPI","name":"Some.Thing"},"versions":["1.0"]}]}"#;

fn package(ecosystem: Ecosystem, name: &str) -> Package<'_> {
    (ecosystem, name, "1.0")
}

#[tokio::test]
async fn an_index_answers_for_every_spelling_of_a_name_and_says_what_it_cannot_know() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = index(folder.path(), &[RECORD], 0);
    let packages =
        [package(Ecosystem::PyPI, "some-thing"), package(Ecosystem::PyPI, "other"), package(Ecosystem::Npm, "a")];
    let answer = source.advisories_of(&packages, time("2026-01-02T00:00:00Z")).await;
    assert_eq!(answer.of(Ecosystem::PyPI, "Some_Thing").expect("asked").len(), 1);
    assert_eq!(answer.of(Ecosystem::PyPI, "other"), Ok(&[][..]));
    assert_eq!(answer.of(Ecosystem::Npm, "a"), Err("the index has no advisories of npm"));
    assert_eq!(answer.of(Ecosystem::PyPI, "never"), Err("it was not asked for"));
    assert!(!answer.complete);
    assert_eq!(answer.notes, ["npm a: the index has no advisories of npm"]);
}

#[tokio::test]
async fn index_says_how_old_what_it_knows_of_exploitation_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("advisories.index");
    let scores = b"#score_date:2026-01-01\ncve,epss,percentile\n";
    let exploitation = Exploitation { known_exploited: None, epss: EpssScores::parse(scores).ok() };
    let record = OsvRecord::parse(RECORD.as_bytes()).expect("a record");
    Index::build_with(&path, [Ok(record)], &exploitation, time("2026-01-01T00:00:00Z")).expect("built");
    let source = AdvisorySource::Index(Index::open(&path).expect("opened"));
    for (now, expect) in [
        ("2026-01-07T00:00:00Z", &[][..]),
        (
            "2026-01-10T00:00:00Z",
            &[
                "advisories of PyPI are 9 days old: what came later is not known",
                "EPSS scores are 9 days old: what came later is not known",
            ],
        ),
    ] {
        let answer = source.advisories_of(&[package(Ecosystem::PyPI, "other")], time(now)).await;
        assert_eq!(answer.notes, expect);
        assert!(answer.complete, "old is not unasked");
    }
}

#[tokio::test]
async fn a_stale_index_says_how_old_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = index(folder.path(), &[RECORD], 0);
    let packages = [package(Ecosystem::PyPI, "some-thing")];
    let fresh = source.advisories_of(&packages, time("2026-01-07T00:00:00Z")).await;
    assert_eq!((fresh.complete, fresh.notes), (true, Vec::new()));
    let stale = source.advisories_of(&packages, time("2026-03-02T00:00:00Z")).await;
    assert_eq!(stale.notes, ["advisories of PyPI are 60 days old: what came later is not known"]);
    assert!(stale.complete, "old is not partial");
}

#[tokio::test]
async fn an_index_of_records_that_were_not_all_readable_is_partial() {
    let folder = tempfile::tempdir().expect("a folder");
    let source = index(folder.path(), &[RECORD], 2);
    let answer = source.advisories_of(&[package(Ecosystem::PyPI, "some-thing")], time("2026-01-02T00:00:00Z")).await;
    assert_eq!(
        (answer.complete, answer.notes),
        (false, vec!["2 records could not be read when the index was built".to_owned()])
    );
}

#[tokio::test]
async fn the_starter_set_is_never_complete() {
    let packages = [package(Ecosystem::Npm, "lodash"), package(Ecosystem::Npm, "unheard-of")];
    let answer = AdvisorySource::Starter.advisories_of(&packages, time("2026-01-02T00:00:00Z")).await;
    assert!(!answer.of(Ecosystem::Npm, "lodash").expect("asked").is_empty());
    assert_eq!(answer.of(Ecosystem::Npm, "unheard-of"), Ok(&[][..]));
    assert!(!answer.complete && answer.notes[0].contains("Suture brings along"), "{:?}", answer.notes);
}
