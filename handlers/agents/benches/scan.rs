//! Reading a large lockfile, and holding it against an index:
//! `SUTURE_TEST_SHARED=DIR cargo bench -p agents --bench scan`.
//!
//! `DIR` has `repositories/nodegoat` and `advisories/ECOSYSTEM/all.zip`. Without it, a lockfile of its size is made up,
//! and a handful of advisories on it.

use agents::environment::advisories::AdvisorySource;
use agents::environment::advisories::exploitation::ExploitationFiles;
use agents::environment::advisories::index::Index;
use agents::environment::advisories::zips;
use criterion::Criterion;
use detectors::dependency::{self, Files, matching};
use detectors::source_tree::SourceTree;
use jiff::Timestamp;
use pipeline::advisory::osv::OsvRecord;
use std::error::Error;
use std::fmt::Write;
use std::hint::black_box;
use std::path::{Path, PathBuf};

/// Entries of the lockfile that is made up.
const ENTRIES: usize = 1_479;

fn main() -> Result<(), Box<dyn Error>> {
    #[expect(clippy::disallowed_methods, reason = "a benchmark is told by it where its input is")]
    let shared = std::env::var_os("SUTURE_TEST_SHARED").map(PathBuf::from);
    let now: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("advisories.index");
    let tree = match &shared {
        Some(shared) => {
            zips::build_index(&shared.join("advisories"), &ExploitationFiles::default(), &path, now, &mut |_| {})?;
            real_tree(&shared.join("repositories/nodegoat"))?
        }
        None => {
            Index::build(
                &path,
                (0..ENTRIES).step_by(50).map(|at| OsvRecord::parse(record(at).as_bytes()).map_err(refused)),
                now,
            )?;
            made_up_tree()?
        }
    };
    let source = AdvisorySource::Index(Index::open(&path)?);
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("read the lockfile", |bench| bench.iter(|| Files::read(black_box(&tree))));
    let files = Files::read(&tree);
    criterion.bench_function("resolve its needs", |bench| bench.iter(|| black_box(&files).projects()));
    criterion.bench_function("spell out its graph", |bench| bench.iter(|| black_box(&files).projects().into_graphs()));
    criterion
        .bench_function("all of it: graphs of a tree", |bench| bench.iter(|| dependency::graphs(black_box(&tree))));
    let projects = files.projects();
    criterion.bench_function("look up and match", |bench| {
        bench.iter(|| {
            let answer = runtime.block_on(source.advisories_of(&projects.judged(), now));
            let advisories_of = |ecosystem, name: &str| answer.known(ecosystem, name);
            let excerpts =
                projects.excerpts(|ecosystem, name| !advisories_of(ecosystem, name).is_empty(), &mut Vec::new());
            let packages = excerpts.iter().map(|excerpt| (excerpt.ecosystem, excerpt.packages.as_slice()));
            matching::findings(packages, advisories_of).len()
        });
    });
    criterion.final_summary();
    Ok(())
}

fn real_tree(folder: &Path) -> Result<SourceTree, std::io::Error> {
    let files = ["package.json", "package-lock.json"];
    files.iter().map(|file| Ok((*file, std::fs::read(folder.join(file))?))).collect()
}

/// Each entry needs the one after the next.
fn made_up_tree() -> Result<SourceTree, std::fmt::Error> {
    let mut lockfile =
        r#"{"lockfileVersion":3,"packages":{"":{"dependencies":{"package-0":"^1.0.0","package-1":"^1.0.0"}}"#
            .to_owned();
    for at in 0..ENTRIES {
        write!(
            lockfile,
            r#",
    "node_modules/package-{at}": {{
      "version": "1.0.{at}",
      "resolved": "https://registry.example/package-{at}/-/package-{at}-1.0.{at}.tgz",
      "integrity": "sha512-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
      "dependencies": {{
        "package-{}": "^1.0.0"
      }}
    }}"#,
            at + 2
        )?;
    }
    lockfile.push_str("}}");
    let manifest = r#"{"dependencies":{"package-0":"^1.0.0","package-1":"^1.0.0"}}"#;
    Ok([("package.json", manifest.to_owned()), ("package-lock.json", lockfile)].into_iter().collect())
}

fn record(at: usize) -> String {
    format!(
        r#"{{"id":"GHSA-{at}","modified":"2026-01-01T00:00:00Z","affected":[{{"package":{{"ecosystem":"npm","name":"package-{at}"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}},{{"fixed":"2.0.0"}}]}}]}}]}}"#
    )
}

fn refused(error: impl std::fmt::Display) -> agents::environment::advisories::index::Skipped {
    agents::environment::advisories::index::Skipped { place: String::new(), reason: error.to_string() }
}
