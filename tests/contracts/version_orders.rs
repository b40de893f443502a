//! The order of versions, held against those who define it.

use crate::world::program::{Program, skip};
use pipeline::version::Ecosystem;
use pipeline::version::order_check::check_order;
use std::path::{Path, PathBuf};

const NPM: &[&str] = &[
    "0.0.0-0",
    "0.0.0",
    "0.0.1",
    "0.9.9",
    "1.0.0-0",
    "1.0.0-1",
    "1.0.0-2",
    "1.0.0-10",
    "1.0.0--",
    "1.0.0-0a",
    "1.0.0-alpha",
    "1.0.0-alpha.0",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-alpha0",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0-RC.1",
    "1.0.0-rc.1+build.1",
    "1.0.0",
    "1.0.0+20130313144700",
    "1.0.0+0",
    "1.0.1-0",
    "1.1.0",
    "1.10.0",
    "1.2.3-4.5.6",
    "1.2.3-x.7.z.92",
    "2.0.0-next.9007199254740991",
    "10.0.0",
    "9007199254740991.0.0",
];

const PYPI: &[&str] = &[
    "0",
    "0.dev1",
    "0.0.1",
    "1.dev0",
    "1.0.dev456",
    "1.0a1",
    "1.0a2.dev456",
    "1.0a12.dev456",
    "1.0a12",
    "1.0b1.dev456",
    "1.0b2",
    "1.0b2.post345.dev456",
    "1.0b2.post345",
    "1.0rc1.dev456",
    "1.0rc1",
    "1.0c2",
    "1.0",
    "1.0.0",
    "1",
    "1.0+abc.5",
    "1.0+abc.7",
    "1.0+5",
    "1.0+ubuntu.1",
    "1.0+ubuntu-2",
    "1.0.post456.dev34",
    "1.0.post456",
    "1.0-1",
    "1.0.15",
    "1.1.dev1",
    "1!0.1",
    "v1.1",
    "1.1.PREVIEW",
    "1.1-r4",
    "2012.4",
    "1!1.0b2.post345.dev456",
    "18446744073709551615.1",
];

const DEBIAN: &[&str] = &[
    "0",
    "0~",
    "0:0-0",
    "0.9",
    "1.0~rc1-1",
    "1.0~rc1",
    "1.0",
    "1.0-0",
    "1.0-1",
    "1.0-1~bpo10+1",
    "1.0-1+b1",
    "1.0-1ubuntu0.1",
    "1.0+dfsg-1",
    "1.0a",
    "1.00",
    "1.0.",
    "1.0-a",
    "1:0.1",
    "2:1.0~~",
    "1.0~~a",
    "1.0-1-1",
    "1.0.0+really0.9-1",
];

const GO: &[&str] = &[
    "v0.0.0-20170915032832-14c0d48ead0c",
    "v0.0.0-20200101000000-abcdefabcdef",
    "v0.0.0",
    "v0.1.0",
    "v1.0.0-alpha",
    "v1.0.0-alpha.1",
    "v1.0.0-alpha.beta",
    "v1.0.0-beta.2",
    "v1.0.0-beta.11",
    "v1.0.0-rc.1",
    "v1.0.0",
    "v1.0.1-0.20200101000000-abcdefabcdef",
    "v1.0.1",
    "v1.2.0",
    "v1.10.0",
    "v2.0.0+incompatible",
    "v2.0.0",
    "v2.0.1-pre+incompatible",
    "v18446744073709551615.0.0",
];

// Without those of Maven's circles, such as `1-sp` > `1` > `1-0.alpha` > `1-sp`: no order can have them.
const MAVEN: &[&str] = &[
    "0",
    "1-alpha",
    "1-a1",
    "1-alpha-1",
    "1-beta-2",
    "1b2",
    "1-milestone-1",
    "1-m3",
    "1-rc",
    "1-cr1",
    "1-SNAPSHOT",
    "1",
    "1.0",
    "1.0.0",
    "1-ga",
    "1.final",
    "1-RELEASE",
    "1-sp",
    "1-sp-1",
    "1-abc",
    "1-xyz",
    "1-1",
    "1.1",
    "1.1-SNAPSHOT",
    "1.0.1",
    "1-1.foo",
    "1.foo",
    "1-foo",
    "1.a",
    "1x",
    "1.x",
    "2.0.1-xyz",
    "2.0.a",
    "2.0-rc-1",
    "2-1",
    "2.10",
    "2.9.10.8",
    "20040616",
    "1.0.0.RC1-SNAPSHOT",
    "5.0.0.Beta1",
    "5.0.0.CR2",
    "5.0.0.Final",
    "99999999999999999999",
    "1..1",
    "1-.1",
];

/// Asks `compare` for every pair of `versions`; Suture has to hold all it says.
#[track_caller]
fn check(ecosystem: Ecosystem, versions: &[&str], compare: impl FnOnce(&[(&str, &str)]) -> Option<Vec<String>>) {
    let pairs: Vec<(&str, &str)> = versions.iter().flat_map(|a| versions.iter().map(move |b| (*a, *b))).collect();
    let Some(orders) = compare(&pairs) else { return };
    assert_eq!(orders.len(), pairs.len());
    let text: String = pairs.iter().zip(&orders).map(|((a, b), order)| format!("{a} {order} {b}\n")).collect();
    let report = check_order(ecosystem, &text);
    let problems: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems, Vec::<String>::new(), "of {} statements", report.statements);
    assert_eq!(report.statements, pairs.len());
}

fn lines(pairs: &[(&str, &str)]) -> String {
    pairs.iter().map(|(a, b)| format!("{a} {b}\n")).collect()
}

fn words(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// Where npm keeps its packages. `None`: it is not installed.
fn npm_modules(folder: &Path) -> Option<PathBuf> {
    let root = Program::new("npm", folder).run(["root", "-g"])?.expect(0).to_owned();
    Some(Path::new(root.trim()).join("npm/node_modules")).filter(|modules| modules.join("semver").is_dir())
}

#[test]
fn npm_versions_stand_as_node_semver_puts_them() {
    let folder = tempfile::tempdir().unwrap();
    let Some(modules) = npm_modules(folder.path()) else {
        return skip("npm's order", "npm with its semver is not installed");
    };
    let script = "const { compare } = require('semver');
        for (const line of require('fs').readFileSync(0, 'utf8').trim().split('\\n')) {
            const [a, b] = line.split(' ');
            console.log('=><'.at(compare(a, b)));
        }";
    let node = Program::new("node", folder.path()).with("NODE_PATH", modules.display().to_string());
    check(Ecosystem::Npm, NPM, |pairs| {
        let ran = node.run_reading(["-e", script], lines(pairs).as_bytes()).expect("npm has node");
        Some(words(ran.expect(0)))
    });
}

#[test]
fn python_versions_stand_as_packaging_puts_them() {
    let folder = tempfile::tempdir().unwrap();
    let script = "import sys
from pip._vendor.packaging.version import Version
for line in sys.stdin:
    a, b = map(Version, line.split())
    print('<' if a < b else '>' if a > b else '=')";
    check(Ecosystem::PyPI, PYPI, |pairs| {
        match Program::new("python3", folder.path()).run_reading(["-c", script], lines(pairs).as_bytes()) {
            Some(ran) if !ran.stderr.contains("No module named") => Some(words(ran.expect(0))),
            _ => {
                skip("Python's order", "Python with pip is not installed");
                None
            }
        }
    });
}

#[test]
fn debian_versions_stand_as_dpkg_puts_them() {
    let folder = tempfile::tempdir().unwrap();
    if Program::new("dpkg", folder.path()).run(["--version"]).is_none() {
        return skip("Debian's order", "dpkg is not installed");
    }
    let script = "while read -r a b; do
        if dpkg --compare-versions \"$a\" lt \"$b\"; then echo '<'
        elif dpkg --compare-versions \"$a\" gt \"$b\"; then echo '>'
        else echo '='; fi
    done";
    check(Ecosystem::Debian, DEBIAN, |pairs| {
        let ran = Program::new("sh", folder.path())
            .run_reading(["-c", script], lines(pairs).as_bytes())
            .expect("Debian has sh");
        Some(words(ran.expect(0)))
    });
}

#[test]
fn go_versions_stand_as_its_own_module_puts_them() {
    let folder = tempfile::tempdir().unwrap();
    let go = Program::new("go", folder.path()).with("GOFLAGS", "-mod=mod").with("GOTOOLCHAIN", "local");
    let Some(root) = go.run(["env", "GOROOT"]) else { return skip("Go's order", "Go is not installed") };
    // The go command comes with the module that orders versions.
    let module = Path::new(root.expect(0).trim()).join("src/cmd/vendor/golang.org/x/mod/semver/semver.go");
    let Ok(source) = std::fs::read_to_string(&module) else {
        return skip("Go's order", "Go was installed without its sources");
    };
    let main = "package main
import (\"bufio\"; \"fmt\"; \"os\"; \"strings\"; \"order/semver\")
func main() {
    for in := bufio.NewScanner(os.Stdin); in.Scan(); {
        pair := strings.Fields(in.Text())
        if !semver.IsValid(pair[0]) { panic(pair[0]) }
        fmt.Println([]string{\"<\", \"=\", \">\"}[semver.Compare(pair[0], pair[1])+1])
    }
}";
    std::fs::create_dir(folder.path().join("semver")).unwrap();
    for (path, text) in
        [("semver/semver.go", source.as_str()), ("main.go", main), ("go.mod", "module order\n\ngo 1.20\n")]
    {
        std::fs::write(folder.path().join(path), text).unwrap();
    }
    check(Ecosystem::Go, GO, |pairs| Some(words(go.run_reading(["run", "."], lines(pairs).as_bytes())?.expect(0))));
}

#[test]
fn maven_versions_stand_as_maven_puts_them() {
    let folder = tempfile::tempdir().unwrap();
    let told =
        Program::new("mvn", folder.path()).run(["--version"]).filter(|told| told.is_ok()).map(|told| told.stdout);
    let Some(home) = told.as_ref().and_then(|told| told.lines().find_map(|line| line.strip_prefix("Maven home: ")))
    else {
        return skip("Maven's order", "Maven is not installed");
    };
    let jars = format!("{home}/lib/*");
    let compare = |pairs: &[(&str, &str)]| {
        let class = "org.apache.maven.artifact.versioning.ComparableVersion";
        let words = pairs.iter().flat_map(|(a, b)| [*a, *b]);
        let ran = Program::new("java", folder.path())
            .run(["-cp", &jars, class].into_iter().chain(words))?
            .expect(0)
            .to_owned();
        // It compares each word with the one before it; every other of these is a pair.
        let orders = ran.lines().filter_map(|line| line.strip_prefix("   ")?.split(' ').nth(1));
        Some(orders.step_by(2).map(|order| order.replace("==", "=")).collect())
    };
    check(Ecosystem::Maven, MAVEN, compare);
}
