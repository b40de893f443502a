//! The pin of a requirement, set to another version.

use super::edit::{EditError, PinEdit, Splice};
use detectors::dependency::pip::requirement::Requirement;
use pep440_rs::{Version, VersionSpecifier};
use std::str::FromStr;

/// Adds the splices that set `edit.to`; none where the requirement says so already.
///
/// What stands beside the pin is what people decided, and stays: it can forbid the version.
pub fn rewrite(requirement: &Requirement, edit: &PinEdit, splices: &mut Vec<Splice>) -> Result<(), EditError> {
    let invalid = |text: &str| EditError::Invalid(text.to_owned(), "it is not a version".to_owned());
    let to = Version::from_str(&edit.to).map_err(|_| invalid(&edit.to))?;
    if requirement.pin().is_none() {
        return Err(EditError::NotPinned(edit.name.clone()));
    }
    for specifier in &requirement.specifiers {
        let allowed = allows(&specifier.operator, &specifier.version, &to);
        if !allowed && specifier.is_exact() {
            splices.push((specifier.version_range.clone(), edit.to.clone()));
        } else if !allowed {
            let clause = format!("{}{}", specifier.operator, specifier.version);
            return Err(EditError::Excluded { name: edit.name.clone(), to: edit.to.clone(), clause });
        }
    }
    Ok(())
}

/// Whether `operator version` holds `to`.
pub fn allows(operator: &str, version: &str, to: &Version) -> bool {
    match operator {
        "===" => Version::from_str(version).is_ok_and(|version| version == *to),
        _ => VersionSpecifier::from_str(&format!("{operator}{version}")).is_ok_and(|clause| clause.contains(to)),
    }
}
