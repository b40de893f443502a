//! `dependency.scan`: packages of a graph against what advisories say of them.

use pipeline::advisory::{Advisory, AdvisoryGroup, RangeEvent, groups};
use pipeline::decision::priority::Risk;
use pipeline::dependency::Package;
use pipeline::finding::{Finding, Fix, Imported, PackageRef, Scope};
use pipeline::ids::Fingerprint;
use pipeline::version::{Ecosystem, Version};
use std::collections::BTreeMap;

/// The event type of these findings, as policies name it.
pub const EVENT_TYPE: &str = "vulnerability.dependency";

/// Certainty where an advisory lists the very version that the lockfile names.
const CONFIDENCE_LISTED: f64 = 0.99;

/// Certainty where the version lies in a range of an advisory.
const CONFIDENCE_IN_RANGE: f64 = 0.97;

/// A finding, and the entries of the graph that have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Matched {
    /// What is reported.
    pub finding: Finding,
    /// Index of the graph.
    pub graph: usize,
    /// `Package::place` of every entry of this package and version in this file.
    pub places: Vec<String>,
    /// `Package::via` of the first of them.
    pub via: Vec<String>,
}

/// One finding per file, package, version and alias group, in the order in which they ought to be mended; of those that are equally
/// urgent the worst first.
///
/// `graphs`: the ecosystem and the packages of each; packages without advisories may be left out.
/// `advisories_of` has every advisory on a package, by its name as written.
pub fn findings<'a, 'g>(
    graphs: impl IntoIterator<Item = (Ecosystem, &'g [Package])>,
    advisories_of: impl Fn(Ecosystem, &str) -> &'a [Advisory],
) -> Vec<Matched> {
    let mut matched = Vec::new();
    for (index, (ecosystem, packages)) in graphs.into_iter().enumerate() {
        let mut entries: BTreeMap<(&str, &str, &str), Vec<&Package>> = BTreeMap::new();
        for package in packages.iter().filter(|package| package.is_judged()) {
            if !advisories_of(ecosystem, &package.name).is_empty() {
                entries.entry((&package.path, &package.name, &package.version)).or_default().push(package);
            }
        }
        for packages in entries.values() {
            let advisories = advisories_of(ecosystem, &packages[0].name);
            matched.extend(judge(ecosystem, packages, advisories).into_iter().map(|finding| Matched {
                finding,
                graph: index,
                places: packages.iter().map(|package| package.place.clone()).collect(),
                via: packages[0].via.clone(),
            }));
        }
    }
    matched.sort_by(|a, b| order(&a.finding).cmp(&order(&b.finding)));
    number(&mut matched);
    matched.sort_by(|a, b| a.finding.risk.priority().order(&b.finding.risk.priority()));
    matched
}

/// Worst first, then by package, rule and path.
fn order(finding: &Finding) -> impl Ord + '_ {
    let package = finding.package.as_ref().map(|package| (&package.name, &package.version));
    (std::cmp::Reverse(finding.severity), package, &finding.rule, &finding.path)
}

/// What `advisories` say of the entries of one package and version.
fn judge(ecosystem: Ecosystem, packages: &[&Package], advisories: &[Advisory]) -> Vec<Finding> {
    let package = packages[0];
    let version = Version::parse(ecosystem, &package.version).ok();
    let affecting: Vec<&Advisory> = advisories
        .iter()
        .filter(|advisory| {
            version.as_ref().map_or_else(|| advisory.lists(&package.version), |version| advisory.affects(version))
        })
        .collect();
    if affecting.is_empty() {
        return Vec::new();
    }
    let groups = groups(&affecting, version.as_ref());
    groups.into_iter().map(|group| finding(packages, &group, &affecting)).collect()
}

fn finding(packages: &[&Package], group: &AdvisoryGroup, affecting: &[&Advisory]) -> Finding {
    let package = packages[0];
    let members = || affecting.iter().filter(|advisory| group.ids.contains(&advisory.id));
    let is_listed = members().any(|advisory| advisory.lists(&package.version));
    let ends_open = members().any(|advisory| {
        advisory
            .ranges
            .iter()
            .flatten()
            .any(|event| matches!(event, RangeEvent::LastAffected(_) | RangeEvent::Limit(_)))
    });
    let title = if group.summary.is_empty() {
        format!("{} {}: {}", package.name, package.version, group.id)
    } else {
        format!("{} {}: {}", package.name, package.version, group.summary)
    };
    Finding {
        // The ordinal is known when all findings are: see `number`.
        fingerprint: Fingerprint::of(&group.id, &package.purl, 0),
        event_type: EVENT_TYPE.to_owned(),
        rule: group.id.clone(),
        severity: group.severity,
        confidence: if is_listed { CONFIDENCE_LISTED } else { CONFIDENCE_IN_RANGE },
        title,
        path: package.path.clone(),
        line: Some(packages.iter().map(|package| package.line).min().unwrap_or(package.line)),
        package: Some(PackageRef {
            purl: package.purl.clone(),
            name: package.name.clone(),
            version: package.version.clone(),
            scope: packages.iter().map(|package| package.scope).min().unwrap_or(package.scope),
            direct: packages.iter().any(|package| package.direct),
        }),
        advisories: group.ids.clone(),
        fixed_versions: group.fixed_versions.clone(),
        fix: match (group.fixed_versions.is_empty(), ends_open) {
            (false, _) => Fix::Available,
            (true, true) => Fix::Unknown,
            (true, false) => Fix::None,
        },
        risk: risk(packages, group),
        imported: Imported::Unknown,
    }
}

/// How dangerous it is. A release that was made to do harm does it by itself as soon as it is installed, whatever it is used for;
/// no vector says so.
fn risk(packages: &[&Package], group: &AdvisoryGroup) -> Risk {
    Risk {
        known_exploited: group.known_exploited,
        exposed: group.malicious || is_exposed(packages),
        automatable: group.malicious || group.automatable,
        total_impact: group.malicious || group.total_impact,
        epss: group.epss,
    }
}

/// Whether the weakness of a package can be reached: one of its entries is used at run time.
fn is_exposed(packages: &[&Package]) -> bool {
    packages.iter().any(|package| package.scope != Scope::Dev)
}

/// Tells findings of the same rule and package in several files apart, in the order of their paths.
fn number(matched: &mut [Matched]) {
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    for matched in matched {
        let finding = &mut matched.finding;
        let purl = finding.package.as_ref().map_or_else(String::new, |package| package.purl.clone());
        let ordinal = seen.entry((finding.rule.clone(), purl.clone())).or_default();
        finding.fingerprint = Fingerprint::of(&finding.rule, &purl, *ordinal);
        *ordinal += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dependency::npm::graphs;
    use crate::source_tree::SourceTree;

    const LOCKFILE: &str = r#"{"lockfileVersion": 3, "packages": {
        "": {"dependencies": {"gate": "1.0.0"}, "devDependencies": {"latch": "1.0.0"}},
        "node_modules/gate": {"version": "1.0.0", "resolved": "https://registry.example/gate-1.0.0.tgz"},
        "node_modules/latch": {"version": "1.0.0", "resolved": "https://registry.example/latch-1.0.0.tgz", "dev": true}
    }}"#;

    /// The risk of `advisory` on a package that is used at run time, and on one that is not.
    fn check(advisory: Advisory, expect: [Risk; 2]) {
        let manifest = r#"{"dependencies": {"gate": "1.0.0"}, "devDependencies": {"latch": "1.0.0"}}"#;
        let tree: SourceTree = [("package.json", manifest), ("package-lock.json", LOCKFILE)].into_iter().collect();
        let (graphs, errors) = graphs(&tree);
        assert_eq!(errors, []);
        let advisory = Advisory { versions: vec!["1.0.0".to_owned()], id: "CVE-2026-1000".to_owned(), ..advisory };
        let found = findings(graphs.iter().map(|graph| (graph.ecosystem, graph.packages.as_slice())), |_, _| {
            std::slice::from_ref(&advisory)
        });
        let risk_of = |name: &str| {
            let matched = found.iter().find(|one| one.finding.package.as_ref().is_some_and(|of| of.name == name));
            matched.expect(name).finding.risk
        };
        assert_eq!([risk_of("gate"), risk_of("latch")], expect);
    }

    #[test]
    fn risk_is_what_advisories_say_and_where_the_package_is_used() {
        let dev =
            Risk { known_exploited: true, exposed: false, automatable: true, total_impact: true, epss: Some(0.25) };
        let advisory = Advisory {
            automatable: true,
            total_impact: true,
            known_exploited: true,
            epss: Some(0.25),
            ..Advisory::default()
        };
        check(advisory, [Risk { exposed: true, ..dev }, dev]);
        let nothing = Risk::default();
        check(Advisory::default(), [Risk { exposed: true, ..nothing }, nothing]);
    }

    #[test]
    fn findings_are_told_the_most_urgent_first_and_then_the_worst() {
        let packages: String = ["a", "b", "c", "d"]
            .map(|name| format!(r#""node_modules/{name}": {{"version": "1.0.0", "resolved": "https://registry.example/{name}-1.0.0.tgz"}}"#))
            .join(",");
        let needs = r#""dependencies": {"a": "1.0.0", "b": "1.0.0", "c": "1.0.0", "d": "1.0.0"}"#;
        let lockfile = format!(r#"{{"lockfileVersion": 3, "packages": {{"": {{{needs}}}, {packages}}}}}"#);
        let manifest = format!("{{{needs}}}");
        let tree: SourceTree = [("package.json", &*manifest), ("package-lock.json", &*lockfile)].into_iter().collect();
        let (graphs, errors) = graphs(&tree);
        assert_eq!(errors, []);
        let advisory = |id: &str, score: f64, automatable: bool, epss: Option<f64>| Advisory {
            id: id.to_owned(),
            versions: vec!["1.0.0".to_owned()],
            score: Some(score),
            automatable,
            epss,
            ..Advisory::default()
        };
        let advisories = BTreeMap::from([
            ("a", advisory("A-1", 9.8, false, None)),
            ("b", advisory("B-1", 4.0, true, Some(0.1))),
            ("c", advisory("C-1", 5.0, true, Some(0.9))),
            ("d", advisory("D-1", 7.0, false, None)),
        ]);
        let found = findings(graphs.iter().map(|graph| (graph.ecosystem, graph.packages.as_slice())), |_, name| {
            std::slice::from_ref(&advisories[name])
        });
        let rules: Vec<_> = found.iter().map(|matched| matched.finding.rule.as_str()).collect();
        assert_eq!(rules, ["C-1", "B-1", "A-1", "D-1"]);
    }

    #[test]
    fn malicious_release_does_its_harm_wherever_it_is_installed() {
        let worst = Risk { exposed: true, automatable: true, total_impact: true, ..Risk::default() };
        check(Advisory { malicious: true, ..Advisory::default() }, [worst, worst]);
    }
}
