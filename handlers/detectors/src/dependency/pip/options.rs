//! The options of a line, split and read as pip does: shell words through `optparse`.

use std::ops::Range;

/// What the options of one line say. Ranges are of the line's text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// `-r`: further requirements. pip reads the first one of a line only.
    pub requirements: Vec<String>,
    /// `-c`: constraints. Read where the line has no `-r`, and again only the first.
    pub constraints: Vec<String>,
    /// `-e`: a project to be installed in place. The first one of a line only.
    pub editables: Vec<String>,
    /// `--hash`: what an archive of the requirement may be, with the whole option's range.
    pub hashes: Vec<(String, Range<usize>)>,
    /// `--require-hashes`.
    pub require_hashes: bool,
    /// `-i`, `--index-url`: the registry.
    pub index_url: Option<String>,
    /// `--extra-index-url`: more registries.
    pub extra_index_urls: Vec<String>,
    /// `--pre`: pre-releases may be chosen.
    pub pre: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Requirement,
    Constraint,
    Editable,
    Hash,
    RequireHashes,
    IndexUrl,
    ExtraIndexUrl,
    Pre,
    /// Known to pip, without meaning for us: a flag.
    Flag,
    /// The same with a value.
    Value,
}

const KNOWN: &[(&str, Kind)] = &[
    ("-r", Kind::Requirement),
    ("--requirement", Kind::Requirement),
    ("-c", Kind::Constraint),
    ("--constraint", Kind::Constraint),
    ("-e", Kind::Editable),
    ("--editable", Kind::Editable),
    ("-i", Kind::IndexUrl),
    ("--index-url", Kind::IndexUrl),
    ("--pypi-url", Kind::IndexUrl),
    ("--extra-index-url", Kind::ExtraIndexUrl),
    ("-f", Kind::Value),
    ("--find-links", Kind::Value),
    ("--no-index", Kind::Flag),
    ("--no-binary", Kind::Value),
    ("--only-binary", Kind::Value),
    ("--prefer-binary", Kind::Flag),
    ("--require-hashes", Kind::RequireHashes),
    ("--no-require-hashes", Kind::Flag),
    ("--pre", Kind::Pre),
    ("--all-releases", Kind::Value),
    ("--only-final", Kind::Value),
    ("--trusted-host", Kind::Value),
    ("--use-feature", Kind::Value),
    ("--global-option", Kind::Value),
    ("--hash", Kind::Hash),
    ("-C", Kind::Value),
    ("--config-setting", Kind::Value),
    ("--config-settings", Kind::Value),
];

/// Divides a line into the requirement and its options: at the first word that begins with `-`.
///
/// Words are parted by spaces alone, so a tab before an option makes it part of the requirement, in pip as here.
pub fn divide(text: &str) -> (&str, usize) {
    let mut start = 0;
    for word in text.split(' ') {
        if word.starts_with('-') {
            return (&text[..start], start);
        }
        start += word.len() + 1;
    }
    (text, text.len())
}

/// Reads the options of `text` from byte `start` on. On an error: what was read before it, and what is wrong.
pub fn parse(text: &str, start: usize) -> (Options, Option<String>) {
    let mut options = Options::default();
    let words = match shell_words(text, start) {
        Ok(words) => words,
        Err(error) => return (options, Some(error)),
    };
    let mut rest = words.into_iter();
    while let Some(word) = rest.next() {
        if word.text == "--" {
            break;
        }
        let result = if word.text.starts_with("--") {
            long(word, &mut rest, &mut options)
        } else if word.text.len() > 1 && word.text.starts_with('-') {
            short(&word, &mut rest, &mut options)
        } else {
            // A word that belongs to no option is passed over, in pip too.
            Ok(())
        };
        if let Err(error) = result {
            return (options, Some(error));
        }
    }
    (options, None)
}

struct Word {
    text: String,
    range: Range<usize>,
}

fn long(word: Word, rest: &mut impl Iterator<Item = Word>, options: &mut Options) -> Result<(), String> {
    let (name, value) = match word.text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (word.text.as_str(), None),
    };
    let kind = find_long(name)?;
    match (takes_value(kind), value) {
        (false, Some(_)) => Err(format!("option {name} does not take a value")),
        (false, None) => options.set(kind, String::new(), word.range),
        (true, Some(value)) => options.set(kind, value, word.range),
        (true, None) => {
            let next = rest.next().ok_or_else(|| format!("option {name} needs a value"))?;
            options.set(kind, next.text, word.range.start..next.range.end)
        }
    }
}

/// Long names may be shortened as far as they stay unique.
fn find_long(name: &str) -> Result<Kind, String> {
    if let Some((_, kind)) = KNOWN.iter().find(|(known, _)| *known == name) {
        return Ok(*kind);
    }
    let mut kinds: Vec<_> = KNOWN.iter().filter(|(known, _)| known.starts_with(name)).collect();
    // Two spellings of one option are no choice.
    kinds.dedup_by(|a, b| a.0.starts_with(b.0));
    match kinds.as_slice() {
        [(_, kind)] => Ok(*kind),
        [] => Err(format!("pip knows no option {name} in a requirements file")),
        _ => Err(format!("option {name} is ambiguous")),
    }
}

/// All short options of requirements files take a value: the rest of the word, or the next one.
fn short(word: &Word, rest: &mut impl Iterator<Item = Word>, options: &mut Options) -> Result<(), String> {
    let name: String = word.text.chars().take(2).collect();
    let Some((_, kind)) = KNOWN.iter().find(|(known, _)| *known == name) else {
        return Err(format!("pip knows no option {name} in a requirements file"));
    };
    let value = &word.text[name.len()..];
    if !value.is_empty() {
        return options.set(*kind, value.to_owned(), word.range.clone());
    }
    let next = rest.next().ok_or_else(|| format!("option {name} needs a value"))?;
    options.set(*kind, next.text, word.range.start..next.range.end)
}

fn takes_value(kind: Kind) -> bool {
    !matches!(kind, Kind::RequireHashes | Kind::Pre | Kind::Flag)
}

impl Options {
    fn set(&mut self, kind: Kind, value: String, range: Range<usize>) -> Result<(), String> {
        match kind {
            Kind::Requirement => self.requirements.push(value),
            Kind::Constraint => self.constraints.push(value),
            Kind::Editable => self.editables.push(value),
            Kind::Hash => {
                check_hash(&value)?;
                self.hashes.push((value, range));
            }
            Kind::RequireHashes => self.require_hashes = true,
            Kind::IndexUrl => self.index_url = Some(value),
            Kind::ExtraIndexUrl => self.extra_index_urls.push(value),
            Kind::Pre => self.pre = true,
            Kind::Flag | Kind::Value => {}
        }
        Ok(())
    }
}

/// A hash as pip allows it: `sha256:`, `sha384:` or `sha512:` and the digest.
pub fn check_hash(value: &str) -> Result<(), String> {
    match value.split_once(':') {
        Some(("sha256" | "sha384" | "sha512", _)) => Ok(()),
        Some((algorithm, _)) => Err(format!("hash algorithm {algorithm} is not allowed: sha256, sha384 or sha512 is")),
        None => Err("a hash is an algorithm, a colon and a digest: sha256:…".to_owned()),
    }
}

/// Splits as a POSIX shell does, without comments, like Python's `shlex.split`.
fn shell_words(text: &str, start: usize) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut quote = None;
    let mut characters = text.char_indices().skip_while(|(at, _)| *at < start);
    while let Some((at, character)) = characters.next() {
        if quote.is_none() && matches!(character, ' ' | '\t' | '\r' | '\n') {
            words.extend(word.take());
            continue;
        }
        let current = word.get_or_insert_with(|| Word { text: String::new(), range: at..at });
        current.range.end = at + character.len_utf8();
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None | Some('"'), '\\') => {
                let (at, escaped) = characters.next().ok_or("a backslash escapes nothing")?;
                if quote.is_some() && !matches!(escaped, '"' | '\\') {
                    current.text.push('\\');
                }
                current.text.push(escaped);
                current.range.end = at + escaped.len_utf8();
            }
            _ => current.text.push(character),
        }
    }
    if quote.is_some() {
        return Err("a quotation mark is not closed".to_owned());
    }
    words.extend(word);
    Ok(words)
}
