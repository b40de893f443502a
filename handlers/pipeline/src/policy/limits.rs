//! How much may be done: limits that stop an action before it is taken.

use super::zone::Zone;
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// Longest cool-down, in hours: what was taken back is remembered for 30 days at least, and no longer where records are kept no longer.
pub const COOL_DOWN_HOURS_MAX: u32 = 30 * 24;

/// Limits, each of them optional. Where a policy says nothing, [`Effective::DEFAULT`] holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Pull requests that are opened in one repository on one day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_requests_per_repository_per_day: Option<u32>,
    /// Pull requests that are opened in all repositories of one owner on one day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_requests_per_organisation_per_day: Option<u32>,
    /// Pull requests that are opened anywhere on one day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull_requests_per_day: Option<u32>,
    /// Pull requests of ours that may be open in one repository at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_pull_requests_per_repository: Option<u32>,
    /// Files that one patch may change. A larger one is for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files_max: Option<u32>,
    /// Lines that one patch may add and remove, together. A larger one is for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines_max: Option<u32>,
    /// Fixes that are delivered for one case within 30 days. After that it is for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts_per_case: Option<u32>,
    /// Hours for which a case is left alone after a fix of it was taken back: 720 at most.
    #[serde(deserialize_with = "cool_down", skip_serializing_if = "Option::is_none")]
    #[schemars(range(max = COOL_DOWN_HOURS_MAX))]
    pub cool_down_hours: Option<u32>,
    /// Times that a case may be found again within 14 days after it was healed. After that it is for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reopenings_max: Option<u32>,
    /// By which clock a day begins: an IANA time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<Zone>,
}

fn cool_down<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u32>, D::Error> {
    let hours = Option::<u32>::deserialize(value)?;
    if let Some(hours) = hours.filter(|hours| *hours > COOL_DOWN_HOURS_MAX) {
        return Err(D::Error::custom(format!(
            "cool_down_hours is {hours}; {COOL_DOWN_HOURS_MAX} are allowed, for it is not remembered for longer"
        )));
    }
    Ok(hours)
}

/// Makes `merged` and `effective` say the same of every number.
macro_rules! numbers {
    ($($field:ident: $stricter:expr),*) => {
        impl Limits {
            /// These limits, made stricter by what `other` says: never laxer than what holds without it. The time zone is that of `self`.
            pub fn tightened(&self, other: &Self) -> Self {
                let held = self.effective();
                Self {
                    $($field: other.$field.map(|other| $stricter(held.$field, other)).or(self.$field),)*
                    time_zone: self.time_zone.clone(),
                }
            }

            /// The limits that hold: what is not said is as it is by default.
            pub fn effective(&self) -> Effective {
                Effective {
                    $($field: self.$field.unwrap_or(Effective::DEFAULT.$field),)*
                    time_zone: self.time_zone.clone().unwrap_or_default(),
                }
            }
        }

        /// Limits that hold.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Effective {
            $(#[doc = concat!("See `Limits::", stringify!($field), "`.")] pub $field: u32,)*
            /// By which clock a day begins.
            pub time_zone: Zone,
        }
    };
}

numbers!(
    pull_requests_per_repository_per_day: u32::min,
    pull_requests_per_organisation_per_day: u32::min,
    pull_requests_per_day: u32::min,
    open_pull_requests_per_repository: u32::min,
    files_max: u32::min,
    lines_max: u32::min,
    attempts_per_case: u32::min,
    cool_down_hours: u32::max,
    reopenings_max: u32::min
);

impl Effective {
    /// What holds where no policy says otherwise.
    pub const DEFAULT: Self = Self {
        pull_requests_per_repository_per_day: 10,
        pull_requests_per_organisation_per_day: 100,
        pull_requests_per_day: 500,
        open_pull_requests_per_repository: 20,
        files_max: 20,
        lines_max: 5_000,
        attempts_per_case: 10,
        cool_down_hours: 24,
        reopenings_max: 3,
        time_zone: Zone::UTC,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_limits_the_stricter_holds_and_of_none_the_default() {
        let one = Limits { files_max: Some(3), lines_max: Some(100), ..Limits::default() };
        let other = Limits { files_max: Some(5), attempts_per_case: Some(1), ..Limits::default() };
        let both = one.tightened(&other).effective();
        assert_eq!((both.files_max, both.lines_max, both.attempts_per_case), (3, 100, 1));
        assert_eq!(both.cool_down_hours, Effective::DEFAULT.cool_down_hours);
    }

    #[test]
    fn nothing_is_made_laxer_than_the_default_that_holds() {
        let lax = Limits { pull_requests_per_day: Some(u32::MAX), cool_down_hours: Some(0), ..Limits::default() };
        assert_eq!(Limits::default().tightened(&lax).effective(), Effective::DEFAULT);
        let stricter = Limits { cool_down_hours: Some(48), ..Limits::default() };
        assert_eq!(Limits::default().tightened(&stricter).effective().cool_down_hours, 48);
    }
}
