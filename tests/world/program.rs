//! Programs, ours and others, as a user runs them.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::Duration;

/// How long one run may take where nobody says otherwise; then it is ended, and its test fails.
const RUN_S_MAX: u64 = 120;

/// Building the program may take this long.
const BUILD_S_MAX: u64 = 600;

/// How often it is looked whether a program has ended.
const LOOK_MS: u64 = 5;

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

impl Ran {
    /// Whether it went well.
    pub fn is_ok(&self) -> bool {
        self.code == Some(0)
    }

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

/// A program, and how it is called.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    folder: PathBuf,
    variables: Vec<(String, String)>,
    knows_nothing_else: bool,
    seconds_max: u64,
}

impl Program {
    /// The program at `path`, or called so in `PATH`; run in `folder`.
    pub fn new(path: impl Into<PathBuf>, folder: &Path) -> Self {
        Self {
            path: path.into(),
            folder: folder.to_path_buf(),
            variables: Vec::new(),
            knows_nothing_else: false,
            seconds_max: RUN_S_MAX,
        }
    }

    /// With an environment variable.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// With no environment variable but those that are given here.
    #[must_use]
    pub fn with_nothing_else(mut self) -> Self {
        self.knows_nothing_else = true;
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
        self.run_reading(arguments, b"")
    }

    /// Runs it with `input` on standard input. `None`: it is not installed.
    pub fn run_reading<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>, input: &[u8]) -> Option<Ran> {
        let mut child = self.start(arguments)?;
        // Each pipe has a reader of its own: a program that fills one would wait for ever.
        let input = input.to_owned();
        let mut stdin = child.stdin.take().unwrap();
        // A program that does not read has closed its end.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let (out, err) = (reader(child.stdout.take().unwrap()), reader(child.stderr.take().unwrap()));
        let status = self.wait(&mut child);
        writer.join().unwrap();
        Some(ran(Output { status, stdout: out.join().unwrap(), stderr: err.join().unwrap() }))
    }

    /// Starts it. `None`: it is not installed.
    pub fn start<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Option<Child> {
        let mut command = command(&self.path, &self.folder);
        if self.knows_nothing_else {
            command.env_clear();
        }
        command.args(arguments).envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        match command.spawn() {
            Ok(child) => Some(child),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => panic!("{}: {error}", self.path.display()),
        }
    }

    fn wait(&self, child: &mut Child) -> std::process::ExitStatus {
        for _ in 0..self.seconds_max * 1000 / LOOK_MS {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            sleep(Duration::from_millis(LOOK_MS));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        panic!("{} took more than {} s", self.path.display(), self.seconds_max);
    }
}

fn reader(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        bytes
    })
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
            .set("SUTURE_OSV_ARCHIVES", "http://127.0.0.1:9/")
            .set("SUTURE_KEV_CATALOG", "http://127.0.0.1:9/")
            .set("SUTURE_EPSS_SCORES", "http://127.0.0.1:9/")
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
        self.program().run_reading(arguments, input).unwrap()
    }

    /// Starts `suture` with `arguments`.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.program().start(arguments).unwrap()
    }

    fn program(&self) -> Program {
        let home = self.home().to_str().unwrap();
        let program = Program::new(binary(), self.home()).with_nothing_else().with("HOME", home);
        self.variables.iter().fold(program, |program, (name, value)| program.with(name, value))
    }
}

/// Runs `program` in `folder`, which has to be installed.
pub fn run(program: &str, arguments: &[&str], folder: &Path) -> Ran {
    Program::new(program, folder).run(arguments).unwrap_or_else(|| panic!("{program} is not installed"))
}

/// What came of a program that ended.
pub fn ran(output: Output) -> Ran {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// Says that a test is passed over, and why.
pub fn skip(test: &str, reason: &str) {
    eprintln!("{test}: skipped: {reason}");
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
        let cargo = Program::new(env!("CARGO"), workspace).with_seconds_max(BUILD_S_MAX);
        let packages = ["-p", "cli", "-p", "custom-handler"];
        let build = ["build", "--quiet", "--bins", "--profile", &name, "--target-dir", target];
        cargo.run([&build[..], &packages].concat()).expect("cargo runs this test").expect(0);
        profile
    })
}
