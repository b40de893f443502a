//! What a handler needs to be run: processor, loader, shared libraries, and how new a glibc.

use object::Endianness;
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, ProgramHeader};
use serde::Serialize;
use std::fmt;

/// What every image of the functions host for custom handlers has at least.
pub const GLIBC_MAX: Glibc = Glibc(2, 28);
/// What belongs to glibc, or comes with every compiler's programs.
const LIBRARIES: [&str; 8] = [
    "libc.so.6",
    "libm.so.6",
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
    "libgcc_s.so.1",
    "libutil.so.1",
    "ld-linux",
];
const LOADERS: [&str; 2] = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"];
/// The first glibc that knows the compressed relocations which this name stands for.
const RELR: (&str, Glibc) = ("GLIBC_ABI_DT_RELR", Glibc(2, 36));

/// A version of glibc.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Glibc(pub u16, pub u16);

impl fmt::Display for Glibc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl Serialize for Glibc {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a program needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Needs {
    /// `x86_64` or `aarch64`.
    pub processor: &'static str,
    /// The loader; `None`: it is linked statically, and needs nothing else.
    pub loader: Option<String>,
    /// The shared libraries that it names.
    pub libraries: Vec<String>,
    /// The newest glibc that it names symbols of.
    pub glibc: Option<Glibc>,
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Linux on {}", self.processor)?;
        match (&self.loader, self.glibc) {
            (None, _) => f.write_str(", linked statically"),
            (Some(loader), glibc) => {
                if let Some(glibc) = glibc {
                    write!(f, ", glibc {glibc} or newer")?;
                }
                write!(f, ", {loader}")?;
                self.libraries.iter().try_for_each(|library| write!(f, ", {library}"))
            }
        }
    }
}

impl Needs {
    /// Reads them out of a program; the error says why it is none for Linux.
    pub fn of(program: &[u8]) -> Result<Self, String> {
        let header = FileHeader64::<Endianness>::parse(program)
            .map_err(|_| "is no ELF file of 64 bits, as Linux runs it".to_owned())?;
        let endian = header.endian().ok().filter(|endian| *endian == Endianness::Little);
        let endian = endian.ok_or("is for a processor of another byte order")?;
        let processor = match header.e_machine(endian) {
            elf::EM_X86_64 => "x86_64",
            elf::EM_AARCH64 => "aarch64",
            other => return Err(format!("is for another processor than x86_64 and aarch64 (ELF machine {})", other.0)),
        };
        if !matches!(header.e_type(endian), elf::ET_EXEC | elf::ET_DYN) {
            return Err("is an ELF file, but no program".to_owned());
        }
        if !matches!(header.e_ident().os_abi, elf::ELFOSABI_NONE | elf::ELFOSABI_GNU) {
            return Err("is for another system than Linux".to_owned());
        }
        let needs = read(header, endian, program, processor).map_err(|error| format!("is damaged: {error}"))?;
        if needs.loader.is_some() && needs.libraries.is_empty() {
            return Err(
                "names a loader but no library: its table of sections is stripped away, so what it needs can't be told"
                    .to_owned(),
            );
        }
        Ok(needs)
    }

    /// What keeps it from running in Azure; empty if nothing does.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some(loader) = self.loader.as_ref().filter(|loader| !LOADERS.contains(&loader.as_str())) {
            faults.push(format!("it needs the loader {loader}, which is not there"));
        }
        if let Some(glibc) = self.glibc.filter(|glibc| *glibc > GLIBC_MAX) {
            faults.push(format!("it needs glibc {glibc}, and there may be no newer one than {GLIBC_MAX}"));
        }
        for library in &self.libraries {
            if !LIBRARIES.iter().any(|known| library == known || (*known == "ld-linux" && library.starts_with(known))) {
                faults.push(format!("it needs the library {library}, which is not there"));
            }
        }
        faults
    }
}

fn read(
    header: &FileHeader64<Endianness>,
    endian: Endianness,
    program: &[u8],
    processor: &'static str,
) -> object::read::Result<Needs> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut needs = Needs { processor, loader: None, libraries: Vec::new(), glibc: None };
    for segment in header.program_headers(endian, program)? {
        if let Some(loader) = segment.interpreter(endian, program)? {
            needs.loader = Some(text(loader));
        }
    }
    let sections = header.sections(endian, program)?;
    let table = sections.dynamic_table(endian, program)?;
    for entry in &table {
        if entry.tag == elf::DT_NEEDED {
            needs.libraries.push(text(table.string(entry)?));
        }
    }
    if let Some((mut files, link)) = sections.gnu_verneed(endian, program)? {
        let strings = sections.strings(endian, program, link)?;
        while let Some((_, mut versions)) = files.next()? {
            while let Some(version) = versions.next()? {
                needs.glibc = needs.glibc.max(glibc(&text(version.name(endian, strings)?)));
            }
        }
    }
    Ok(needs)
}

/// `GLIBC_2.28`, `GLIBC_2.2.5`; `None` for other names.
fn glibc(name: &str) -> Option<Glibc> {
    if name == RELR.0 {
        return Some(RELR.1);
    }
    let mut numbers = name.strip_prefix("GLIBC_")?.split('.');
    Some(Glibc(numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(loader: Option<&str>, libraries: &[&str], glibc: Option<Glibc>) -> Needs {
        let libraries = libraries.iter().map(|library| (*library).to_owned()).collect();
        Needs { processor: "x86_64", loader: loader.map(str::to_owned), libraries, glibc }
    }

    #[test]
    fn names_of_versions_are_read() {
        for (name, expect) in [
            ("GLIBC_2.28", Some(Glibc(2, 28))),
            ("GLIBC_2.2.5", Some(Glibc(2, 2))),
            ("GLIBC_ABI_DT_RELR", Some(Glibc(2, 36))),
            ("GLIBC_PRIVATE", None),
            ("GCC_3.0", None),
        ] {
            assert_eq!(glibc(name), expect, "{name}");
        }
    }

    #[test]
    fn what_is_not_in_azure_is_a_fault() {
        let loader = Some(LOADERS[0]);
        let check = |needs: Needs, expect: &[&str]| assert_eq!(needs.faults(), expect);
        check(needs(None, &[], None), &[]);
        check(needs(loader, &["libc.so.6", "ld-linux-x86-64.so.2", "libgcc_s.so.1"], Some(Glibc(2, 28))), &[]);
        check(
            needs(loader, &["libc.so.6"], Some(Glibc(2, 34))),
            &["it needs glibc 2.34, and there may be no newer one than 2.28"],
        );
        check(needs(loader, &["libssl.so.3"], None), &["it needs the library libssl.so.3, which is not there"]);
        check(
            needs(Some("/lib/ld-musl-x86_64.so.1"), &[], None),
            &["it needs the loader /lib/ld-musl-x86_64.so.1, which is not there"],
        );
    }

    #[test]
    fn this_test_is_a_program_for_this_machine() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let needs = Needs::of(&program).unwrap();
        assert_eq!(needs.processor, std::env::consts::ARCH);
        assert!(needs.glibc.is_none_or(|glibc| glibc >= Glibc(2, 2)), "{needs}");
    }

    #[test]
    fn what_is_no_program_for_linux_is_refused_in_words() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let changed = |at: usize, byte: u8| {
            let mut program = program.clone();
            program[at] = byte;
            Needs::of(&program).unwrap_err()
        };
        assert_eq!(Needs::of(b"#!/bin/sh\n").unwrap_err(), "is no ELF file of 64 bits, as Linux runs it");
        assert_eq!(Needs::of(b"").unwrap_err(), "is no ELF file of 64 bits, as Linux runs it");
        // Class, byte order, system, type and machine stand at these places of every header.
        assert_eq!(changed(4, 1), "is no ELF file of 64 bits, as Linux runs it");
        assert_eq!(changed(5, 2), "is for a processor of another byte order");
        assert_eq!(changed(7, 9), "is for another system than Linux");
        assert_eq!(changed(16, 1), "is an ELF file, but no program");
        assert_eq!(changed(18, 40), "is for another processor than x86_64 and aarch64 (ELF machine 40)");
    }

    #[test]
    fn damaged_programs_are_read_or_refused() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        for length in (0..program.len().min(4_096)).step_by(64) {
            let _ = Needs::of(&program[..length]);
        }
        for at in 20..64 {
            let mut program = program[..program.len().min(1 << 20)].to_vec();
            program[at] = 0xff;
            let _ = Needs::of(&program);
        }
    }
}
