//! What has to hold between the parts: the architecture invariants of `handlers/README.md`, each one a test.

mod bill;
mod case;
mod code_map;
mod documents;
mod foreign_bytes;
mod github;
mod github_messages;
mod handler_dependencies;
mod messages;
mod policies;
mod rooms;
mod store;
mod store_faults;
mod topology;
mod version_orders;
mod wire;
