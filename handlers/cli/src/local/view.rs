//! The view of a running host: a few lines that are drawn over and over in the same place.

use super::figures::Figures;
use crate::present::table;
use anstyle::{AnsiColor, Style};
use comfy_table::{Cell, CellAlignment};
use jiff::Timestamp;
use pipeline::wording::plain;

/// Where the size of a terminal is not known.
const COLUMNS: u16 = 80;

/// The view. It is never longer than a terminal of `rows` rows, nor wider than `columns`: otherwise it could not be drawn over.
pub fn draw(figures: &Figures, at: Timestamp, columns: Option<u16>, rows: Option<u16>) -> String {
    let mut lines = Vec::new();
    let handlers: Vec<String> = figures.handlers.iter().map(|(app, how)| format!("{app}: {how}")).collect();
    lines.push(format!("suture local  http://{}  {}  Ctrl-C ends", figures.address, at.strftime("%H:%M:%S UTC")));
    lines.extend(handlers);
    lines.push(format!("{} invocations, {} failed", figures.invoked, figures.failed));
    lines.push(String::new());
    lines.extend(sources(figures).lines().map(str::to_owned));
    lines.push(String::new());
    let cases: Vec<String> = figures.cases.iter().map(|(status, count)| format!("{status} {count}")).collect();
    lines.push(if cases.is_empty() { "no cases yet".to_owned() } else { format!("cases: {}", cases.join(", ")) });
    lines.push(String::new());
    // The newest first: where there is no room, the oldest are left out.
    lines.extend(figures.last.iter().rev().map(|(at, words)| format!("{} {}", at.strftime("%H:%M:%S"), plain(words))));
    let (width, height) = (usize::from(columns.unwrap_or(COLUMNS)), usize::from(rows.unwrap_or(u16::MAX)));
    lines.truncate(height.saturating_sub(1).max(1));
    let shown: Vec<String> = lines.iter().enumerate().map(|(at, line)| styled(at, &cut(line, width))).collect();
    shown.join("\n") + "\n"
}

fn sources(figures: &Figures) -> String {
    let mut table = table(None);
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    table.set_header(["", "waiting", "in work", "dead", "per s"].map(|name| right(name.to_owned())));
    for counts in &figures.counts {
        let source = counts.source.to_string();
        let rate = figures.rate(&source);
        table.add_row([
            Cell::new(&source),
            right((counts.active + counts.scheduled).to_string()),
            right(counts.locked.to_string()),
            right(counts.dead_letters.to_string()),
            right(format!("{rate:.1}")),
        ]);
    }
    table.to_string()
}

/// At most `width` characters of `line`: a longer one would break, and take two rows.
fn cut(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let kept: String = line.chars().take(width.saturating_sub(1)).collect();
    kept + "…"
}

fn styled(at: usize, line: &str) -> String {
    let style = match at {
        0 => Style::new().bold(),
        _ if line.contains(" failed") && !line.contains(", 0 failed") => {
            Style::new().fg_color(Some(AnsiColor::Red.into()))
        }
        _ => return line.to_owned(),
    };
    format!("{style}{line}{style:#}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use local_host::bus::{Counts, Source};
    use local_host::host::HostEvent;

    fn figures() -> Figures {
        let at = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut figures = Figures::new("127.0.0.1:7071".parse().unwrap());
        figures.hear(at, &HostEvent::HandlerReady { app: "agents".to_owned(), pid: 7, after_ms: 12 });
        for _ in 0..20 {
            figures.hear(
                at,
                &HostEvent::Invoked {
                    function: "scan".to_owned(),
                    invocation: String::new(),
                    source: "scan".to_owned(),
                    messages: 1,
                    sent: 2,
                    duration_ms: 3,
                },
            );
        }
        let scan = Source::Queue("scan".to_owned());
        let counts = vec![Counts { source: scan, active: 3, locked: 1, scheduled: 0, dead_letters: 0 }];
        figures.look(at, counts);
        figures.count(Some([("completed".to_owned(), 2)].into()));
        figures
    }

    #[test]
    fn view_tells_queues_rates_cases_and_the_newest_events() {
        let text = draw(&figures(), "2026-01-01T00:00:00Z".parse().unwrap(), Some(60), None);
        for expected in
            ["http://127.0.0.1:7071", "agents: ready (process 7)", "cases: completed 2", "scan: done in 3 ms, 2 sent"]
        {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        let row: Vec<&str> =
            text.lines().find(|line| line.trim().starts_with("scan  ")).unwrap().split_whitespace().collect();
        assert_eq!(row, ["scan", "3", "1", "0", "2.0"]);
    }

    #[test]
    fn view_never_outgrows_its_terminal() {
        let text = draw(&figures(), "2026-01-01T00:00:00Z".parse().unwrap(), Some(20), Some(8));
        assert_eq!(text.lines().count(), 7);
        let plain = anstream::adapter::strip_str(&text).to_string();
        assert!(plain.lines().all(|line| line.chars().count() <= 20), "{plain}");
    }
}
