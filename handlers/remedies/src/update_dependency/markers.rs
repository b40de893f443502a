//! Markers of PEP 508: on which machines a need holds.

use pep508_rs::{ExtraName, MarkerTree, VerbatimUrl};

/// A marker over this size, or with more parentheses than [`MARKER_PARENTHESES_MAX`], counts as one that always holds: the
/// parser recurses into each.
const MARKER_BYTES_MAX: usize = 2048;
const MARKER_PARENTHESES_MAX: usize = 32;

/// On which machines a marker holds, where these extras and no others are asked for. `None`: on none.
pub(super) fn read(marker: &str, extras: &[ExtraName]) -> Option<MarkerTree> {
    let parentheses = marker.bytes().filter(|byte| *byte == b'(').count();
    if marker.len() > MARKER_BYTES_MAX || parentheses > MARKER_PARENTHESES_MAX {
        return Some(MarkerTree::TRUE);
    }
    match MarkerTree::parse_str::<VerbatimUrl>(marker) {
        Ok(tree) => tree.evaluate_extras(extras).then(|| tree.simplify_extras(extras)),
        Err(_) => (!marker.contains("extra")).then_some(MarkerTree::TRUE),
    }
}

/// Where either holds.
pub(super) fn either(mut a: MarkerTree, b: &MarkerTree) -> MarkerTree {
    a.or(b.clone());
    a
}

/// Where both hold.
pub(super) fn both(mut a: MarkerTree, b: &MarkerTree) -> MarkerTree {
    a.and(b.clone());
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(marker: &str, extras: &[&str], expect: Option<&str>) {
        let extras: Vec<ExtraName> = extras.iter().map(|name| name.parse().unwrap()).collect();
        assert_eq!(read(marker, &extras).map(|tree| tree.try_to_string().unwrap_or_default()).as_deref(), expect);
    }

    #[test]
    fn extras_are_on_where_they_are_asked_for() {
        check("python_version >= \"3\"", &[], Some("python_full_version >= '3'"));
        check("extra == \"socks\"", &[], None);
        check("extra == \"socks\"", &["socks"], Some(""));
        check("extra == 'socks' and sys_platform == 'win32'", &["socks"], Some("sys_platform == 'win32'"));
    }

    #[test]
    fn markers_are_read_within_limits() {
        let deep = format!("{}extra == \"socks\"{}", "(".repeat(100_000), ")".repeat(100_000));
        check(&deep, &[], Some(""));
    }
}
