//! Errors of one file: the first are told one by one, the rest are counted.

use pipeline::finding::ScanError;

/// Errors that are told one by one of each file.
pub(super) const ERRORS_MAX: usize = 20;

/// Where the errors of one file go.
pub(super) struct FileErrors<'t> {
    path: &'t str,
    errors: &'t mut Vec<ScanError>,
    count: usize,
    first_untold: Option<u32>,
}

impl<'t> FileErrors<'t> {
    /// Those of the file at `path` go to `errors`.
    pub(super) fn of(path: &'t str, errors: &'t mut Vec<ScanError>) -> Self {
        Self { path, errors, count: 0, first_untold: None }
    }

    /// Tells or counts an error; `message` is called only if it is told.
    pub(super) fn add(&mut self, line: u32, message: impl FnOnce() -> String) {
        self.count = self.count.saturating_add(1);
        if self.count <= ERRORS_MAX {
            self.errors.push(ScanError { path: self.path.to_owned(), line: Some(line), message: message() });
        } else {
            self.first_untold.get_or_insert(line);
        }
    }
}

/// At the end the rest is one error.
impl Drop for FileErrors<'_> {
    fn drop(&mut self) {
        if let Some(more) = self.count.checked_sub(ERRORS_MAX).filter(|more| *more > 0) {
            let message = format!("{more} more members from here on are not what they should be");
            self.errors.push(ScanError { path: self.path.to_owned(), line: self.first_untold, message });
        }
    }
}
