//! What holds for all versions: each ecosystem orders them totally, prints them as they were written, and no text at
//! all makes it panic.

use super::order_check::check_order;
use super::requirement::Requirement;
use super::{Ecosystem, VERSION_BYTES_MAX, Version};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::cmp::Ordering;

/// What follows the numbers of a version, in ways that are usual and ways that are nasty.
fn endings(ecosystem: Ecosystem) -> &'static [&'static str] {
    match ecosystem {
        Ecosystem::Npm => &[
            "",
            "-alpha",
            "-alpha.1",
            "-alpha.10",
            "-0",
            "-01",
            "-A",
            "--",
            "-1a",
            "beta",
            "+b",
            "-99999999999999999999",
        ],
        Ecosystem::PyPI => {
            &["", "a1", "b2", "rc1", ".dev1", "a1.dev2", ".post1", "-1", "+a", "+a.1", "+1", "+9999999999999999999999"]
        }
        Ecosystem::Go => {
            &["", "-pre", "-pre.2", "-pre.10", "-0.20200101000000-abcdefabcdef", "+incompatible", "-0", "--a"]
        }
        Ecosystem::CratesIo => &["", "-alpha", "-alpha.1", "-alpha.10", "-0", "+a", "+b", "-A", "--"],
        Ecosystem::Maven => &[
            "",
            "-alpha",
            ".alpha",
            "-SNAPSHOT",
            ".Final",
            "-sp",
            ".sp-1",
            "-ga-1",
            ".foo",
            ".foo-1",
            ".foo.1",
            ".0.alpha.1",
            ".final.2",
            "-1",
            "--1",
            "..1",
            "a1",
            "-x-0-1",
            ".release.alpha.1",
            "-0-alpha",
            "_1",
            ".0",
        ],
        Ecosystem::NuGet => &["", "-beta", "-BETA", "-beta.2", "-beta.10", "-0", "-2147483648", "--5", "-a-b", "+m"],
        Ecosystem::RubyGems => &["", ".a", ".a.0", ".a.0.b", ".0", ".pre1", "-x86", ".A", ".20200101120000", ".b10"],
        Ecosystem::Packagist => &[
            "",
            "-dev",
            "-alpha",
            "-alpha1",
            "-beta.2",
            "RC1",
            "-RC",
            "-patch1",
            "p2",
            "-stable",
            "+m",
            "-beta1-dev",
            "@dev",
            ".x-dev",
        ],
        Ecosystem::Debian => &["", "~rc1", "~~", "+deb12u1", "-1", "-0", "-1~bpo", "+", "a", "_", ".a0", "-1-1", "^"],
        Ecosystem::Alpine => &[
            "",
            "a",
            "_alpha",
            "_alpha1",
            "_p",
            "_p1",
            "_rc1_p2",
            "-r0",
            "-r10",
            "~abc",
            "_git20200101-r1",
            "b2",
            ".01",
            ".010",
        ],
        Ecosystem::RedHat => {
            &["", "~rc1", "^git1", "-1", "-1.el9", "-1.el9_10", "a", ".", "..", "_", "-", "~", "^", "^~"]
        }
    }
}

impl Ecosystem {
    fn has_three_numbers(self) -> bool {
        matches!(self, Self::Npm | Self::Go | Self::CratesIo)
    }
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (0..4_u32).prop_map(|number| number.to_string()),
        1 => prop::sample::select(vec!["00", "01", "09", "9", "10", "010", "20200101", "2147483648", "9007199254740991"]).prop_map(str::to_owned),
    ]
}

/// Mostly versions of `ecosystem`.
fn version_like(ecosystem: Ecosystem) -> impl Strategy<Value = String> {
    let places = if ecosystem.has_three_numbers() { 3..=3_usize } else { 1..=4 };
    let beginning = match ecosystem {
        Ecosystem::Debian | Ecosystem::RedHat => vec!["", "", "0:", "1:"],
        Ecosystem::PyPI => vec!["", "", "1!", "v"],
        Ecosystem::Npm | Ecosystem::Go | Ecosystem::Packagist => vec!["", "", "v"],
        _ => vec![""],
    };
    let ending = || prop::sample::select(endings(ecosystem));
    (
        prop::sample::select(beginning),
        prop::collection::vec(number(), places),
        ending(),
        prop::option::weighted(0.3, ending()),
    )
        .prop_map(|(beginning, numbers, ending, more)| {
            format!("{beginning}{}{ending}{}", numbers.join("."), more.unwrap_or_default())
        })
}

fn ecosystems() -> impl Strategy<Value = Ecosystem> {
    prop::sample::select(&Ecosystem::ALL[..])
}

/// Each version must stand to each other one as their places in the sorted list say: that is a total order.
fn check_total(mut versions: Vec<Version>) {
    versions.sort();
    let mut places = vec![0];
    for pair in versions.windows(2) {
        places.push(places.last().unwrap() + usize::from(pair[0] != pair[1]));
    }
    for (a, a_place) in versions.iter().zip(&places) {
        for (b, b_place) in versions.iter().zip(&places) {
            assert_eq!(a.cmp(b), a_place.cmp(b_place), "{}: {a} and {b}", a.ecosystem());
            assert_eq!(a == b, a_place == b_place, "{}: {a} and {b}", a.ecosystem());
        }
    }
}

#[test]
fn order_is_total_over_all_combinations_of_numbers_and_endings() {
    for ecosystem in Ecosystem::ALL {
        let beginning = if ecosystem.has_three_numbers() { "1.0" } else { "1" };
        let mut versions = Vec::new();
        for ending in endings(ecosystem) {
            for number in ["0", "1", "00", "01", "09", "9", "010", "10"] {
                let alike = [format!("{beginning}.{number}{ending}"), format!("{beginning}{ending}.{number}")];
                versions.extend(alike.iter().filter_map(|text| Version::parse(ecosystem, text).ok()));
            }
            for more in endings(ecosystem) {
                let alike = [format!("{beginning}{ending}{more}"), format!("{beginning}.1{ending}{more}")];
                versions.extend(alike.iter().filter_map(|text| Version::parse(ecosystem, text).ok()));
            }
        }
        assert!(versions.len() > 60, "{ecosystem}: only {}", versions.len());
        check_total(versions);
    }
}

#[test]
fn generated_texts_are_mostly_versions() {
    let mut runner = TestRunner::deterministic();
    for ecosystem in Ecosystem::ALL {
        let strategy = version_like(ecosystem);
        let is_version = |text: String| Version::parse(ecosystem, &text).is_ok();
        let read = (0..300).filter(|_| is_version(strategy.new_tree(&mut runner).unwrap().current())).count();
        assert!(read > 100, "{ecosystem}: only {read} of 300");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_is_total(versions in ecosystems().prop_flat_map(|ecosystem| {
        let parse = move |texts: Vec<String>| texts.iter().filter_map(|text| Version::parse(ecosystem, text).ok()).collect();
        prop::collection::vec(version_like(ecosystem), 3..20).prop_map(parse)
    })) {
        let versions: Vec<Version> = versions;
        if !versions.is_empty() {
            check_total(versions);
        }
    }

    #[test]
    fn version_prints_as_it_was_written((ecosystem, text) in ecosystems().prop_flat_map(|ecosystem| (Just(ecosystem), version_like(ecosystem)))) {
        if let Ok(version) = Version::parse(ecosystem, &text) {
            prop_assert_eq!(version.to_string(), text.clone());
            prop_assert_eq!(version.as_str(), text.as_str());
            prop_assert_eq!(version.ecosystem(), ecosystem);
            let again = Version::parse(ecosystem, &version.to_string());
            prop_assert_eq!(again, Ok(version));
        }
    }

    #[test]
    fn no_text_makes_it_panic(ecosystem in ecosystems(), text in ".{0,40}", other in "[-0-9a-zA-Z.+~^_:!*<>=| @äİ\u{0}]{0,30}") {
        for text in [&text, &other] {
            let version = Version::parse(ecosystem, text);
            if let (Ok(version), Ok(other)) = (&version, &Version::parse(ecosystem, &other)) {
                let _ = (version.cmp(other), version.change_to(other).is_breaking());
            }
            if let (Ok(requirement), Ok(version)) = (Requirement::parse(ecosystem, text), &version) {
                let _ = (requirement.allows(version), requirement.bump(version), requirement.is_range());
            }
            let _ = check_order(ecosystem, text);
            let _ = text.parse::<Ecosystem>();
        }
    }

    #[test]
    fn bumped_requirement_allows_its_version(
        ecosystem in prop::sample::select(vec![Ecosystem::Npm, Ecosystem::PyPI]),
        clauses in prop::collection::vec((prop::sample::select(vec!["", "^", "~", "~=", "==", ">=", "<", "<=", ">", "!="]), number(), number()), 1..3),
        to in version_like(Ecosystem::Npm),
    ) {
        let separator = if ecosystem == Ecosystem::Npm { " " } else { "," };
        let clauses: Vec<_> = clauses.iter().map(|(sign, major, minor)| format!("{sign}{major}.{minor}")).collect();
        let text = clauses.join(separator);
        if let (Ok(requirement), Ok(to)) = (Requirement::parse(ecosystem, &text), Version::parse(ecosystem, &to))
            && let Some(bumped) = requirement.bump(&to)
        {
            prop_assert!(Requirement::parse(ecosystem, &bumped).unwrap().allows(&to), "{} for {}: {}", text, to, bumped);
        }
    }
}

#[test]
fn long_texts_are_refused_and_texts_at_the_limit_are_quick() {
    for ecosystem in Ecosystem::ALL {
        for part in ["1", "1.", "a", "-", "1-", "a1", "~", "1.0-", "0", "_p", ".x"] {
            let mut text = format!("1.0.0{}", part.repeat(VERSION_BYTES_MAX));
            assert!(Version::parse(ecosystem, &text).is_err(), "{ecosystem}: {part}");
            text.truncate(VERSION_BYTES_MAX);
            if let Ok(version) = Version::parse(ecosystem, &text) {
                assert_eq!(version.cmp(&version.clone()), Ordering::Equal);
            }
        }
    }
}
