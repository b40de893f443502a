//! What it may take to compute an expression, known before it is computed.
//!
//! A step is a part of the expression that is computed once, or a value that is copied or compared once; a value is a number, a word, a text of up to
//! [`TEXT_BYTES_MAX`](super::TEXT_BYTES_MAX), or a list around others. Whatever depends on the case counts as large as it may be. That `map` and
//! `filter` append to their list in place is how `cel` does it.

use super::{ITEMS_MAX, LISTS};
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedEntryExpr, IdedExpr, operators};
use std::collections::BTreeSet;

/// What an expression may take at most, and what it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cost {
    /// Steps.
    pub(super) steps: u64,
    /// How often it goes through a list, as it is written.
    pub(super) loops: usize,
    /// Names that it does not bind itself.
    pub(super) variables: BTreeSet<String>,
}

impl Cost {
    pub(super) fn of(expression: &IdedExpr) -> Self {
        let mut walk = Walk::default();
        let Bound { steps, .. } = walk.expression(expression);
        let variables = walk.variables.into_iter().map(str::to_owned).collect();
        Self { steps, loops: walk.loops, variables }
    }
}

/// How large a value may be.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    /// Values in it, and itself.
    values: u64,
    /// Values in the largest of its items.
    item: u64,
}

impl Size {
    const ONE: Self = Self { values: 1, item: 1 };

    /// Whatever comes out of a list of this size.
    fn of_item(self) -> Self {
        Self { values: self.item, item: self.item }
    }

    fn max(self, other: Self) -> Self {
        Self { values: self.values.max(other.values), item: self.item.max(other.item) }
    }
}

/// What a part of an expression may take, and come to.
#[derive(Debug, Clone, Copy, Default)]
struct Bound {
    steps: u64,
    size: Size,
}

#[derive(Default)]
struct Walk<'e> {
    /// What macros bind, innermost last.
    bound: Vec<(&'e str, Size)>,
    loops: usize,
    variables: BTreeSet<&'e str>,
}

impl<'e> Walk<'e> {
    fn expression(&mut self, expression: &'e IdedExpr) -> Bound {
        match &expression.expr {
            Expr::Unspecified | Expr::Literal(_) => Bound { steps: 1, size: Size::ONE },
            Expr::Ident(name) => Bound { steps: 1, size: self.named(name) },
            Expr::Select(select) => {
                let Bound { steps, size } = self.expression(&select.operand);
                Bound { steps: sum([steps, size.values, 1]), size: size.of_item() }
            }
            Expr::Call(call) => self.call(call),
            Expr::List(list) => {
                let items: Vec<Bound> = list.elements.iter().map(|item| self.expression(item)).collect();
                collection(&items)
            }
            Expr::Map(map) => self.entries(&map.entries),
            Expr::Struct(structure) => self.entries(&structure.entries),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension),
        }
    }

    fn named(&mut self, name: &'e str) -> Size {
        if let Some((_, size)) = self.bound.iter().rev().find(|(bound, _)| *bound == name) {
            return *size;
        }
        self.variables.insert(name);
        if LISTS.contains(&name) { Size { values: ITEMS_MAX as u64 + 1, item: 1 } } else { Size::ONE }
    }

    fn entries(&mut self, entries: &'e [IdedEntryExpr]) -> Bound {
        let mut items = Vec::new();
        for entry in entries {
            match &entry.expr {
                EntryExpr::StructField(field) => items.push(self.expression(&field.value)),
                EntryExpr::MapEntry(entry) => {
                    items.push(self.expression(&entry.key));
                    items.push(self.expression(&entry.value));
                }
            }
        }
        collection(&items)
    }

    fn call(&mut self, call: &'e CallExpr) -> Bound {
        let operands: Vec<Bound> =
            call.target.as_deref().into_iter().chain(&call.args).map(|operand| self.expression(operand)).collect();
        let values = sum(operands.iter().map(|operand| operand.size.values));
        let largest = operands.iter().fold(Size::default(), |largest, operand| largest.max(operand.size));
        let size = match call.func_name.as_str() {
            operators::CONDITIONAL => largest,
            operators::INDEX | operators::OPT_INDEX => largest.of_item(),
            operators::ADD => Size { values: sum([values, 1]), item: largest.item },
            name if is_yes_or_no(name) => Size::ONE,
            // No function that there is makes more of its arguments than there is in them.
            _ => Size { values: sum([values, 1]), item: values },
        };
        let steps = sum(operands.iter().map(|operand| operand.steps));
        Bound { steps: sum([steps, values, size.values, 1]), size }
    }

    fn comprehension(&mut self, comprehension: &'e ComprehensionExpr) -> Bound {
        self.loops += 1;
        let range = self.expression(&comprehension.iter_range);
        let begin = self.expression(&comprehension.accu_init);
        let outside = self.bound.len();
        let names = [Some(&comprehension.iter_var), comprehension.iter_var2.as_ref()];
        self.bound.extend(names.into_iter().flatten().map(|name| (name.as_str(), range.size.of_item())));
        self.bound.push((&comprehension.accu_var, begin.size));
        let goes_on = self.expression(&comprehension.loop_cond);
        let round = self.expression(&comprehension.loop_step);
        let rounds = range.size.values;
        let grown = Size {
            values: sum([begin.size.values, rounds.saturating_mul(round.size.values)]),
            item: begin.size.item.max(round.size.item),
        };
        self.bound.push((&comprehension.accu_var, grown));
        let end = self.expression(&comprehension.result);
        self.bound.truncate(outside);
        let each = sum([goes_on.steps, round.steps, range.size.item, 1]);
        let around = [range.steps, begin.steps, end.steps, end.size.values];
        Bound { steps: sum([sum(around), rounds.saturating_mul(each)]), size: end.size }
    }
}

fn is_yes_or_no(operator: &str) -> bool {
    matches!(
        operator,
        operators::LOGICAL_AND
            | operators::LOGICAL_OR
            | operators::LOGICAL_NOT
            | operators::NOT_STRICTLY_FALSE
            | operators::EQUALS
            | operators::NOT_EQUALS
            | operators::LESS
            | operators::LESS_EQUALS
            | operators::GREATER
            | operators::GREATER_EQUALS
            | operators::IN
    )
}

/// A list or a map of `items`.
fn collection(items: &[Bound]) -> Bound {
    let values = sum(items.iter().map(|item| item.size.values).chain([1]));
    let item = items.iter().map(|item| item.size.values).max().unwrap_or_default();
    let steps = sum(items.iter().map(|item| item.steps));
    Bound { steps: sum([steps, values]), size: Size { values, item } }
}

fn sum(numbers: impl IntoIterator<Item = u64>) -> u64 {
    numbers.into_iter().fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cel::Program;

    fn cost(text: &str) -> Cost {
        Cost::of(Program::compile(text).unwrap().expression())
    }

    #[test]
    fn every_macro_is_a_loop() {
        for name in ["all", "exists", "exists_one", "existsOne", "map", "filter"] {
            assert_eq!(cost(&format!("packages.{name}(a, true)")).loops, 1, "{name}");
        }
        assert_eq!(cost("packages.map(a, true, a).all(b, packages.exists(c, b == c))").loops, 3);
        assert_eq!(cost("has(packages.all) || path == 'packages.all(a, true)'").loops, 0);
    }

    #[test]
    fn names_that_are_bound_are_no_variables_where_they_are() {
        let variables = |text: &str| cost(text).variables.into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!(variables("packages.exists(name, name == path)"), "packages path");
        assert_eq!(variables("packages.exists(name, true) && name == ''"), "name packages");
        assert_eq!(variables("packages.exists(path, path == '')"), "packages");
    }

    #[test]
    fn a_list_in_a_list_is_gone_through_so_often() {
        let items = ITEMS_MAX as u64;
        let (once, twice) = (cost("packages.all(a, a == '')"), cost("packages.all(a, advisories.all(b, a == b))"));
        assert!(once.steps > items && once.steps < 20 * items, "{once:?}");
        assert!(twice.steps > items * items && twice.steps < 20 * items * items, "{twice:?}");
        let nested = cost("packages.map(a, advisories).all(list, 'a' in list)");
        assert!(nested.steps > items * items, "{nested:?}");
    }

    #[test]
    fn lists_that_are_made_count_as_large_as_they_are() {
        let one = cost("'z' in packages").steps;
        assert!(cost("'z' in (packages + packages + packages)").steps > 3 * one);
        assert!(cost("'z' in [packages, packages, packages][0]").steps > 3 * one);
        assert!(cost("packages.all(a, 'z' in packages)").steps > one * ITEMS_MAX as u64);
        assert!(cost("packages.all(a, packages == [a])").steps > one * ITEMS_MAX as u64);
    }
}
