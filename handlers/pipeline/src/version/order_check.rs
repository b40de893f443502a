//! Order check: holds lines such as `1.0 < 1.1` against the order of an ecosystem.

use super::{Ecosystem, Version};
use std::cmp::Ordering;
use std::fmt;

/// What came of checking a text of statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderReport {
    /// How many lines state an order.
    pub statements: usize,
    /// The lines that don't hold, in their order.
    pub problems: Vec<OrderProblem>,
}

/// A line that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderProblem {
    /// Counted from one.
    pub line: usize,
    /// Why.
    pub kind: OrderProblemKind,
}

/// Why a line does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderProblemKind {
    /// The versions are ordered otherwise.
    Otherwise {
        /// The left version.
        left: String,
        /// The order that they have.
        order: Ordering,
        /// The right version.
        right: String,
    },
    /// A text of the line is not a version.
    NotAVersion(super::VersionError),
    /// The line is not two versions with `<`, `=` or `>` between spaces.
    Malformed,
}

impl OrderReport {
    /// How many statements hold.
    pub fn held(&self) -> usize {
        let unread = self.problems.iter().filter(|problem| problem.kind == OrderProblemKind::Malformed).count();
        self.statements.saturating_sub(self.problems.len() - unread)
    }
}

impl fmt::Display for OrderProblem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}: ", self.line)?;
        match &self.kind {
            OrderProblemKind::Otherwise { left, order, right } => {
                write!(out, "{left} {} {right}", sign(*order))
            }
            OrderProblemKind::NotAVersion(error) => write!(out, "{error}"),
            OrderProblemKind::Malformed => {
                out.write_str("expected two versions with ` < `, ` = ` or ` > ` between them")
            }
        }
    }
}

/// Checks each line of `text`. Blank lines and those that begin with `#` are skipped.
///
/// Versions may hold spaces and signs: the first sign that stands between spaces parts them.
pub fn check_order(ecosystem: Ecosystem, text: &str) -> OrderReport {
    let mut report = OrderReport { statements: 0, problems: Vec::new() };
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let statement = split(line);
        report.statements += usize::from(statement.is_some());
        if let Err(kind) = statement.ok_or(OrderProblemKind::Malformed).and_then(|said| holds(ecosystem, said)) {
            report.problems.push(OrderProblem { line: index + 1, kind });
        }
    }
    report
}

fn split(line: &str) -> Option<(&str, Ordering, &str)> {
    let signs = [(" < ", Ordering::Less), (" = ", Ordering::Equal), (" > ", Ordering::Greater)];
    let (at, order) = signs.into_iter().filter_map(|(sign, order)| Some((line.find(sign)?, order))).min()?;
    let (left, right) = (line.get(..at)?.trim(), line.get(at + 3..)?.trim());
    (!left.is_empty() && !right.is_empty()).then_some((left, order, right))
}

fn holds(ecosystem: Ecosystem, (left, said, right): (&str, Ordering, &str)) -> Result<(), OrderProblemKind> {
    let parse = |text| Version::parse(ecosystem, text).map_err(OrderProblemKind::NotAVersion);
    let order = parse(left)?.cmp(&parse(right)?);
    if order == said {
        return Ok(());
    }
    Err(OrderProblemKind::Otherwise { left: left.to_owned(), order, right: right.to_owned() })
}

fn sign(order: Ordering) -> char {
    match order {
        Ordering::Less => '<',
        Ordering::Equal => '=',
        Ordering::Greater => '>',
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Every row must hold, and hold when it is turned round.
    pub(in crate::version) fn check(ecosystem: Ecosystem, rows: &str) {
        let report = check_order(ecosystem, rows);
        assert!(report.statements > 0, "no rows");
        let turned: Vec<_> = rows
            .lines()
            .filter_map(|row| split(row.trim()))
            .map(|(left, order, right)| format!("{right} {} {left}", sign(order.reverse())))
            .collect();
        let problems: Vec<_> =
            report.problems.into_iter().chain(check_order(ecosystem, &turned.join("\n")).problems).collect();
        let shown: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert!(shown.is_empty(), "{ecosystem}:\n{}", shown.join("\n"));
    }

    pub(in crate::version) fn check_refused(ecosystem: Ecosystem, texts: &[&str]) {
        for text in texts {
            assert!(Version::parse(ecosystem, text).is_err(), "{ecosystem} takes `{text}`");
        }
    }

    #[test]
    fn lines_that_do_not_hold_are_named_with_what_is_true() {
        let text =
            "# a comment\n\n1.0.0 < 2.0.0\n1.0.0 > 2.0.0\n1.0.0 = 1.0.0+b\n1.0.0 < x\n1.0.0\n1.0.0 <= 2.0.0\n< 1.0.0\n";
        let report = check_order(Ecosystem::Npm, text);
        let shown: Vec<_> = report.problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "line 4: 1.0.0 < 2.0.0",
                "line 6: `x` is not a version of npm",
                "line 7: expected two versions with ` < `, ` = ` or ` > ` between them",
                "line 8: expected two versions with ` < `, ` = ` or ` > ` between them",
                "line 9: expected two versions with ` < `, ` = ` or ` > ` between them",
            ]
        );
        assert_eq!((report.statements, report.held()), (4, 2));
    }

    #[test]
    fn text_without_statements_has_no_problems() {
        assert_eq!(check_order(Ecosystem::Go, "\n# only this\n"), OrderReport { statements: 0, problems: Vec::new() });
    }
}
