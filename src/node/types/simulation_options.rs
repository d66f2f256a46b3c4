//! The settings of a simulation as TypeScript sees them, made from the list of the core.

use napi_derive::napi;

use crate::settings::each_setting;

macro_rules! options {
    ($($group:ident.$field:ident, $name:tt, $binding:ty, $typescript:tt, $kind:expr, $description:tt;)+) => {
        /// The order model of vectorbt 1.2's `Portfolio.from_signals` for one asset, and the conventions of the metrics.
        /// `runBacktest` refuses what can only be a mistake; docs/settings.md lists it.
        #[napi(object, object_to_js = false)]
        pub struct SimulationOptions {
            $(
                #[doc = $description]
                #[napi(ts_type = $typescript)]
                pub $field: Option<$binding>,
            )+
        }
    };
}
each_setting!(options);
