//! The only room of this crate where chance is drawn.

use uuid::Uuid;

/// An id that nobody can guess.
#[expect(clippy::disallowed_methods, reason = "this is the room where chance may be drawn")]
pub fn uuid() -> Uuid {
    Uuid::new_v4()
}
