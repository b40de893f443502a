use super::*;
use pipeline::dependency::{Dependency, DependencyGraph, DependencyKind, Package, Source, Written};
use pipeline::finding::Scope;
use pipeline::version::Ecosystem;
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;

const SHA1: &str = "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=";
const MD5: &str = "md5-1B2M2Y8AsgTpgAmY7PhCfg==";
const PIP: [&str; 2] = [
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
];

fn document() -> Document<'static> {
    Document {
        name: "shop",
        namespace: "https://suture.example/sbom/6ba7b810-9dad-51d1-80b4-00c04fd430c8",
        uuid: "6ba7b810-9dad-51d1-80b4-00c04fd430c8",
        timestamp: "2026-03-04T05:06:07.89Z".parse().unwrap(),
        tool_version: "0.1.0",
    }
}

fn need(name: &str, kind: DependencyKind, to: Option<usize>) -> Dependency {
    let written = Some(Written { path: "package.json".to_owned(), line: 5 });
    Dependency { name: name.to_owned(), requirement: "^1".to_owned(), kind, to, written }
}

fn package(place: &str, name: &str, version: &str, scope: Scope) -> Package {
    let purl = format!("pkg:npm/{}{}{version}", name.replace('@', "%40"), if version.is_empty() { "" } else { "@" });
    Package {
        place: place.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
        purl,
        path: "package-lock.json".to_owned(),
        line: u32::try_from(place.len()).unwrap(),
        scope,
        direct: false,
        via: Vec::new(),
        source: Source::Registry(Some(format!("https://me:hush@registry.example/{name}/-/{version}.tgz?token=hush"))),
        hashes: vec![format!("{SHA1} {MD5}")],
        dependencies: Vec::new(),
    }
}

/// One package at two places, a development and an optional need, a workspace behind a link, git, bundled, unanswered.
fn npm() -> DependencyGraph {
    let mut packages = vec![
        package("node_modules/a", "a", "1.0.0", Scope::Prod),
        package("node_modules/@s/b", "@s/b", "2.0.0-rc.1+x", Scope::Dev),
        package("node_modules/@s/b/node_modules/a", "a", "1.0.0", Scope::Dev),
        package("node_modules/w", "w", "", Scope::Prod),
        package("packages/w", "w", "0.1.0", Scope::Prod),
        package("node_modules/g", "g", "3.0.0", Scope::Optional),
        package("node_modules/g/node_modules/in", "in", "1.1.1", Scope::Optional),
    ];
    packages[0].dependencies =
        vec![need("a", DependencyKind::Prod, Some(2)), need("g", DependencyKind::Optional, Some(5))];
    packages[1].dependencies = vec![need("a", DependencyKind::Prod, Some(2)), need("no", DependencyKind::Peer, None)];
    packages[3].source = Source::Link("packages/w".to_owned());
    packages[4].source = Source::Link("packages/w".to_owned());
    for link in [3, 4] {
        packages[link].purl.clear();
        packages[link].hashes.clear();
    }
    packages[4].dependencies = vec![need("a", DependencyKind::Prod, Some(0))];
    packages[5].source = Source::Other("git+ssh://git:hush@github.com/o/g.git#c0ffee".to_owned());
    packages[5].purl.clear();
    packages[5].hashes = vec!["sha3-odd".to_owned()];
    packages[5].dependencies = vec![need("in", DependencyKind::Prod, Some(6))];
    packages[6].source = Source::Bundled;
    DependencyGraph {
        ecosystem: Ecosystem::Npm,
        manifest: "package.json".to_owned(),
        lockfile: Some("package-lock.json".to_owned()),
        name: Some("shop-web".to_owned()),
        version: Some("1.2.3".to_owned()),
        direct: vec![
            need("a", DependencyKind::Prod, Some(0)),
            need("@s/b", DependencyKind::Dev, Some(1)),
            need("w", DependencyKind::Prod, Some(3)),
            need("@t/gone", DependencyKind::Prod, None),
            need("gone", DependencyKind::Optional, None),
        ],
        packages,
        read_only: None,
    }
}

/// Pinned with the hashes of two files, unpinned, and a URL.
fn pip() -> DependencyGraph {
    let entry = |line: u32, name: &str, version: &str, purl: &str, source, hashes: &[&str]| Package {
        path: "requirements.txt".to_owned(),
        place: format!("requirements.txt:{line}"),
        line,
        purl: purl.to_owned(),
        source,
        hashes: hashes.iter().map(|&text| text.to_owned()).collect(),
        direct: true,
        ..package("", name, version, Scope::Prod)
    };
    let url = Source::Other("own @ https://me:hush@localhost:8080/own.whl#sha256=00".to_owned());
    DependencyGraph {
        ecosystem: Ecosystem::PyPI,
        manifest: "requirements.txt".to_owned(),
        lockfile: None,
        name: None,
        version: None,
        direct: (0..3).map(|to| need("x", DependencyKind::Prod, Some(to))).collect(),
        packages: vec![
            entry(1, "Django", "4.2", "pkg:pypi/django@4.2", Source::Registry(None), &PIP),
            entry(2, "flask", "", "pkg:pypi/flask", Source::Registry(None), &[]),
            entry(3, "own", "", "", url, &[]),
        ],
        read_only: None,
    }
}

fn json(text: &str) -> Value {
    assert!(!text.contains("hush"), "a secret is shown");
    serde_json::from_str(text).unwrap()
}

/// Every reference leads to a component, every component has one id.
fn check_references(cyclonedx: &Value, spdx: &Value) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut refs = vec![text(&cyclonedx["metadata"]["component"]["bom-ref"])];
    refs.extend(cyclonedx["components"].as_array().unwrap().iter().map(|at| text(&at["bom-ref"])));
    let unique: BTreeSet<_> = refs.iter().cloned().collect();
    assert_eq!(unique.len(), refs.len());
    let lines = cyclonedx["dependencies"].as_array().unwrap();
    assert_eq!(lines.iter().map(|line| text(&line["ref"])).collect::<BTreeSet<_>>(), unique);
    for line in lines {
        assert!(line["dependsOn"].as_array().unwrap().iter().all(|to| unique.contains(to.as_str().unwrap())));
    }

    let packages = spdx["packages"].as_array().unwrap();
    let mut ids: BTreeSet<_> = packages.iter().map(|at| text(&at["SPDXID"])).collect();
    assert_eq!(ids.len(), refs.len(), "both formats hold the same components");
    let legal = |id: &String| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    assert!(ids.iter().all(legal));
    ids.insert("SPDXRef-DOCUMENT".to_owned());
    for relation in spdx["relationships"].as_array().unwrap() {
        assert!(
            ids.contains(&text(&relation["spdxElementId"])) && ids.contains(&text(&relation["relatedSpdxElement"]))
        );
    }
}

/// One value a line.
fn lines<'a>(values: impl IntoIterator<Item = &'a Value>) -> String {
    values.into_iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
}

fn named<'a>(list: &'a Value, names: &[&str]) -> Vec<&'a Value> {
    list.as_array().unwrap().iter().filter(|at| names.contains(&at["name"].as_str().unwrap())).collect()
}

fn both(graphs: &[DependencyGraph]) -> (Value, Value) {
    let both = (json(&cyclonedx::write(&document(), graphs)), json(&spdx::write(&document(), graphs)));
    check_references(&both.0, &both.1);
    both
}

#[test]
fn places_of_one_version_are_one_component() {
    let (cyclonedx, spdx) = both(&[npm()]);
    insta::assert_snapshot!(lines(named(&cyclonedx["components"], &["a"])), @r#"{"type":"library","bom-ref":"pkg:npm/a@1.0.0","name":"a","version":"1.0.0","scope":"required","hashes":[{"alg":"MD5","content":"d41d8cd98f00b204e9800998ecf8427e"},{"alg":"SHA-1","content":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}],"purl":"pkg:npm/a@1.0.0","externalReferences":[{"type":"distribution","url":"https://registry.example/a/-/1.0.0.tgz"}],"properties":[{"name":"cdx:npm:package:path","value":"node_modules/@s/b/node_modules/a"},{"name":"cdx:npm:package:path","value":"node_modules/a"}],"evidence":{"occurrences":[{"location":"package-lock.json","line":14},{"location":"package-lock.json","line":32}]}}"#);
    insta::assert_snapshot!(lines(named(&spdx["packages"], &["a"])), @r#"{"name":"a","SPDXID":"SPDXRef-Package-pkg-npm-a-1.0.0","versionInfo":"1.0.0","downloadLocation":"https://registry.example/a/-/1.0.0.tgz","filesAnalyzed":false,"supplier":"NOASSERTION","licenseConcluded":"NOASSERTION","licenseDeclared":"NOASSERTION","copyrightText":"NOASSERTION","primaryPackagePurpose":"LIBRARY","sourceInfo":"package-lock.json:14 (node_modules/a); package-lock.json:32 (node_modules/@s/b/node_modules/a)","checksums":[{"algorithm":"MD5","checksumValue":"d41d8cd98f00b204e9800998ecf8427e"},{"algorithm":"SHA1","checksumValue":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}],"externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:npm/a@1.0.0"}]}"#);
}

#[test]
fn the_graph_is_kept_in_both_formats() {
    let (cyclonedx, spdx) = both(&[npm()]);
    let lines = cyclonedx["dependencies"].as_array().unwrap();
    let lines: Vec<_> =
        lines.iter().map(|line| format!("{} -> {}", line["ref"], line["dependsOn"]).replace('"', "")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    npm:g@3.0.0 from git+ssh://git@github.com/o/g.git#c0ffee -> [pkg:npm/in@1.1.1]
    npm:w@0.1.0 from package.json:packages/w -> [pkg:npm/a@1.0.0]
    pkg:npm/%40s/b@2.0.0-rc.1+x -> [pkg:npm/a@1.0.0]
    pkg:npm/%40t/gone -> []
    pkg:npm/a@1.0.0 -> [npm:g@3.0.0 from git+ssh://git@github.com/o/g.git#c0ffee]
    pkg:npm/in@1.1.1 -> []
    project:npm:package.json -> [npm:w@0.1.0 from package.json:packages/w,pkg:npm/%40s/b@2.0.0-rc.1+x,pkg:npm/%40t/gone,pkg:npm/a@1.0.0]
    ");
    let lines = spdx["relationships"].as_array().unwrap();
    let lines: Vec<_> = lines
        .iter()
        .map(|at| format!("{} {} {}", at["spdxElementId"], at["relationshipType"], at["relatedSpdxElement"]))
        .map(|line| line.replace('"', "").replace("SPDXRef-Package-", ""))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    SPDXRef-DOCUMENT DESCRIBES project-npm-package.json
    npm-g-3.0.0-from-git-ssh---git-github.com-o-g.git-c0ffee DEPENDS_ON pkg-npm-in-1.1.1
    npm-w-0.1.0-from-package.json-packages-w DEPENDS_ON pkg-npm-a-1.0.0
    pkg-npm--40s-b-2.0.0-rc.1-x DEPENDS_ON pkg-npm-a-1.0.0
    npm-g-3.0.0-from-git-ssh---git-github.com-o-g.git-c0ffee OPTIONAL_DEPENDENCY_OF pkg-npm-a-1.0.0
    project-npm-package.json DEPENDS_ON npm-w-0.1.0-from-package.json-packages-w
    pkg-npm--40s-b-2.0.0-rc.1-x DEV_DEPENDENCY_OF project-npm-package.json
    project-npm-package.json DEPENDS_ON pkg-npm--40t-gone
    project-npm-package.json DEPENDS_ON pkg-npm-a-1.0.0
    ");
}

#[test]
fn links_git_and_bundled_packages_say_what_they_are() {
    let (cyclonedx, spdx) = both(&[npm()]);
    insta::assert_snapshot!(lines(named(&cyclonedx["components"], &["w", "g", "in", "@t/gone"])), @r#"
    {"type":"library","bom-ref":"npm:g@3.0.0 from git+ssh://git@github.com/o/g.git#c0ffee","name":"g","version":"3.0.0","scope":"optional","externalReferences":[{"type":"vcs","url":"git+ssh://git@github.com/o/g.git#c0ffee"}],"properties":[{"name":"cdx:npm:package:path","value":"node_modules/g"},{"name":"suture:integrity","value":"sha3-odd"}],"evidence":{"occurrences":[{"location":"package-lock.json","line":14}]}}
    {"type":"library","bom-ref":"npm:w@0.1.0 from package.json:packages/w","name":"w","version":"0.1.0","scope":"required","properties":[{"name":"cdx:npm:package:path","value":"node_modules/w"},{"name":"cdx:npm:package:path","value":"packages/w"},{"name":"suture:source","value":"packages/w"}],"evidence":{"occurrences":[{"location":"package-lock.json","line":10},{"location":"package-lock.json","line":14}]}}
    {"type":"library","bom-ref":"pkg:npm/%40t/gone","name":"@t/gone","scope":"required","purl":"pkg:npm/%40t/gone","properties":[{"name":"suture:requirement","value":"^1"}],"evidence":{"occurrences":[{"location":"package.json","line":5}]}}
    {"type":"library","bom-ref":"pkg:npm/in@1.1.1","name":"in","version":"1.1.1","scope":"optional","hashes":[{"alg":"MD5","content":"d41d8cd98f00b204e9800998ecf8427e"},{"alg":"SHA-1","content":"da39a3ee5e6b4b0d3255bfef95601890afd80709"}],"purl":"pkg:npm/in@1.1.1","properties":[{"name":"cdx:npm:package:bundled","value":"true"},{"name":"cdx:npm:package:path","value":"node_modules/g/node_modules/in"}],"evidence":{"occurrences":[{"location":"package-lock.json","line":30}]}}
    "#);
    insta::assert_snapshot!(lines(named(&spdx["packages"], &["g"])), @r#"{"name":"g","SPDXID":"SPDXRef-Package-npm-g-3.0.0-from-git-ssh---git-github.com-o-g.git-c0ffee","versionInfo":"3.0.0","downloadLocation":"git+ssh://git@github.com/o/g.git@c0ffee","filesAnalyzed":false,"supplier":"NOASSERTION","licenseConcluded":"NOASSERTION","licenseDeclared":"NOASSERTION","copyrightText":"NOASSERTION","primaryPackagePurpose":"LIBRARY","sourceInfo":"package-lock.json:14 (node_modules/g)","comment":"integrity: sha3-odd"}"#);
}

#[test]
fn several_files_of_a_release_keep_all_their_hashes() {
    let (cyclonedx, spdx) = both(&[pip()]);
    insta::assert_snapshot!(lines(cyclonedx["components"].as_array().unwrap()), @r#"
    {"type":"library","bom-ref":"PyPI:own@ from own @ https://localhost:8080/own.whl#sha256=00","name":"own","scope":"required","externalReferences":[{"type":"distribution","url":"https://localhost:8080/own.whl#sha256=00"}],"evidence":{"occurrences":[{"location":"requirements.txt","line":3}]}}
    {"type":"library","bom-ref":"pkg:pypi/django@4.2","name":"Django","version":"4.2","scope":"required","purl":"pkg:pypi/django@4.2","externalReferences":[{"type":"distribution","url":"pkg:pypi/django@4.2","comment":"one file of the release","hashes":[{"alg":"SHA-256","content":"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"}]},{"type":"distribution","url":"pkg:pypi/django@4.2","comment":"one file of the release","hashes":[{"alg":"SHA-256","content":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]}],"evidence":{"occurrences":[{"location":"requirements.txt","line":1}]}}
    {"type":"library","bom-ref":"pkg:pypi/flask","name":"flask","scope":"required","purl":"pkg:pypi/flask","evidence":{"occurrences":[{"location":"requirements.txt","line":2}]}}
    "#);
    insta::assert_snapshot!(lines(named(&spdx["packages"], &["Django"])), @r#"{"name":"Django","SPDXID":"SPDXRef-Package-pkg-pypi-django-4.2","versionInfo":"4.2","downloadLocation":"NOASSERTION","filesAnalyzed":false,"supplier":"NOASSERTION","licenseConcluded":"NOASSERTION","licenseDeclared":"NOASSERTION","copyrightText":"NOASSERTION","primaryPackagePurpose":"LIBRARY","sourceInfo":"requirements.txt:1","checksums":[{"algorithm":"SHA256","checksumValue":"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"},{"algorithm":"SHA256","checksumValue":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}],"externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:pypi/django@4.2"}]}"#);
}

#[test]
fn several_projects_stand_under_one_subject() {
    let (cyclonedx, spdx) = both(&[npm(), pip()]);
    insta::assert_snapshot!(cyclonedx["metadata"].to_string(), @r#"{"timestamp":"2026-03-04T05:06:07Z","lifecycles":[{"phase":"pre-build"}],"tools":{"components":[{"type":"application","name":"suture","version":"0.1.0"}]},"component":{"type":"application","bom-ref":"document","name":"shop"}}"#);
    insta::assert_snapshot!(spdx["creationInfo"].to_string(), @r#"{"created":"2026-03-04T05:06:07Z","creators":["Tool: suture-0.1.0"]}"#);
    let (cyclonedx, _) = both(&[]);
    assert_eq!(cyclonedx["metadata"]["component"]["name"], "shop");
}

#[test]
fn order_of_graphs_does_not_matter() {
    let (one, other) = ([npm(), pip()], [pip(), npm()]);
    assert_eq!(cyclonedx::write(&document(), &one), cyclonedx::write(&document(), &other));
    assert_eq!(spdx::write(&document(), &one), spdx::write(&document(), &other));
}

proptest! {
    #[test]
    fn any_names_give_documents_that_hold_together(
        texts in proptest::collection::vec(("\\PC{0,6}", "\\PC{0,4}", "\\PC{0,12}", 0..5usize), 1..12),
        edges in proptest::collection::vec((0..12usize, 0..14usize), 0..30),
    ) {
        let mut graph = npm();
        graph.packages = texts.iter().enumerate().map(|(at, (name, version, more, kind))| {
            let mut package = package(&format!("at {at}"), name, version, Scope::Prod);
            package.hashes = vec![more.clone()];
            package.source = match kind {
                0 => Source::Other(more.clone()),
                1 => Source::Link(format!("at {}", more.len())),
                2 => Source::Bundled,
                3 => Source::Registry(None),
                _ => Source::Registry(Some(format!("https://{more}"))),
            };
            if more.len() % 2 == 0 { package.purl.clear(); }
            package
        }).collect();
        for (from, to) in edges {
            if let Some(package) = graph.packages.get_mut(from) {
                package.dependencies.push(need("x", DependencyKind::Prod, Some(to)));
            }
        }
        both(&[graph, pip()]);
    }
}

/// Writes documents for `tests/contracts/sbom_validate.py` into the folder that `SUTURE_TEST_SBOM` names: of the graphs
/// above, and of those in its `*.graphs.json` files.
#[test]
fn documents_are_written_for_the_validators() {
    #[expect(clippy::disallowed_methods, reason = "a developer's wish, not a setting")]
    let Some(folder) = std::env::var_os("SUTURE_TEST_SBOM").map(std::path::PathBuf::from) else {
        return println!("SUTURE_TEST_SBOM is not set: nothing is written");
    };
    std::fs::create_dir_all(&folder).unwrap();
    let name = str::to_owned;
    let mut all = vec![
        (name("none"), vec![]),
        (name("npm"), vec![npm()]),
        (name("pip"), vec![pip()]),
        (name("both"), vec![npm(), pip()]),
    ];
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".graphs.json")) {
            all.push((name.to_owned(), serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap()));
        }
    }
    for (name, graphs) in all {
        std::fs::write(folder.join(format!("{name}.cdx.json")), cyclonedx::write(&document(), &graphs)).unwrap();
        std::fs::write(folder.join(format!("{name}.spdx.json")), spdx::write(&document(), &graphs)).unwrap();
    }
}
