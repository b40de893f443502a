//! Secrets in arguments are not shown in logs.

/// What stands before a secret.
const BEFORE: [&str; 14] = [
    "AccountKey=",
    "SharedAccessKey=",
    "SharedAccessSignature=",
    "DefaultEndpointsProtocol=",
    "Password=",
    "Pwd=",
    "Secret=",
    "Token=",
    "ApiKey=",
    "Data Source=",
    "?sig=",
    "&sig=",
    "?code=",
    "&code=",
];

/// What is shown in its place.
const HIDDEN: &str = "[Hidden Credential]";

/// `text` with the secrets taken out that are written behind known names, up to a quotation mark, `<`, a space or the end.
/// Everything behind the first one in a connection string is taken for a part of it.
pub fn mask(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut shown = String::new();
    let mut at = 0;
    while let Some(found) = next(&lower, at) {
        shown.push_str(&text[at..found]);
        shown.push_str(HIDDEN);
        let end = text[found..].find(['"', '\'', '<', ' ']).map_or(text.len(), |length| found + length);
        at = end;
    }
    shown.push_str(&text[at..]);
    shown
}

fn next(lower: &str, from: usize) -> Option<usize> {
    BEFORE.iter().filter_map(|name| lower[from..].find(&name.to_ascii_lowercase()).map(|at| from + at)).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_the_rest_is_shown() {
        let check = |text: &str, expect: &str| assert_eq!(mask(text), expect);
        check("--port 80", "--port 80");
        check("--store AccountKey=abc;EndpointSuffix=x --port 80", "--store [Hidden Credential] --port 80");
        check("--url \"http://h/a?code=abc\" -v", "--url \"http://h/a[Hidden Credential]\" -v");
        check("a PASSWORD=1 b pwd=2", "a [Hidden Credential] b [Hidden Credential]");
        check("Endpoint=sb://x/;SharedAccessKey=y=", "Endpoint=sb://x/;[Hidden Credential]");
        check("ünder Token=é ö", "ünder [Hidden Credential] ö");
    }
}
