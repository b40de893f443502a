//! `suture sbom` and `suture versions`.

use super::{Desk, shop, write};
use crate::world::program::User;

#[tokio::test(flavor = "multi_thread")]
async fn bill_of_materials_has_every_package_and_is_the_same_again() {
    let desk = Desk::with_project(&shop()).await;
    let cyclonedx = desk.suture(&["sbom", "shop"]).json(0);
    let mut names: Vec<&str> = cyclonedx["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(|component| component["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!((cyclonedx["specVersion"].as_str(), names), (Some("1.6"), vec!["gate", "latch"]));
    assert_eq!(desk.suture(&["sbom", "shop"]).json(0)["serialNumber"], cyclonedx["serialNumber"]);
    let spdx = desk.suture(&["sbom", "shop", "--format", "spdx", "--commit", "HEAD"]).json(0);
    assert_eq!(spdx["spdxVersion"], "SPDX-2.3");
    let ran = desk.suture(&["sbom", "nowhere"]);
    assert_eq!(ran.expect(2), "");
}

#[test]
fn bill_of_what_can_t_be_read_says_so() {
    let user = User::new();
    write(&user.home().join("tree/package-lock.json"), "{");
    let ran = user.suture(&["sbom", "tree"]);
    assert!(ran.stderr.contains("package-lock.json:1"), "{}", ran.stderr);
    assert_eq!(ran.code, Some(2), "a bill that lacks a project is not taken for a whole one: {}", ran.stderr);
}

#[track_caller]
fn check(ecosystem: &str, input: &[u8], code: i32, expect: &str) {
    assert_eq!(User::new().suture_reading(&["versions", ecosystem], input).expect(code), expect);
}

#[test]
fn lines_that_hold_are_counted() {
    check(
        "npm",
        b"1.0.0 < 1.0.1\n1.0.0-rc.1 < 1.0.0\n# said\n\n1.0.0 = 1.0.0+build\n",
        0,
        "3 of 3 lines hold; 0 do not\n",
    );
    check("Red Hat", b"1.0~rc1 < 1.0\n0:1.0-1 < 1:0.1-1\n", 0, "2 of 2 lines hold; 0 do not\n");
    check("npm", b"", 0, "0 of 0 lines hold; 0 do not\n");
}

#[test]
fn lines_that_do_not_hold_are_told() {
    check("npm", b"1.0.0 < 1.0.1\n2.0.0 < 1.0.0\n", 1, "line 2: 2.0.0 > 1.0.0\n1 of 2 lines hold; 1 do not\n");
}

#[test]
fn lines_that_are_none_are_told() {
    let expect = "\
line 1: expected two versions with ` < `, ` = ` or ` > ` between them
line 2: `x` is not a version of npm
line 3: `\u{fffd}` is not a version of npm
1 of 4 lines hold; 3 do not
";
    check("npm", b"garbage\nx < 1.0.0\n\xff < 1.0.0\n1.0.0 < 2.0.0\n", 1, expect);
}

#[test]
fn unknown_ecosystem_is_refused_with_the_list() {
    let ran = User::new().suture(&["versions", "homebrew"]);
    ran.expect(2);
    assert!(ran.stderr.contains("crates.io") && ran.stderr.contains("Red Hat"), "{}", ran.stderr);
}
