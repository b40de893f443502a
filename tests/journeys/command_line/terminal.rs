//! What goes to a terminal, and what to a pipe.

use super::Desk;
use crate::world::program::{User, binary, run, skip};
use detectors::source_tree::SKIPPED_FOLDERS;
use std::io::Read;

#[test]
fn nothing_is_coloured_in_a_pipe() {
    let user = User::new();
    let ran = user.suture(&["demo", "--dir", "demo"]);
    assert!(!ran.expect(0).contains('\u{1b}') && !ran.stderr.contains('\u{1b}'));
}

/// Runs `suture scan demo` on a terminal of 80 columns, with this in its environment. `None`: there is no `script` here.
fn on_a_terminal(user: &User, setting: &str, more: &str) -> Option<String> {
    let line = format!("stty cols 80 rows 40 && {setting} {} scan demo --offline {more}", binary().display());
    let ran = run("env", &["-u", "NO_COLOR", "TERM=xterm", "script", "-qec", &line, "/dev/null"], user.home());
    (ran.code != Some(127)).then_some(ran.stdout)
}

#[test]
fn terminal_gets_colours_unless_they_are_unwanted() {
    let user = User::new();
    user.suture(&["demo", "--dir", "demo"]).expect(0);
    let Some(coloured) = on_a_terminal(&user, "", "") else {
        eprintln!("skipped: there is no `script` here to make a terminal");
        return;
    };
    let red = "\u{1b}[31mhigh";
    assert!(coloured.contains(red), "{coloured:?}");
    let without = on_a_terminal(&user, "NO_COLOR=1", "").unwrap();
    assert!(without.contains("high") && !without.contains("\u{1b}[31m"), "{without:?}");
    let quiet = on_a_terminal(&user, "", "--quiet").unwrap();
    assert!(quiet.contains("high") && !quiet.contains('\u{1b}'), "{quiet:?}");
    assert!(quiet.lines().all(|line| line.trim_end().chars().count() <= 80 || line.starts_with("note: ")), "{quiet}");
}

#[test]
fn documents_do_nothing_to_a_terminal_and_say_the_same() {
    let user = User::new();
    // A path that colours by one character, deletes, and reorders.
    let odd = "od\u{9b}31m\u{7f}\u{202e}d";
    let folder = user.home().join("demo").join(odd);
    super::write(&folder.join("requirements.txt"), "jinja2==3.1.2\n==broken\n");
    for form in ["json", "sarif", "cyclonedx", "spdx"] {
        let more = format!("--quiet --format {form}");
        let Some(said) = on_a_terminal(&user, "", &more) else {
            return skip("documents on a terminal", "there is no `script` here to make one");
        };
        let is_active = |character: char| character.is_control() && !matches!(character, '\r' | '\n');
        assert!(!said.contains(is_active) && !said.contains('\u{202e}'), "{form}: {said:?}");
        let json = &said[..said.rfind('}').unwrap() + 1];
        let piped = user.suture(&["scan", "demo", "--offline", "--quiet", "--format", form]).json(1);
        let without_moment = |mut document: serde_json::Value| {
            for place in ["/metadata/timestamp", "/creationInfo/created", "/annotations"] {
                document.pointer_mut(place).map(serde_json::Value::take);
            }
            document
        };
        assert_eq!(without_moment(serde_json::from_str(json).unwrap()), without_moment(piped), "{form}");
        assert!(form != "json" || said.contains("od\\u009b31m\\u007f\\u202ed"), "{form}: {said}");
    }
}

#[test]
fn quiet_is_quiet() {
    let user = User::new();
    user.suture(&["demo", "--dir", "demo", "--quiet"]).expect(0);
    std::fs::write(user.home().join("demo/api/package-lock.json"), "{}").unwrap();
    for arguments in
        [&["demo", "--dir", "demo"][..], &["heal", "demo/api", "--offline"], &["scan", "demo", "--offline"], &["cases"]]
    {
        let ran = user.suture(&[arguments, &["--quiet"]].concat());
        assert_eq!(ran.stderr, "", "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_in_a_log_is_a_few_lines() {
    let desk = Desk::with_hole("MODERATE").await;
    let ran = desk.suture(&["heal", "shop"]);
    let expect =
        "scanning\ndeciding what may be done\nplanning and proving the smallest fixes\nverifying the branches\n";
    assert_eq!(ran.stderr, expect);
}

#[test]
fn reader_that_goes_away_is_no_fault() {
    let user = User::new();
    user.suture(&["demo", "--dir", "demo"]).expect(0);
    for arguments in [
        &["scan", "demo", "--offline", "--format", "json"][..],
        &["scan", "demo", "--offline"],
        &["--help"],
        &["cases"],
    ] {
        let mut child = user.start(arguments);
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(!said.contains("panicked") && !said.contains("error"), "{arguments:?}: {said}");
        assert!(matches!(child.wait().unwrap().code(), Some(0 | 1)), "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn result_that_can_t_be_written_is_a_failure() {
    let user = User::new();
    user.suture(&["demo", "--dir", "demo"]).expect(0);
    let line = format!("{} scan demo --offline > /dev/full", binary().display());
    let ran = run("sh", &["-c", &line], user.home());
    ran.expect(2);
    assert!(ran.stderr.contains("standard output"), "{}", ran.stderr);
}

#[test]
fn help_of_every_command_has_examples() {
    let user = User::new();
    let commands = [
        &[][..],
        &["scan"],
        &["heal"],
        &["demo"],
        &["cases"],
        &["sbom"],
        &["advisories"],
        &["advisories", "build"],
        &["versions"],
    ];
    for command in commands {
        for help in ["--help", "-h"] {
            let ran = user.suture(&[command, &[help]].concat());
            assert!(
                ran.expect(0).contains("Example") && ran.stdout.contains("suture "),
                "{command:?} {help}: {}",
                ran.stdout
            );
        }
    }
}

#[test]
fn help_says_what_is_passed_over_and_where_a_limit_is_said() {
    let user = User::new();
    for (command, said) in [("scan", "under limits_hit"), ("heal", "under limits_hit"), ("sbom", "as a warning")] {
        let ran = user.suture(&[command, "--help"]);
        let words = ran.expect(0).split_whitespace().collect::<Vec<_>>().join(" ");
        for folder in SKIPPED_FOLDERS {
            let is_named = words.split([' ', ',', ';', '(', ')']).any(|word| word == *folder);
            assert!(is_named, "{command} does not name {folder}: {words}");
        }
        assert!(words.contains(&format!("over a limit, which is then said {said}.")), "{command}: {words}");
    }
}

#[test]
fn what_is_no_command_is_refused() {
    let user = User::new();
    for arguments in [&["healt"][..], &["scan"], &["scan", ".", "--format", "pdf"], &["heal", ".", "--no-such"], &[]] {
        user.suture(arguments).expect(2);
    }
}
