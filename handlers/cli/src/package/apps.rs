//! Which function is in which app: `functions/apps.json`, held against the folders beside it.

use crate::Failure;
use std::collections::BTreeMap;
use std::path::Path;

/// Functions by the names of their apps.
pub type Apps = BTreeMap<String, Vec<String>>;

/// The functions of `app`, in order. Every disagreement between the file and the folders is told at once.
pub fn functions(folder: &Path, app: &str) -> Result<Vec<String>, Failure> {
    let file = folder.join("apps.json");
    let text = std::fs::read_to_string(&file).map_err(|error| {
        Failure(format!(
            "{}: {error}. Run this in the project, which has functions/, or name it by --project",
            file.display()
        ))
    })?;
    let apps: Apps = serde_json::from_str(&text)
        .map_err(|error| Failure(format!("{}: {error}. Write {{\"app\": [\"function\", …]}}", file.display())))?;
    let faults = faults(&apps, &folders(folder)?);
    if !faults.is_empty() {
        return Err(Failure(format!("{}: {}", file.display(), faults.join("; "))));
    }
    let Some(functions) = apps.get(app) else {
        let known: Vec<_> = apps.keys().map(String::as_str).collect();
        return Err(Failure(format!("there is no app {app}: {} has {}", file.display(), known.join(", "))));
    };
    let mut functions = functions.clone();
    functions.sort();
    Ok(functions)
}

fn faults(apps: &Apps, folders: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    for (app, functions) in apps {
        if functions.is_empty() {
            faults.push(format!("{app} has no function"));
        }
        let is_name = !app.is_empty() && app.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_name {
            faults.push(format!("\"{app}\" is no name of an app: it takes letters, digits and -"));
        }
        for function in functions {
            if !folders.contains(function) {
                faults.push(format!("{function} of {app} has no folder with a function.json"));
            }
        }
    }
    let all: Vec<&String> = apps.values().flatten().collect();
    for folder in folders {
        match all.iter().filter(|function| **function == folder).count() {
            0 => faults.push(format!("{folder} is in no app")),
            1 => {}
            _ => faults.push(format!("{folder} is there more than once")),
        }
    }
    faults
}

/// Names of the folders that hold a function.
fn folders(folder: &Path) -> Result<Vec<String>, Failure> {
    let entries = std::fs::read_dir(folder).map_err(|error| Failure(format!("{}: {error}", folder.display())))?;
    let functions = entries.flatten().filter(|entry| entry.path().join("function.json").is_file());
    let mut names: Vec<_> = functions.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(apps: &[(&str, &[&str])], folders: &[&str], expect: &[&str]) {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let apps = apps.iter().map(|(app, functions)| ((*app).to_owned(), owned(functions))).collect();
        assert_eq!(faults(&apps, &owned(folders)), expect);
    }

    #[test]
    fn apps_and_folders_agree() {
        check(
            &[("agents", &["scan", "sweep"]), ("rotation", &["rotate-secret"])],
            &["rotate-secret", "scan", "sweep"],
            &[],
        );
    }

    #[test]
    fn every_disagreement_is_told() {
        check(
            &[("agents", &["scan", "gone"])],
            &["new", "scan"],
            &["gone of agents has no folder with a function.json", "new is in no app"],
        );
        check(&[("a", &["scan"]), ("b", &["scan"])], &["scan"], &["scan is there more than once"]);
        check(&[("a", &["scan", "scan"])], &["scan"], &["scan is there more than once"]);
        check(
            &[("../x", &["scan"]), ("b", &[])],
            &["scan"],
            &["\"../x\" is no name of an app: it takes letters, digits and -", "b has no function"],
        );
    }
}
