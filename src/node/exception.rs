//! The pending exception of JavaScript.

use napi::bindgen_prelude::Unknown;
use napi::{Env, sys};

/// Takes the pending exception if there is one. JavaScript cannot be called while it is pending.
pub(super) fn take_exception(env: &Env) -> Option<Unknown<'_>> {
    let mut is_pending = false;
    let mut thrown = std::ptr::null_mut();
    #[expect(unsafe_code, reason = "napi has no safe function for this")]
    // SAFETY: both calls write to variables of this function, on the thread of the environment, which is alive.
    unsafe {
        let status = sys::napi_is_exception_pending(env.raw(), &raw mut is_pending);
        if status != sys::Status::napi_ok || !is_pending {
            return None;
        }
        let status = sys::napi_get_and_clear_last_exception(env.raw(), &raw mut thrown);
        (status == sys::Status::napi_ok && !thrown.is_null())
            .then(|| Unknown::from_raw_unchecked(env.raw(), thrown))
    }
}
