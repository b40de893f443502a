//! The local host does what the Azure Functions host does: its own tests, line by line, over HTTP with a handler whose answers are scripted.

mod http;
mod lifecycle;
mod main_chain;
mod messages;
mod request;
mod response;
