//! What a repository on GitHub is, whatever it is called: its cases are named after the name that it was first known by, so that a
//! renaming makes no others of them.
//!
//! `known/<host>/<id>` is that name, and `known/names/<name>` the id of the repository that had it first. Both are kept for good, as
//! branches on GitHub have the names of cases.

use crate::environment::Environment;
use crate::environment::github::{About, GitHubRepository};
use crate::error::AgentError;
use pipeline::ids::{RepoName, hash_of};

/// Where they are.
const SHELF: &str = "known";

/// The name that the repository of `about`, which is called `name`, was first known by. If that was another repository's name before, it is
/// `name#id`.
pub async fn first_name(
    env: &Environment,
    remote: &GitHubRepository,
    name: &RepoName,
    about: &About,
) -> Result<RepoName, AgentError> {
    first_name_of(env, remote.host(), name, about.id).await
}

async fn first_name_of(env: &Environment, host: &str, name: &RepoName, id: u64) -> Result<RepoName, AgentError> {
    let key = key(host, id);
    if let Some(first) = env.store.read(&key).await? {
        return Ok(first);
    }
    let first = claimed(env, name, id).await?;
    kept(env, &key, first).await
}

fn key(host: &str, id: u64) -> String {
    format!("{SHELF}/{host}/{id}")
}

/// `name`, if it is the first name of no other repository than `id`.
async fn claimed(env: &Environment, name: &RepoName, id: u64) -> Result<RepoName, AgentError> {
    let claim = format!("{SHELF}/names/{}", &hash_of(&[name.as_str()])[..32]);
    env.store.create(&claim, &id).await?;
    let is_ours = env.store.read::<u64>(&claim).await?.is_none_or(|owner| owner == id);
    if is_ours { Ok(name.clone()) } else { own_name(name, id) }
}

/// What is kept at `key`: `first`, unless whoever was faster knew the repository by another name.
async fn kept(env: &Environment, key: &str, first: RepoName) -> Result<RepoName, AgentError> {
    env.store.create(key, &first).await?;
    Ok(env.store.read(key).await?.unwrap_or(first))
}

fn own_name(name: &RepoName, id: u64) -> Result<RepoName, AgentError> {
    format!("{name}#{id}").parse().map_err(|error| AgentError::cant_be_helped(format!("{error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::effects::Effects;
    use crate::environment::store::Store;
    use crate::test_office::environment;

    async fn first(env: &Environment, id: u64, name: &str) -> String {
        first_name_of(env, "hub", &name.parse().unwrap(), id).await.unwrap().to_string()
    }

    #[tokio::test]
    async fn repository_keeps_its_first_name_and_shares_it_with_no_other() {
        let env = environment(Store::memory(Effects::default()));
        assert_eq!(first(&env, 1, "hub/octo/shop").await, "hub/octo/shop");
        assert_eq!(first(&env, 1, "hub/octo/store").await, "hub/octo/shop");
        assert_eq!(first(&env, 2, "hub/octo/shop").await, "hub/octo/shop#2");
        assert_eq!(first(&env, 2, "hub/octo/stall").await, "hub/octo/shop#2");
        // Whoever only had it later never claimed it.
        assert_eq!(first(&env, 3, "hub/octo/store").await, "hub/octo/store");
    }

    #[tokio::test]
    async fn two_who_ask_at_once_are_told_the_same() {
        let env = environment(Store::memory(Effects::default()));
        let id = 1;
        // Neither saw the other's name before it claimed its own.
        let one = claimed(&env, &"hub/octo/shop".parse().unwrap(), id).await.unwrap();
        let other = claimed(&env, &"hub/octo/store".parse().unwrap(), id).await.unwrap();
        assert_ne!(one, other);
        let key = key("hub", id);
        let told = kept(&env, &key, one.clone()).await.unwrap();
        assert_eq!((&told, kept(&env, &key, other).await.unwrap()), (&one, one.clone()));
    }
}
