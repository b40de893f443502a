//! A handler dies with its host, even if the host is killed: on Linux the kernel sees to it.
//!
//! What the kernel is asked for holds for the process that asks, and survives `exec`. So the host does not start a handler itself, but its
//! own program once more, which asks and then becomes the handler.

use std::ffi::{OsStr, OsString};
use std::io;

/// How the program calls itself again: first the program itself, even if its file was replaced since it was started.
pub fn program() -> io::Result<OsString> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe().map(Into::into) }
}

/// Becomes `program` with `arguments`, to be killed as soon as the thread of process `host` that started this one ends. Only returns with
/// an error.
///
/// Elsewhere than on Linux nothing is asked for: a handler then outlives a host that is killed, and is of no harm: nobody calls it, and what
/// it still does is found done by its successor.
pub fn become_handler(host: u32, program: &OsStr, arguments: &[OsString]) -> io::Error {
    if let Err(error) = die_with(host) {
        return error;
    }
    exec(program, arguments)
}

#[cfg(target_os = "linux")]
fn die_with(host: u32) -> io::Result<()> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The host may have died before it was asked for.
    let parent = getppid().map(|parent| parent.as_raw_nonzero().get().unsigned_abs());
    if parent == Some(host) { Ok(()) } else { Err(io::Error::other("the host is gone")) }
}

#[cfg(not(target_os = "linux"))]
fn die_with(_host: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "it becomes the handler; no agent does")]
fn exec(program: &OsStr, arguments: &[OsString]) -> io::Error {
    std::os::unix::process::CommandExt::exec(std::process::Command::new(program).args(arguments))
}

#[cfg(not(unix))]
fn exec(_program: &OsStr, _arguments: &[OsString]) -> io::Error {
    io::Error::other("a program can't become another one here")
}
