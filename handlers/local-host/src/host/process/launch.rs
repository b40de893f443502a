//! Starting a handler's process.

use super::mask::mask;
use crate::app::{App, Description};
use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};

/// Where a process is asked to be started.
///
/// All are started by one thread that lives as long as the host: on Linux a guard can tie a process to the thread that started it.
#[derive(Debug, Clone)]
pub struct Launcher {
    orders: mpsc::UnboundedSender<Order>,
    /// A program, with its arguments, that runs the handler in its place and sees to it that the handler dies with the host.
    guard: Vec<OsString>,
}

type Order = (Command, oneshot::Sender<io::Result<Child>>);

impl Launcher {
    /// A launcher for the runtime in which it is called. `guard` may be empty: then a host that is killed leaves its handlers behind.
    pub fn start(guard: Vec<OsString>) -> io::Result<Self> {
        let (orders, mut taken) = mpsc::unbounded_channel::<Order>();
        let runtime = tokio::runtime::Handle::current();
        std::thread::Builder::new().name("handlers".to_owned()).spawn(move || {
            let _context = runtime.enter();
            while let Some((mut command, answer)) = taken.blocking_recv() {
                // Whoever asked may be gone; then the process is dropped, and killed with that.
                let _ = answer.send(command.spawn());
            }
        })?;
        Ok(Self { orders, guard })
    }

    /// Starts the handler of `app`, which is to listen on `port`. `environment` is added to that of the host.
    pub async fn launch(&self, app: &App, port: u16, environment: &[(String, String)]) -> io::Result<Child> {
        let Description { executable, arguments, working_directory, .. } = &app.host.description;
        make_executable(executable)?;
        let mut line = self.guard.clone();
        line.push(executable.into());
        line.extend(arguments.iter().map(OsString::from));
        let (program, arguments) = line.split_first().ok_or_else(|| io::Error::other("there is no executable"))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(working_directory)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .envs(of_the_host(port, &app.root))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        tracing::info!(app = app.name, executable = %executable.display(), arguments = shown(arguments), port, "starting");
        let (answer, answered) = oneshot::channel();
        let gone = || io::Error::other("the thread that starts processes is gone");
        self.orders.send((command, answer)).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

/// What the host tells a handler by its environment, whatever was there before.
pub fn of_the_host(port: u16, root: &Path) -> [(&'static str, OsString); 5] {
    let id = crate::chance::uuid().to_string();
    [
        ("FUNCTIONS_HTTPWORKER_PORT", port.to_string().into()),
        ("FUNCTIONS_HTTPWORKER_ID", id.clone().into()),
        ("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string().into()),
        ("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", id.into()),
        ("FUNCTIONS_APP_ROOT_PATH", root.into()),
    ]
}

/// A port of the loopback interface that nobody listens on. Somebody else may take it before the handler does: then the handler does
/// not start, and the next one gets another.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn shown(arguments: &[OsString]) -> String {
    mask(&arguments.iter().map(|argument| argument.to_string_lossy()).collect::<Vec<_>>().join(" "))
}

/// Lets everybody execute `file`, if it is there: an unpacked archive may have lost that. What is looked up on the `PATH` is left alone.
#[cfg(unix)]
fn make_executable(file: &PathBuf) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let Ok(found) = std::fs::metadata(file) else { return Ok(()) };
    let mode = found.permissions().mode();
    if !found.is_file() || mode & 0o111 == 0o111 {
        return Ok(());
    }
    // As the functions host: a failure is only a warning, because the file may be executable for this user already.
    if let Err(error) = std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode | 0o111)) {
        tracing::warn!(file = %file.display(), %error, "can't be made executable");
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_executable(_file: &PathBuf) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn executable_bit_is_set_only_if_the_file_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("handler");
        make_executable(&file).unwrap();
        assert!(!file.exists());
        std::fs::write(&file, "").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        make_executable(&file).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o751);
    }

    #[test]
    fn the_hosts_variables_name_port_and_root() {
        let told = of_the_host(9000, Path::new("/app"));
        let get = |name| told.iter().find(|(told, _)| *told == name).unwrap().1.to_str().unwrap().to_owned();
        assert_eq!(get("FUNCTIONS_HTTPWORKER_PORT"), "9000");
        assert_eq!(get("FUNCTIONS_CUSTOMHANDLER_PORT"), "9000");
        assert_eq!(get("FUNCTIONS_APP_ROOT_PATH"), "/app");
        assert_eq!(get("FUNCTIONS_HTTPWORKER_ID"), get("FUNCTIONS_CUSTOMHANDLER_WORKER_ID"));
    }
}
