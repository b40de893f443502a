//! Whether GitHub knows us, and whether the clocks agree.

use super::report::Report;
use super::tell;
use agents::environment::clock::Clock;
use agents::environment::github::{GitHub, Refused};
use jiff::Timestamp;

/// GitHub refuses what an App signs if its clock is off by about a minute; half of it is worth knowing.
const SKEW_S_MAX: i64 = 30;

/// Asks who we are. Returns whether there is any sense in asking more.
pub async fn look(github: &GitHub, is_app: bool, report: &mut Report) -> bool {
    let check = if is_app { "app" } else { "token" };
    let before = Clock::System.now();
    let reception = match github.reception().await {
        Ok(reception) => reception,
        Err(error) => {
            tell(check, &error, "the token has to be one of a user, or set an App", report);
            return false;
        }
    };
    let is_off = reception.server_time.is_some_and(|there| clock(before, Clock::System.now(), there, report));
    match reception.name {
        Ok(name) => {
            report.right(check, format!("GitHub knows us as {name}"));
            if let Some(scopes) = reception.scopes {
                super::token::scopes(&scopes, report);
            }
            true
        }
        Err(Refused(words)) => {
            let mend = match (is_app, is_off) {
                (true, true) => "set this machine's clock first: what it signs is dated by it",
                (true, false) => {
                    "make a new private key in the settings of the App, and hold SUTURE_GITHUB_APP_ID against the number there"
                }
                (false, _) => "the token is expired or revoked: make a new one, and set SUTURE_GITHUB_TOKEN to it",
            };
            report.wrong(
                check,
                format!("GitHub does not accept the {}: {words}", if is_app { "key" } else { "token" }),
                mend,
            );
            false
        }
    }
}

/// Holds our clock against GitHub's, which tells whole seconds. Returns whether ours is off.
fn clock(before: Timestamp, after: Timestamp, there: Timestamp, report: &mut Report) -> bool {
    let (before, after, there) = (before.as_second(), after.as_second(), there.as_second());
    let (behind, ahead) = (there - after, before - there);
    let (seconds, word) = if behind > ahead { (behind, "behind") } else { (ahead, "ahead of") };
    if seconds <= SKEW_S_MAX {
        report.right("clock", "this machine's clock agrees with GitHub's");
        return false;
    }
    let mend = "set the clock by the network (NTP): an App's signature is good for minutes only";
    report.wrong("clock", format!("this machine's clock is {seconds} s {word} GitHub's"), mend);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_may_differ_by_less_than_github_minds() {
        let at = |second: i64| Timestamp::from_second(1_000 + second).unwrap();
        let check = |there, expect: Option<&str>| {
            let mut report = Report::default();
            assert_eq!(clock(at(0), at(2), at(there), &mut report), expect.is_some());
            assert!(report.text().contains(expect.unwrap_or("agrees")), "{}", report.text());
        };
        check(1, None);
        check(32, None);
        check(-30, None);
        check(33, Some("31 s behind"));
        check(3600, Some("3598 s behind"));
        check(-600, Some("600 s ahead of"));
    }
}
