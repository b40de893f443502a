//! What a policy may say is documented, word by word.

use agents::environment::retention::DAYS_MIN;
use pipeline::policy::limits::{COOL_DOWN_HOURS_MAX, Effective, Limits};
use pipeline::policy::vocabulary::{ActionType, Condition};
use pipeline::policy::when::VARIABLES;

const PAGE: &str = include_str!("../../docs/policies.md");

#[test]
fn every_action_and_condition_is_documented_with_its_meaning() {
    let actions = ActionType::ALL.iter().map(|action| (action.word(), action.meaning()));
    let conditions = Condition::ALL.iter().map(|condition| (condition.word(), condition.meaning()));
    for (word, meaning) in actions.chain(conditions) {
        assert!(PAGE.contains(&format!("| `{word}` | {meaning} |")), "{word}");
    }
    for action in ActionType::ALL {
        let said = PAGE.split("This version can do ").nth(1).unwrap().split(". ").next().unwrap();
        assert_eq!(said.contains(&format!("`{action}`")), action.has_strategy(), "{action}");
    }
}

#[test]
fn every_limit_and_variable_is_documented() {
    let limits = serde_json::to_value(Limits::default().tightened(&Limits {
        pull_requests_per_repository_per_day: Some(1),
        pull_requests_per_organisation_per_day: Some(1),
        pull_requests_per_day: Some(1),
        open_pull_requests_per_repository: Some(1),
        files_max: Some(1),
        lines_max: Some(1),
        attempts_per_case: Some(1),
        cool_down_hours: Some(1),
        reopenings_max: Some(1),
        time_zone: None,
    }));
    for limit in limits.unwrap().as_object().unwrap().keys() {
        assert!(PAGE.contains(&format!("`{limit}`")), "{limit}");
    }
    for variable in VARIABLES {
        assert!(PAGE.contains(&format!("`{variable}`")), "{variable}");
    }
    let Effective { pull_requests_per_repository_per_day, cool_down_hours, .. } = Effective::DEFAULT;
    assert!(PAGE.contains(&format!("in one repository on one day | {pull_requests_per_repository_per_day} |")));
    assert!(PAGE.contains(&format!("after a fix of it was taken back | {cool_down_hours} |")));
}

#[test]
fn a_cool_down_is_remembered_to_its_end() {
    assert!(i64::from(COOL_DOWN_HOURS_MAX) <= DAYS_MIN * 24, "records are kept for {DAYS_MIN} days at least");
    assert!(PAGE.contains(&format!("hours ({COOL_DOWN_HOURS_MAX} at most) for which a case rests")));
}
