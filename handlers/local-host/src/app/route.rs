//! Templates of HTTP routes, by the rules of ASP.NET Core: what is wrong in one shows there only when the host starts.

/// Constraints that a parameter may name, and whether they take arguments.
const CONSTRAINTS: [(&str, bool); 18] = [
    ("alpha", false),
    ("bool", false),
    ("datetime", false),
    ("decimal", false),
    ("double", false),
    ("file", false),
    ("float", false),
    ("guid", false),
    ("int", false),
    ("length", true),
    ("long", false),
    ("max", true),
    ("maxlength", true),
    ("min", true),
    ("minlength", true),
    ("nonfile", false),
    ("range", true),
    ("required", false),
];
/// The host's own.
const RESERVED: [&str; 2] = ["admin", "runtime"];

/// Says what is wrong with `template`, if anything.
pub fn check(template: &str) -> Result<(), String> {
    let route = template.trim_matches('/');
    for reserved in RESERVED {
        if route.to_ascii_lowercase().starts_with(reserved) {
            return Err(format!("\"{route}\" begins with {reserved}, which the host keeps to itself"));
        }
    }
    if route.contains(['?', '#', '~']) && !route.contains('{') {
        return Err(format!("\"{route}\" holds a letter that no path has"));
    }
    let mut names: Vec<String> = Vec::new();
    let segments = segments(route);
    for (index, segment) in segments.iter().enumerate() {
        if segment.is_empty() {
            return Err(format!("\"{route}\" has a segment that is empty"));
        }
        for name in check_segment(segment, index + 1 == segments.len())? {
            if names.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
                return Err(format!("\"{name}\" is a parameter twice"));
            }
            names.push(name);
        }
    }
    Ok(())
}

/// Slashes part segments except in the arguments of a parameter.
fn segments(route: &str) -> Vec<String> {
    let mut segments = vec![String::new()];
    let mut depth = 0_usize;
    for letter in route.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        match (letter, depth, segments.last_mut()) {
            ('/', 0, _) => segments.push(String::new()),
            (_, _, Some(segment)) => segment.push(letter),
            _ => {}
        }
    }
    segments
}

/// Names of the parameters in `segment`.
fn check_segment(segment: &str, is_last: bool) -> Result<Vec<String>, String> {
    let mut names = Vec::new();
    let mut rest = segment;
    let mut after_parameter = false;
    while !rest.is_empty() {
        let Some(inside) = rest.strip_prefix('{').filter(|inside| !inside.starts_with('{')) else {
            rest = literal(segment, rest)?;
            after_parameter = false;
            continue;
        };
        let Some((parameter, after)) = inside.split_once('}') else {
            return Err(format!("\"{segment}\" opens a brace that it does not close"));
        };
        if after_parameter {
            return Err(format!("\"{segment}\" has two parameters with nothing between"));
        }
        let alone = after.is_empty() && names.is_empty() && rest.len() == segment.len();
        names.push(check_parameter(parameter, after.is_empty(), alone && is_last)?);
        after_parameter = true;
        rest = after;
    }
    Ok(names)
}

/// What follows the text at the beginning of `rest`, in which a brace is written twice.
fn literal<'a>(segment: &str, rest: &'a str) -> Result<&'a str, String> {
    for brace in ["{{", "}}"] {
        if let Some(rest) = rest.strip_prefix(brace) {
            return Ok(rest);
        }
    }
    let end = rest.find(['{', '}']).unwrap_or(rest.len());
    if end == 0 {
        return Err(format!("\"{segment}\" closes a brace that it did not open"));
    }
    if rest[..end].contains(['?', '*', '#']) {
        return Err(format!("\"{segment}\" holds a letter that no path has"));
    }
    Ok(&rest[end..])
}

fn check_parameter(parameter: &str, ends_segment: bool, ends_route: bool) -> Result<String, String> {
    let whole = parameter;
    let (parameter, catches_all) = match parameter.strip_prefix("**").or_else(|| parameter.strip_prefix('*')) {
        Some(rest) => (rest, true),
        None => (parameter, false),
    };
    let (parameter, is_optional) = parameter.strip_suffix('?').map_or((parameter, false), |before| (before, true));
    let (parameter, has_default) = parameter.split_once('=').map_or((parameter, false), |(before, _)| (before, true));
    let mut parts = parameter.split(':');
    let name = parts.next().unwrap_or_default();
    if name.is_empty() || name.contains(['/', '{', '}', '?', '*', '(', ')', ' ']) {
        return Err(format!("\"{{{whole}}}\" has no name that a parameter may have"));
    }
    if catches_all && (is_optional || !ends_route) {
        return Err(format!(
            "\"{{{whole}}}\" catches all that follows: it has to be the last segment, and is never optional"
        ));
    }
    if is_optional && (has_default || !ends_segment) {
        return Err(format!("\"{{{whole}}}\" is optional: it has to end its segment, and has no default"));
    }
    for constraint in parts {
        check_constraint(whole, constraint)?;
    }
    Ok(name.to_owned())
}

fn check_constraint(parameter: &str, constraint: &str) -> Result<(), String> {
    let (name, arguments) = match constraint.split_once('(') {
        Some((name, arguments)) => match arguments.strip_suffix(')') {
            Some(arguments) => (name, Some(arguments)),
            None => return Err(format!("\"{{{parameter}}}\" has an open bracket")),
        },
        None => (constraint, None),
    };
    let known = CONSTRAINTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    let Some((_, takes_arguments)) = known else {
        return Err(format!("\"{{{parameter}}}\" has the constraint \"{name}\", which is none that Suture takes"));
    };
    let numbers = |arguments: &str| arguments.split(',').all(|number| number.trim().parse::<i64>().is_ok());
    match (takes_arguments, arguments) {
        (false, None) => Ok(()),
        (true, Some(arguments)) if numbers(arguments) => Ok(()),
        _ => Err(format!("\"{{{parameter}}}\" has the constraint \"{constraint}\" with other arguments than it takes")),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn templates_of_routes_are_accepted() {
        for route in [
            "health",
            "cases/{id}",
            "cases/{id:int}",
            "cases/{id:int:min(1)?}",
            "files/{*path}",
            "files/{**path}",
            "{a}-{b}",
            "v{major}.{minor?}",
            "a/{b=c}",
            "/cases/",
            "x/{{literal}}",
            "n/{id:range(1, 9)}",
        ] {
            assert_eq!(check(route), Ok(()), "{route}");
        }
    }

    #[test]
    fn templates_that_the_host_refuses_are_refused() {
        for (route, word) in [
            ("admin/x", "keeps"),
            ("/Runtime", "keeps"),
            ("a//b", "empty"),
            ("a/{id", "close"),
            ("a/id}", "open"),
            ("a/{}", "name"),
            ("a/{:int}", "name"),
            ("a/{id}/{ID}", "twice"),
            ("{a}{b}", "between"),
            ("{id?}-x", "end"),
            ("{*path}/x", "last"),
            ("a-{*path}", "last"),
            ("{*path?}", "last"),
            ("{id:uuid}", "none"),
            ("{id:min}", "arguments"),
            ("{id:int(3)}", "arguments"),
            ("{id:min(x)}", "arguments"),
            ("{id:min(1}", "bracket"),
            ("a?b", "no path"),
            ("{id?=1}", "name"),
            ("{id=1?}", "default"),
        ] {
            let refusal = check(route).expect_err(route);
            assert!(refusal.contains(word), "{route}: {refusal}");
        }
    }
}
