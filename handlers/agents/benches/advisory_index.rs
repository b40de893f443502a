//! Opening an index as large as that of all of npm in OSV, and the look-ups of one large lockfile:
//! `cargo bench -p agents --bench advisory_index`.

use agents::environment::advisories::index::{Index, Skipped};
use criterion::Criterion;
use pipeline::advisory::osv::OsvRecord;
use pipeline::version::Ecosystem;
use std::error::Error;
use std::hint::black_box;

const PACKAGES: usize = 220_000;
const LOOKUPS: usize = 1_700;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("advisories.index");
    let record = |at| {
        let read = OsvRecord::parse(record(at).as_bytes());
        read.map_err(|error| Skipped { place: at.to_string(), reason: error.to_string() })
    };
    Index::build(&path, (0..PACKAGES).map(record), "2026-01-01T00:00:00Z".parse()?)?;
    // One in eight has an advisory, as in the lockfiles of real projects.
    let names: Vec<_> =
        (0..LOOKUPS).map(|at| if at % 8 == 0 { name(at * 113) } else { format!("unheard-of-{at}") }).collect();
    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("open", |bench| bench.iter(|| Index::open(black_box(&path)).is_ok()));
    criterion.bench_function("open and 1,700 look-ups", |bench| {
        bench.iter(|| {
            let index = Index::open(black_box(&path))?;
            names.iter().try_fold(0, |found, name| Ok(found + index.lookup(Ecosystem::Npm, name)?.len()))
                as Result<usize, agents::environment::advisories::index::IndexError>
        });
    });
    criterion.final_summary();
    Ok(())
}

/// Spread like real names: no two neighbours share more than a prefix.
fn name(at: usize) -> String {
    format!("{:x}-package", (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn record(at: usize) -> String {
    format!(
        r#"{{"id":"MAL-2024-{at}","modified":"2024-01-02T03:04:05Z","aliases":["GHSA-aaaa-{at}"],"summary":"Malicious code in {0} (npm)","affected":[{{"package":{{"ecosystem":"npm","name":"{0}"}},"versions":["1.0.0","1.0.1"],"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}},{{"fixed":"1.2.3"}}]}}]}}]}}"#,
        name(at)
    )
}
