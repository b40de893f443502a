use super::*;
use crate::finding::{Fix, PackageRef, Severity};
use crate::ids::Fingerprint;
use proptest::prelude::*;

#[track_caller]
fn holds(text: &str) -> bool {
    When::parse(text).unwrap().holds(&Subject::example()).unwrap()
}

#[test]
fn expressions_are_held_against_the_subject() {
    assert!(holds("severity == 'medium' && direct"));
    assert!(holds("severity in ['low', 'medium'] && epss < 0.6 && !known_exploited"));
    assert!(holds("repository.startsWith('github.example/octo/') && branch == 'main'"));
    assert!(holds("packages.exists(name, name == 'latch')"));
    assert!(holds("advisories.all(id, packages.exists(name, id != name))"));
    assert!(!holds("path.endsWith('.txt') || event_type.contains('secret')"));
    assert!(holds("size(packages) == 1 ? production : false"));
}

#[test]
fn names_are_those_of_the_subject() {
    let value = serde_json::to_value(Subject::example()).unwrap();
    let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, VARIABLES);
}

/// As much as there may be of everything.
fn largest() -> Subject {
    let items = |letter: &str| (0..ITEMS_MAX).map(|index| format!("{}-{index}", letter.repeat(200))).collect();
    Subject { packages: items("p"), advisories: items("a"), path: "p".repeat(TEXT_BYTES_MAX), ..Subject::example() }
}

#[test]
fn errors_say_what_is_wrong() {
    let long = format!("severity == '{}'", "x".repeat(BYTES_MAX));
    let deep = format!("{}direct{}", "(".repeat(DEPTH_MAX + 1), ")".repeat(DEPTH_MAX + 1));
    let often = "packages.all(a, packages.all(b, packages.all(c, true)))";
    let deepest = (0..DEPTH_MAX).fold("true".to_owned(), |inner, _| format!("packages.existsOne(path,{inner})"));
    let many = ["packages"; 10].join("+");
    let heavy = format!("({many}).all(a,({many}).all(b,!(('z'+b) in ({many}))))");
    let doubled = "packages.map(a, packages.map(b, packages)).size() == 1";
    for (text, because) in [
        ("sevrity == 'high'", "`sevrity` is not known; use one of advisories"),
        ("severity", "neither true nor false"),
        ("severity == ", "Syntax error"),
        ("path.matches('a*')", "matches"),
        ("severity + 1 == 2", "Unsupported binary operator"),
        (&*long, "an expression may have 500"),
        (&*deep, "nested 13 deep"),
        (often, "goes through lists 3 times"),
        (&*deepest, "goes through lists 12 times"),
        (&*heavy, "steps where lists have 100 items"),
        (doubled, "steps where lists have 100 items"),
        ("packages.exists(name, true) && name == 'latch'", "`name` is not known"),
        (r"path == r'\' || packages.all(a, true) || path == ''", "raw"),
        ("path == '''x''' || direct", "triple-quoted"),
        ("direct // (", "comment"),
    ] {
        let error = When::parse(text).unwrap_err();
        assert!(error.contains(because), "{text}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn brackets_in_strings_are_no_nesting() {
    assert!(!holds("path == '((((((((((((((((((((((' || path == \"\\\"[[[[[[[[[[[[[[[[[[[\""));
}

#[test]
fn what_is_longer_than_what_is_looked_at_is_not_judged_by() {
    let (names, path) = (When::parse("'zlib' in packages").unwrap(), When::parse("path == 'a'").unwrap());
    let whole = Subject::example();
    assert_eq!(names.holds(&whole), Ok(false));
    let cut = Subject { oversized: ["packages"].into(), ..whole };
    let error = names.holds(&cut).unwrap_err();
    assert!(error.starts_with("`packages` is too long"), "{error}");
    assert_eq!(path.holds(&cut), Ok(false), "what it is not over may be as long as it is");
}

#[test]
fn lists_and_texts_that_are_too_long_are_known() {
    let finding = |name: String| Finding {
        fingerprint: Fingerprint::of("GHSA-aaaa-bbbb-cccc", &name, 0),
        event_type: "vulnerability.dependency".to_owned(),
        rule: "GHSA-aaaa-bbbb-cccc".to_owned(),
        severity: Severity::High,
        confidence: 0.97,
        title: "made up".to_owned(),
        path: "package-lock.json".to_owned(),
        line: None,
        package: Some(PackageRef {
            purl: String::new(),
            name,
            version: "1.0.0".to_owned(),
            scope: Scope::Prod,
            direct: true,
        }),
        advisories: vec!["GHSA-aaaa-bbbb-cccc".to_owned()],
        fixed_versions: Vec::new(),
        fix: Fix::Unknown,
        risk: Default::default(),
        imported: Default::default(),
    };
    let oversized = |names: Vec<String>, path: &str| {
        let findings: Vec<Finding> = names.into_iter().map(finding).collect();
        let wound = Wound {
            repository: "github.example/octo/shop".parse().unwrap(),
            base_branch: "main".to_owned(),
            commit: "0123456789012345678901234567890123456789".parse().unwrap(),
            event_type: "vulnerability.dependency".to_owned(),
            rule: "GHSA-aaaa-bbbb-cccc".to_owned(),
            severity: Severity::High,
            path: path.to_owned(),
            findings: Vec::new(),
        };
        let subject = Subject::of(&wound, &findings.iter().collect::<Vec<_>>());
        assert!(subject.packages.len() <= ITEMS_MAX);
        subject.oversized.into_iter().collect::<Vec<_>>()
    };
    let names = |count: usize| (0..count).map(|index| format!("latch-{index}")).collect::<Vec<_>>();
    assert_eq!(oversized(names(ITEMS_MAX), "a"), [""; 0]);
    assert_eq!(oversized(names(ITEMS_MAX + 1), "a"), ["packages"]);
    assert_eq!(oversized(vec!["x".repeat(TEXT_BYTES_MAX + 1)], "a"), ["packages"]);
    assert_eq!(oversized(names(1), &"x".repeat(TEXT_BYTES_MAX + 1)), ["path"]);
}

#[test]
fn what_takes_too_long_or_panics_is_an_error() {
    let (end, waits) = channel::<()>();
    let error = in_time(Duration::ZERO, move || waits.recv().is_err()).unwrap_err();
    assert_eq!(error, "it was not computed within 0 s");
    drop(end);
    let error = in_time::<()>(TIME_MAX, || panic!("as it was meant to")).unwrap_err();
    assert_eq!(error, "it can't be computed");
    assert_eq!(in_time(TIME_MAX, || 1), Ok(1));
}

#[test]
fn what_is_told_of_an_error_is_short() {
    let error = When::parse("advisories.size() == 1 || advisories + 1 == []").unwrap().holds(&largest()).unwrap_err();
    assert!(error.contains("Unsupported") && error.chars().count() <= ERROR_CHARS_MAX, "{error}");
}

#[test]
fn longest_chains_are_read_or_refused() {
    for piece in ["!", "-", "+", "1+", "a.", "a?b:", "[", "true||", "{1:", "''+", "1<", "r'", "\\"] {
        let _ = When::parse(&piece.repeat(BYTES_MAX / piece.len()));
        let _ = When::parse(&format!("{}true", piece.repeat((BYTES_MAX - 4) / piece.len())));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_exceeds_the_limits(text in "(packages|severity|direct|\\.|all|map|exists|\\(|\\)|\\[|\\]|\\{|\\}|,| |x|'|\"|!|-|\\?|:|==|&&|\\|\\||1|in ){0,60}", any in "\\PC{0,80}") {
        let _ = When::parse(&text);
        let _ = When::parse(&any);
    }

    #[test]
    fn what_is_read_is_computed_in_time(text in yes_or_no()) {
        if let Ok(when) = When::parse(&text) {
            let held = when.holds(&largest());
            prop_assert!(!held.as_ref().is_err_and(|error| error.contains("not computed within")), "{text}: {held:?}");
        }
    }
}

/// Lists, made of others.
fn lists() -> impl Strategy<Value = String> {
    let plain = proptest::sample::select(vec!["packages", "advisories", "[path, branch]"]).prop_map(str::to_owned);
    plain.prop_recursive(3, 8, 2, |list| {
        prop_oneof![
            8 => (list.clone(), list.clone()).prop_map(|(one, other)| format!("({one} + {other})")),
            8 => (list.clone(), list.clone()).prop_map(|(one, other)| format!("[{one}, {other}]")),
            1 => (list.clone(), list.clone()).prop_map(|(one, other)| format!("{one}.map(x, {other})")),
            1 => (list.clone(), list).prop_map(|(one, other)| format!("{one}.filter(y, !(y in {other}))")),
        ]
    })
}

/// Expressions that go through lists of that kind.
fn yes_or_no() -> impl Strategy<Value = String> {
    (lists(), lists(), lists(), 0..5).prop_map(|(one, two, three, form)| match form {
        0 => format!("{one}.all(a, {two}.all(b, !(a in {three}) || b in {three}))"),
        1 => format!("{one}.existsOne(a, {two}.exists_one(b, a == b || {three} == {two}))"),
        2 => format!("{one}.all(a, !({two} + {three} == {one}))"),
        3 => format!("{one}.exists(a, path + path in {two} + {three})"),
        _ => format!("{one} == {two} || !({three} in [{one}, {two}])"),
    })
}
