//! `suture scan` where it can't look at everything: it says so, and never calls that clean.

use super::{Desk, shop, write};
use crate::world::program::{User, run};
use serde_json::json;

const BROKEN: &str = "{\n  \"lockfileVersion\": 3,\n  \"packages\": {\n";

#[tokio::test(flavor = "multi_thread")]
async fn broken_lockfile_is_one_error_with_its_line_and_the_rest_is_scanned() {
    let desk = Desk::with_hole("HIGH").await;
    desk.write("old/package-lock.json", BROKEN);
    desk.write("old/package.json", "{}");
    let said = desk.suture(&["scan", "shop", "--format", "json"]).json(1);
    assert_eq!(said["summary"]["high"], 1);
    let errors = said["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{said:#}");
    assert_eq!((&errors[0]["path"], &errors[0]["line"]), (&json!("old/package-lock.json"), &json!(4)));
}

#[test]
fn project_that_can_t_be_read_is_not_clean() {
    for (path, text) in [("package-lock.json", BROKEN), ("package.json", "{ oops")] {
        let user = User::new();
        write(&user.home().join("tree").join(path), text);
        let ran = user.suture(&["scan", "tree", "--offline"]);
        assert!(ran.expect(2).contains(&format!("note: {path}:")), "{}", ran.stdout);
        assert!(ran.stderr.contains(&format!("{path} could not be read")), "{}", ran.stderr);
    }
}

#[test]
fn line_that_is_no_requirement_is_told_and_the_others_are_read() {
    let user = User::new();
    write(&user.home().join("tree/requirements.txt"), "idna==3.7\n==broken\njinja2==3.1.2\n");
    let ran = user.suture(&["scan", "tree", "--offline"]);
    assert!(ran.expect(1).contains("note: requirements.txt:2: "), "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn api_that_does_not_answer_is_not_nothing_found() {
    let desk = Desk::with_project(&shop()).await;
    desk.osv.refuse(404);
    let ran = desk.suture(&["scan", "shop"]);
    ran.expect(2);
    assert!(ran.stdout.contains("could not be asked"), "{}", ran.stdout);
    assert!(ran.stderr.contains("not every advisory could be asked for"), "{}", ran.stderr);
    let said = desk.suture(&["scan", "shop", "--format", "json"]).json(2);
    assert!(said["errors"].to_string().contains("could not be asked"), "{said:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_a_part_of_the_advisories_gets_a_note_and_no_failure() {
    let desk = Desk::with_project(&shop()).await;
    for choice in [["--advisories", "starter"], ["--offline", "--quiet"]] {
        let ran = desk.suture(&[&["scan", "shop"][..], &choice].concat());
        assert!(ran.expect(0).contains("only the 162 advisories that Suture brings along"), "{}", ran.stdout);
    }
}

#[test]
fn links_are_never_followed() {
    let user = User::new();
    write(&user.home().join("outside/requirements.txt"), "jinja2==3.1.2\n");
    std::fs::create_dir(user.home().join("tree")).unwrap();
    for (name, to) in [("folder", "../outside"), ("requirements.txt", "../outside/requirements.txt"), ("loop", ".")] {
        std::os::unix::fs::symlink(to, user.home().join("tree").join(name)).unwrap();
    }
    assert!(user.suture(&["scan", "tree", "--offline"]).expect(0).contains("0 packages of 0 projects"));
    user.suture(&["scan", "outside", "--offline"]).expect(1);
}

#[test]
fn limits_that_are_hit_are_said() {
    let user = User::new();
    let tree = user.home().join("tree");
    let deep: String = (0..70).map(|_| "d/").collect();
    write(&tree.join(&deep).join("requirements.txt"), "jinja2==3.1.2\n");
    let long: String = (0..5).map(|_| format!("{}/", "n".repeat(230))).collect();
    write(&tree.join(&long).join("requirements.txt"), "jinja2==3.1.2\n");
    let large = std::fs::File::create(tree.join("package-lock.json")).unwrap();
    large.set_len((64 << 20) + 1).unwrap();
    let said = user.suture(&["scan", "tree", "--offline", "--format", "json"]).json(2);
    let limits = said["limits_hit"].to_string();
    for limit in ["depth_max", "path_bytes_max", "file_bytes_max"] {
        assert!(limits.contains(limit), "{limit}: {limits}");
    }
    let table = user.suture(&["scan", "tree", "--offline"]);
    assert!(table.expect(2).contains("limit: "), "{}", table.stdout);
}

/// A scan and a bill of materials of `path`, in which `limit` alone keeps something from being looked at.
#[track_caller]
fn is_not_clean(user: &User, path: &str, more: &[&str], limit: &str) {
    let ran = user.suture(&[&["scan", path, "--offline"], more].concat());
    assert!(ran.expect(2).contains(limit) && ran.stdout.contains("nothing found"), "{}", ran.stdout);
    assert!(ran.stderr.contains("not everything could be looked at"), "{}", ran.stderr);
    let bill = user.suture(&[&["sbom", path], more].concat());
    assert!(bill.json(2)["components"].is_array() && bill.stderr.contains(limit), "{}", bill.stderr);
    let scanned = user.suture(&[&["scan", path, "--offline", "--format", "cyclonedx"], more].concat());
    assert!(scanned.json(2)["components"].is_array() && scanned.stderr.contains(limit), "{}", scanned.stderr);
}

#[test]
fn folder_that_is_too_deep_is_not_clean() {
    let user = User::new();
    let deep: String = (0..70).map(|_| "d/").collect();
    write(&user.home().join("tree").join(&deep).join("requirements.txt"), "jinja2==3.1.2\n");
    is_not_clean(&user, "tree", &[], "depth_max");
}

/// Permissions keep nobody from a test that runs as root. A path that is too long for the system does.
#[cfg(target_os = "linux")]
#[test]
fn folder_that_can_t_be_listed_is_not_clean() {
    let user = User::new();
    let below = |bytes: usize| format!("{}/", "n".repeat(199)).repeat(bytes / 200);
    let outer = user.home().join(below(3600));
    std::fs::create_dir_all(&outer).unwrap();
    run("mkdir", &["-p", &below(800)], &outer).expect(0);
    is_not_clean(&user, outer.to_str().unwrap(), &[], "too long");
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_that_this_clone_lacks_is_not_clean() {
    let desk = Desk::with_files(&[("sub/requirements.txt", "jinja2==3.1.2\n")]).await;
    let tree = run("git", &["rev-parse", "HEAD:sub"], desk.repository.folder()).expect(0).trim().to_owned();
    std::fs::remove_file(desk.repository.folder().join(".git/objects").join(&tree[..2]).join(&tree[2..])).unwrap();
    is_not_clean(&desk.user, "shop", &["--commit", "HEAD"], "partial clone");
    let healed = desk.suture(&["heal", "shop", "--offline", "--format", "json"]);
    assert!(healed.json(2)["limits_hit"].to_string().contains("partial clone"), "{}", healed.stdout);
    assert!(healed.stderr.contains("not everything could be looked at"), "{}", healed.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn paths_that_are_not_utf_8_are_left_out_and_said() {
    use std::os::unix::ffi::OsStrExt;
    let user = User::new();
    let odd = user.home().join("tree").join(std::ffi::OsStr::from_bytes(b"od\xffd"));
    write(&odd.join("requirements.txt"), "jinja2==3.1.2\n");
    write(&user.home().join("tree/requirements.txt"), "idna==3.4\n");
    let said = user.suture(&["scan", "tree", "--offline", "--format", "json"]).json(1);
    assert_eq!(said["findings"].as_array().unwrap().len(), 1);
    assert!(said["limits_hit"].to_string().contains("not UTF-8"), "{said:#}");
    std::fs::remove_file(user.home().join("tree/requirements.txt")).unwrap();
    is_not_clean(&user, "tree", &[], "not UTF-8");
}

#[tokio::test(flavor = "multi_thread")]
async fn installed_packages_are_passed_over() {
    let desk = Desk::with_project(&shop()).await;
    desk.write("node_modules/a/requirements.txt", "jinja2==3.1.2\n");
    desk.write(".venv/requirements.txt", "jinja2==3.1.2\n");
    desk.write(".hidden/requirements.txt", "idna==3.4\n");
    let said = desk.suture(&["scan", "shop", "--offline", "--format", "json"]).json(1);
    let paths: Vec<&str> =
        said["findings"].as_array().unwrap().iter().map(|finding| finding["path"].as_str().unwrap()).collect();
    assert_eq!(paths, [".hidden/requirements.txt"]);
}

#[test]
fn folder_without_a_project_says_that_there_was_nothing_to_look_at() {
    let user = User::new();
    write(&user.home().join("tree/Gemfile.lock"), "GEM\n");
    let ran = user.suture(&["scan", "tree", "--offline"]);
    assert!(ran.expect(0).contains("no npm or pip project here"), "{}", ran.stdout);
    let ran = user.suture(&["scan", "tree", "--offline", "--format", "json"]);
    assert!(ran.stderr.contains("no npm or pip project here"), "{}", ran.stderr);
    assert_eq!(ran.json(0)["findings"], serde_json::json!([]));
}
