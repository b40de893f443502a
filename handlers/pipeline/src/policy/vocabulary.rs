//! The words of policies: what may be done, and what may have to hold first.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Makes an enum of words with what each means, so that a word without an explanation does not compile.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($variant:ident = $word:literal, $meaning:literal;)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        pub enum $name {
            $(#[doc = $meaning] #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As it is written in a policy.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// What it means.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.pad(self.word())
            }
        }
    };
}

words! {
    /// What a policy may have done.
    ActionType {
        ApplyParameterizedQuery = "apply_parameterized_query", "Rewrites a query that is built from text into one with parameters.";
        ApplyPolicy = "apply_policy", "Applies a policy of the cluster or the cloud that forbids what was found.";
        CreateFixPr = "create_fix_pr", "Offers the fix as a pull request. The same as `create_pr`.";
        CreatePr = "create_pr", "Offers the fix as a pull request.";
        NotifySecurityTeam = "notify_security_team", "Tells people, with everything that is known.";
        RotateSecret = "rotate_secret", "Makes a new secret, proves it, and revokes the old one.";
        UpdateDependency = "update_dependency", "Updates packages to versions that are not affected.";
        UpdateDeployment = "update_deployment", "Changes the manifest of a deployment.";
        UpdateReferences = "update_references", "Points what uses a secret to its new version.";
    }
}

words! {
    /// What may have to hold before an action is taken. Each is computed from what was seen; what is not known does not hold.
    Condition {
        FixAvailable = "fix_available", "A patch is at hand, and proven.";
        KnownFix = "known_fix", "There is a documented fix for the rule that was broken.";
        NoBreakingChanges = "no_breaking_changes", "No version in the plan is, by its number, incompatible with the one before.";
        PatchAvailable = "patch_available", "Versions exist that are not affected, and a plan within the rules reaches them.";
        PolicyExists = "policy_exists", "The cluster or the cloud has a policy that forbids what was found.";
        TestEnvironment = "test_environment", "What would change is not production.";
    }
}

/// What an action is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It makes a patch, or an effect.
    Fixer,
    /// It brings a patch to people.
    Deliverer,
    /// It tells people.
    Teller,
}

impl ActionType {
    /// What it is for.
    pub fn role(self) -> Role {
        match self {
            Self::CreatePr | Self::CreateFixPr => Role::Deliverer,
            Self::NotifySecurityTeam => Role::Teller,
            Self::ApplyParameterizedQuery
            | Self::ApplyPolicy
            | Self::RotateSecret
            | Self::UpdateDependency
            | Self::UpdateDeployment
            | Self::UpdateReferences => Role::Fixer,
        }
    }

    /// Whether this version can do it. Others load, and people are told when they are reached.
    pub fn has_strategy(self) -> bool {
        match self.role() {
            Role::Deliverer | Role::Teller => true,
            Role::Fixer => self == Self::UpdateDependency,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_as_serde_writes_them() {
        for action in ActionType::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.word());
        }
        for condition in Condition::ALL {
            assert_eq!(serde_json::to_value(condition).unwrap(), condition.word());
        }
    }
}
