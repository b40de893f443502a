//! `.funcignore`: which files of the functions stay behind, by the rules of `.gitignore`.

use crate::Failure;
use globset::{GlobBuilder, GlobMatcher};

/// The rules, in their order: the last that fits decides.
#[derive(Debug, Default)]
pub struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    pattern: GlobMatcher,
    only_folders: bool,
    takes_back: bool,
}

impl Rules {
    /// Reads the rules; the error names the line that is none.
    pub fn read(text: &str) -> Result<Self, Failure> {
        let mut rules = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_end();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let rule = rule(line).map_err(|error| Failure(format!(".funcignore:{}: {error}", index + 1)))?;
            rules.push(rule);
        }
        Ok(Self(rules))
    }

    /// Whether `path`, with `/` between its parts, stays behind: by a rule of its own, or of a folder around it.
    pub fn leaves_out(&self, path: &str, is_folder: bool) -> bool {
        let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
        folders.into_iter().any(|folder| self.fits(folder, true)) || self.fits(path, is_folder)
    }

    fn fits(&self, path: &str, is_folder: bool) -> bool {
        let last = self.0.iter().rev().find(|rule| (is_folder || !rule.only_folders) && rule.pattern.is_match(path));
        last.is_some_and(|rule| !rule.takes_back)
    }
}

fn rule(line: &str) -> Result<Rule, globset::Error> {
    let (takes_back, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
    let line = line.strip_prefix('\\').unwrap_or(line);
    let (only_folders, line) = line.strip_suffix('/').map_or((false, line), |rest| (true, rest));
    // A slash in it ties a rule to the root; without one it holds in every folder.
    let pattern = match line.strip_prefix('/') {
        Some(rest) => rest.to_owned(),
        None if line.contains('/') => line.to_owned(),
        None => format!("**/{line}"),
    };
    let pattern = GlobBuilder::new(&pattern).literal_separator(true).build()?.compile_matcher();
    Ok(Rule { pattern, only_folders, takes_back })
}

#[cfg(test)]
mod tests {
    use super::Rules;

    fn check(rules: &str, path: &str, expect: bool) {
        assert_eq!(Rules::read(rules).unwrap().leaves_out(path, false), expect, "{rules:?} {path}");
    }

    #[test]
    fn rules_of_gitignore_decide() {
        check("*.md", "scan/notes.md", true);
        check("*.md", "scan/function.json", false);
        check("notes/", "scan/notes/a.txt", true);
        check("notes/", "scan/notes", false);
        check("/scan/a.txt", "scan/a.txt", true);
        check("/a.txt", "scan/a.txt", false);
        check("scan/*.txt", "scan/a.txt", true);
        check("scan/*.txt", "scan/deep/a.txt", false);
        check("scan/**/a.txt", "scan/very/deep/a.txt", true);
        check("# a word\n\n*.txt\n!a.txt", "scan/a.txt", false);
        check("*.txt\n!a.txt", "scan/b.txt", true);
        check("notes\n!notes/a.txt", "scan/notes/a.txt", true);
        check(".*", "scan/.hidden", true);
        check("\\!x", "scan/!x", true);
    }

    #[test]
    fn rule_of_folders_decides_of_the_folder_itself() {
        let check = |rules: &str, path: &str, expect: bool| {
            assert_eq!(Rules::read(rules).unwrap().leaves_out(path, true), expect, "{rules:?} {path}");
        };
        check("notes/", "scan/notes", true);
        check("notes/\n!notes/", "scan/notes", false);
        check("/notes/", "scan/notes", false);
        check("scan/notes/", "scan/notes", true);
        check("notes", "scan/notes", true);
    }

    #[test]
    fn a_rule_that_is_none_is_named() {
        assert_eq!(Rules::read("ok\n[z-a").unwrap_err().to_string().split(": ").next(), Some(".funcignore:2"));
    }
}
