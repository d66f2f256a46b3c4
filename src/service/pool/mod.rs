//! The threads that simulate. All engines of the process share them.
//!
//! - [`run`] and [`spawn`] use one simulation thread for each core, plus one that only takes short jobs.
//! - [`SimulationPool`] and [`join`] let idle cores help with parts of a run.
//! - [`CopyPool`] copies long columns for the JavaScript thread.
//! - [`run_inline`] computes small runs on the calling thread.
//!
//! Reading and checking requests, ids and queueing happen on other threads and never wait for these.

mod busy_cores;
mod copy_pool;
mod helper_threads;
mod inline;
mod job_queue;
mod panics;
mod simulation_pool;
mod simulation_threads;

pub use copy_pool::CopyPool;
pub use inline::{InlineOutcome, run_blocking, run_inline};
pub use job_queue::{BRIEF_BARS, JobLength, SHORT_BARS, SHORT_SOURCE_BARS};
pub use panics::catch_panics;
pub use simulation_pool::{LimitedPool, SimulationPool, join};
pub use simulation_threads::{run, spawn};
