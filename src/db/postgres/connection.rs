//! Single connections, outside of the pool.

use std::time::Duration;

use deadpool_postgres::{PoolError, TimeoutType};
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{Address, CONNECT_TIMEOUT, SESSION_MARKER};
use super::failure::Failure;

/// Returns how long name lookup, the TCP connection, TLS and the login may take together. The driver limits only the TCP
/// connection.
pub(super) fn connect_deadline(config: &Config) -> Duration {
    config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT) * 2
}

/// Opens a connection. The handle completes when the connection ends.
pub(super) async fn connect(
    config: &Config,
    tls: &MakeRustlsConnect,
) -> Result<(Client, JoinHandle<()>), Failure> {
    let connecting = config.connect(tls.clone());
    let connected = tokio::time::timeout(connect_deadline(config), connecting).await;
    let (client, connection) =
        connected.map_err(|_| Failure::Pool(PoolError::Timeout(TimeoutType::Create)))??;
    let handle = tokio::spawn(async move {
        // The client reports how the connection ended.
        let _ = connection.await;
    });
    Ok((client, handle))
}

/// Detects a pooler in transaction mode.
///
/// Such a pooler rejects or drops session settings. A pooler that keeps them gives each client its own session.
pub(super) async fn is_behind_pooler(
    address: &Address,
    tls: &MakeRustlsConnect,
) -> Result<bool, Failure> {
    match connect(&address.dedicated_session(), tls).await {
        Ok((client, connection)) => {
            let marker = client
                .query_typed_one(
                    "SELECT current_setting($1, true)",
                    &[(&SESSION_MARKER, Type::TEXT)],
                )
                .await?
                .try_get::<_, Option<String>>(0)?;
            drop(client);
            let _ = connection.await;
            Ok(marker.as_deref() != Some("on"))
        }
        // "unsupported startup parameter": later connections are made without session settings.
        Err(Failure::Server(error)) if error.code() == Some(&SqlState::PROTOCOL_VIOLATION) => {
            Ok(true)
        }
        Err(failure) => Err(failure),
    }
}
