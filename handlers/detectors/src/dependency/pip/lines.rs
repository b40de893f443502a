//! Logical lines of a requirements file, as pip joins them, with the way back to the bytes of the file.

use std::ops::Range;

/// One logical line: physical lines joined at `\`, its comment cut off.
#[derive(Debug, Clone)]
pub struct LogicalLine {
    /// Number of its first physical line, from 1. As pip counts: a form feed or U+2028 also ends a line.
    pub number: u32,
    /// All bytes of the file that belong to it, with the last line's ending.
    pub span: Range<usize>,
    /// What pip reads: joined, without comment, trimmed.
    pub text: String,
    /// What follows the `#`.
    pub comment: Option<String>,
    /// Whether it begins with white space.
    pub indented: bool,
    pieces: Vec<Piece>,
    trimmed: usize,
}

/// A stretch of the joined text that is also a stretch of the file.
#[derive(Debug, Clone, Copy)]
struct Piece {
    joined: usize,
    file: usize,
}

impl LogicalLine {
    /// The bytes of the file that hold `range` of `text`, continuations between its ends included.
    pub fn in_file(&self, range: Range<usize>) -> Range<usize> {
        let (start, end) = (range.start + self.trimmed, range.end + self.trimmed);
        let start = self.place(start, |piece| piece.joined <= start);
        // The end of one piece is the start of the next: it belongs to the byte before it.
        let end = self.place(end, |piece| piece.joined < end.max(1));
        start..end.max(start)
    }

    fn place(&self, offset: usize, holds: impl Fn(&Piece) -> bool) -> usize {
        let piece = self.pieces.iter().rev().find(|piece| holds(piece)).copied();
        piece.map_or(self.span.start, |piece| piece.file + offset.saturating_sub(piece.joined))
    }
}

/// Splits `text` into logical lines; together their spans are the whole text after a byte order mark.
pub fn logical_lines(text: &str) -> Vec<LogicalLine> {
    let mut lines = Vec::new();
    let mut open = Joining::default();
    for (index, (content, next)) in physical_lines(text).into_iter().enumerate() {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let line = &text[content.clone()];
        let is_comment = line.trim_start_matches(is_space).starts_with('#');
        if line.ends_with('\\') && !is_comment {
            let stripped = line.trim_start_matches('\\');
            let start = content.start + (line.len() - stripped.len());
            open.add(number, content.start, start, stripped.trim_end_matches('\\'), next);
            continue;
        }
        if is_comment {
            // pip sets a space before a comment, so that the comment is also one after a joined line.
            open.begin(number, content.start);
            open.joined.push(' ');
        }
        open.add(number, content.start, content.start, line, next);
        lines.push(std::mem::take(&mut open).close());
    }
    if !open.pieces.is_empty() {
        lines.push(open.close());
    }
    lines
}

/// White space as Python's `str.isspace` sees it.
pub fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

#[derive(Default)]
struct Joining {
    number: Option<(u32, usize)>,
    joined: String,
    pieces: Vec<Piece>,
    end: usize,
}

impl Joining {
    fn begin(&mut self, number: u32, span_start: usize) {
        self.number.get_or_insert((number, span_start));
    }

    fn add(&mut self, number: u32, span_start: usize, start: usize, content: &str, next: usize) {
        self.begin(number, span_start);
        self.pieces.push(Piece { joined: self.joined.len(), file: start });
        self.joined.push_str(content);
        self.end = next;
    }

    fn close(self) -> LogicalLine {
        let (number, start) = self.number.unwrap_or_default();
        let (code, comment) = match comment_start(&self.joined) {
            Some((cut, hash)) => (&self.joined[..cut], Some(self.joined[hash + 1..].to_owned())),
            None => (self.joined.as_str(), None),
        };
        let trimmed = code.len() - code.trim_start_matches(is_space).len();
        // A comment line got a space of ours in front.
        let own_space = usize::from(self.pieces.first().is_some_and(|piece| piece.joined == 1));
        LogicalLine {
            number,
            span: start..self.end,
            text: code.trim_matches(is_space).to_owned(),
            comment,
            indented: self.joined.get(own_space..).is_some_and(|line| line.starts_with(is_space)),
            pieces: self.pieces,
            trimmed,
        }
    }
}

/// Where the comment begins: with its white space, and its `#`. A `#` inside a word (`#egg=`) begins none.
fn comment_start(joined: &str) -> Option<(usize, usize)> {
    let (hash, _) = joined
        .match_indices('#')
        .find(|(at, _)| *at == 0 || joined[..*at].chars().next_back().is_some_and(is_space))?;
    Some((joined[..hash].trim_end_matches(is_space).len(), hash))
}

/// Content of each physical line and where the next one starts, as Python's `str.splitlines` divides.
fn physical_lines(text: &str) -> Vec<(Range<usize>, usize)> {
    let mut lines = Vec::new();
    let mut start = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let mut characters = text.char_indices().skip(usize::from(start > 0)).peekable();
    while let Some((at, character)) = characters.next() {
        let ends = matches!(
            character,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        );
        if !ends {
            continue;
        }
        let mut next = at + character.len_utf8();
        if character == '\r' && characters.next_if(|(_, following)| *following == '\n').is_some() {
            next += 1;
        }
        lines.push((start..at, next));
        start = next;
    }
    if start < text.len() {
        lines.push((start..text.len(), text.len()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[(u32, &str)]) {
        let lines = logical_lines(text);
        let found: Vec<_> =
            lines.iter().filter(|line| !line.text.is_empty()).map(|line| (line.number, line.text.as_str())).collect();
        assert_eq!(found, expect, "{text:?}");
    }

    #[test]
    fn lines_are_joined_and_cut_as_pip_does() {
        check("a==1\nb==2\n", &[(1, "a==1"), (2, "b==2")]);
        check("a \\\n  ==1\nb", &[(1, "a   ==1"), (3, "b")]);
        check("a==1 # why\n#b\n  # c\nd", &[(1, "a==1"), (4, "d")]);
        check("git+https://h/x#egg=x", &[(1, "git+https://h/x#egg=x")]);
        check("a \\\n# cut \\\nb", &[(1, "a"), (3, "b")]);
        check("a # cut \\\nb\nc", &[(1, "a"), (3, "c")]);
        check("a\\\\\nb", &[(1, "ab")]);
        check("\\a\\\nb", &[(1, "ab")]);
        check("a \\ \nb", &[(1, "a \\"), (2, "b")]);
        check("a==1 \\", &[(1, "a==1")]);
        check("\u{feff}a==1\r\nb\r\rc\u{c}d", &[(1, "a==1"), (2, "b"), (4, "c"), (5, "d")]);
        check("", &[]);
    }

    #[test]
    fn ranges_lead_back_to_the_file() {
        let text = "\u{feff}x\n  foo \\\r\n  ==1.\\\r\n0 # c\r\n";
        let line = &logical_lines(text)[1];
        assert_eq!(line.text, "foo   ==1.0");
        assert_eq!(&text[line.in_file(0..3)], "foo");
        assert_eq!(&text[line.in_file(6..8)], "==");
        assert_eq!(&text[line.in_file(8..11)], "1.\\\r\n0");
        assert_eq!(&text[line.in_file(8..10)], "1.");
        assert_eq!(&text[line.span.clone()], "  foo \\\r\n  ==1.\\\r\n0 # c\r\n");
    }
}
