//! What has to hold between the parts.
