//! Commits, trees, blobs, branches: of a real repository of git, by the rules of git.

use super::app::Caller;
use super::service::{Answer, Question, Reply, not_found, refused, told};
use super::state::{State, in_delivery, shaped, user};
use axum::body::Body;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, Response, Uri};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use git2::build::TreeUpdateBuilder;
use git2::{Delta, FileMode, ObjectType, Oid, Repository, Signature, Time, Tree, TreeWalkMode};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::{Arc, Mutex};

const NOBODY: &str = "0000000000000000000000000000000000000000";
/// Who makes commits for others, and signs them.
const WEB_FLOW: &str = "web-flow";
/// Mail of those whom GitHub knows by it.
const MAIL: &str = "users.example";

impl State {
    pub fn signature(&self, login: &str) -> Signature<'static> {
        Signature::new(login, &format!("{login}@{MAIL}"), &Time::new(self.clock.now().as_second(), 0)).unwrap()
    }

    pub fn tip(&self, id: u64, branch: &str) -> Option<String> {
        let git = self.git(id);
        let reference = git.find_reference(&format!("refs/heads/{branch}")).ok()?;
        Some(reference.target()?.to_string())
    }

    pub fn branches(&self, id: u64) -> Vec<String> {
        let git = self.git(id);
        let names = git.references_glob("refs/heads/*").unwrap();
        let mut names: Vec<_> = names.map(|one| one.unwrap().shorthand().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    pub fn ahead_and_behind(&self, id: u64, branch: &str) -> (usize, usize) {
        let [one, other] = [branch, "main"].map(|branch| Oid::from_str(&self.tip(id, branch).unwrap()).unwrap());
        self.git(id).graph_ahead_behind(one, other).unwrap()
    }

    pub fn mode(&self, id: u64, branch: &str, path: &str) -> i32 {
        let git = self.git(id);
        let tip = git.find_commit(Oid::from_str(&self.tip(id, branch).unwrap()).unwrap()).unwrap();
        tip.tree().unwrap().get_path(Path::new(path)).unwrap().filemode()
    }

    pub fn text(&self, id: u64, branch: &str, path: &str) -> Option<String> {
        let git = self.git(id);
        let tip = git.find_commit(Oid::from_str(&self.tip(id, branch)?).unwrap()).unwrap();
        let entry = tip.tree().unwrap().get_path(Path::new(path)).ok()?;
        Some(String::from_utf8(git.find_blob(entry.id()).unwrap().content().to_vec()).unwrap())
    }

    /// A text that begins with `#!` is executable, one that begins with `->` is a link.
    pub fn push(&mut self, id: u64, branch: &str, files: &[(&str, &str)], login: &str) -> String {
        let git = self.git(id);
        let base = self.tip(id, branch).or_else(|| self.tip(id, "main"));
        let base = base.map(|base| git.find_commit(Oid::from_str(&base).unwrap()).unwrap());
        let empty = git.treebuilder(None).unwrap().write().unwrap();
        let tree = base.as_ref().map_or_else(|| git.find_tree(empty).unwrap(), |base| base.tree().unwrap());
        let mut update = TreeUpdateBuilder::new();
        for (path, text) in files {
            let mode = match () {
                () if text.starts_with("#!") => FileMode::BlobExecutable,
                () if text.starts_with("->") => FileMode::Link,
                () => FileMode::Blob,
            };
            match text.is_empty() {
                true => update.remove(*path),
                false => update.upsert(*path, git.blob(text.as_bytes()).unwrap(), mode),
            };
        }
        let tree = git.find_tree(update.create_updated(&git, &tree).unwrap()).unwrap();
        let who = self.signature(login);
        let parents: Vec<_> = base.iter().collect();
        let commit = git.commit(None, &who, &who, "a commit\n", &tree, &parents).unwrap().to_string();
        self.move_branch(id, branch, Some(&commit), login);
        commit
    }

    /// Moves a branch, or deletes it, and tells of it.
    pub fn move_branch(&mut self, id: u64, branch: &str, to: Option<&str>, login: &str) {
        let git = self.git(id);
        let name = format!("refs/heads/{branch}");
        let before = self.tip(id, branch);
        match to {
            Some(to) => drop(git.reference(&name, Oid::from_str(to).unwrap(), true, "simulated").unwrap()),
            None => git.find_reference(&name).unwrap().delete().unwrap(),
        }
        let is_forced = before.as_deref().zip(to).is_some_and(|(before, to)| !is_upon(&git, to, before));
        let commit = to.map(|to| {
            let message = git.find_commit(Oid::from_str(to).unwrap()).unwrap().message().unwrap().to_owned();
            in_delivery("told_commit", json!({ "id": to, "message": message, "timestamp": self.now() }))
        });
        let body = json!({
            "ref": name, "before": before.as_deref().unwrap_or(NOBODY), "after": to.unwrap_or(NOBODY),
            "created": before.is_none(), "deleted": to.is_none(), "forced": is_forced, "compare": "https://github.example/",
            "base_ref": null, "commits": commit.iter().collect::<Vec<_>>(), "head_commit": commit,
            "pusher": { "name": login, "email": format!("{login}@{MAIL}") },
        });
        self.tell(id, "push", Some(login), body);
        self.head_moved(id, branch, to, login);
    }
}

fn is_upon(git: &Repository, commit: &str, base: &str) -> bool {
    let [commit, base] = [commit, base].map(|sha| Oid::from_str(sha).unwrap());
    commit == base || git.graph_descendant_of(commit, base).unwrap_or(false)
}

pub(super) fn answer(state: &mut State, caller: &Caller, id: u64, question: &Question) -> Option<Answer> {
    let path: Vec<_> = question.path.iter().map(String::as_str).collect();
    let needs = |access: &str| caller.needs(&["contents"], access);
    Some(match (question.method.as_str(), &path[..]) {
        ("GET", []) => {
            caller.needs(&["metadata"], "read").and_then(|()| told("repos/get", 200, state.repository_value(id)))
        }
        ("GET", ["git", "ref", "heads", branch @ ..]) => {
            needs("read").and_then(|()| reference(state, id, &branch.join("/")))
        }
        ("POST", ["git", "refs"]) => needs("write").and_then(|()| make_reference(state, caller, id, question)),
        ("GET", ["git", "trees", sha]) => needs("read").and_then(|()| tree(state, id, sha, question)),
        ("POST", ["git", "blobs"]) => needs("write").and_then(|()| {
            let bytes = BASE64_STANDARD.decode(question.text("content")).unwrap();
            let sha = state.git(id).blob(&bytes).unwrap().to_string();
            told("git/create-blob", 201, json!({ "sha": sha, "url": "https://github.example/" }))
        }),
        ("GET", ["git", "blobs", sha]) => needs("read").and_then(|()| {
            let git = state.git(id);
            let blob = Oid::from_str(sha).and_then(|sha| git.find_blob(sha)).map_err(|_| not_found())?;
            let content = BASE64_STANDARD.encode(blob.content());
            told(
                "git/get-blob",
                200,
                shaped("blob", json!({ "sha": sha, "size": blob.size(), "content": content, "encoding": "base64" })),
            )
        }),
        ("POST", ["git", "trees"]) => needs("write").and_then(|()| make_tree(state, id, question)),
        ("POST", ["git", "commits"]) => needs("write").and_then(|()| make_commit(state, caller, id, question)),
        ("GET", ["commits", sha]) => needs("read").and_then(|()| match state.commit_value(id, sha) {
            Some(commit) => told("repos/get-commit", 200, commit),
            None => Err(refused(422, &format!("No commit found for SHA: {sha}"))),
        }),
        ("GET", ["compare", range]) => needs("read").and_then(|()| compare(state, id, range)),
        ("GET", ["tarball", sha]) => needs("read").and_then(|()| {
            let mut reply = refused(302, "Found");
            reply.headers.push(("location", format!("http://{}/{id}/{sha}?token=of-the-archive", state.archives)));
            Err(reply)
        }),
        _ => return None,
    })
}

fn reference_value(branch: &str, sha: &str) -> Value {
    shaped("reference", json!({ "ref": format!("refs/heads/{branch}"), "object": { "sha": sha, "type": "commit" } }))
}

fn reference(state: &State, id: u64, branch: &str) -> Answer {
    let sha = state.tip(id, branch).ok_or_else(not_found)?;
    told("git/get-ref", 200, reference_value(branch, &sha))
}

fn make_reference(state: &mut State, caller: &Caller, id: u64, question: &Question) -> Answer {
    let (name, sha) = (question.text("ref"), question.text("sha"));
    let branch = name.strip_prefix("refs/heads/").unwrap();
    if state.tip(id, branch).is_some() {
        return Err(refused(422, "Reference already exists"));
    }
    state.move_branch(id, branch, Some(&sha), &caller.login());
    told("git/create-ref", 201, reference_value(branch, &sha))
}

/// What `updateRefs` does for one branch.
pub(super) fn update_reference(state: &mut State, caller: &Caller, id: u64, update: &Value) -> Result<(), Reply> {
    caller.needs(&["contents"], "write")?;
    let text = |key: &str| update[key].as_str().unwrap_or_default().to_owned();
    let (name, before, after) = (text("name"), text("beforeOid"), text("afterOid"));
    let branch = name.strip_prefix("refs/heads/").unwrap();
    let tip = state.tip(id, branch).unwrap_or_else(|| NOBODY.to_owned());
    if !before.is_empty() && before != tip {
        return Err(refused(422, &format!("Expected branch to point to \"{before}\" but it did not")));
    }
    let is_forward = after != NOBODY && (tip == NOBODY || is_upon(&state.git(id), &after, &tip));
    if !is_forward && state.repos[&id].protected.contains(branch) {
        return Err(refused(422, "Repository rule violations found: Cannot force-push to this branch"));
    }
    if !is_forward && after != NOBODY && update["force"] != true {
        return Err(refused(422, "Update is not a fast forward"));
    }
    state.move_branch(id, branch, (after != NOBODY).then_some(&after), &caller.login());
    Ok(())
}

fn tree(state: &State, id: u64, sha: &str, question: &Question) -> Answer {
    let git = state.git(id);
    let object = git.revparse_single(sha).and_then(|object| object.peel_to_tree()).map_err(|_| not_found())?;
    told("git/get-tree", 200, tree_value(&git, &object, question.query.contains_key("recursive")))
}

fn tree_value(git: &Repository, tree: &Tree<'_>, is_recursive: bool) -> Value {
    let mut entries = Vec::new();
    tree.walk(TreeWalkMode::PreOrder, |folder, entry| {
        let kind = entry.kind().map_or("commit", |kind| kind.str());
        let (mode, sha) = (format!("{:06o}", entry.filemode()), entry.id().to_string());
        let path = format!("{folder}{}", entry.name().unwrap());
        let mut one = json!({ "path": path, "mode": mode, "type": kind, "sha": sha });
        if let Ok(blob) = git.find_blob(entry.id()) {
            one["size"] = json!(blob.size());
        }
        entries.push(one);
        if is_recursive { git2::TreeWalkResult::Ok } else { git2::TreeWalkResult::Skip }
    })
    .unwrap();
    shaped("tree", json!({ "sha": tree.id().to_string(), "url": "https://github.example/", "tree": entries }))
}

fn make_tree(state: &State, id: u64, question: &Question) -> Answer {
    let git = state.git(id);
    let base = Oid::from_str(&question.text("base_tree")).and_then(|base| git.find_tree(base));
    let base = base.map_err(|_| refused(422, "base_tree is not a valid tree oid"))?;
    let mut update = TreeUpdateBuilder::new();
    for entry in question.body["tree"].as_array().unwrap() {
        let mode = if entry["mode"] == "100755" { FileMode::BlobExecutable } else { FileMode::Blob };
        update.upsert(entry["path"].as_str().unwrap(), Oid::from_str(entry["sha"].as_str().unwrap()).unwrap(), mode);
    }
    let made = update.create_updated(&git, &base).map_err(|_| refused(422, "GitRPC::BadObjectState"))?;
    told("git/create-tree", 201, tree_value(&git, &git.find_tree(made).unwrap(), false))
}

fn make_commit(state: &State, caller: &Caller, id: u64, question: &Question) -> Answer {
    let git = state.git(id);
    let parents = question.body["parents"].as_array().unwrap().iter();
    let parents: Vec<_> =
        parents.map(|sha| git.find_commit(Oid::from_str(sha.as_str().unwrap()).unwrap()).unwrap()).collect();
    let tree = git.find_tree(Oid::from_str(&question.text("tree")).unwrap()).unwrap();
    let author = state.signature(&caller.login());
    let committer = if caller.is_app() { state.signature(WEB_FLOW) } else { author.clone() };
    let made = git
        .commit(None, &author, &committer, &question.text("message"), &tree, &parents.iter().collect::<Vec<_>>())
        .unwrap();
    let body = json!({ "sha": made.to_string(), "tree": { "sha": tree.id().to_string() }, "message": question.text("message") });
    told("git/create-commit", 201, shaped("git_commit", body))
}

fn login_of(signature: &Signature<'_>) -> Option<String> {
    Some(signature.email().ok()?.strip_suffix(&format!("@{MAIL}"))?.to_owned())
}

impl State {
    /// A commit as GitHub tells it.
    pub fn commit_value(&self, id: u64, sha: &str) -> Option<Value> {
        let git = self.git(id);
        let commit = git.find_commit(Oid::from_str(sha).ok()?).ok()?;
        let told = |signature: &Signature<'_>| {
            let at = jiff::Timestamp::from_second(signature.when().seconds()).unwrap();
            json!({ "name": signature.name().unwrap(), "email": signature.email().unwrap(), "date": at.to_string() })
        };
        let known = |signature: &Signature<'_>| login_of(signature).map(|login| user(&login));
        let is_signed = login_of(&commit.committer()).as_deref() == Some(WEB_FLOW);
        let link = |sha: Oid| json!({ "sha": sha.to_string(), "url": "https://github.example/" });
        Some(shaped(
            "commit",
            json!({
                "sha": sha,
                "commit": {
                    "message": commit.message().unwrap(), "tree": link(commit.tree_id()),
                    "author": told(&commit.author()), "committer": told(&commit.committer()),
                    "verification": {
                        "verified": is_signed, "reason": if is_signed { "valid" } else { "unsigned" },
                        "payload": null, "signature": null, "verified_at": null,
                    },
                },
                "author": known(&commit.author()), "committer": known(&commit.committer()),
                "parents": commit.parent_ids().map(link).collect::<Vec<_>>(),
            }),
        ))
    }
}

fn compare(state: &State, id: u64, range: &str) -> Answer {
    let git = state.git(id);
    let (from, to) = range.split_once("...").unwrap();
    let commit = |sha: &str| Oid::from_str(sha).and_then(|sha| git.find_commit(sha)).map_err(|_| not_found());
    let (base, head) = (commit(from)?, commit(to)?);
    let common = git.find_commit(git.merge_base(base.id(), head.id()).map_err(|_| not_found())?).unwrap();
    let (ahead, behind) = git.graph_ahead_behind(head.id(), base.id()).unwrap();
    let status = match (ahead, behind) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    };
    let mut diff = git.diff_tree_to_tree(Some(&common.tree().unwrap()), Some(&head.tree().unwrap()), None).unwrap();
    diff.find_similar(None).unwrap();
    let files: Vec<_> = diff.deltas().take(300).map(|delta| {
        let path = |file: git2::DiffFile<'_>| file.path().map(|path| path.display().to_string());
        let status = match delta.status() {
            Delta::Added => "added",
            Delta::Deleted => "removed",
            Delta::Renamed => "renamed",
            _ => "modified",
        };
        let mut file = json!({ "filename": path(delta.new_file()), "status": status, "sha": delta.new_file().id().to_string() });
        if delta.status() == Delta::Renamed {
            file["previous_filename"] = json!(path(delta.old_file()));
        }
        shaped("file", file)
    }).collect();
    let told_base = state.commit_value(id, from);
    let common = state.commit_value(id, &common.id().to_string());
    let body = json!({
        "status": status, "ahead_by": ahead, "behind_by": behind, "total_commits": ahead, "files": files,
        "base_commit": told_base, "merge_base_commit": common,
    });
    told("repos/compare-commits", 200, shaped("comparison", body))
}

/// The host where archives are kept. It would keep a token that it is shown.
pub(super) async fn serve_archive(
    Shared(state): Shared<Arc<Mutex<State>>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response<Body> {
    let state = state.lock().unwrap();
    let [_, id, sha] = uri.path().split('/').collect::<Vec<_>>()[..] else { panic!("{uri}") };
    if headers.contains_key("authorization") || uri.query() != Some("token=of-the-archive") {
        return Response::builder()
            .status(400)
            .body(Body::from("a token of the API was shown to another host"))
            .unwrap();
    }
    let git = state.git(id.parse().unwrap());
    let tree = git.find_commit(Oid::from_str(sha).unwrap()).unwrap().tree().unwrap();
    Response::builder().header("content-type", "application/x-gzip").body(archive(&git, &tree, sha).into()).unwrap()
}

fn archive(git: &Repository, tree: &Tree<'_>, sha: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let comment = format!("52 comment={sha}\n");
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::XGlobalHeader);
    header.set_size(comment.len() as u64);
    tar.append_data(&mut header, "pax_global_header", comment.as_bytes()).unwrap();
    let attributes = tree.get_path(Path::new(".gitattributes")).ok().and_then(|entry| git.find_blob(entry.id()).ok());
    let attributes = attributes.map(|blob| String::from_utf8(blob.content().to_vec()).unwrap()).unwrap_or_default();
    let has = |path: &str, attribute: &str| attributes.lines().any(|line| line == format!("{path} {attribute}"));
    let root = format!("octo-shop-{}", &sha[..7]);
    tree.walk(TreeWalkMode::PreOrder, |folder, entry| {
        let own = format!("{folder}{}", entry.name().unwrap());
        if has(&own, "export-ignore") {
            return git2::TreeWalkResult::Skip;
        }
        let path = format!("{root}/{own}");
        let mut header = tar::Header::new_ustar();
        header.set_mode(if entry.filemode() == 0o100_755 { 0o775 } else { 0o664 });
        match (entry.kind(), entry.filemode()) {
            (Some(ObjectType::Tree), _) => {
                header.set_entry_type(tar::EntryType::Directory);
                header.set_size(0);
                tar.append_data(&mut header, format!("{path}/"), &[][..]).unwrap();
            }
            (Some(ObjectType::Blob), 0o120_000) => {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                tar.append_link(&mut header, path, "package.json").unwrap();
            }
            _ => {
                let mut bytes = git.find_blob(entry.id()).unwrap().content().to_vec();
                if has(&own, "eol=crlf") {
                    bytes = String::from_utf8(bytes).unwrap().replace('\n', "\r\n").into_bytes();
                }
                header.set_size(bytes.len() as u64);
                tar.append_data(&mut header, path, &bytes[..]).unwrap();
            }
        }
        git2::TreeWalkResult::Ok
    })
    .unwrap();
    tar.into_inner().unwrap().finish().unwrap()
}
