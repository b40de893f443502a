//! What has to hold of a policy file as a whole, and where in it it does not.

use super::vocabulary::ActionType;
use super::zone::Zone;
use serde::Deserialize;
use serde_saphyr::{Location, Spanned};

/// The parts of a policy that have to go with others, each with its place. Whatever else it has is read elsewhere.
#[derive(Deserialize)]
pub(super) struct Placed {
    name: Spanned<String>,
    limits: Option<PlacedLimits>,
    actions: Vec<PlacedAction>,
}

#[derive(Deserialize)]
struct PlacedLimits {
    time_zone: Option<Spanned<Zone>>,
}

#[derive(Deserialize)]
struct PlacedAction {
    #[serde(rename = "type")]
    action_type: Spanned<ActionType>,
}

/// What is wrong with `policies`, and where: each has a name of its own, no type of action is in one twice, and one clock counts the budgets of all,
/// for by several each would have a budget of its own.
pub(super) fn check(policies: &[Placed]) -> Result<(), (Location, String)> {
    let names: Vec<_> = policies.iter().map(|policy| &policy.name).collect();
    if let Some(name) = repeated(&names) {
        let message = format!("two policies are called `{}`: give each a name of its own", name.value);
        return Err((name.referenced, message));
    }
    for policy in policies {
        let types: Vec<_> = policy.actions.iter().map(|action| &action.action_type).collect();
        if let Some(again) = repeated(&types) {
            let message = format!("`{}` is among the actions already: a policy has each type once", again.value);
            return Err((again.referenced, message));
        }
    }
    let mut zones = policies.iter().filter_map(|policy| policy.limits.as_ref()?.time_zone.as_ref());
    if let Some(first) = zones.next()
        && let Some(other) = zones.find(|zone| zone.value != first.value)
    {
        let message = format!(
            "limits name {} and {} as `time_zone`: all policies are counted by one clock",
            first.value, other.value
        );
        return Err((other.referenced, message));
    }
    Ok(())
}

/// The first that has the value of one before it.
fn repeated<'a, T: PartialEq>(all: &[&'a Spanned<T>]) -> Option<&'a Spanned<T>> {
    let is_repeated = |(at, one): &(usize, &&Spanned<T>)| all[..*at].iter().any(|before| before.value == one.value);
    all.iter().enumerate().find(is_repeated).map(|(_, one)| *one)
}
