//! How input goes wrong: by a byte, by a piece, by depth, by size.

use proptest::prelude::*;
use proptest::sample::Index;

/// One thing that goes wrong.
#[derive(Debug, Clone)]
pub enum Mutation {
    /// A byte becomes another.
    Byte(Index, u8),
    /// A piece is lost.
    Drop(Index, usize),
    /// A piece comes again.
    Repeat(Index, usize, usize),
    /// The end is missing.
    Cut(Index),
    /// Something odd comes in between.
    Insert(Index, &'static str),
    /// Something opens very often.
    Nest(Index, &'static str, usize),
    /// It goes on as another input does.
    Splice(Index, Index, Index),
}

const ODD: [&str; 44] = [
    "\0",
    "\u{feff}",
    "\u{202e}",
    "\r",
    "\r\n",
    "\n\n",
    "\t",
    "\\",
    "\\u0000",
    "\\ud800",
    "\"",
    "'",
    "`",
    "é",
    "𝟙",
    "null",
    "true",
    "[]",
    "{}",
    "-1",
    "1e999",
    "18446744073709551616",
    "99999999999999999999999999",
    "0x10",
    "NaN",
    "..",
    "../../x",
    "/",
    "//",
    "file:",
    "npm:",
    "npm:a@npm:b@1",
    "git+ssh://a:b@c/d#e",
    "^",
    "~>",
    "||",
    "*",
    "==",
    "; python_version<'3'",
    "--hash=sha256:",
    "-r ",
    "&a *a",
    "<<: *a",
    "!!binary |",
];

const OPENS: [&str; 9] = [
    "[",
    "{\"a\":",
    "(",
    "- ",
    "{a: ",
    "node_modules/a/",
    "\"dependencies\":{\"a\":{",
    "<a href=\"",
    "-r requirements.txt\n",
];

pub fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    let at = any::<Index>;
    let one = prop_oneof![
        3 => (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Byte(at, byte)),
        2 => (at(), 1..200_usize).prop_map(|(at, length)| Mutation::Drop(at, length)),
        2 => (at(), 1..200_usize, 1..20_usize).prop_map(|(at, length, times)| Mutation::Repeat(at, length, times)),
        1 => at().prop_map(Mutation::Cut),
        4 => (at(), prop::sample::select(ODD.to_vec())).prop_map(|(at, odd)| Mutation::Insert(at, odd)),
        1 => (at(), prop::sample::select(OPENS.to_vec()), 1..5_000_usize).prop_map(|(at, open, times)| Mutation::Nest(at, open, times)),
        2 => (at(), at(), at()).prop_map(|(at, other, from)| Mutation::Splice(at, other, from)),
    ];
    prop::collection::vec(one, 1..6)
}

/// `seed`, gone wrong. `all`: inputs that it may go on as.
pub fn mutate(seed: &[u8], all: &[&[u8]], steps: &[Mutation]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for step in steps {
        let place = |at: &Index| at.index(bytes.len() + 1);
        match step {
            Mutation::Byte(at, byte) => {
                let at = place(at);
                if let Some(old) = bytes.get_mut(at) {
                    *old = *byte;
                }
            }
            Mutation::Drop(at, length) => {
                let at = place(at);
                bytes.drain(at..bytes.len().min(at + length));
            }
            Mutation::Repeat(at, length, times) => {
                let at = place(at);
                let piece = bytes[at..bytes.len().min(at + length)].repeat(*times);
                bytes.splice(at..at, piece);
            }
            Mutation::Cut(at) => bytes.truncate(place(at)),
            Mutation::Insert(at, odd) => {
                let at = place(at);
                bytes.splice(at..at, odd.bytes());
            }
            Mutation::Nest(at, open, times) => {
                let at = place(at);
                bytes.splice(at..at, open.repeat(*times).into_bytes());
            }
            Mutation::Splice(at, other, from) => {
                let other = all[other.index(all.len())];
                bytes.truncate(place(at));
                bytes.extend_from_slice(&other[from.index(other.len() + 1)..]);
            }
        }
    }
    bytes
}
