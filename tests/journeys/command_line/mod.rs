//! The real program, run as a user runs it.

mod advisories;
mod cases;
mod demo;
mod doctor;
mod foreign_text;
mod heal;
mod heal_left;
mod heal_places;
mod policies;
mod scan;
mod scan_gaps;
mod scan_imports;
mod scan_known;
mod scan_since;
mod setup_github;
mod terminal;
mod tools;

use crate::world::osv::OsvApi;
use crate::world::program::{Ran, User};
use crate::world::project::Project;
use crate::world::registry::NpmRegistry;
use crate::world::repository::GitRepository;
use std::path::Path;

/// Id of the advisory on `latch`.
pub(super) const ADVISORY: &str = "GHSA-aaaa-bbbb-cccc";

/// A user with a vulnerable repository in `shop`, a registry that has the fix, and an API that knows of the hole.
struct Desk {
    user: User,
    repository: GitRepository,
    registry: NpmRegistry,
    osv: OsvApi,
}

/// `gate` asks for `latch ^1.0.0`, of which 1.0.3 is locked.
pub(super) fn shop() -> Project {
    Project::new().needs("gate", "^2.0.0").locks("gate", "2.1.0", &[("latch", "^1.0.0")]).locks("latch", "1.0.3", &[])
}

impl Desk {
    /// `latch` is vulnerable before 1.2.0, with this severity.
    async fn with_hole(severity: &str) -> Self {
        let desk = Self::with_project(&shop()).await;
        desk.osv.advise(ADVISORY, "latch", "1.2.0", severity, "it lets others in");
        desk.registry.publish("gate", "2.1.0", &[("latch", "^1.0.0")]);
        for version in ["1.0.3", "1.2.0", "1.3.0"] {
            desk.registry.publish("latch", version, &[]);
        }
        desk
    }

    async fn with_project(project: &Project) -> Self {
        Self::with_files(&[("package.json", &project.manifest()), ("package-lock.json", &project.lockfile())]).await
    }

    async fn with_files(files: &[(&str, &str)]) -> Self {
        let (registry, osv) = (NpmRegistry::start().await, OsvApi::start().await);
        let user = User::new().set("SUTURE_OSV_API", &osv.address).set("SUTURE_NPM_REGISTRY", &registry.address);
        let repository = GitRepository::with_files(&user.home().join("shop"), files);
        Self { user, repository, registry, osv }
    }

    fn suture(&self, arguments: &[&str]) -> Ran {
        self.user.suture(arguments)
    }

    /// Writes `text` to `path` in the repository's folder, without a commit.
    fn write(&self, path: &str, text: &str) {
        write(&self.repository.folder().join(path), text);
    }
}

/// Writes `text` to `path`, whose folder is made.
fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}
