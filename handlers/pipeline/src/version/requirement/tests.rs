use super::*;

fn requirement(ecosystem: Ecosystem, text: &str) -> Requirement {
    Requirement::parse(ecosystem, text).unwrap()
}

fn version(ecosystem: Ecosystem, text: &str) -> Version {
    Version::parse(ecosystem, text).unwrap()
}

/// Each row: a requirement, `allows` or `refuses`, versions.
fn check(ecosystem: Ecosystem, rows: &str) {
    for row in rows.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let (text, is_allowed, versions) = row
            .split_once(" allows ")
            .map(|(text, versions)| (text, true, versions))
            .or_else(|| row.split_once(" refuses ").map(|(text, versions)| (text, false, versions)))
            .unwrap();
        let requirement = requirement(ecosystem, text.trim_matches('"'));
        assert!(requirement.is_range(), "{row}");
        for text in versions.split_whitespace() {
            assert_eq!(requirement.allows(&version(ecosystem, text)), is_allowed, "{row}: {text}");
        }
    }
}

/// Each row: a requirement, the version it should let in, what it becomes.
fn check_bump(ecosystem: Ecosystem, rows: &[(&str, &str, Option<&str>)]) {
    for (text, to, expected) in rows {
        assert_eq!(
            requirement(ecosystem, text).bump(&version(ecosystem, to)).as_deref(),
            *expected,
            "`{text}` for {to}"
        );
    }
}

#[test]
fn npm_ranges_decide_as_node_does() {
    check(
        Ecosystem::Npm,
        r#"
        1.2.3 allows 1.2.3 v1.2.3 1.2.3+build
        1.2.3 refuses 1.2.4 1.2.3-a
        =1.2.3 allows 1.2.3
        ^1.2.3 allows 1.2.3 1.9.9
        ^1.2.3 refuses 1.2.2 2.0.0 2.0.0-0 1.3.0-beta
        ^0.2.3 allows 0.2.3 0.2.9
        ^0.2.3 refuses 0.3.0
        ^0.0.3 allows 0.0.3
        ^0.0.3 refuses 0.0.4
        ^0.0 allows 0.0.9
        ^0.0 refuses 0.1.0
        ^0 allows 0.9.9
        ^1.x allows 1.0.0
        ~1.2.3 allows 1.2.9
        ~1.2.3 refuses 1.3.0
        ~1.2 allows 1.2.0
        ~>1 allows 1.9.0
        1.x allows 1.0.0 1.9.9
        1.2.* refuses 1.3.0
        "" allows 1.0.0
        "" refuses 1.0.0-a
        * allows 0.0.0
        * refuses 1.0.0-a
        >=1.2.3 <2 allows 1.9.9
        >=1.2.3 <2 refuses 2.0.0 2.0.0-a
        > 1.2 allows 1.3.0
        >1.2 refuses 1.2.9
        <=1.2 allows 1.2.9
        <1.2 refuses 1.2.0 1.2.0-a
        1.2.3 - 2.3 allows 2.3.9
        1.2.3 - 2.3 refuses 2.4.0
        1 - 2.3.4 refuses 2.3.5
        ^1.0.0 || ^3.0.0 allows 1.5.0 3.1.0
        ^1.0.0 || ^3.0.0 refuses 2.0.0
        >=1.2.3-beta.2 allows 1.2.3-beta.2 1.2.3-rc 1.2.3 2.0.0
        >=1.2.3-beta.2 refuses 1.2.3-beta.1 1.2.4-beta
        ^1.2.3-a allows 1.2.3-b 1.3.0
        ^1.2.3-a refuses 1.3.0-b
        ^ 1.2.3 allows 1.5.0
        >= v1.2 allows 1.2.0
        <* refuses 0.0.0 1.0.0
        1.0.0 junk allows 1.0.0
        npm:other@^1 allows 1.1.0
        npm:other allows 1.1.0
    "#,
    );
}

#[test]
fn npm_specs_that_are_no_ranges_decide_nothing() {
    for text in [
        "latest",
        "next",
        "git+ssh://git@host.example/a/b.git",
        "owner/repo#semver:^1",
        "file:../a",
        "workspace:*",
        "https://registry.example/a.tgz",
        "./a",
        "link:../a",
        "npm:@scope/other@latest",
        "npm:",
        "99999999999999999999.0.0",
    ] {
        let requirement = requirement(Ecosystem::Npm, text);
        assert!(!requirement.is_range(), "{text}");
        assert!(!requirement.allows(&version(Ecosystem::Npm, "1.0.0")), "{text}");
        assert_eq!(requirement.bump(&version(Ecosystem::Npm, "1.0.0")), None, "{text}");
    }
}

#[test]
fn alias_names_its_target() {
    let target = |text| requirement(Ecosystem::Npm, text).alias_target().map(str::to_owned);
    assert_eq!(target("npm:other@^1").as_deref(), Some("other"));
    assert_eq!(target("npm:@scope/other@1.2.3").as_deref(), Some("@scope/other"));
    assert_eq!(target("npm:@scope/other").as_deref(), Some("@scope/other"));
    assert_eq!(target("^1"), None);
}

#[test]
fn npm_bump_keeps_the_style() {
    check_bump(
        Ecosystem::Npm,
        &[
            ("^1.2.3", "2.0.1", Some("^2.0.1")),
            ("^1.2.3", "1.3.0", Some("^1.2.3")),
            ("~1.2", "2.0.4", Some("~2.0")),
            ("~1.2.3", "1.3.1", Some("~1.3.1")),
            ("1.2.3", "2.0.1", Some("2.0.1")),
            ("=1.2.3", "2.0.1", Some("=2.0.1")),
            ("v1.2.3", "2.0.1", Some("v2.0.1")),
            ("^ 1.2.3", "2.0.1", Some("^ 2.0.1")),
            ("1.x", "2.0.1", Some("2.x")),
            ("1.2.*", "2.0.1", Some("2.0.*")),
            ("1", "2.0.1", Some("2")),
            ("^1", "2.0.1", Some("^2")),
            ("^0.2.1", "0.3.4", Some("^0.3.4")),
            (">=1 <2", "2.0.1", Some("^2.0.1")),
            ("<2", "2.0.1", Some("^2.0.1")),
            ("1.0.0 - 1.5.0", "2.0.1", Some("^2.0.1")),
            ("^1.0.0 || ^2.0.0", "3.0.1", Some("^3.0.1")),
            ("^1.2", "2.0.0-rc.1", Some("^2.0.0-rc.1")),
            ("*", "2.0.1", Some("*")),
            ("npm:other@^1.0.0", "2.0.1", Some("npm:other@^2.0.1")),
            (">=3.0.0", "2.0.1", None),
            (">= 3", "2.0.1", None),
            ("latest", "2.0.1", None),
        ],
    );
}

#[test]
fn pypi_specifiers_decide_as_packaging_does() {
    check(
        Ecosystem::PyPI,
        r#"
        "" allows 1.0 1.0.post1
        "" refuses 1.0a1 1.0.dev1
        ==1.2 allows 1.2 1.2.0 1.2+local
        ==1.2 refuses 1.2.1 1.2.post1
        ==1.2+a allows 1.2+a
        ==1.2+a refuses 1.2 1.2+b
        ==1.2.* allows 1.2 1.2.9 1.2.post1
        ==1.2.* refuses 1 1.3 1.2a1
        !=1.2.* allows 1 1.3
        !=1.2 refuses 1.2.0
        ~=1.4.2 allows 1.4.2 1.4.9
        ~=1.4.2 refuses 1.5 1.4.1
        ~=1.4 allows 1.9
        ~=1.4 refuses 2.0
        >=1,<2 allows 1.0 1.9
        >=1,<2 refuses 2.0 2.0a1 1.5a1
        (>=1, <2) allows 1.5
        >1.7 allows 1.7.1
        >1.7 refuses 1.7.0.post1 1.7+local
        >1.7.post1 allows 1.7.post2
        >=1.0a1 allows 1.0a2 1.1.dev1 1.0
        !=1.0a1 refuses 1.0a2
        <=1.0 allows 1.0+local
        ===1.0 allows 1.0
        ===1.0 refuses 1.0.0
        ==1!1.0 refuses 1.0
    "#,
    );
    for text in
        ["1.0", "==", "~=1", "==1.0a.*", "==1.0.post1.*", ">=1.0+a", "~=1.*", ">=1.0.*", "=1.0", "foo", "==1.0 2"]
    {
        assert!(Requirement::parse(Ecosystem::PyPI, text).is_err(), "{text}");
    }
    assert!(!requirement(Ecosystem::PyPI, "@ https://registry.example/a.whl").is_range());
}

#[test]
fn pypi_bump_changes_only_what_is_in_the_way() {
    check_bump(
        Ecosystem::PyPI,
        &[
            ("==1.2", "2.0", Some("==2.0")),
            ("== 1.2", "2.0", Some("== 2.0")),
            ("==1.2.*", "2.0.5", Some("==2.0.*")),
            ("===1.2", "2.0", Some("===2.0")),
            ("~=1.2", "2.0.5", Some("~=2.0")),
            ("~=1.2.3", "2.0.5", Some("~=2.0.5")),
            (">=1.0,<2", "2.0.5", Some(">=1.0,<3")),
            (">=1.0, <2.0", "2.0.5", Some(">=1.0, <3.0")),
            (">=1.0,<1.5", "1.6.2", Some(">=1.0,<1.7")),
            (">=1.0,<=1.5", "1.6.2", Some(">=1.0,<=1.6.2")),
            ("(>=1.0,<2)", "2.0.5", Some("(>=1.0,<3)")),
            (">=1.0", "2.0.5", Some(">=1.0")),
            ("==1.2", "2.0rc1", Some("==2.0rc1")),
            (">=3", "2.0", None),
            (">=1,!=2.0", "2.0", None),
            (">=1", "2.0rc1", None),
        ],
    );
}

#[test]
fn long_and_foreign_requirements_are_errors() {
    let long = "1 ".repeat(REQUIREMENT_BYTES_MAX);
    assert_eq!(Requirement::parse(Ecosystem::Npm, &long).unwrap_err(), RequirementError::TooLong { bytes: long.len() });
    assert_eq!(Requirement::parse(Ecosystem::Go, "1.0").unwrap_err(), RequirementError::Unsupported(Ecosystem::Go));
    assert!(!requirement(Ecosystem::Npm, "*").allows(&version(Ecosystem::PyPI, "1.0")));
}
