//! PEP 440 specifiers, decided as the `packaging` library does.
//!
//! The library at hand reads the versions; it is not asked to decide, because it lets `1` in by `==1.2.*`.

use pep440_rs::Version;

/// All of them must hold; none at all means any release.
#[derive(Debug, Clone)]
pub(super) struct Specifiers {
    pub(super) clauses: Vec<Specifier>,
}

#[derive(Debug, Clone)]
pub(super) struct Specifier {
    pub(super) operator: Operator,
    pub(super) operand: Operand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Arbitrary,
    Compatible,
    Equal,
    NotEqual,
    LessOrEqual,
    Less,
    GreaterOrEqual,
    Greater,
}

#[derive(Debug, Clone)]
pub(super) enum Operand {
    Version(Version),
    /// `1.2.*`.
    Wildcard(Version),
    /// What `===` compares as text.
    Text(String),
}

pub(super) fn parse(text: &str) -> Option<Specifiers> {
    let inside = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    let clauses =
        inside.split(',').map(str::trim).filter(|clause| !clause.is_empty()).map(clause).collect::<Option<_>>()?;
    Some(Specifiers { clauses })
}

fn clause(text: &str) -> Option<Specifier> {
    let (operator, text) = split_operator(text)?;
    let text = text.trim();
    let operand = match operator {
        Operator::Arbitrary if text.is_empty() || text.contains(char::is_whitespace) => {
            return None;
        }
        Operator::Arbitrary => Operand::Text(text.to_lowercase()),
        _ if text.is_empty() => return None,
        Operator::Equal | Operator::NotEqual => {
            match text.strip_suffix(".*").filter(|prefix| !prefix.ends_with(char::is_whitespace)) {
                Some(prefix) => Operand::Wildcard(
                    version(prefix)
                        .filter(|version| version.is_stable() && !version.is_local() && !version.is_post())?,
                ),
                None => Operand::Version(version(text)?),
            }
        }
        _ => Operand::Version(version(text).filter(|version| !version.is_local())?),
    };
    let is_compatible_with_one = operator == Operator::Compatible
        && matches!(&operand, Operand::Version(version) if version.release().len() < 2);
    (!is_compatible_with_one).then_some(Specifier { operator, operand })
}

pub(super) fn split_operator(text: &str) -> Option<(Operator, &str)> {
    let signs = [
        ("===", Operator::Arbitrary),
        ("~=", Operator::Compatible),
        ("==", Operator::Equal),
        ("!=", Operator::NotEqual),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ];
    signs.into_iter().find_map(|(sign, operator)| Some((operator, text.strip_prefix(sign)?)))
}

fn version(text: &str) -> Option<Version> {
    crate::version::pypi::parse(text).filter(|_| text.len() <= crate::version::VERSION_BYTES_MAX)
}

impl Specifiers {
    /// `written` is how the version was written, which only `===` looks at.
    pub(super) fn allows(&self, version: &Version, written: &str) -> bool {
        let may_be_prerelease = !version.any_prerelease() || self.clauses.iter().any(Specifier::names_prerelease);
        may_be_prerelease && self.clauses.iter().all(|clause| clause.holds(version, written))
    }
}

impl Specifier {
    fn names_prerelease(&self) -> bool {
        let named = match &self.operand {
            Operand::Version(version) | Operand::Wildcard(version) => version.any_prerelease(),
            Operand::Text(text) => version(text).is_some_and(|version| version.any_prerelease()),
        };
        named && self.operator != Operator::NotEqual
    }

    pub(super) fn holds(&self, version: &Version, written: &str) -> bool {
        match (self.operator, &self.operand) {
            (_, Operand::Text(text)) => *text == written.trim().to_lowercase() || *text == version.to_string(),
            (Operator::NotEqual, Operand::Wildcard(prefix)) => !begins_with(version, prefix, prefix.release().len()),
            (_, Operand::Wildcard(prefix)) => begins_with(version, prefix, prefix.release().len()),
            (operator, Operand::Version(named)) => compares(operator, version, named),
        }
    }
}

fn compares(operator: Operator, version: &Version, named: &Version) -> bool {
    let public = version.clone().without_local();
    let same_release = || base(version) == base(named);
    match operator {
        Operator::Equal | Operator::NotEqual => {
            let is_equal = if named.is_local() { version == named } else { public == *named };
            is_equal == (operator == Operator::Equal)
        }
        Operator::Compatible => {
            public >= *named && begins_with(version, named, named.release().len().saturating_sub(1))
        }
        Operator::LessOrEqual => public <= *named,
        Operator::GreaterOrEqual => public >= *named,
        // `<2` keeps out the pre-releases of 2, `>1` its post-releases and local builds.
        Operator::Less => version < named && (named.any_prerelease() || !version.any_prerelease() || !same_release()),
        Operator::Greater => {
            public > *named && (named.is_post() || !public.is_post() || public.with_post(None).with_dev(None) != *named)
        }
        Operator::Arbitrary => false,
    }
}

/// Whether the first `count` numbers are those of `prefix`; missing ones are zero.
fn begins_with(version: &Version, prefix: &Version, count: usize) -> bool {
    let at = |version: &Version, place: usize| version.release().get(place).copied().unwrap_or_default();
    version.epoch() == prefix.epoch() && (0..count).all(|place| at(version, place) == at(prefix, place))
}

/// Epoch and release numbers only.
fn base(version: &Version) -> Version {
    Version::new(version.release()).with_epoch(version.epoch())
}
