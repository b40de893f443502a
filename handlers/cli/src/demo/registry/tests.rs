//! The recording, read by the clients that read real registries.

use super::super::repository::FILES;
use super::*;
use agents::environment::registries::{
    Answer, Configuration, Limits, ProjectAddresses, Registries, RegistrySettings, UserFiles,
};
use pipeline::version::{Ecosystem, Version};
use serde_json::Value;

async fn registries() -> (RecordedRegistry, Registries) {
    let recorded = RecordedRegistry::start().await.unwrap();
    let settings = RegistrySettings {
        npm_registry: Some(recorded.npm()),
        pip_index_url: Some(recorded.pip_index()),
        ..Default::default()
    };
    let configuration = Configuration::of(&settings, &UserFiles::default());
    (recorded, Registries::new(configuration, None, Limits::default()))
}

async fn ask(registries: &Registries, ecosystem: Ecosystem, name: &str, needs_of: &[String]) -> Answer {
    registries
        .facts(ecosystem, name, needs_of, &ProjectAddresses::default())
        .await
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Name and entry of each package in the lockfiles.
fn locked() -> Vec<(String, Value)> {
    let locks = FILES.iter().filter(|(path, _)| path.ends_with("package-lock.json"));
    let entries = locks.flat_map(|(_, text)| {
        let lock: Value = serde_json::from_str(text).unwrap();
        lock["packages"].as_object().unwrap().clone()
    });
    let named = entries.filter_map(|(place, entry)| Some((place.rsplit_once("node_modules/")?.1.to_owned(), entry)));
    named.collect()
}

#[tokio::test]
async fn every_lockfile_entry_is_recorded_as_it_is_written() {
    let (_recorded, registries) = registries().await;
    let locked = locked();
    assert!(locked.len() > 30);
    for (name, entry) in locked {
        let facts = ask(&registries, Ecosystem::Npm, &name, &[]).await.facts;
        let version = entry["version"].as_str().unwrap();
        let release = facts
            .releases
            .iter()
            .find(|release| release.version == version)
            .unwrap_or_else(|| panic!("{name}@{version}"));
        assert_eq!(release.hashes, [entry["integrity"].as_str().unwrap()], "{name}");
        assert_eq!(release.archive.as_deref(), entry["resolved"].as_str(), "{name}");
        assert!(release.published.is_some(), "{name}");
        for member in ["bin", "license", "funding", "deprecated", "hasInstallScript", "os", "cpu"] {
            assert_eq!(release.lockfile_members.get(member), entry.get(member), "{name} {member}");
        }
        let needs: serde_json::Map<_, _> =
            release.dependencies.iter().map(|need| (need.name.clone(), need.requirement.clone().into())).collect();
        assert_eq!(
            Value::from(needs),
            entry.get("dependencies").cloned().unwrap_or_else(|| serde_json::json!({})),
            "{name}"
        );
    }
}

#[tokio::test]
async fn whatever_a_newer_version_needs_is_recorded() {
    let (_recorded, registries) = registries().await;
    for (name, entry) in locked() {
        let locked = Version::parse(Ecosystem::Npm, entry["version"].as_str().unwrap()).unwrap();
        let facts = ask(&registries, Ecosystem::Npm, &name, &[]).await.facts;
        let major = |version: &str| version.split('.').next().map(str::to_owned);
        for release in &facts.releases {
            let is_newer = Version::parse(Ecosystem::Npm, &release.version).is_ok_and(|version| version >= locked);
            if is_newer && major(&release.version) == major(locked.as_str()) {
                for need in &release.dependencies {
                    assert!(
                        !ask(&registries, Ecosystem::Npm, &need.name, &[]).await.facts.releases.is_empty(),
                        "{name} needs {}",
                        need.name
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn every_requirement_is_recorded_with_its_hashes_and_needs() {
    let (_recorded, registries) = registries().await;
    let (_, text) = FILES.iter().find(|(path, _)| path.ends_with("requirements.txt")).unwrap();
    let requirements = text.replace("\\\n", " ");
    let mut count = 0;
    for line in requirements.lines() {
        let Some((name, rest)) = line.split_once("==") else { continue };
        let mut words = rest.split_whitespace();
        let version = words.next().unwrap().to_owned();
        let mut written: Vec<_> = words.filter_map(|word| word.strip_prefix("--hash=")).map(str::to_owned).collect();
        let answer = ask(&registries, Ecosystem::PyPI, name, std::slice::from_ref(&version)).await;
        assert!(answer.needs_unknown.is_empty(), "{name}: {answer:?}");
        let release = answer.facts.releases.iter().find(|release| release.version == version).unwrap();
        let mut recorded = release.hashes.clone();
        recorded.sort();
        written.sort();
        assert_eq!(recorded, written, "{name}");
        for need in release
            .dependencies
            .iter()
            .filter(|need| !need.marker.as_deref().is_some_and(|marker| marker.contains("extra")))
        {
            ask(&registries, Ecosystem::PyPI, &need.name, &[]).await;
        }
        count += 1;
    }
    assert_eq!(count, 7);
}

#[tokio::test]
async fn every_newer_release_of_the_requirements_has_its_needs() {
    let (_recorded, registries) = registries().await;
    for name in ["requests", "urllib3", "jinja2", "certifi", "idna"] {
        let versions: Vec<_> = ask(&registries, Ecosystem::PyPI, name, &[])
            .await
            .facts
            .releases
            .into_iter()
            .map(|release| release.version)
            .collect();
        assert!(versions.len() > 5, "{name} {versions:?}");
        let answer = ask(&registries, Ecosystem::PyPI, name, &versions).await;
        assert!(answer.needs_unknown.is_empty(), "{name}: {:?}", answer.needs_unknown);
    }
}

#[tokio::test]
async fn what_is_not_recorded_is_no_package() {
    let (_recorded, registries) = registries().await;
    for ecosystem in [Ecosystem::Npm, Ecosystem::PyPI] {
        let answer = registries.facts(ecosystem, "left-pad", &[], &ProjectAddresses::default()).await;
        assert!(answer.is_err_and(|error| error.to_string().contains("no such package")));
    }
}
