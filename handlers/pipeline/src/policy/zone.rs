//! Time zones by name, out of a database that is built in: the same on every machine.

use jiff::tz::{TimeZone, TimeZoneDatabase};
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;

/// The name of a time zone that exists: `Europe/Berlin`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Zone(Cow<'static, str>);

impl Zone {
    /// Coordinated Universal Time.
    pub const UTC: Self = Self(Cow::Borrowed("UTC"));

    /// The time zone called `name`. An error says what is wrong with it.
    pub fn named(name: &str) -> Result<Self, String> {
        match TimeZoneDatabase::bundled().get(name) {
            Ok(_) => Ok(Self(Cow::Owned(name.to_owned()))),
            Err(_) => Err(format!("`{name}` is no time zone; use a name like UTC or Europe/Berlin")),
        }
    }

    /// Its rules.
    pub fn rules(&self) -> TimeZone {
        TimeZoneDatabase::bundled().get(&self.0).unwrap_or(TimeZone::UTC)
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl std::fmt::Display for Zone {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.pad(&self.0)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        Self::named(&String::deserialize(value)?).map_err(D::Error::custom)
    }
}
