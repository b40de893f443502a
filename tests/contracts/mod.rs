//! What has to hold between the parts: the architecture invariants of `handlers/README.md`, each one a test.

mod case;
mod code_map;
mod messages;
mod rooms;
mod topology;
