//! One requirements file, read line by line, with the place of everything in it.

use super::annotation;
use super::lines::{LogicalLine, logical_lines};
use super::options::{self, Options};
use super::requirement::{self, Hash, Requirement};
use std::ops::Range;

/// Lines read of one file; the rest is one error.
pub const LINES_MAX: usize = 100_000;

/// A file's text divided into entries: together their spans are the whole text (after a byte order mark).
#[derive(Debug, Clone, Default)]
pub struct RequirementsFile {
    /// In the order of the file.
    pub entries: Vec<Entry>,
    /// Lines that pip would refuse. What can be read of such a line is an entry nevertheless.
    pub errors: Vec<LineError>,
    /// Whether pip-compile or uv wrote it, so that it lists what the listed packages need, too.
    pub compiled: bool,
}

/// One logical line.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Number of its first physical line, from 1.
    pub line: u32,
    /// All its bytes, with the line ending.
    pub span: Range<usize>,
    /// What it says.
    pub kind: EntryKind,
    /// Its comment, without the `#`.
    pub comment: Option<String>,
    /// Whether it begins with white space.
    pub indented: bool,
}

/// What a line says.
#[derive(Debug, Clone)]
pub enum EntryKind {
    /// Nothing: it is empty, or a comment.
    Blank,
    /// A package.
    Requirement(Box<Requirement>),
    /// Another file to be read in its place.
    Include {
        /// As written, relative to this file.
        target: String,
        /// `-c`: it asks for nothing, but limits the versions of what is asked for.
        constraint: bool,
    },
    /// Options for all of the installation.
    Options(Box<Options>),
    /// Nothing that pip understands.
    Broken,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// From 1.
    pub line: u32,
    /// In words.
    pub message: String,
}

impl RequirementsFile {
    /// Reads `text`. Never fails as a whole: a line that is broken is an error of its own.
    pub fn parse(text: &str) -> Self {
        let mut file = Self::default();
        for (index, line) in logical_lines(text).into_iter().enumerate() {
            if index == LINES_MAX {
                let message = format!("the file has more than {LINES_MAX} lines; the rest is not read");
                file.errors.push(LineError { line: line.number, message });
                break;
            }
            let kind = file.read(&line);
            let (number, comment) = (line.number, line.comment);
            file.entries.push(Entry { line: number, span: line.span, kind, comment, indented: line.indented });
        }
        file.compiled = annotation::annotate(&mut file.entries);
        file
    }

    /// The requirements with the line of each.
    pub fn requirements(&self) -> impl Iterator<Item = (u32, &Requirement)> {
        self.entries.iter().filter_map(|entry| Some((entry.line, entry.requirement()?)))
    }

    fn read(&mut self, line: &LogicalLine) -> EntryKind {
        if line.text.is_empty() {
            return EntryKind::Blank;
        }
        let (written, options_start) = options::divide(&line.text);
        let (mut options, error) = options::parse(&line.text, options_start);
        if let Some(error) = error {
            self.refuse(line, error);
        }
        if !written.is_empty() {
            let hashes = std::mem::take(&mut options.hashes);
            let result = requirement::parse(line, written.len());
            return self.requirement(line, result, hashes);
        }
        if let Some(value) = options.editables.first() {
            if options.editables.len() > 1 {
                self.refuse(line, "pip reads only the first -e of a line".to_owned());
            }
            let result = requirement::parse_editable(line, value);
            return self.requirement(line, result, Vec::new());
        }
        let targets = options.requirements.iter().map(|target| (target, false));
        let mut targets = targets.chain(options.constraints.iter().map(|target| (target, true)));
        let Some((target, constraint)) = targets.next() else {
            return EntryKind::Options(Box::new(options));
        };
        if targets.next().is_some() {
            self.refuse(line, "pip reads only the first file of a line".to_owned());
        }
        EntryKind::Include { target: target.clone(), constraint }
    }

    fn requirement(
        &mut self,
        line: &LogicalLine,
        result: Result<Requirement, String>,
        hashes: Vec<(String, Range<usize>)>,
    ) -> EntryKind {
        match result {
            Ok(mut requirement) => {
                let hash = |(value, range)| Hash { value, range: line.in_file(range) };
                requirement.hashes = hashes.into_iter().map(hash).collect();
                EntryKind::Requirement(Box::new(requirement))
            }
            Err(message) => {
                self.refuse(line, message);
                EntryKind::Broken
            }
        }
    }

    fn refuse(&mut self, line: &LogicalLine, message: String) {
        self.errors.push(LineError { line: line.number, message });
    }
}

impl Entry {
    /// The requirement, where it is one.
    pub fn requirement(&self) -> Option<&Requirement> {
        match &self.kind {
            EntryKind::Requirement(requirement) => Some(requirement),
            _ => None,
        }
    }

    /// Whether it is a comment alone.
    pub fn is_comment(&self) -> bool {
        matches!(self.kind, EntryKind::Blank) && self.comment.is_some()
    }
}
