//! Programs, as a user runs them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

/// What came of running a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code; `None`: a signal ended it.
    pub code: Option<i32>,
    /// What it said.
    pub stdout: String,
    /// What it said beside that.
    pub stderr: String,
}

/// Somebody at a terminal with nothing but a home of their own.
#[derive(Debug)]
pub struct User {
    home: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl User {
    /// A user with an empty home, whom no network answers.
    pub fn new() -> Self {
        let user = Self { home: tempfile::tempdir().unwrap(), variables: Vec::new() };
        // Nothing listens on port 9: a question that a test does not expect is refused at once.
        user.set("SUTURE_OSV_API", "http://127.0.0.1:9/")
            .set("SUTURE_NPM_REGISTRY", "http://127.0.0.1:9/")
            .set("SUTURE_PIP_INDEX_URL", "http://127.0.0.1:9/simple/")
    }

    /// The user with this variable in the environment.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The home.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Runs `suture` with `arguments`.
    pub fn suture(&self, arguments: &[&str]) -> Ran {
        self.suture_reading(arguments, b"")
    }

    /// Runs `suture` with `arguments` and `input` on standard input.
    pub fn suture_reading(&self, arguments: &[&str], input: &[u8]) -> Ran {
        let mut child = self.start(arguments);
        let mut stdin = child.stdin.take().unwrap();
        // A program that does not read has closed its end.
        let _ = stdin.write_all(input);
        drop(stdin);
        ran(child.wait_with_output().unwrap())
    }

    /// Starts `suture` with `arguments`.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let mut command = command(binary(), self.home());
        command.env_clear().env("HOME", self.home()).args(arguments);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

impl Ran {
    /// What was said, if it ended with `code`.
    #[track_caller]
    pub fn expect(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        &self.stdout
    }

    /// What was said as JSON, if it ended with `code`.
    #[track_caller]
    pub fn json(&self, code: i32) -> serde_json::Value {
        serde_json::from_str(self.expect(code)).unwrap()
    }
}

/// Runs `program` in `folder`.
pub fn run(program: &str, arguments: &[&str], folder: &Path) -> Ran {
    ran(command(Path::new(program), folder).args(arguments).output().unwrap())
}

/// What came of a program that ended.
pub fn ran(output: Output) -> Ran {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// A call of `program` in `folder`. No other place makes one.
#[expect(
    clippy::disallowed_methods,
    reason = "no agent runs a program; tests run ours, and hold it against the real ones"
)]
pub fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    command
}

/// `suture` of this very build.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| built().join("suture"))
}

/// `handler` of this very build.
pub fn handler() -> &'static Path {
    static HANDLER: OnceLock<PathBuf> = OnceLock::new();
    HANDLER.get_or_init(|| built().join("handler"))
}

/// The folder of our programs, built once if they are not there or older than their sources. Together, so that what both use
/// is built once.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let profile = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned();
        let name = profile.file_name().unwrap().to_str().unwrap().replace("debug", "dev");
        let target = profile.parent().unwrap().to_str().unwrap();
        let workspace = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let packages = ["-p", "cli", "-p", "custom-handler"];
        let build = ["build", "--quiet", "--bins", "--profile", &name, "--target-dir", target];
        let built = run(env!("CARGO"), &[&build[..], &packages].concat(), workspace);
        assert_eq!(built.code, Some(0), "{}", built.stderr);
        profile
    })
}
