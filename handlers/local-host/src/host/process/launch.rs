//! Starting a handler's process.

use super::mask::mask;
use crate::app::{App, Description};
use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use tokio::process::{Child, Command};

/// Starts the handler of `app`, which is to listen on `port`. `environment` is added to that of the host.
///
/// A host that is killed can't take its handlers along. Those of Suture see that it is gone, and end; any other is left behind, and does
/// no harm: nobody calls it.
pub fn launch(app: &App, port: u16, environment: &[(String, String)]) -> io::Result<Child> {
    let Description { executable, arguments, working_directory, .. } = &app.host.description;
    make_executable(executable)?;
    let shown = mask(&arguments.join(" "));
    tracing::info!(app = app.name, executable = %executable.display(), arguments = shown, port, "starting");
    let mut command = Command::new(executable);
    // Ctrl-C in a terminal is for the host, which lets the handler end what it has begun.
    #[cfg(unix)]
    command.process_group(0);
    command
        .args(arguments)
        .current_dir(working_directory)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .envs(of_the_host(port, &app.root))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

/// What the host tells a handler by its environment, whatever was there before.
fn of_the_host(port: u16, root: &Path) -> [(&'static str, OsString); 5] {
    let id = crate::chance::uuid().to_string();
    [
        ("FUNCTIONS_HTTPWORKER_PORT", port.to_string().into()),
        ("FUNCTIONS_HTTPWORKER_ID", id.clone().into()),
        ("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string().into()),
        ("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", id.into()),
        ("FUNCTIONS_APP_ROOT_PATH", root.into()),
    ]
}

/// A port of the loopback interface that nobody listens on, or the one that `host.json` names. Somebody else may take it before the
/// handler does: then the handler does not start, and the next one gets another.
pub fn port(configured: Option<u16>) -> io::Result<u16> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, configured.unwrap_or(0)));
    match (bound, configured) {
        (Ok(listener), _) => Ok(listener.local_addr()?.port()),
        (Err(error), None) => Err(error),
        (Err(error), Some(port)) => Err(io::Error::new(
            error.kind(),
            format!("Unable to bind to port {port} specified in configuration: {error}"),
        )),
    }
}

/// Lets everybody execute `file`, if it is there: an unpacked archive may have lost that. What is looked up on the `PATH` is left alone.
#[cfg(unix)]
fn make_executable(file: &Path) -> io::Result<()> {
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
fn make_executable(_file: &Path) -> io::Result<()> {
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
