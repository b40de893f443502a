//! The functions host: processes, triggers, invocations.
