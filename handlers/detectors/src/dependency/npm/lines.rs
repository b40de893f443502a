//! Lines of a text by the pieces that were borrowed from it.

/// Counts lines up to borrowed pieces; cheap when they come in the order of the text.
pub(super) struct Lines<'a> {
    text: &'a str,
    offset: usize,
    line: u32,
}

impl<'a> Lines<'a> {
    /// Lines of `text`.
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, offset: 0, line: 1 }
    }

    /// The line, from 1, at which `piece` stands. A piece that is not of the text (it had escapes, so that it was
    /// copied) is taken to stand where the one before it stood.
    pub(super) fn line_of(&mut self, piece: &str) -> u32 {
        let offset = (piece.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize);
        let Some(offset) = offset.filter(|&offset| offset < self.text.len()) else { return self.line };
        if offset < self.offset {
            (self.offset, self.line) = (0, 1);
        }
        if let Some(between) = self.text.as_bytes().get(self.offset..offset) {
            let newlines = memchr::memchr_iter(b'\n', between).count();
            self.line = self.line.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
            self.offset = offset;
        }
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_found_forwards_and_backwards() {
        let text = "a\nb\n\nc";
        let mut lines = Lines::of(text);
        for (range, line) in [(0..1, 1), (5..6, 4), (2..3, 2), (5..6, 4)] {
            assert_eq!(lines.line_of(&text[range]), line);
        }
        assert_eq!(lines.line_of("elsewhere"), 4);
    }
}
