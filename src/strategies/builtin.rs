//! The built-in strategies, one text file each.

/// The texts of the built-in strategies with their ids.
pub const BUILTIN: &[(&str, &str)] = &[
    ("sma_crossover", include_str!("builtin/sma_crossover.strategy")),
    ("ema_crossover", include_str!("builtin/ema_crossover.strategy")),
    ("rsi", include_str!("builtin/rsi.strategy")),
    ("macd", include_str!("builtin/macd.strategy")),
    ("bollinger_reversion", include_str!("builtin/bollinger_reversion.strategy")),
    ("buy_and_hold", include_str!("builtin/buy_and_hold.strategy")),
];
