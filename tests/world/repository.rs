//! A real git repository in a temporary folder.

use git2::{Oid, Repository, RepositoryInitOptions, Signature, Time};
use std::path::{Path, PathBuf};

/// An empty repository in `folder`. Without the samples of hooks that git has on some machines: a dozen files each time.
pub fn init(folder: &Path, is_bare: bool) -> Repository {
    let mut options = RepositoryInitOptions::new();
    Repository::init_opts(folder, options.bare(is_bare).mkpath(true).external_template(false)).unwrap()
}

/// A repository, and commits to it.
#[derive(Debug, Clone)]
pub struct GitRepository {
    folder: PathBuf,
}

impl GitRepository {
    /// A repository in `folder` with one commit on `main` that has `files`.
    pub fn with_files(folder: &Path, files: &[(&str, &str)]) -> Self {
        let repository = init(folder, false);
        repository.set_head("refs/heads/main").unwrap();
        // Cases are named after it, so that they are the same in every temporary folder.
        repository.remote("origin", "https://git.example/team/shop.git").unwrap();
        let this = Self { folder: folder.to_path_buf() };
        this.commit("begin", files);
        this
    }

    /// The repository that is in `folder` already.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf() }
    }

    /// Commits `files` on top of what is checked out, on the disk too.
    pub fn commit(&self, message: &str, files: &[(&str, &str)]) -> String {
        let repository = self.open();
        let mut index = repository.index().unwrap();
        for (path, text) in files {
            let on_disk = self.folder.join(path);
            std::fs::create_dir_all(on_disk.parent().unwrap()).unwrap();
            std::fs::write(on_disk, text).unwrap();
            index.add_path(Path::new(path)).unwrap();
        }
        index.write().unwrap();
        let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
        let who = Signature::new("Somebody", "somebody@localhost", &Time::new(1_700_000_000, 0)).unwrap();
        let parent = repository.head().ok().and_then(|head| head.peel_to_commit().ok());
        let parents: Vec<_> = parent.iter().collect();
        repository.commit(Some("HEAD"), &who, &who, message, &tree, &parents).unwrap().to_string()
    }

    /// Commits to `branch` as somebody else would, without touching the disk.
    pub fn commit_to(&self, branch: &str, message: &str) -> String {
        let repository = self.open();
        let reference = format!("refs/heads/{branch}");
        let parent = repository.find_reference(&reference).unwrap().peel_to_commit().unwrap();
        let who = Signature::new("Somebody", "somebody@localhost", &Time::new(1_700_000_000, 0)).unwrap();
        repository
            .commit(Some(&reference), &who, &who, message, &parent.tree().unwrap(), &[&parent])
            .unwrap()
            .to_string()
    }

    /// Text of `path` on `branch`.
    pub fn read(&self, branch: &str, path: &str) -> String {
        let repository = self.open();
        let tree = repository.find_reference(&format!("refs/heads/{branch}")).unwrap().peel_to_tree().unwrap();
        let blob = tree.get_path(Path::new(path)).unwrap().to_object(&repository).unwrap().peel_to_blob().unwrap();
        String::from_utf8(blob.content().to_vec()).unwrap()
    }

    /// Writes the files of `branch` into `folder`.
    pub fn export(&self, branch: &str, folder: &Path) {
        std::fs::create_dir_all(folder).unwrap();
        let repository = self.open();
        let tree = repository.revparse_single(&format!("refs/heads/{branch}^{{tree}}")).unwrap();
        let mut checkout = git2::build::CheckoutBuilder::new();
        checkout.target_dir(folder).force().update_index(false);
        repository.checkout_tree(&tree, Some(&mut checkout)).unwrap();
    }

    /// Branches and the trees at their tips, sorted.
    pub fn branches(&self) -> Vec<(String, String)> {
        let repository = self.open();
        let mut branches: Vec<_> = repository
            .branches(None)
            .unwrap()
            .map(|branch| {
                let branch = branch.unwrap().0;
                let tree = branch.get().peel_to_tree().unwrap().id().to_string();
                (branch.name().unwrap().unwrap().to_owned(), tree)
            })
            .collect();
        branches.sort();
        branches
    }

    /// How many commits `branch` has more than `main`.
    pub fn ahead(&self, branch: &str) -> usize {
        let repository = self.open();
        let id = |branch: &str| -> Oid { repository.refname_to_id(&format!("refs/heads/{branch}")).unwrap() };
        repository.graph_ahead_behind(id(branch), id("main")).unwrap().0
    }

    /// Message of the tip of `branch`.
    pub fn message(&self, branch: &str) -> String {
        let repository = self.open();
        let commit = repository.find_reference(&format!("refs/heads/{branch}")).unwrap().peel_to_commit().unwrap();
        commit.message().unwrap().to_owned()
    }

    /// How many objects its database has, loose and packed.
    pub fn objects(&self) -> usize {
        let mut count = 0;
        self.open()
            .odb()
            .unwrap()
            .foreach(|_| {
                count += 1;
                true
            })
            .unwrap();
        count
    }

    /// Checks out the commit of `branch` itself.
    pub fn detach(&self, branch: &str) {
        let repository = self.open();
        let commit = repository.refname_to_id(&format!("refs/heads/{branch}")).unwrap();
        repository.set_head_detached(commit).unwrap();
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn open(&self) -> Repository {
        Repository::open(&self.folder).unwrap()
    }
}
