//! PyPI: the files of a project by the Simple API, as JSON (PEP 691) or as HTML (PEP 503).

mod file_name;
mod html;
mod metadata;

pub(super) use html::read_html;
pub(super) use metadata::read_requires_dist;

use super::timestamp::read_timestamp;
use file_name::{FileKind, read_file_name};
use pipeline::facts::{PackageFacts, Release};
use pipeline::version::{Ecosystem, Version};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{BufReader, Read};
use url::Url;

/// What is asked for: JSON, and HTML where there is none.
pub(super) const ACCEPT: &str =
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01";

/// A name as PEP 503 has it: small letters, and one `-` for every run of `-`, `_` and `.`.
pub fn normalised_name(name: &str) -> String {
    pipeline::advisory::normalised_name(pipeline::version::Ecosystem::PyPI, name.trim()).into_owned()
}

/// The address of a project's page below that of the index. Bad names are refused when the address is joined.
pub(super) fn page_path(name: &str) -> String {
    let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string();
    format!("{}/", name.replace("%2D", "-"))
}

/// One file of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ProjectFile {
    pub(super) name: String,
    pub(super) url: String,
    pub(super) sha256: Option<String>,
    pub(super) requires_python: Option<String>,
    pub(super) published: Option<jiff::Timestamp>,
    pub(super) yanked: bool,
    pub(super) metadata: Metadata,
}

/// Whether the metadata of a file can be had beside it (PEP 658, PEP 714).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Metadata {
    /// The index does not say; many have it all the same.
    #[default]
    Unsaid,
    /// It can't.
    Absent,
    /// It can; with its SHA-256, where that is said.
    Present(Option<String>),
}

/// A project: its releases, and where the needs of each can be read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Project {
    /// Needs of the releases are not among the facts: the index does not have them.
    pub(super) facts: PackageFacts,
    /// By version as in `facts`.
    pub(super) metadata: BTreeMap<String, MetadataFile>,
}

/// Where the needs of a release can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MetadataFile {
    pub(super) url: String,
    pub(super) metadata: Metadata,
}

/// Reads a page of the JSON API file by file. `page` is its address, `name` the normalised name of the project.
///
/// An odd file entry is left out. An error means that it is not JSON or not an object.
pub(super) fn read_json(from: impl Read, page: &Url, name: &str) -> Result<Project, String> {
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(from));
    let read = Page::deserialize(&mut json).map_err(|error| error.to_string())?;
    json.end().map_err(|error| error.to_string())?;
    Ok(project(read.files, &read.versions, page, name))
}

/// Files grouped into releases. Versions that are equal (`1.0`, `1.0.0`) are one release.
fn project(files: Vec<ProjectFile>, spellings: &[String], page: &Url, name: &str) -> Project {
    let mut groups: BTreeMap<Version, Vec<(FileKind, ProjectFile)>> = BTreeMap::new();
    for file in files {
        if let Some((kind, version)) = read_file_name(&file.name, name) {
            groups.entry(version).or_default().push((kind, file));
        }
    }
    let spellings: BTreeSet<Spelling> = spellings.iter().filter_map(|text| Spelling::of(text)).collect();
    let mut project = Project::default();
    for (version, mut files) in groups {
        // Wheels first, and of those the one for every platform: its needs stand for the release.
        files.sort_by(|(a, file_a), (b, file_b)| (a, &file_a.name).cmp(&(b, &file_b.name)));
        let written = spellings.range(Spelling(version.clone(), 0, String::new())..).next();
        let text = written.filter(|spelling| spelling.0 == version).map_or(version.as_str(), |spelling| &spelling.2);
        if let Some(file) = metadata_file(&files, page) {
            project.metadata.insert(text.to_owned(), file);
        }
        project.facts.releases.push(release(text.to_owned(), &files));
    }
    project
}

/// A version as the index writes it, with its length: of two spellings the shorter goes first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Spelling(Version, usize, String);

impl Spelling {
    fn of(text: &str) -> Option<Self> {
        Some(Self(Version::parse(Ecosystem::PyPI, text).ok()?, text.len(), text.to_owned()))
    }
}

fn release(version: String, files: &[(FileKind, ProjectFile)]) -> Release {
    let files = || files.iter().map(|(_, file)| file);
    let requires_python = files().find_map(|file| file.requires_python.clone());
    Release {
        version,
        published: files().filter_map(|file| file.published).min(),
        yanked: files().all(|file| file.yanked),
        hashes: files().filter_map(|file| Some(format!("sha256:{}", file.sha256.as_ref()?))).collect(),
        engines: requires_python.map(|range| ("python".to_owned(), range)).into_iter().collect(),
        ..Release::default()
    }
}

fn metadata_file(files: &[(FileKind, ProjectFile)], page: &Url) -> Option<MetadataFile> {
    let said = |(_, file): &&(FileKind, ProjectFile)| matches!(file.metadata, Metadata::Present(_));
    let may_have =
        |(kind, file): &&(FileKind, ProjectFile)| *kind != FileKind::Sdist && file.metadata == Metadata::Unsaid;
    let (_, file) = files.iter().find(said).or_else(|| files.iter().find(may_have))?;
    let mut url = page.join(&file.url).ok()?;
    url.set_fragment(None);
    let path = format!("{}.metadata", url.path());
    url.set_path(&path);
    Some(MetadataFile { url: url.to_string(), metadata: file.metadata.clone() })
}

#[derive(Default)]
struct Page {
    files: Vec<ProjectFile>,
    versions: Vec<String>,
}

impl<'de> Deserialize<'de> for Page {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(PageVisitor)
    }
}

struct PageVisitor;

impl<'de> Visitor<'de> for PageVisitor {
    type Value = Page;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a page of the Simple API")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Page, A::Error> {
        let mut page = Page::default();
        while let Some(member) = members.next_key::<String>()? {
            match member.as_str() {
                "files" => members.next_value_seed(Files(&mut page.files))?,
                "versions" => {
                    let versions: Value = members.next_value()?;
                    let texts = versions.as_array().into_iter().flatten().filter_map(Value::as_str);
                    page.versions.extend(texts.map(str::to_owned));
                }
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(page)
    }
}

struct Files<'a>(&'a mut Vec<ProjectFile>);

impl<'de> DeserializeSeed<'de> for Files<'_> {
    type Value = ();
    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Files<'_> {
    type Value = ();

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of files")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(entry) = entries.next_element::<Box<RawValue>>()? {
            if let Ok(entry) = serde_json::from_str::<FileEntry>(entry.get()) {
                self.0.extend(entry.into_file());
            }
        }
        Ok(())
    }
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct FileEntry {
    filename: Value,
    url: Value,
    hashes: Value,
    requires_python: Value,
    upload_time: Value,
    yanked: Value,
    core_metadata: Value,
    dist_info_metadata: Value,
}

impl FileEntry {
    fn into_file(self) -> Option<ProjectFile> {
        let sha256 = |value: &Value| value.get("sha256").and_then(Value::as_str).and_then(read_sha256);
        let metadata = if self.core_metadata.is_null() { &self.dist_info_metadata } else { &self.core_metadata };
        Some(ProjectFile {
            name: self.filename.as_str()?.to_owned(),
            url: self.url.as_str()?.to_owned(),
            sha256: sha256(&self.hashes),
            requires_python: self.requires_python.as_str().filter(|range| !range.trim().is_empty()).map(str::to_owned),
            published: self.upload_time.as_str().and_then(read_timestamp),
            // A text is the reason, and may be empty.
            yanked: matches!(self.yanked, Value::Bool(true) | Value::String(_)),
            metadata: match metadata {
                Value::Null => Metadata::Unsaid,
                Value::Bool(false) => Metadata::Absent,
                said => Metadata::Present(sha256(said)),
            },
        })
    }
}

/// 64 hex digits, in small letters.
fn read_sha256(text: &str) -> Option<String> {
    let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
