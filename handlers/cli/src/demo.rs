//! demo
use crate::{Failure, Outcome, arguments::Demo, terminal::Terminal};
pub fn run(_: &Demo, _: &Terminal) -> Result<Outcome, Failure> { Err(Failure("later".into())) }
