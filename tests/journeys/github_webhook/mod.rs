//! Deliveries of GitHub at the door: signed or not, once or often, known or not, whole or broken.

mod door;
mod examples;
mod fuzz;
mod kill;
mod once;
mod processes;
