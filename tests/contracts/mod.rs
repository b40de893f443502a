//! What has to hold between the parts.

mod documents;
mod foreign_bytes;
mod version_orders;
