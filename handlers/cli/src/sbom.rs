//! `suture sbom PATH`: a software bill of materials.

use crate::arguments::{Sbom, SbomFormat};
use crate::terminal::Terminal;
use crate::{Failure, Outcome, present, scan};
use agents::environment::clock::Clock;
use agents::examine::unread;
use detectors::sbom;
use pipeline::dependency::DependencyGraph;
use pipeline::finding::ScanError;
use pipeline::ids::hash_of;
use pipeline::wording::plain;
use std::path::Path;

/// Writes the document to standard output, and what could not be read to standard error.
pub fn run(arguments: &Sbom, terminal: &Terminal) -> Result<Outcome, Failure> {
    let tree = scan::tree(&arguments.path, arguments.commit.as_deref())?;
    let (graphs, errors) = detectors::dependency::graphs(&tree);
    warn(&errors, &tree.limits_hit, terminal);
    terminal.document(&match arguments.format {
        SbomFormat::Cyclonedx => cyclonedx(&arguments.path, &graphs, &Clock::System),
        SbomFormat::Spdx => spdx(&arguments.path, &graphs, &Clock::System),
    });
    let unread: Vec<_> = unread(&graphs, &errors).into_iter().map(plain).collect();
    if !unread.is_empty() {
        let unread = unread.join(", ");
        return Err(Failure(format!("{unread} could not be read, so the document lacks what is in there")));
    }
    if tree.has_unseen {
        return Err(Failure("not everything could be looked at, so the document may lack something".to_owned()));
    }
    Ok(Outcome::Clean)
}

/// Says what a document lacks.
pub fn warn(errors: &[ScanError], limits_hit: &[String], terminal: &Terminal) {
    errors.iter().for_each(|error| terminal.warning(&present::error_line(error)));
    limits_hit.iter().for_each(|limit| terminal.warning(limit));
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
