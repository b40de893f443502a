//! The handler's arguments: the host joins them into one line, and .NET takes that line apart again.

/// Each argument of `line` as the started program gets it.
///
/// Blanks part arguments except between quotes. A backslash is one unless quotes follow: `2n` of them before a quote are `n`, and one
/// more makes the quote an ordinary letter. Two quotes between quotes are one.
pub fn split(line: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    let mut current: Option<String> = None;
    let mut is_quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' if !is_quoted => arguments.extend(current.take()),
            '"' => {
                let argument = current.get_or_insert_default();
                if is_quoted && letters.next_if_eq(&'"').is_some() {
                    argument.push('"');
                } else {
                    is_quoted = !is_quoted;
                }
            }
            '\\' => {
                let argument = current.get_or_insert_default();
                let mut count = 1;
                while letters.next_if_eq(&'\\').is_some() {
                    count += 1;
                }
                if letters.peek() != Some(&'"') {
                    argument.extend(std::iter::repeat_n('\\', count));
                } else {
                    argument.extend(std::iter::repeat_n('\\', count / 2));
                    if count % 2 == 1 {
                        letters.next();
                        argument.push('"');
                    }
                }
            }
            _ => current.get_or_insert_default().push(letter),
        }
    }
    arguments.extend(current);
    arguments
}

#[cfg(test)]
mod tests {
    use super::split;

    fn check(line: &str, expect: &[&str]) {
        assert_eq!(split(line), expect, "{line}");
    }

    #[test]
    fn blanks_part_arguments_except_between_quotes() {
        check("", &[]);
        check("  --level  debug ", &["--level", "debug"]);
        check("--name \"two words\" x", &["--name", "two words", "x"]);
        check("a\"b c\"d", &["ab cd"]);
        check("\"\"", &[""]);
        check("\"open end", &["open end"]);
    }

    #[test]
    fn backslashes_count_only_before_quotes() {
        check(r"C:\dir\x y", &[r"C:\dir\x", "y"]);
        check(r#"a\"b c"#, &["a\"b", "c"]);
        check(r#"a\\"b c""#, &[r"a\b c"]);
        check(r#""say ""hi"" now""#, &["say \"hi\" now"]);
    }
}
