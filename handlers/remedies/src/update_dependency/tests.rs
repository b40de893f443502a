//! Graphs and facts built in code, and one row for each tier of the remedy.

use super::{Planned, Rules, Wound, plan};
use pipeline::advisory::Advisory;
use pipeline::dependency::{Dependency, DependencyGraph, DependencyKind, Package, Source, Written};
use pipeline::facts::{Facts, Need, Release};
use pipeline::finding::Scope;
use pipeline::ids::Fingerprint;
use pipeline::patch::{Change, Plan};
use pipeline::version::Ecosystem;
use std::collections::BTreeMap;

/// Needs as written in the tests: `a ^1, b? ^2, c! ^3` (`?` optional, `!` peer, `!?` optional peer).
pub(super) fn needs(text: &str) -> Vec<(String, String, DependencyKind)> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, range) = part.split_once(' ').unwrap_or((part, "*"));
            let (name, kind) = match name {
                n if n.ends_with("!?") => (&n[..n.len() - 2], DependencyKind::PeerOptional),
                n if n.ends_with('!') => (&n[..n.len() - 1], DependencyKind::Peer),
                n if n.ends_with('?') => (&n[..n.len() - 1], DependencyKind::Optional),
                n => (n, DependencyKind::Prod),
            };
            (name.to_owned(), range.to_owned(), kind)
        })
        .collect()
}

pub(super) fn now() -> jiff::Timestamp {
    "2026-01-31T00:00:00Z".parse().unwrap()
}

/// A little world: what the registry has, what is installed, what is vulnerable.
#[derive(Debug, Clone, Default)]
pub(super) struct World {
    pub facts: Facts,
    pub installed: Vec<(String, String)>,
    pub asked: String,
    pub pip: bool,
}

impl World {
    pub(super) fn release(mut self, spec: &str, needs_text: &str) -> Self {
        let (name, version) = spec.rsplit_once('@').unwrap();
        let (version, marks) = version.split_once(' ').unwrap_or((version, ""));
        let published = if marks.contains("young") { "2026-01-30T00:00:00Z" } else { "2020-01-01T00:00:00Z" };
        let package = self.facts.packages.entry(name.to_owned()).or_default();
        let release = Release {
            version: version.to_owned(),
            published: (!marks.contains("undated")).then(|| published.parse().unwrap()),
            yanked: marks.contains("yanked"),
            deprecated: marks.contains("deprecated"),
            dependencies: needs(needs_text)
                .into_iter()
                .map(|(name, range, kind)| {
                    let (requirement, marker) = match range.split_once(';') {
                        Some((requirement, marker)) => (requirement.trim().to_owned(), Some(marker.trim().to_owned())),
                        None => (range, None),
                    };
                    Need { name, requirement, kind, marker }
                })
                .collect(),
            ..Release::default()
        };
        package.releases.push(release);
        if marks.contains("bad") {
            match package.advisories.first_mut() {
                Some(advisory) => advisory.versions.push(version.to_owned()),
                None => package.advisories.push(Advisory {
                    id: format!("TEST-{name}"),
                    versions: vec![version.to_owned()],
                    ..Advisory::default()
                }),
            }
        }
        self
    }

    pub(super) fn at(mut self, place: &str, version: &str) -> Self {
        let place =
            if self.pip { place.to_owned() } else { format!("node_modules/{}", place.replace('>', "/node_modules/")) };
        self.installed.push((place, version.to_owned()));
        self
    }

    pub(super) fn asks(mut self, needs: &str) -> Self {
        self.asked = needs.to_owned();
        self
    }

    pub(super) fn needs_of(&self, name: &str, version: &str) -> Vec<Need> {
        let package = self.facts.packages.get(name);
        let release = package.and_then(|package| package.releases.iter().find(|release| release.version == version));
        release.map(|release| release.dependencies.clone()).unwrap_or_default()
    }

    pub(super) fn graph(&self) -> DependencyGraph {
        let at: BTreeMap<&str, usize> =
            self.installed.iter().enumerate().map(|(at, (place, _))| (place.as_str(), at)).collect();
        let resolve = |from: &str, name: &str| {
            let mut folder = from.to_owned();
            loop {
                let place = if folder.is_empty() {
                    format!("node_modules/{name}")
                } else {
                    format!("{folder}/node_modules/{name}")
                };
                if let Some(at) = at.get(place.as_str()) {
                    return Some(*at);
                }
                if folder.is_empty() {
                    return None;
                }
                folder = folder.rsplit_once("node_modules/").map_or("", |(up, _)| up.trim_end_matches('/')).to_owned();
            }
        };
        let direct = needs(&self.asked).into_iter().map(|(name, requirement, kind)| Dependency {
            to: resolve("", &name),
            name,
            requirement,
            kind,
            written: Some(Written { path: "package.json".into(), line: 1 }),
        });
        let packages = self.installed.iter().map(|(place, version)| {
            let name = place.rsplit_once("node_modules/").map_or(place.as_str(), |(_, name)| name).to_owned();
            let dependencies = self.needs_of(&name, version).into_iter().map(|need| Dependency {
                to: resolve(place, &need.name),
                name: need.name,
                requirement: need.requirement,
                kind: need.kind,
                written: None,
            });
            Package {
                place: place.clone(),
                purl: String::new(),
                version: version.clone(),
                path: "package-lock.json".into(),
                line: 1,
                scope: Scope::Prod,
                direct: false,
                via: Vec::new(),
                source: Source::Registry(None),
                hashes: Vec::new(),
                dependencies: if self.pip { Vec::new() } else { dependencies.collect() },
                name,
            }
        });
        let (manifest, ecosystem) =
            if self.pip { ("requirements.txt", Ecosystem::PyPI) } else { ("package.json", Ecosystem::Npm) };
        DependencyGraph {
            ecosystem,
            manifest: manifest.into(),
            lockfile: (!self.pip).then(|| "package-lock.json".into()),
            name: None,
            version: None,
            direct: direct.collect(),
            packages: packages.collect(),
            read_only: None,
        }
    }

    /// One wound for each version of a package that is installed and vulnerable.
    pub(super) fn wounds(&self, graph: &DependencyGraph) -> Vec<(Fingerprint, Vec<String>)> {
        let mut wounds: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        for package in &graph.packages {
            let version = pipeline::version::Version::parse(graph.ecosystem, &package.version).unwrap();
            let known = self.facts.packages.get(&package.name);
            if known.is_some_and(|facts| facts.advisories.iter().any(|advisory| advisory.affects(&version))) {
                wounds.entry((package.name.clone(), package.version.clone())).or_default().push(package.place.clone());
            }
        }
        wounds.into_iter().map(|((name, version), places)| (Fingerprint::of(&name, &version, 0), places)).collect()
    }

    pub(super) fn plan(&self, rules: &Rules) -> Plan {
        self.plan_of(&self.graph(), rules)
    }

    pub(super) fn plan_of(&self, graph: &DependencyGraph, rules: &Rules) -> Plan {
        let wounds = self.wounds(graph);
        let wounds: Vec<Wound<'_>> =
            wounds.iter().map(|(fingerprint, places)| Wound { fingerprint, places: places.clone() }).collect();
        match plan(graph, &wounds, &self.facts, rules) {
            Planned::Plan(plan) => plan,
            Planned::NeedFacts(names) => panic!("needs facts of {names:?}"),
        }
    }
}

pub(super) fn npm() -> World {
    World::default()
}

pub(super) fn pip() -> World {
    World { pip: true, ..World::default() }
}

/// A plan in short: one line a change, then one a wound left.
pub(super) fn lines(plan: &Plan) -> String {
    let mut lines: Vec<String> = plan
        .changes
        .iter()
        .map(|change| match change {
            Change::Update { place, from, to, .. } => format!("{} {from} -> {to}", place.replace("node_modules/", "")),
            Change::Add { place, version, name, marker, via } => {
                let marker = marker.as_ref().map(|marker| format!(" ; {marker}")).unwrap_or_default();
                let via = if via.is_empty() { String::new() } else { format!(" # via {}", via.join(", ")) };
                format!("+ {} {name} {version}{marker}{via}", place.replace("node_modules/", ""))
            }
            Change::Remove { place, .. } => format!("- {}", place.replace("node_modules/", "")),
            Change::Require { path, name, from, to } => format!("{path}: {name} {from} -> {to}"),
            Change::Override { name, version } => format!("override {name} {version}"),
        })
        .collect();
    lines.extend(plan.left.iter().map(|left| format!("left: {}", left.reason)));
    if !plan.smallest {
        lines.push("not proven to be the smallest".into());
    }
    lines.join("\n")
}

#[track_caller]
fn check(world: &World, expect: &str) {
    check_with(world, &Rules::new(now()), expect);
}

#[track_caller]
fn check_with(world: &World, rules: &Rules, expect: &str) {
    let expect: Vec<&str> = expect.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(lines(&world.plan(rules)), expect.join("\n"));
}

#[test]
fn an_entry_is_changed_in_place_where_its_dependents_allow_it() {
    let world = npm()
        .release("a@1.0.0", "b ^1")
        .release("b@1.0.0 bad", "")
        .release("b@1.0.1 bad", "")
        .release("b@1.1.0", "")
        .release("b@1.2.0", "")
        .asks("a ^1")
        .at("a", "1.0.0")
        .at("b", "1.0.0");
    check(&world, "b 1.0.0 -> 1.1.0");
}

#[test]
fn a_dependent_that_pins_is_changed_too() {
    let world = npm()
        .release("a@1.0.0", "b 1.0.0")
        .release("a@1.0.1", "b 1.0.0")
        .release("a@1.0.2", "b 1.1.0")
        .release("b@1.0.0 bad", "")
        .release("b@1.1.0", "")
        .asks("a ^1")
        .at("a", "1.0.0")
        .at("b", "1.0.0");
    check(&world, "a 1.0.0 -> 1.0.2\nb 1.0.0 -> 1.1.0");
}

#[test]
fn a_dependent_that_no_longer_asks_removes_the_entry() {
    let world = npm()
        .release("a@1.0.0", "b 1.0.0")
        .release("a@1.1.0", "")
        .release("b@1.0.0 bad", "c ^1")
        .release("c@1.0.0", "")
        .asks("a ^1")
        .at("a", "1.0.0")
        .at("b", "1.0.0")
        .at("c", "1.0.0");
    check(&world, "a 1.0.0 -> 1.1.0\n- b\n- c");
}

#[test]
fn the_direct_dependency_is_bumped_where_its_range_is_in_the_way() {
    let world = npm().release("a@1.0.0 bad", "").release("a@1.0.1", "").asks("a 1.0.0").at("a", "1.0.0");
    check(&world, "package.json: a 1.0.0 -> 1.0.1\na 1.0.0 -> 1.0.1");
}

#[test]
fn an_override_is_the_last_resort() {
    let world = npm()
        .release("a@1.0.0", "b ~1.0.0")
        .release("b@1.0.0 bad", "")
        .release("b@1.1.0", "")
        .asks("a ^1")
        .at("a", "1.0.0")
        .at("b", "1.0.0");
    check(&world, "override b 1.1.0\nb 1.0.0 -> 1.1.0");
    let rules = Rules { allow_overrides: false, ..Rules::new(now()) };
    check_with(&world, &rules, "left: an override of b to 1.1.0 would do, but overrides are not allowed");
}

#[test]
fn a_breaking_change_is_named_and_not_made() {
    let world = npm().release("a@1.0.0 bad", "").release("a@2.0.0", "").asks("a ^1").at("a", "1.0.0");
    check(&world, "left: a 1.0.0 → 2.0.0 would do, but it is a breaking change");
    let rules = Rules { allow_breaking: true, ..Rules::new(now()) };
    check_with(&world, &rules, "package.json: a ^1 -> ^2\na 1.0.0 -> 2.0.0");
}

#[test]
fn what_cannot_be_healed_does_not_stop_the_others() {
    let world = npm()
        .release("a@1.0.0 bad", "")
        .release("b@1.0.0 bad", "")
        .release("b@1.0.1", "")
        .asks("a ^1, b ^1")
        .at("a", "1.0.0")
        .at("b", "1.0.0");
    check(&world, "b 1.0.0 -> 1.0.1\nleft: a 1.0.0: no later release of a is without known vulnerabilities");
}

#[test]
fn young_yanked_and_undated_releases_are_not_chosen() {
    let world = npm()
        .release("a@1.0.0 bad", "")
        .release("a@1.0.1 young", "")
        .release("a@1.0.2 undated", "")
        .release("a@1.0.3 yanked", "")
        .asks("a ^1")
        .at("a", "1.0.0");
    check(&world, "left: a 1.0.0: a 1.0.1 has no known vulnerability, but it is too young");
    check(&world.release("a@1.0.4 deprecated", ""), "a 1.0.0 -> 1.0.4");
}

#[test]
fn no_release_is_chosen_where_advisories_could_not_be_asked_for() {
    let mut world = npm().release("a@1.0.0 bad", "").release("a@1.0.1", "").asks("a ^1").at("a", "1.0.0");
    for facts in world.facts.packages.values_mut() {
        facts.unavailable = Some("the index is gone".to_owned());
    }
    check(&world, "left: a 1.0.0: the releases of a are not known: the index is gone");
}

#[test]
fn an_entry_that_nothing_leads_to_is_removed_with_what_hangs_on_it() {
    let world = npm()
        .release("a@1.0.0", "")
        .release("o@1.0.0 bad", "p ^1")
        .release("o@1.0.1", "")
        .release("p@1.0.0", "")
        .release("q@1.0.0", "o ^1")
        .release("r@1.0.0", "")
        .asks("a ^1")
        .at("a", "1.0.0")
        .at("o", "1.0.0")
        .at("o>r", "1.0.0")
        .at("p", "1.0.0")
        .at("q", "1.0.0");
    check(&world, "- o\n- o/r\n- q");
}

#[test]
fn an_entry_for_an_optional_peer_alone_is_left() {
    let world = npm()
        .release("a@1.0.0", "o!? ^1")
        .release("o@1.0.0 bad", "")
        .release("o@1.0.1", "")
        .asks("a ^1")
        .at("a", "1.0.0")
        .at("o", "1.0.0");
    check(&world, "left: o 1.0.0 is kept for an optional peer or a link alone: nothing that is changed replaces it");
}

#[test]
fn what_breaks_is_told_by_the_convention_of_the_ecosystem() {
    let world = pip().release("a@0.100 bad", "").release("a@0.109.1", "").at("a", "0.100");
    let mut graph = world.graph();
    graph.packages[0].direct = true;
    assert_eq!(lines(&world.plan_of(&graph, &Rules::new(now()))), "a 0.100 -> 0.109.1");
    let world = pip().release("a@2019.1 bad", "").release("a@1!1.0", "").at("a", "2019.1");
    let mut graph = world.graph();
    graph.packages[0].direct = true;
    let expect = "left: a 2019.1 → 1!1.0 would do, but it is a breaking change";
    assert_eq!(lines(&world.plan_of(&graph, &Rules::new(now()))), expect);
}

#[test]
fn a_release_is_found_however_the_index_spells_it() {
    let mut world =
        pip().release("a@1.0 bad", "").release("a@2.0", "").release("b@1.0", "a <2").at("a", "1.0").at("b", "1.0.0");
    check(&world, "left: a 1.0: b 1.0.0 asks for a <2, and the nearest version without known vulnerabilities is 2.0");
    world = world.release("b@1.1", "a >=1");
    check(&world, "a 1.0 -> 2.0\nb 1.0.0 -> 1.1");
}

#[test]
fn deprecated_releases_give_way_to_others() {
    let world = npm()
        .release("a@1.0.0 bad", "")
        .release("a@1.0.1 deprecated", "")
        .release("a@1.9.0", "")
        .asks("a ^1")
        .at("a", "1.0.0");
    check(&world, "a 1.0.0 -> 1.9.0");
}

#[test]
fn one_change_that_heals_two_wounds_is_preferred() {
    let world = npm()
        .release("p@1.0.0", "a ^1, b ^1")
        .release("p@1.1.0", "")
        .release("a@1.0.0 bad", "")
        .release("a@1.0.1", "")
        .release("b@1.0.0 bad", "")
        .release("b@1.0.1", "")
        .asks("p ^1")
        .at("p", "1.0.0")
        .at("a", "1.0.0")
        .at("b", "1.0.0");
    check(&world, "p 1.0.0 -> 1.1.0\n- a\n- b");
}

#[test]
fn a_dependent_that_cannot_follow_gets_its_own_copy() {
    let world = npm()
        .release("a@1.0.0", "c ^1")
        .release("b@1.0.0 bad", "c ^1")
        .release("b@1.1.0", "c ^2")
        .release("c@1.0.0", "")
        .release("c@2.0.0", "")
        .release("c@2.1.0", "")
        .asks("a ^1, b ^1")
        .at("a", "1.0.0")
        .at("b", "1.0.0")
        .at("c", "1.0.0");
    check(&world, "b 1.0.0 -> 1.1.0\n+ b/c c 2.1.0");
}

#[test]
fn new_needs_are_added_at_the_highest_place() {
    let world = npm()
        .release("a@1.0.0 bad", "")
        .release("a@1.0.1", "n ^1")
        .release("n@1.0.0", "")
        .release("n@1.4.0", "m ^1")
        .release("m@1.0.0", "")
        .asks("a ^1")
        .at("a", "1.0.0");
    check(&world, "a 1.0.0 -> 1.0.1\n+ n n 1.0.0");
}

#[test]
fn a_project_too_large_to_search_is_healed_by_construction() {
    // Two that pin what is vulnerable: one of them is raised, the other replaced through the one that asks for it.
    let world = npm()
        .release("a@1.0.0", "v 1.0.0")
        .release("a@1.1.0", "v ^2")
        .release("b@1.0.0", "c 1.0.0")
        .release("b@1.0.1", "c ^1.1")
        .release("c@1.0.0", "v 1.0.0")
        .release("c@1.1.0", "v 1.0.0")
        .release("c@1.2.0", "")
        .release("v@1.0.0 bad", "")
        .release("v@2.0.0", "n ^1")
        .release("n@1.0.0", "")
        .release("n@1.3.0", "")
        .asks("a ^1, b ^1")
        .at("a", "1.0.0")
        .at("b", "1.0.0")
        .at("c", "1.0.0")
        .at("v", "1.0.0");
    let rules = Rules { steps_max: 0, allow_overrides: false, ..Rules::new(now()) };
    let expect = "a 1.0.0 -> 1.1.0\nb 1.0.0 -> 1.0.1\nc 1.0.0 -> 1.2.0\nv 1.0.0 -> 2.0.0\n+ n n 1.3.0";
    let constructed = "a 1.0.0 -> 1.1.0\nb 1.0.0 -> 1.0.1\nc 1.0.0 -> 1.2.0\n- v\n+ a/v v 2.0.0\n+ n n 1.3.0";
    check_with(&world, &rules, &format!("{constructed}\nnot proven to be the smallest"));
    check_with(&world, &Rules { allow_overrides: false, ..Rules::new(now()) }, expect);
}

#[test]
fn the_direct_dependency_that_would_do_is_named() {
    let world = npm()
        .release("m@2.5.3", "v 0.3")
        .release("m@5.0.0", "v 3.0.4")
        .release("v@0.3.0 bad", "")
        .release("v@3.0.4", "")
        .asks("m ^2")
        .at("m", "2.5.3")
        .at("v", "0.3.0");
    let rules = Rules { allow_overrides: false, ..Rules::new(now()) };
    check_with(
        &world,
        &rules,
        "left: m 2.5.3 → 5.0.0 would bring v 3.0.4 in place of v 0.3.0, but it is a breaking change",
    );
}

#[test]
fn a_missing_fact_is_asked_for() {
    let world = npm().release("a@1.0.0 bad", "").release("a@1.0.1", "unheard ^1").asks("a ^1").at("a", "1.0.0");
    let graph = world.graph();
    let wounds = world.wounds(&graph);
    let wound = Wound { fingerprint: &wounds[0].0, places: wounds[0].1.clone() };
    let planned = plan(&graph, &[wound], &world.facts, &Rules::new(now()));
    assert_eq!(planned, Planned::NeedFacts(["unheard".to_owned()].into()));
}

#[test]
fn pins_are_changed_together_where_they_need_each_other() {
    let world = pip()
        .release("flask@1.0", "werkzeug ~=0.14")
        .release("flask@1.1", "Werkzeug >=0.15")
        .release("werkzeug@0.14 bad", "")
        .release("werkzeug@1.0", "")
        .at("flask", "1.0")
        .at("werkzeug", "0.14");
    check(&world, "flask 1.0 -> 1.1\nwerkzeug 0.14 -> 1.0");
}

#[test]
fn an_extra_that_nobody_asked_for_is_not_in_the_way() {
    let world = pip()
        .release("a@1.0 bad", "")
        .release("a@1.1", "b >=2; extra == 'fast'")
        .release("b@1.0", "")
        .at("a", "1.0")
        .at("b", "1.0");
    check(&world, "a 1.0 -> 1.1");
}

/// The first graph of files, as the program reads them.
fn graph_of(files: &[(&str, &str)]) -> DependencyGraph {
    let (mut graphs, _) = detectors::dependency::graphs(&files.iter().copied().collect());
    graphs.remove(0)
}

#[track_caller]
fn check_files(world: &World, files: &[(&str, &str)], expect: &str) {
    let plan = world.plan_of(&graph_of(files), &Rules::new(now()));
    assert_eq!(lines(&plan), expect);
}

#[test]
fn a_pin_that_is_added_is_needed_where_its_need_holds() {
    let mut world = pip()
        .release("docker@5.0 bad", "")
        .release("docker@5.1", "pywin32 >=304; sys_platform == 'win32'")
        .release("pywin32@304", "odd >=1, even >=2; python_version < '3.8'")
        .release("odd@1.0", "")
        .release("even@2.0", "odd >=1");
    for facts in world.facts.packages.values_mut() {
        facts.releases.iter_mut().for_each(|release| release.hashes = vec!["sha256:ab".to_owned()]);
    }
    let text = "docker==5.0 --hash=sha256:aa\n    # via -r requirements.in\n";
    let files = [("requirements.txt", text)];
    let graph = graph_of(&files);
    let plan = world.plan_of(&graph, &Rules::new(now()));
    let windows = "sys_platform == 'win32'";
    let expect = [
        "requirements.txt:1 5.0 -> 5.1".to_owned(),
        format!("+ requirements.txt even 2.0 ; python_full_version < '3.8' and {windows} # via pywin32"),
        format!("+ requirements.txt odd 1.0 ; {windows} # via even, pywin32"),
        format!("+ requirements.txt pywin32 304 ; {windows} # via docker"),
    ];
    assert_eq!(lines(&plan), expect.join("\n"));
    let patch = super::apply(&graph, &plan, &world.facts, &files.into_iter().collect()).unwrap();
    let after = graph_of(&[("requirements.txt", &patch.files[0].after)]);
    assert_eq!(super::review(&graph, &after, &plan, &patch), Vec::<String>::new());
    assert!(
        patch.files[0].after.contains(&format!("pywin32==304 ; {windows} --hash=sha256:ab\n    # via docker\n")),
        "{}",
        patch.files[0].after
    );
}

#[test]
fn pins_for_other_pythons_are_not_in_the_way() {
    let python = |mut world: World, name: &str, text: &str| {
        let releases = &mut world.facts.packages.get_mut(name).unwrap().releases;
        releases.iter_mut().for_each(|release| _ = release.engines.insert("python".to_owned(), text.to_owned()));
        world
    };
    let world = pip().release("futures@3.2.0", "").release("django@3.2.0 bad", "").release("django@3.2.1", "");
    let world = python(python(world, "futures", ">=2.6,<3"), "django", ">=3.6");
    let text = "django==3.2.0\nfutures==3.2.0 ; python_version < '3'\n";
    check_files(&world, &[("requirements.txt", text)], "requirements.txt:1 3.2.0 -> 3.2.1");
    // Where no Python ran all of them before, none has to after.
    check_files(
        &world,
        &[("requirements.txt", "django==3.2.0\nfutures==3.2.0\n")],
        "requirements.txt:1 3.2.0 -> 3.2.1",
    );
}

#[test]
fn ranges_of_the_project_hold_for_its_constraints() {
    let world = pip().release("foo@1.4.2 bad", "").release("foo@1.5.0", "").release("foo@1.4.3 bad", "");
    let files = [("requirements.txt", "-c constraints.txt\nfoo~=1.4.0\n"), ("constraints.txt", "foo==1.4.2\n")];
    let expect = "left: foo 1.4.2: the project asks for foo ~=1.4.0, and the nearest version without known vulnerabilities is 1.5.0";
    check_files(&world, &files, expect);
    check_files(&world.release("foo@1.4.4", ""), &files, "constraints.txt:1 1.4.2 -> 1.4.4");
}

#[test]
fn an_extra_that_the_project_asks_for_has_needs() {
    let world = pip()
        .release("a@1.0", "b <1.5; extra == 'fast'")
        .release("b@1.4 bad", "")
        .release("b@1.5", "")
        .release("b@1.4.1", "");
    check_files(&world, &[("requirements.txt", "a==1.0\nb==1.4\n")], "requirements.txt:2 1.4 -> 1.4.1");
    let world = pip().release("a@1.0", "b <1.5; extra == 'fast'").release("b@1.4 bad", "").release("b@1.5", "");
    check_files(&world, &[("requirements.txt", "a==1.0\nb==1.4\n")], "requirements.txt:2 1.4 -> 1.5");
    let expect = "left: b 1.4: a 1.0 asks for b <1.5, and the nearest version without known vulnerabilities is 1.5";
    check_files(&world, &[("requirements.txt", "a[fast]==1.0\nb==1.4\n")], expect);
}

#[test]
fn an_override_that_says_what_the_project_asks_for_changes_with_it() {
    let world = npm().release("a@1.0.0", "b ~0.9.0").release("b@1.0.0 bad", "").release("b@1.0.1", "");
    for (written, after) in [("$b", "$b"), ("1.0.0", "1.0.1")] {
        let manifest = |range: &str, forced: &str| {
            format!(r#"{{"dependencies": {{"a": "^1", "b": "{range}"}}, "overrides": {{"b": "{forced}"}}}}"#)
        };
        let lock = |version: &str| {
            format!(
                r#"{{"lockfileVersion": 3, "packages": {{"": {{"dependencies": {{"a": "^1", "b": "{version}"}}}}, "node_modules/a": {{"version": "1.0.0", "dependencies": {{"b": "~0.9.0"}}}}, "node_modules/b": {{"version": "{version}"}}}}}}"#
            )
        };
        let (before, locked) = (manifest("1.0.0", written), lock("1.0.0"));
        let files = [("package.json", before.as_str()), ("package-lock.json", locked.as_str())];
        let graph = graph_of(&files);
        let plan = world.plan_of(&graph, &Rules::new(now()));
        assert_eq!(lines(&plan), "package.json: b 1.0.0 -> 1.0.1\nb 1.0.0 -> 1.0.1");
        let patch = super::apply(&graph, &plan, &world.facts, &files.into_iter().collect()).unwrap();
        let [ref changed, ref relocked] = patch.files[..] else { panic!("{patch:?}") };
        assert_eq!([&changed.after, &relocked.after], [&manifest("1.0.1", after), &lock("1.0.1")]);
        let read_again = graph_of(&[("package.json", &changed.after), ("package-lock.json", &relocked.after)]);
        assert_eq!(super::review(&graph, &read_again, &plan, &patch), Vec::<String>::new());
        let constructed = world.plan_of(&graph, &Rules { steps_max: 0, ..Rules::new(now()) });
        assert_eq!(constructed.changes, plan.changes);
    }
}

#[test]
fn what_two_wounds_would_share_is_found() {
    let world = |of_x: &str, of_y: &str| {
        npm()
            .release("x@1.0.0 bad", "")
            .release("x@1.0.1", "p1 ^1, p2 ^1")
            .release("x@1.0.2", of_x)
            .release("y@1.0.0 bad", "")
            .release("y@1.0.1", "q1 ^1, q2 ^1")
            .release("y@1.0.2", of_y)
            .release("s1@1.0.0", "s ^1")
            .release("s2@1.0.0", "s ^1")
            .release("s@1.0.0", "")
            .release("m1@1.0.0", "")
            .release("m2@1.0.0", "")
            .release("p1@1.0.0", "")
            .release("p2@1.0.0", "")
            .release("q1@1.0.0", "")
            .release("q2@1.0.0", "")
            .asks("x ^1, y ^1")
            .at("x", "1.0.0")
            .at("y", "1.0.0")
    };
    let moved = "x 1.0.0 -> 1.0.2\ny 1.0.0 -> 1.0.2";
    check(&world("s1 ^1", "s2 ^1"), &format!("{moved}\n+ s s 1.0.0\n+ s1 s1 1.0.0\n+ s2 s2 1.0.0"));
    check(&world("m1 ^1, s ^1", "m2 ^1, s ^1"), &format!("{moved}\n+ m1 m1 1.0.0\n+ m2 m2 1.0.0\n+ s s 1.0.0"));
}

#[test]
fn a_tag_is_no_wish_for_a_prerelease() {
    let world = npm()
        .release("a@1.0.0 bad", "")
        .release("a@1.0.1", "n latest")
        .release("n@1.0.0", "")
        .release("n@2.0.0-rc.1", "")
        .asks("a ^1")
        .at("a", "1.0.0");
    check(&world, "a 1.0.0 -> 1.0.1\n+ n n 1.0.0");
}

#[test]
fn an_override_that_breaks_reaches_as_far_as_that() {
    let world = npm()
        .release("a@1.0.0", "b ^1")
        .release("b@1.0.0 bad", "")
        .release("b@2.0.0", "")
        .asks("a ^1")
        .at("a", "1.0.0")
        .at("b", "1.0.0");
    let plan = world.plan(&Rules { allow_breaking: true, ..Rules::new(now()) });
    assert_eq!(lines(&plan), "override b 2.0.0\nb 1.0.0 -> 2.0.0");
    assert_eq!(super::reach(&world.graph(), &plan), pipeline::decision::Reach::Breaking);
}

#[test]
fn the_wheel_at_an_address_is_left_for_people() {
    let world = pip().release("foo-bar@1.0 bad", "").release("foo-bar@2.0", "");
    let files = [("requirements.txt", "https://host.example/foo_bar-1.0-py3-none-any.whl\n")];
    let (graphs, _) = detectors::dependency::graphs(&files.into_iter().collect());
    let fingerprint = Fingerprint::of("TEST-foo-bar", "pkg:pypi/foo-bar@1.0", 0);
    let wounds = [Wound { fingerprint: &fingerprint, places: vec!["requirements.txt:1".to_owned()] }];
    let Planned::Plan(plan) = plan(&graphs[0], &wounds, &world.facts, &Rules::new(now())) else {
        panic!("all facts are there")
    };
    assert_eq!(lines(&plan), "left: foo-bar 1.0 does not come from a registry");
}
