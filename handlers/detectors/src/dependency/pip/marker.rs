//! Whether a text is an environment marker (PEP 508): its form only, never its value.
//!
//! Own code, because `pep508_rs` builds a decision diagram of every marker in a store that lives as long as the
//! process, and recurses over parentheses: neither is bounded for foreign text.

use super::lines::is_space;

/// Parentheses open at once.
const DEPTH_MAX: usize = 64;

const VARIABLES: &[&str] = &[
    "python_version",
    "python_full_version",
    "os_name",
    "sys_platform",
    "platform_release",
    "platform_system",
    "platform_version",
    "platform_machine",
    "platform_python_implementation",
    "implementation_name",
    "implementation_version",
    "extra",
    "extras",
    "dependency_groups",
    // As older files write them; pip still reads them.
    "os.name",
    "sys.platform",
    "platform.version",
    "platform.machine",
    "platform.python_implementation",
    "python_implementation",
];

#[derive(Clone, Copy)]
enum State {
    Operand,
    Operator,
    RightOperand,
    Combiner,
}

/// Says what is wrong with `marker`, the text after the `;`.
pub fn check(marker: &str) -> Result<(), String> {
    let mut state = State::Operand;
    let mut depth = 0_usize;
    let mut rest = marker.trim_matches(is_space);
    while !rest.is_empty() {
        let (token, following) = next_token(rest)?;
        rest = following.trim_start_matches(is_space);
        state = match (state, token) {
            (State::Operand, "(") if depth < DEPTH_MAX => {
                depth += 1;
                State::Operand
            }
            (State::Operand, "(") => return Err(format!("more than {DEPTH_MAX} parentheses are open")),
            (State::Operand, value) if is_operand(value) => State::Operator,
            (State::RightOperand, value) if is_operand(value) => State::Combiner,
            (State::Operator, "not") => {
                let Some(after_in) = rest.strip_prefix("in") else {
                    return Err("`not` is followed by something else than `in`".to_owned());
                };
                rest = after_in.trim_start_matches(is_space);
                State::RightOperand
            }
            (State::Operator, "===" | "==" | "~=" | "!=" | "<=" | ">=" | "<" | ">" | "in") => State::RightOperand,
            (State::Combiner, "and" | "or") => State::Operand,
            (State::Combiner, ")") if depth > 0 => {
                depth -= 1;
                State::Combiner
            }
            (_, token) => return Err(format!("`{}` was not expected", token.chars().take(60).collect::<String>())),
        };
    }
    match (state, depth) {
        (State::Combiner, 0) => Ok(()),
        (State::Combiner, _) => Err("a parenthesis is not closed".to_owned()),
        _ => Err("it ends too early".to_owned()),
    }
}

fn is_operand(token: &str) -> bool {
    token.starts_with(['"', '\'']) || VARIABLES.contains(&token)
}

fn next_token(rest: &str) -> Result<(&str, &str), String> {
    let first = rest.chars().next().unwrap_or(' ');
    let length = match first {
        '(' | ')' => 1,
        '"' | '\'' => match rest[1..].find(first) {
            Some(end) => end + 2,
            None => return Err("a quotation mark is not closed".to_owned()),
        },
        '=' | '<' | '>' | '!' | '~' => rest.find(|c| !"=<>!~".contains(c)).unwrap_or(rest.len()),
        _ => rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')).unwrap_or(rest.len()),
    };
    Ok(rest.split_at(length.max(first.len_utf8())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_row(marker: &str, expect: bool) {
        assert_eq!(check(marker).is_ok(), expect, "{marker}: {:?}", check(marker));
    }

    #[test]
    fn forms_of_markers_are_told_from_other_text() {
        check_row(r#"python_version < "3.8""#, true);
        check_row(r#"python_version<"3.8"and sys_platform=='win32'"#, true);
        check_row(r#"(os_name == "nt" or os_name=='posix') and "3" in platform_version"#, true);
        check_row(r#"platform_machine not in "x86_64 aarch64""#, true);
        check_row(r#""linux" == sys.platform"#, true);
        check_row(r#"python_version"#, false);
        check_row(r#"python_version < 3.8"#, false);
        check_row(r#"python < "3.8""#, false);
        check_row(r#"python_version < "3.8"#, false);
        check_row(r#"(python_version < "3.8""#, false);
        check_row(r#"python_version < "3.8")"#, false);
        check_row(r#"python_version < "3.8" and"#, false);
        check_row(r#"python_version => "3.8""#, false);
        check_row("é", false);
        check_row("", false);
        check_row(&"(".repeat(100_000), false);
    }
}
