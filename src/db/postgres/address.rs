//! The URL of a database.
//!
//! The query of the URL is parsed here because tokio-postgres rejects a URL with a parameter that it does not know, such as
//! those that Prisma adds.

use std::borrow::Cow;
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use super::tls::Trust;
use crate::config::environment_name;
use crate::error::{Error, Result};

/// How long a connection attempt may take.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller waits for a free connection.
const POOL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a statement may run.
const STATEMENT_TIMEOUT: Duration = Duration::from_mins(5);

/// A session setting without meaning to the server. If it arrives there, no pooler shares the session among clients.
pub(super) const SESSION_MARKER: &str = "aitradepro.session";

/// Where a database is and how to connect to it.
#[derive(Clone)]
pub(crate) struct Address {
    /// The configuration of tokio-postgres, without session settings. It contains the password.
    pub config: Config,
    /// Which certificates are accepted on an encrypted connection.
    pub trust: Trust,
    /// The file of the root certificates; `None` for those of the web.
    pub root_certificate: Option<String>,
    /// The schema of the backend's tables (Prisma's `schema`).
    pub market_schema: Option<String>,
    /// The maximum number of connections (Prisma's `connection_limit`).
    pub connection_limit: Option<usize>,
    /// How long a caller waits for a free connection (Prisma's `pool_timeout`).
    pub pool_timeout: Duration,
    /// How long a statement may run; `None` for no limit.
    pub statement_timeout: Option<Duration>,
    /// Whether a pooler in transaction mode is in between; `None` if the URL does not say.
    pub pgbouncer: Option<bool>,
    /// The session options of the URL.
    options: Option<String>,
    /// Parameters of the URL that were ignored.
    pub ignored_parameters: Vec<String>,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Address").field(&self.location()).finish()
    }
}

impl Address {
    /// Parses the URL of a setting. Errors do not repeat any part of the URL, since it may contain a password.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if the URL is not valid.
    pub fn parse(setting: &str, url: &str) -> Result<Self> {
        let invalid = |what: &str| {
            Error::invalid(
                &format!("config.{setting}"),
                "format",
                format!(
                    "{setting} ({}) is not a valid URL: {what}; it must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE with \
                     special characters of the password percent-encoded",
                    environment_name(setting)
                ),
            )
        };
        // A password may contain an unencoded question mark; a host cannot.
        let authority = url.rfind('@').unwrap_or(0);
        let rest = url.get(authority..).unwrap_or_default();
        let (base, query) = match rest.find('?') {
            Some(at) => {
                (url.get(..authority + at).unwrap_or(url), rest.get(at + 1..).unwrap_or_default())
            }
            None => (url, ""),
        };
        let mut config = Config::from_str(base).map_err(|error| {
            // The source names the option and the kind of fault, never a value.
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            invalid(&cause.unwrap_or_else(|| "it is not a connection string".into()))
        })?;
        if config.get_hosts().is_empty() {
            config.host("localhost");
        }
        config.connect_timeout(CONNECT_TIMEOUT).application_name("aitradepro-backtesting");
        config
            .keepalives_idle(Duration::from_secs(30))
            .keepalives_interval(Duration::from_secs(10))
            .keepalives_retries(3);
        // Keepalives do not cover data that was sent and is not acknowledged.
        config.tcp_user_timeout(Duration::from_mins(1));
        config.ssl_mode(SslMode::Prefer);
        let mut address = Self {
            config,
            trust: Trust::Any,
            root_certificate: None,
            market_schema: None,
            connection_limit: None,
            pool_timeout: POOL_TIMEOUT,
            statement_timeout: Some(STATEMENT_TIMEOUT),
            pgbouncer: None,
            options: None,
            ignored_parameters: Vec::new(),
        };
        let mut mode = None;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name), decode(value));
            address
                .set(&name, &value, &mut mode)
                .map_err(|allowed| invalid(&format!("{name} must be {allowed}")))?;
        }
        address
            .set_ssl_mode(mode.as_deref())
            .map_err(|allowed| invalid(&format!("sslmode must be {allowed}")))?;
        Ok(address)
    }

    /// Applies one parameter; fails with a description of the allowed values.
    fn set(
        &mut self,
        name: &str,
        value: &str,
        mode: &mut Option<String>,
    ) -> Result<(), &'static str> {
        let seconds = || {
            value
                .parse::<u32>()
                .map(|seconds| Duration::from_secs(seconds.into()))
                .map_err(|_| "an integer number of seconds")
        };
        match name {
            "sslmode" => *mode = Some(value.to_owned()),
            "sslrootcert" => {
                self.root_certificate = Some(value.to_owned()).filter(|file| file != "system");
            }
            "schema" => {
                self.market_schema = Some(value.to_owned()).filter(|schema| !schema.is_empty());
            }
            "connection_limit" => {
                let limit = value.parse().ok().filter(|limit| *limit > 0);
                self.connection_limit = Some(limit.ok_or("an integer above 0")?);
            }
            "pool_timeout" => self.pool_timeout = seconds()?,
            "connect_timeout" => {
                // 0 means no limit to libpq, and no wait at all to tokio-postgres.
                let timeout = seconds()?;
                self.config.connect_timeout(if timeout.is_zero() {
                    CONNECT_TIMEOUT
                } else {
                    timeout
                });
            }
            "statement_timeout" => {
                let milliseconds: u32 =
                    value.parse().map_err(|_| "an integer number of milliseconds")?;
                self.statement_timeout =
                    (milliseconds > 0).then(|| Duration::from_millis(milliseconds.into()));
            }
            "pgbouncer" => {
                self.pgbouncer = match value {
                    "true" | "1" | "" => Some(true),
                    "false" | "0" => Some(false),
                    _ => return Err("true or false"),
                }
            }
            "application_name" => {
                self.config.application_name(value);
            }
            "options" => {
                self.options = Some(value.to_owned()).filter(|options| !options.is_empty());
            }
            _ => self.ignored_parameters.push(name.to_owned()),
        }
        Ok(())
    }

    /// Applies `sslmode` as libpq does: `require` encrypts and accepts any certificate, unless a root certificate is given.
    fn set_ssl_mode(&mut self, mode: Option<&str>) -> Result<(), &'static str> {
        let (mode, trust) = match mode.unwrap_or("prefer") {
            "disable" => (SslMode::Disable, Trust::Any),
            "allow" | "prefer" => (SslMode::Prefer, Trust::Any),
            "require" if self.root_certificate.is_none() => (SslMode::Require, Trust::Any),
            "no-verify" => (SslMode::Require, Trust::Any),
            "require" | "verify-ca" => (SslMode::Require, Trust::Signed),
            "verify-full" => (SslMode::Require, Trust::SignedForHost),
            _ => return Err("disable, prefer, require, no-verify, verify-ca or verify-full"),
        };
        self.config.ssl_mode(mode);
        self.trust = trust;
        Ok(())
    }

    /// Returns the configuration of a session that no pooler shares: settings and marker are part of the startup message.
    pub fn dedicated_session(&self) -> Config {
        let mut options: Vec<String> = self.options.iter().cloned().collect();
        if let Some(timeout) = self.statement_timeout {
            options.push(format!("-c statement_timeout={}", timeout.as_millis()));
        }
        options.push(format!("-c {SESSION_MARKER}=on"));
        let mut config = self.config.clone();
        config.options(options.join(" "));
        config
    }

    /// Returns the configuration for a pooler in transaction mode: it rejects session settings, so each transaction sets its
    /// own.
    pub fn shared_session(&self) -> Config {
        let mut config = self.config.clone();
        if let Some(options) = &self.options {
            config.options(options);
        }
        config
    }

    /// Returns host, port and database, for messages.
    pub fn location(&self) -> String {
        use tokio_postgres::config::Host;
        let ports = self.config.get_ports();
        let hosts: Vec<String> = self
            .config
            .get_hosts()
            .iter()
            .enumerate()
            .map(|(at, host)| {
                let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
                match host {
                    Host::Tcp(host) => format!("{host}:{port}"),
                    #[cfg(unix)]
                    Host::Unix(path) => format!("{}:{port}", path.display()),
                }
            })
            .collect();
        let database = self.config.get_dbname().or(self.config.get_user()).unwrap_or_default();
        format!("{}/{database}", hosts.join(","))
    }
}

/// Percent-decodes a parameter. Text that does not decode to UTF-8 stays unchanged.
fn decode(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8().unwrap_or(Cow::Borrowed(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn parameters_of_other_tools_are_applied_or_ignored() {
        let address = Address::parse(
            "databaseUrl",
            "postgresql://me:p%40ss@db.example:5433/shop?schema=app&sslmode=verify-full&sslrootcert=%2Fca.pem\
             &connection_limit=7&pool_timeout=3&statement_timeout=1500&pgbouncer=false&socket_timeout=5&options=-c%20a%3Db",
        )
        .unwrap();
        assert_eq!(address.location(), "db.example:5433/shop");
        assert_eq!(address.config.get_password(), Some(&b"p@ss"[..]));
        assert_eq!(
            (address.market_schema.as_deref(), address.connection_limit),
            (Some("app"), Some(7))
        );
        assert_eq!(
            (address.trust, address.root_certificate.as_deref()),
            (Trust::SignedForHost, Some("/ca.pem"))
        );
        assert_eq!(address.pool_timeout, Duration::from_secs(3));
        assert_eq!(address.pgbouncer, Some(false));
        assert_eq!(
            address.dedicated_session().get_options(),
            Some("-c a=b -c statement_timeout=1500 -c aitradepro.session=on")
        );
        assert_eq!(address.shared_session().get_options(), Some("-c a=b"));
        assert_eq!(address.ignored_parameters, ["socket_timeout"]);
        assert_eq!(format!("{address:?}"), r#"Address("db.example:5433/shop")"#);
    }

    #[test]
    fn ssl_modes_are_those_of_libpq() {
        let mode = |query: &str| {
            let address =
                Address::parse("databaseUrl", &format!("postgres://h/d?{query}")).unwrap();
            (address.config.get_ssl_mode(), address.trust)
        };
        assert_eq!(mode(""), (SslMode::Prefer, Trust::Any));
        assert_eq!(mode("sslmode=disable"), (SslMode::Disable, Trust::Any));
        assert_eq!(mode("sslmode=require"), (SslMode::Require, Trust::Any));
        assert_eq!(mode("sslmode=require&sslrootcert=a"), (SslMode::Require, Trust::Signed));
        assert_eq!(mode("sslmode=verify-ca"), (SslMode::Require, Trust::Signed));
        assert_eq!(mode("sslmode=verify-full"), (SslMode::Require, Trust::SignedForHost));
    }

    #[test]
    fn errors_do_not_contain_the_password() {
        for (url, expected) in [
            ("postgresql://u:secret@h:port/d", "option `port`"),
            ("postgresql://u:secret@h/d?sslmode=maybe", "sslmode must be disable"),
            ("postgresql://u:secret@h/d?connection_limit=0", "connection_limit must be"),
            ("postgresql://u:secret@h/d?statement_timeout=secret", "statement_timeout must be"),
        ] {
            let error = Address::parse("marketDataUrl", url).unwrap_err();
            assert_eq!(error.issues[0].path, "config.marketDataUrl");
            assert!(error.message.contains("(MARKET_DATA_URL)"), "{}", error.message);
            assert_eq!(error.code, Code::InvalidArgument);
            assert!(!error.message.contains("secret"), "{}", error.message);
            assert!(error.message.contains(expected), "{}", error.message);
        }
        // A question mark in the password does not start the parameters.
        let address = Address::parse("databaseUrl", "postgresql://u:se?cret@h/d").unwrap();
        assert_eq!(address.config.get_password(), Some(&b"se?cret"[..]));
    }

    #[test]
    fn parameters_are_percent_decoded_unless_they_do_not_decode() {
        for (encoded, decoded) in
            [("a%20b", "a b"), ("%C3%BC", "ü"), ("100%", "100%"), ("%zz", "%zz"), ("%FF", "%FF")]
        {
            assert_eq!(decode(encoded), decoded);
        }
    }
}
