//! Divisions of bars into those that choose and those that test.
//!
//! | file | division |
//! |---|---|
//! | [`walk_forward`] | windows in the order of time: choose on the past, test on what follows |
//! | [`combinatorial`] | all ways to test some groups and choose on the others, and the paths that the tests form |

pub mod combinatorial;
pub mod walk_forward;
