//! `suture sbom PATH`: a software bill of materials.

use crate::arguments::{Sbom, SbomFormat};
use crate::terminal::Terminal;
use crate::{Failure, Outcome, scan};
use agents::environment::clock::Clock;
use agents::examine::unread;
use detectors::sbom;
use pipeline::dependency::DependencyGraph;
use pipeline::ids::hash_of;
use std::path::Path;

/// Writes the document to standard output, and what could not be read to standard error.
pub fn run(arguments: &Sbom, terminal: &Terminal) -> Result<Outcome, Failure> {
    let tree = scan::tree(&arguments.path, arguments.commit.as_deref())?;
    let (graphs, errors) = detectors::dependency::graphs(&tree);
    for error in &errors {
        let line = error.line.map_or_else(String::new, |line| format!(":{line}"));
        terminal.warning(&format!("{}{line}: {}", error.path, error.message));
    }
    for limit in &tree.limits_hit {
        terminal.warning(limit);
    }
    terminal.document(&match arguments.format {
        SbomFormat::Cyclonedx => cyclonedx(&arguments.path, &graphs, &Clock::System),
        SbomFormat::Spdx => spdx(&arguments.path, &graphs, &Clock::System),
    });
    match unread(&graphs, &errors).into_iter().collect::<Vec<_>>().as_slice() {
        [] => Ok(Outcome::Clean),
        paths => {
            Err(Failure(format!("{} could not be read, so the document lacks what is in there", paths.join(", "))))
        }
    }
}

/// CycloneDX 1.6 of `graphs`.
pub fn cyclonedx(path: &Path, graphs: &[DependencyGraph], clock: &Clock) -> String {
    document(path, graphs, clock, sbom::cyclonedx::write)
}

/// SPDX 2.3 of `graphs`.
pub fn spdx(path: &Path, graphs: &[DependencyGraph], clock: &Clock) -> String {
    document(path, graphs, clock, sbom::spdx::write)
}

fn document(
    path: &Path,
    graphs: &[DependencyGraph],
    clock: &Clock,
    write: fn(&sbom::Document<'_>, &[DependencyGraph]) -> String,
) -> String {
    let name = path.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
    let name = name.unwrap_or_else(|| "project".to_owned());
    // The same contents have the same serial: the document names what it is about, not the moment of its writing.
    let contents = serde_json::to_string(graphs).unwrap_or_default();
    let hash = hash_of(&[&name, &contents]);
    let uuid = format!("{}-{}-8{}-8{}-{}", &hash[..8], &hash[8..12], &hash[13..16], &hash[17..20], &hash[20..32]);
    write(
        &sbom::Document {
            name: &name,
            namespace: &format!("urn:uuid:{uuid}"),
            uuid: &uuid,
            timestamp: clock.now(),
            tool_version: env!("CARGO_PKG_VERSION"),
        },
        graphs,
    )
}
