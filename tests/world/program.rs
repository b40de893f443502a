//! Programs of others, which tests hold Suture against. No other file runs any.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// How long one run may take where nobody says otherwise; then it is ended, and its test fails.
const RUN_S_MAX: u64 = 120;

/// What a program came to.
#[derive(Debug)]
pub struct Ran {
    /// Whether it exited with 0.
    pub ok: bool,
    /// Exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// Standard output of a run that has to go well.
    #[track_caller]
    pub fn expect_ok(self) -> String {
        assert!(self.ok, "exit code {:?}\n{}\n{}", self.code, self.out, self.err);
        self.out
    }
}

/// A program, and how it is called.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    folder: PathBuf,
    variables: Vec<(String, String)>,
    seconds_max: u64,
}

impl Program {
    /// The program at `path`, or called so in `PATH`; run in `folder`.
    pub fn new(path: impl Into<PathBuf>, folder: &Path) -> Self {
        Self { path: path.into(), folder: folder.to_path_buf(), variables: Vec::new(), seconds_max: RUN_S_MAX }
    }

    /// With an environment variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// With another limit on the time of a run.
    #[must_use]
    pub fn with_seconds_max(mut self, seconds_max: u64) -> Self {
        self.seconds_max = seconds_max;
        self
    }

    /// Runs it. `None`: it is not installed.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Option<Ran> {
        self.run_with_input(arguments, "")
    }

    /// Runs it with `input` on standard input. `None`: it is not installed.
    pub fn run_with_input<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>, input: &str) -> Option<Ran> {
        #[expect(
            clippy::disallowed_methods,
            reason = "no agent runs a program; tests hold agents against the real ones, here alone"
        )]
        let mut command = Command::new(&self.path);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            Err(error) => panic!("{}: {error}", self.path.display()),
        };
        // Each pipe has a reader of its own: a program that fills one would wait for ever.
        let input = input.to_owned();
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
        let out = reader(child.stdout.take().unwrap());
        let err = reader(child.stderr.take().unwrap());
        let status = self.wait(&mut child);
        writer.join().unwrap();
        Some(Ran { ok: status.success(), code: status.code(), out: out.join().unwrap(), err: err.join().unwrap() })
    }

    fn wait(&self, child: &mut Child) -> std::process::ExitStatus {
        for _ in 0..self.seconds_max * 20 {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            sleep(Duration::from_millis(50));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        panic!("{} took more than {} s", self.path.display(), self.seconds_max);
    }
}

fn reader(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Says that a test is passed over, and why.
pub fn skip(test: &str, reason: &str) {
    eprintln!("{test}: skipped: {reason}");
}
