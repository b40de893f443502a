//! What has to hold between the parts.

mod documents;
mod version_orders;
