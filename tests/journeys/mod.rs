//! Whole journeys: a repository in, a branch out, in every weather.

mod command_line;
mod dependencies;
