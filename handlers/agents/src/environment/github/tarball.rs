//! The tree of a commit: one archive, unpacked in memory within limits. Nothing is written, no link is followed.
//!
//! An archive is not always what git has: attributes of the repository leave files out of it (`export-ignore`) and change others
//! (`eol`, `export-subst`). So it is held against git's own list, and what differs is asked for by itself.

use super::differing::{OwnBlobs, lies_in};
use super::error::GitHubError;
use super::repository::GitHubRepository;
use super::scope::Scope;
use super::session::Who;
use super::transport::{ACCEPT, API_VERSION, Asked, bearer, causes};
use crate::environment::tree_limits::{TreeLimits, TreeReader, with_includes};
use detectors::imports;
use detectors::source_tree::SourceTree;
use flate2::read::GzDecoder;
use http::{Method, StatusCode, header};
use pipeline::ids::CommitSha;
use secrecy::SecretString;
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;
use tar::EntryType;
use url::Url;

/// Size of an archive. What comes after is left out, and the tree says so.
const ARCHIVE_BYTES_MAX: usize = 128 << 20;
/// Size of what it holds, with what nobody asks for. What comes after is left out, and the tree says so.
const UNPACKED_BYTES_MAX: u64 = 2 << 30;
/// An archive is there within this time.
const ARCHIVE_TIMEOUT_S: u64 = 120;
/// What is said of a file that was not asked for by itself.
const NOT_ASKED: &str = "it is not in the archive, and too many or too large are not";
/// Redirects to where archives are kept.
const REDIRECTS_MAX: usize = 3;

impl GitHubRepository {
    /// The files of `commit` that detectors ask for. Links and submodules are left out.
    pub async fn tree(&self, commit: &CommitSha, limits: &TreeLimits) -> Result<SourceTree, GitHubError> {
        self.tree_and_archive(commit, limits).await.map(|(tree, _)| tree)
    }

    /// As [`Self::tree`], with the archive that it was read from.
    pub async fn tree_and_archive(
        &self,
        commit: &CommitSha,
        limits: &TreeLimits,
    ) -> Result<(SourceTree, Archive), GitHubError> {
        let asked = Asked::get(self.path(&format!("/tarball/{commit}")));
        let (bytes, is_whole) = self.download(&asked).await?;
        let downloaded = Arc::new(Downloaded { bytes, is_whole, limits: *limits });
        let tree = downloaded.clone().read(BTreeMap::new(), &asked).await?;
        let (differing, listed) = self.differing(commit, &tree).await?;
        let archive = Archive { downloaded: downloaded.clone(), listed: listed.map(Arc::new) };
        if differing.is_empty() {
            return Ok((tree, archive));
        }
        let own = self.own_blobs(differing, limits).await?;
        Ok((downloaded.read(own, &asked).await?, archive))
    }

    /// The archive, and whether that is all of it. Its redirect leads to another host, which sees no token of ours.
    async fn download(&self, asked: &Asked) -> Result<(Vec<u8>, bool), GitHubError> {
        let transport = &self.session.transport;
        let unusable = |reason: &str| GitHubError::Unusable { asked: asked.words(), reason: reason.to_owned() };
        let lost = |error: reqwest::Error| GitHubError::TryLater {
            asked: asked.words(),
            reason: format!("no archive: {}", causes(&error.without_url())),
            not_before: None,
        };
        let Who::For(purpose) = self.who(Scope::Read) else { return Err(unusable("nobody may ask this")) };
        let mut token = self.session.token(&purpose).await?;
        let mut next = transport.api.join(asked.path.trim_start_matches('/')).map_err(|_| unusable("no address"))?;
        let mut is_renewed = false;
        let mut redirects = 0;
        let answer = loop {
            let answer = self.archive_request(&next, &token).map_err(|reason| unusable(&reason))?.send().await;
            let answer = answer.map_err(lost)?;
            let is_home = next.origin() == transport.api.origin();
            match answer.status() {
                StatusCode::OK => break answer,
                StatusCode::UNAUTHORIZED if is_home && !is_renewed => {
                    is_renewed = true;
                    token = self.session.renewed(&purpose).await?;
                }
                status if status.is_redirection() && redirects < REDIRECTS_MAX => {
                    redirects += 1;
                    let location = answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
                    let to = location.and_then(|location| next.join(location).ok());
                    let to = to.filter(|to| to.scheme() == "https" || to.scheme() == transport.api.scheme());
                    next = to.ok_or_else(|| unusable("its redirect leads nowhere, or from https to plain http"))?;
                }
                status => {
                    let headers = answer.headers().clone();
                    let (body, _) = read_within(answer, 64 << 10).await.map_err(lost)?;
                    return Err(GitHubError::of(&asked.words(), status, &headers, &body, transport.now()));
                }
            }
        };
        read_within(answer, ARCHIVE_BYTES_MAX).await.map_err(lost)
    }

    fn archive_request(&self, url: &Url, token: &SecretString) -> Result<reqwest::RequestBuilder, String> {
        let transport = &self.session.transport;
        let request = transport.http.request(Method::GET, url.clone()).timeout(Duration::from_secs(ARCHIVE_TIMEOUT_S));
        let is_home = url.origin() == transport.api.origin();
        if !is_home {
            return Ok(request);
        }
        let request = request.header(header::ACCEPT, ACCEPT).header(API_VERSION.0, API_VERSION.1);
        Ok(request.header(header::AUTHORIZATION, bearer(token)?))
    }
}

/// The body as far as it is within `bytes_max`, and whether that is all of it.
async fn read_within(mut answer: reqwest::Response, bytes_max: usize) -> Result<(Vec<u8>, bool), reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await? {
        let room = bytes_max - bytes.len();
        bytes.extend_from_slice(piece.get(..room).unwrap_or(&piece));
        if piece.len() > room {
            return Ok((bytes, false));
        }
    }
    Ok((bytes, true))
}

/// An archive that a tree was read from, in which there is more.
#[derive(Debug, Clone)]
pub struct Archive {
    downloaded: Arc<Downloaded>,
    /// Paths of all files that git has, which are not all in the archive. `None`: nobody knows.
    listed: Option<Arc<Vec<String>>>,
}

impl Archive {
    /// The files that may import packages; `None` where the archive is damaged.
    pub async fn sources(&self) -> Option<SourceTree> {
        let downloaded = self.downloaded.clone();
        let unpack = move || downloaded.unpack(&BTreeMap::new(), TreeReader::of_sources());
        let mut tree = tokio::task::spawn_blocking(unpack).await.ok()?.ok()?;
        let is_there = |path: &String| lies_in(path, imports::PASSED_OVER_FOLDERS) || tree.contains(path);
        tree.has_unseen |= !self.listed.as_ref().is_some_and(|listed| listed.iter().all(is_there));
        Some(tree)
    }
}

/// An archive in memory.
struct Downloaded {
    bytes: Vec<u8>,
    is_whole: bool,
    limits: TreeLimits,
}

impl Downloaded {
    /// Unpacks it on a thread of its own. What is in `own` takes the place of what the archive has.
    async fn read(self: Arc<Self>, own: OwnBlobs, asked: &Asked) -> Result<SourceTree, GitHubError> {
        let unusable = |reason: String| GitHubError::Unusable { asked: asked.words(), reason };
        let unpacked = tokio::task::spawn_blocking(move || {
            with_includes(|wants| self.unpack(&own, TreeReader::new(self.limits, wants)))
        })
        .await;
        unpacked
            .map_err(|failure| unusable(format!("unpacking it failed: {failure}")))?
            .map_err(|error| unusable(format!("the archive is damaged: {error}")))
    }

    /// Reads all of it; its first folder is left out of all paths. Fails where it is damaged, but not where it was cut off.
    fn unpack(&self, own: &OwnBlobs, mut reader: TreeReader<'_>) -> io::Result<SourceTree> {
        if !self.is_whole {
            reader.lose(&format!("what comes after the first {ARCHIVE_BYTES_MAX} bytes of the archive"));
        }
        let mut folders = HashMap::new();
        for (path, bytes) in own {
            if is_within(&mut reader, &mut folders, path) && reader.sees() {
                let size = bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
                let bytes = bytes.clone();
                reader.file(path.clone(), || Ok(size), || bytes.ok_or_else(|| NOT_ASKED.to_owned()));
            }
        }
        let mut is_over = false;
        match unpack_into(&mut reader, &self.bytes, own, &mut is_over) {
            Ok(()) => {}
            Err(_) if !self.is_whole => {}
            Err(_) if is_over => {
                reader.lose(&format!("what comes after the first {UNPACKED_BYTES_MAX} unpacked bytes"));
            }
            Err(error) => return Err(error),
        }
        Ok(reader.finish())
    }
}

fn unpack_into(reader: &mut TreeReader<'_>, archive: &[u8], own: &OwnBlobs, is_over: &mut bool) -> io::Result<()> {
    let mut folders = HashMap::new();
    let mut archive = tar::Archive::new(Bounded { inner: GzDecoder::new(archive), left: UNPACKED_BYTES_MAX, is_over });
    for entry in archive.entries()? {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        if !matches!(kind, EntryType::Regular | EntryType::Continuous | EntryType::Directory) {
            continue;
        }
        let is_folder = kind == EntryType::Directory;
        let path = entry.path_bytes().into_owned();
        let Ok(path) = String::from_utf8(path) else {
            reader.misnamed(&String::from_utf8_lossy(&entry.path_bytes()), is_folder);
            continue;
        };
        let Some((_, path)) = path.split_once('/') else { continue };
        let path = path.trim_end_matches('/');
        if path.is_empty() {
            continue;
        }
        if path.split('/').any(|part| matches!(part, "" | "." | ".." | ".git")) {
            reader.lose("a path that leads outside");
            continue;
        }
        if own.contains_key(path) || !is_within(reader, &mut folders, path) {
            continue;
        }
        if !reader.sees() {
            break;
        }
        if is_folder {
            continue;
        }
        let size = entry.size();
        let mut broken = None;
        reader.file(
            path.to_owned(),
            || Ok(size),
            || {
                let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
                let read = entry.read_to_end(&mut bytes).and_then(|_| match bytes.len() as u64 == size {
                    true => Ok(()),
                    false => Err(io::ErrorKind::UnexpectedEof.into()),
                });
                read.map_err(|error| {
                    let reason = format!("can't be read: {error}");
                    broken = Some(error);
                    reason
                })?;
                Ok(bytes)
            },
        );
        if let Some(error) = broken {
            return Err(error);
        }
        if reader.is_full() {
            break;
        }
    }
    Ok(())
}

/// Whether all folders that `path` is in are gone into. Each is asked for once.
fn is_within(reader: &mut TreeReader<'_>, folders: &mut HashMap<String, bool>, path: &str) -> bool {
    path.match_indices('/').enumerate().all(|(depth, (end, _))| {
        let folder = path.get(..end).unwrap_or_default();
        match folders.get(folder) {
            Some(is_entered) => *is_entered,
            None => {
                let is_entered = reader.enters(folder, depth + 1);
                folders.insert(folder.to_owned(), is_entered);
                is_entered
            }
        }
    })
}

/// A reader that fails after so many bytes, and remembers that it did.
struct Bounded<'a, R> {
    inner: R,
    left: u64,
    is_over: &'a mut bool,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            *self.is_over = true;
            return Err(io::Error::other("over the limit"));
        }
        let room = into.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let amount = self.inner.read(into.get_mut(..room).unwrap_or_default())?;
        self.left -= amount as u64;
        Ok(amount)
    }
}

impl std::fmt::Debug for Downloaded {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} bytes", self.bytes.len())
    }
}
