//! The URL of a database, read by us: tokio-postgres refuses a whole URL for one parameter that it does not know, such as
//! those which Prisma adds.

use std::str::FromStr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use super::tls::Trust;
use crate::config::environment_name;
use crate::error::{Error, Result};

/// How long a connection may take to come up.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);
/// How long a caller waits for a connection that is free.
const WAIT: Duration = Duration::from_secs(30);
/// How long a statement may take.
const STATEMENT: Duration = Duration::from_mins(5);

/// A setting of the session that means nothing to the server: where it arrives, the session is ours alone.
pub(crate) const MARK: &str = "aitradepro.session";

/// Where a database is, and how to speak to it.
#[derive(Clone)]
pub(crate) struct Address {
    /// What tokio-postgres connects with, without settings of the session; holds the password.
    pub config: Config,
    /// Whom to trust, where the connection is encrypted.
    pub trust: Trust,
    /// The file of the root certificates, or nothing for those of the web.
    pub root_certificate: Option<String>,
    /// The schema of the backend's tables (Prisma's `schema`).
    pub market_schema: Option<String>,
    /// Most connections (Prisma's `connection_limit`).
    pub connection_limit: Option<usize>,
    /// How long a caller waits for a connection that is free (Prisma's `pool_timeout`).
    pub wait: Duration,
    /// How long a statement may take; nothing for any time.
    pub statement_timeout: Option<Duration>,
    /// Whether a pooler stands in between that gives each transaction another connection of the server; nothing where the
    /// URL does not say.
    pub pgbouncer: Option<bool>,
    /// What the URL says of the session.
    options: Option<String>,
    /// What the URL says besides, which was left out.
    pub unknown: Vec<String>,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Address").field(&self.place()).finish()
    }
}

impl Address {
    /// Reads the URL that a setting has; what is wrong with it is said without repeating any of it, since it may hold a
    /// password.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a URL that cannot be read.
    pub fn parse(setting: &str, url: &str) -> Result<Self> {
        let wrong = |what: &str| {
            Error::invalid(
                &format!("config.{setting}"),
                "format",
                format!(
                    "{setting} ({}) cannot be read: {what}; it must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with \
                     special characters of the password percent-encoded",
                    environment_name(setting)
                ),
            )
        };
        // A password may hold an unencoded question mark, a host may not.
        let authority = url.rfind('@').unwrap_or(0);
        let rest = url.get(authority..).unwrap_or_default();
        let (base, query) = match rest.find('?') {
            Some(at) => {
                (url.get(..authority + at).unwrap_or(url), rest.get(at + 1..).unwrap_or_default())
            }
            None => (url, ""),
        };
        let mut config = Config::from_str(base).map_err(|error| {
            // Its texts name the option and the kind of fault, never a value.
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            wrong(&cause.unwrap_or_else(|| "it is no connection string".into()))
        })?;
        if config.get_hosts().is_empty() {
            config.host("localhost");
        }
        config.connect_timeout(CONNECT).application_name("aitradepro-backtesting");
        config
            .keepalives_idle(Duration::from_secs(30))
            .keepalives_interval(Duration::from_secs(10))
            .keepalives_retries(3);
        // What was sent and is not acknowledged: keepalives do not look after that.
        config.tcp_user_timeout(Duration::from_mins(1));
        config.ssl_mode(SslMode::Prefer);
        let mut address = Self {
            config,
            trust: Trust::Anyone,
            root_certificate: None,
            market_schema: None,
            connection_limit: None,
            wait: WAIT,
            statement_timeout: Some(STATEMENT),
            pgbouncer: None,
            options: None,
            unknown: Vec::new(),
        };
        let mut mode = None;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name), decode(value));
            address
                .set(&name, &value, &mut mode)
                .map_err(|allowed| wrong(&format!("{name} must be {allowed}")))?;
        }
        address
            .set_mode(mode.as_deref())
            .map_err(|allowed| wrong(&format!("sslmode must be {allowed}")))?;
        Ok(address)
    }

    /// Takes one parameter; fails with what is allowed.
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
                .map_err(|_| "a whole number of seconds")
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
                self.connection_limit = Some(limit.ok_or("a whole number above 0")?);
            }
            "pool_timeout" => self.wait = seconds()?,
            "connect_timeout" => {
                // 0 is "for ever" to libpq and "not at all" to tokio-postgres.
                let timeout = seconds()?;
                self.config.connect_timeout(if timeout.is_zero() { CONNECT } else { timeout });
            }
            "statement_timeout" => {
                let milliseconds: u32 =
                    value.parse().map_err(|_| "a whole number of milliseconds")?;
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
            "options" => self.options = Some(value.to_owned()).filter(|own| !own.is_empty()),
            _ => self.unknown.push(name.to_owned()),
        }
        Ok(())
    }

    /// Sets how far the connection is encrypted, in the sense of libpq: `require` encrypts and trusts anyone, unless a root
    /// certificate is named.
    fn set_mode(&mut self, mode: Option<&str>) -> Result<(), &'static str> {
        let (mode, trust) = match mode.unwrap_or("prefer") {
            "disable" => (SslMode::Disable, Trust::Anyone),
            "allow" | "prefer" => (SslMode::Prefer, Trust::Anyone),
            "require" if self.root_certificate.is_none() => (SslMode::Require, Trust::Anyone),
            "no-verify" => (SslMode::Require, Trust::Anyone),
            "require" | "verify-ca" => (SslMode::Require, Trust::Signed),
            "verify-full" => (SslMode::Require, Trust::SignedForHost),
            _ => return Err("disable, prefer, require, no-verify, verify-ca or verify-full"),
        };
        self.config.ssl_mode(mode);
        self.trust = trust;
        Ok(())
    }

    /// Returns what to connect with where a session is ours alone: it is set up at its beginning, and marked.
    pub fn session(&self) -> Config {
        let mut options: Vec<String> = self.options.iter().cloned().collect();
        if let Some(timeout) = self.statement_timeout {
            options.push(format!("-c statement_timeout={}", timeout.as_millis()));
        }
        options.push(format!("-c {MARK}=on"));
        let mut config = self.config.clone();
        config.options(options.join(" "));
        config
    }

    /// Returns what to connect with where sessions are shared: poolers refuse settings of the session, so that each
    /// transaction makes its own.
    pub fn shared_session(&self) -> Config {
        let mut config = self.config.clone();
        if let Some(options) = &self.options {
            config.options(options);
        }
        config
    }

    /// Names the database for a message: host, port and database.
    pub fn place(&self) -> String {
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

/// Decodes percent signs; what does not decode stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn parameters_of_other_tools_are_understood_or_left_out() {
        let address = Address::parse(
            "databaseUrl",
            "postgresql://me:p%40ss@db.example:5433/shop?schema=app&sslmode=verify-full&sslrootcert=%2Fca.pem\
             &connection_limit=7&pool_timeout=3&statement_timeout=1500&pgbouncer=false&socket_timeout=5&options=-c%20a%3Db",
        )
        .unwrap();
        assert_eq!(address.place(), "db.example:5433/shop");
        assert_eq!(address.config.get_password(), Some(&b"p@ss"[..]));
        assert_eq!(
            (address.market_schema.as_deref(), address.connection_limit),
            (Some("app"), Some(7))
        );
        assert_eq!(
            (address.trust, address.root_certificate.as_deref()),
            (Trust::SignedForHost, Some("/ca.pem"))
        );
        assert_eq!(address.wait, Duration::from_secs(3));
        assert_eq!(address.pgbouncer, Some(false));
        assert_eq!(
            address.session().get_options(),
            Some("-c a=b -c statement_timeout=1500 -c aitradepro.session=on")
        );
        assert_eq!(address.shared_session().get_options(), Some("-c a=b"));
        assert_eq!(address.unknown, ["socket_timeout"]);
        assert_eq!(format!("{address:?}"), r#"Address("db.example:5433/shop")"#);
    }

    #[test]
    fn modes_are_those_of_libpq() {
        let mode = |query: &str| {
            let address =
                Address::parse("databaseUrl", &format!("postgres://h/d?{query}")).unwrap();
            (address.config.get_ssl_mode(), address.trust)
        };
        assert_eq!(mode(""), (SslMode::Prefer, Trust::Anyone));
        assert_eq!(mode("sslmode=disable"), (SslMode::Disable, Trust::Anyone));
        assert_eq!(mode("sslmode=require"), (SslMode::Require, Trust::Anyone));
        assert_eq!(mode("sslmode=require&sslrootcert=a"), (SslMode::Require, Trust::Signed));
        assert_eq!(mode("sslmode=verify-ca"), (SslMode::Require, Trust::Signed));
        assert_eq!(mode("sslmode=verify-full"), (SslMode::Require, Trust::SignedForHost));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
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
        // A question mark in the password is no beginning of parameters.
        let address = Address::parse("databaseUrl", "postgresql://u:se?cret@h/d").unwrap();
        assert_eq!(address.config.get_password(), Some(&b"se?cret"[..]));
    }
}
