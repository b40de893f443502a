//! The needs of a release, from its metadata file (`Requires-Dist` of the core metadata).

use super::normalised_name;
use pipeline::dependency::DependencyKind;
use pipeline::facts::Need;

/// The `Requires-Dist` headers of a metadata file, in order. One that can't be read is left out.
///
/// Names are normalised. Extras that a need asks for (`a[b]`) are left out: `Need` has no place for them; needs of the
/// release's own extras are there, with their marker `extra == …`.
pub(in crate::environment::registries) fn read_requires_dist(text: &str) -> Vec<Need> {
    headers(text).into_iter().filter(|(name, _)| name.eq_ignore_ascii_case("Requires-Dist")).filter_map(|(_, value)| read_need(&value)).collect()
}

/// The headers up to the first empty line; an indented line continues the one before.
fn headers(text: &str) -> Vec<(&str, String)> {
    let mut headers: Vec<(&str, String)> = Vec::new();
    for line in text.trim_start_matches('\u{feff}').lines() {
        if line.trim().is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = headers.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            headers.push((name, value.trim().to_owned()));
        }
    }
    headers
}

/// `name[extras] (>=1,<2) ; marker`, parentheses and all else but the name optional; or `name @ address ; marker`.
fn read_need(text: &str) -> Option<Need> {
    let end = text.find(|char: char| !(char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.'))).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    if name.is_empty() {
        return None;
    }
    let mut rest = rest.trim_start();
    if let Some(extras) = rest.strip_prefix('[') {
        rest = extras.split_once(']')?.1.trim_start();
    }
    // The marker of an address begins at a `;` with a blank before it: the address itself may hold one.
    let (requirement, marker) = if rest.starts_with('@') {
        rest.split_once(" ;").map_or((rest, None), |(address, marker)| (address, Some(marker)))
    } else {
        rest.split_once(';').map_or((rest, None), |(range, marker)| (range, Some(marker)))
    };
    let requirement = requirement.trim();
    let requirement = requirement.strip_prefix('(').and_then(|range| range.strip_suffix(')')).unwrap_or(requirement);
    Some(Need {
        name: normalised_name(name),
        requirement: requirement.trim().to_owned(),
        kind: DependencyKind::Prod,
        marker: marker.map(str::trim).filter(|marker| !marker.is_empty()).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, expect: Option<(&str, &str, Option<&str>)>) {
        let read = read_need(header).map(|need| (need.name, need.requirement, need.marker));
        let expect = expect.map(|(name, range, marker)| (name.to_owned(), range.to_owned(), marker.map(str::to_owned)));
        assert_eq!(read, expect, "{header}");
    }

    #[test]
    fn needs_are_read_in_all_their_forms() {
        check("idna (<4,>=2.5)", Some(("idna", "<4,>=2.5", None)));
        check("urllib3<3,>=1.21.1", Some(("urllib3", "<3,>=1.21.1", None)));
        check("PySocks!=1.5.7,>=1.5.6; extra == 'socks'", Some(("pysocks", "!=1.5.7,>=1.5.6", Some("extra == 'socks'"))));
        check("a.b_c[x, y] >= 1 ; python_version < \"3\"", Some(("a-b-c", ">= 1", Some("python_version < \"3\""))));
        check("a @ https://x.example/a;b.whl ; extra == 'z'", Some(("a", "@ https://x.example/a;b.whl", Some("extra == 'z'"))));
        check("a", Some(("a", "", None)));
        check("a ()", Some(("a", "", None)));
        check("", None);
        check("[x]", None);
        check("a[x", None);
    }

    #[test]
    fn only_headers_count() {
        let text = "Metadata-Version: 2.1\nName: x\nRequires-Dist: a (>=1)\nDescription: one\n  Requires-Dist: no\nrequires-dist: b\n\nRequires-Dist: not-a-header\n";
        let names: Vec<_> = read_requires_dist(text).into_iter().map(|need| need.name).collect();
        assert_eq!(names, ["a", "b"]);
    }
}
