//! The address of a database and the parameters of its URL: those of libpq and Prisma that have a meaning here. Others are
//! ignored.

use std::borrow::Cow;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use super::tls::Trust;
use super::url::{UrlParts, decode_login};
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
    /// The name of the setting that holds the URL, for messages.
    setting: &'static str,
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
    /// How many more were ignored whose names must not be shown: they may be part of a password.
    pub unnamed_parameters: usize,
    /// Whether the names of further parameters may be part of a password: one with an unencoded `&`, or one in which the URL
    /// was cut off.
    hides_names: bool,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Address").field(&self.setting()).finish()
    }
}

impl Address {
    /// Parses the URL of a setting. Errors do not repeat any part of the URL, since it may contain a password.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if the URL is not valid.
    pub fn parse(setting: &'static str, url: &str) -> Result<Self> {
        let invalid = |what: &'static str| {
            Error::invalid(
                &format!("config.{setting}"),
                "format",
                format!(
                    "{setting} ({}) is not a valid URL: {what}; it must be postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with \
                     special characters of the user, the password and the parameters percent-encoded, in JavaScript with \
                     encodeURIComponent(password): @ is %40, : is %3A, / is %2F, ? is %3F, # is %23, % is %25",
                    environment_name(setting)
                ),
            )
        };
        let UrlParts { user, password, hosts, database, query } =
            UrlParts::split(url).map_err(invalid)?;
        let mut config = Config::new();
        if let Some(user) = user {
            config.user(user);
        }
        if let Some(password) = password {
            config.password(password);
        }
        if let Some(database) = database {
            config.dbname(database);
        }
        for (host, port) in hosts {
            config.host(host).port(port);
        }
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
            setting,
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
            unnamed_parameters: 0,
            hides_names: false,
        };
        address.hides_names = !address.is_complete();
        let mut mode = None;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name);
            if name == "password" {
                // It need not be UTF-8.
                address.config.password(decode_login(value).map_err(invalid)?);
            } else {
                address.set(&name, &decode(value), &mut mode).map_err(invalid)?;
            }
            address.hides_names |= holds_secret(&name);
        }
        address.set_ssl_mode(mode.as_deref()).map_err(invalid)?;
        Ok(address)
    }

    /// Applies one parameter; fails with a description of the allowed values, which does not contain the value.
    fn set(
        &mut self,
        name: &str,
        value: &str,
        mode: &mut Option<String>,
    ) -> Result<(), &'static str> {
        let seconds = |error: &'static str| {
            value.parse::<u32>().map(|seconds| Duration::from_secs(seconds.into())).or(Err(error))
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
                self.connection_limit =
                    Some(limit.ok_or("connection_limit must be an integer above 0")?);
            }
            "pool_timeout" => {
                self.pool_timeout = seconds("pool_timeout must be an integer number of seconds")?;
            }
            "connect_timeout" => {
                // 0 means no limit to libpq, and no wait at all to tokio-postgres.
                let timeout = seconds("connect_timeout must be an integer number of seconds")?;
                self.config.connect_timeout(if timeout.is_zero() {
                    CONNECT_TIMEOUT
                } else {
                    timeout
                });
            }
            "statement_timeout" => {
                let milliseconds: u32 = value
                    .parse()
                    .or(Err("statement_timeout must be an integer number of milliseconds"))?;
                self.statement_timeout =
                    (milliseconds > 0).then(|| Duration::from_millis(milliseconds.into()));
            }
            "pgbouncer" => {
                self.pgbouncer = match value {
                    "true" | "1" | "" => Some(true),
                    "false" | "0" => Some(false),
                    _ => return Err("pgbouncer must be true or false"),
                }
            }
            "application_name" => {
                self.config.application_name(value);
            }
            "user" => {
                self.config.user(value);
            }
            "options" => {
                self.options = Some(value.to_owned()).filter(|options| !options.is_empty());
            }
            _ if self.hides_names => self.unnamed_parameters += 1,
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
            _ => {
                return Err(
                    "sslmode must be disable, prefer, require, no-verify, verify-ca or verify-full",
                );
            }
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

    /// Returns whether the URL names a user or a database. One that does not may have been cut off in the password:
    /// `postgresql://USER:123`, because a file of variables contains `postgresql://USER:123#…@HOST` without quotes.
    fn is_complete(&self) -> bool {
        self.config.get_user().is_some() || self.config.get_dbname().is_some()
    }

    /// Returns host, port and database, for messages; without the port if the URL is not complete.
    pub fn location(&self) -> String {
        use tokio_postgres::config::Host;
        let database = self.config.get_dbname();
        let ports = self.config.get_ports();
        let hosts: Vec<String> = self
            .config
            .get_hosts()
            .iter()
            .enumerate()
            .map(|(at, host)| {
                let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
                let host = match host {
                    Host::Tcp(host) => host.clone(),
                    #[cfg(unix)]
                    Host::Unix(path) => path.display().to_string(),
                };
                if self.is_complete() { format!("{host}:{port}") } else { host }
            })
            .collect();
        let hosts = hosts.join(",");
        database.map_or(hosts.clone(), |database| format!("{hosts}/{database}"))
    }

    /// Returns the setting that holds the URL, and its environment variable, for messages.
    pub fn setting(&self) -> String {
        format!("{} ({})", self.setting, environment_name(self.setting))
    }

    /// Hides the user in a message of the server if the URL contains no password: a token or a password may stand in its
    /// place. Names shorter than a secret are shown.
    pub fn without_secret_user(&self, message: &str) -> String {
        const SHORTEST_SECRET: usize = 4;
        match (self.config.get_user(), self.config.get_password()) {
            (Some(user), None) if user.chars().count() >= SHORTEST_SECRET => {
                message.replace(user, "…")
            }
            _ => message.to_owned(),
        }
    }
}

/// Returns whether the value of a parameter is a secret, judged by its name: `password`, `sslpassword`, `token`, …
fn holds_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["pass", "pwd", "secret", "token", "key"].iter().any(|word| name.contains(word))
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
        assert_eq!(format!("{address:?}"), r#"Address("databaseUrl (DATABASE_URL)")"#);
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
    fn errors_name_the_setting_and_the_encoding_but_no_part_of_the_url() {
        for (url, expected) in [
            ("postgresql://u:secret@h:port/d", "a port is not"),
            ("postgresql://u:se@secret@h/d", "more than one @"),
            ("postgresql://u:secret@h/d?sslmode=maybe", "sslmode must be disable"),
            ("postgresql://u:secret@h/d?connection_limit=0", "connection_limit must be"),
            ("postgresql://u:secret@h/d?pool_timeout=secret", "pool_timeout must be"),
            ("postgresql://u:secret@h/d?connect_timeout=secret", "connect_timeout must be"),
            ("postgresql://u:secret@h/d?statement_timeout=secret", "statement_timeout must be"),
            ("postgresql://u:secret@h/d?pgbouncer=secret", "pgbouncer must be"),
            ("postgresql://u@h/d?password=100%secret", "a % in the user or the password"),
            ("host=h user=u password=secret", "does not begin with postgresql://"),
        ] {
            let error = Address::parse("marketDataUrl", url).unwrap_err();
            assert_eq!(error.issues[0].path, "config.marketDataUrl");
            assert_eq!((error.code, error.retryable), (Code::InvalidArgument, false));
            assert!(!error.message.contains("secret"), "{}", error.message);
            for part in [expected, "(MARKET_DATA_URL)", "encodeURIComponent", "@ is %40"] {
                assert!(error.message.contains(part), "{}", error.message);
            }
        }
    }

    #[test]
    fn ignored_parameters_that_may_be_part_of_a_password_are_not_named() {
        let ignored = |query: &str| {
            let url = format!("postgresql://h/d?{query}");
            let address = Address::parse("databaseUrl", &url).unwrap();
            (address.ignored_parameters, address.unnamed_parameters)
        };
        assert_eq!(ignored("a=1&pgbouncer=true&b"), (vec!["a".to_owned(), "b".to_owned()], 0));
        assert_eq!(
            ignored("a=1&sslpassword=se&cret=1&x"),
            (vec!["a".to_owned(), "sslpassword".to_owned()], 2)
        );
        assert_eq!(ignored("a=1&password=se&cret=1&x"), (vec!["a".to_owned()], 2));
        assert_eq!(ignored("password=se&keyhole"), (vec![], 1));
        // It may have been cut off: postgresql://u:12?ab#c@h/d.
        let address = Address::parse("databaseUrl", "postgresql://u:12?ab").unwrap();
        assert_eq!((address.ignored_parameters, address.unnamed_parameters), (vec![], 1));
    }

    #[test]
    fn the_login_may_be_given_by_parameters() {
        let url = "postgresql://a:b@h/d?user=me%40corp&password=p%40s&s=%FF";
        let address = Address::parse("databaseUrl", url).unwrap();
        assert_eq!(address.config.get_user(), Some("me@corp"));
        assert_eq!(address.config.get_password(), Some(&b"p@s"[..]));
        let address = Address::parse("databaseUrl", "postgresql://h?password=a@%FF").unwrap();
        assert_eq!(address.config.get_password(), Some(&b"a@\xff"[..]));
        assert_eq!(format!("{address:?}"), "Address(\"databaseUrl (DATABASE_URL)\")");
    }

    #[test]
    fn a_user_that_may_be_a_password_is_hidden() {
        let hide = |url: &str| {
            let address = Address::parse("databaseUrl", url).unwrap();
            address.without_secret_user("role \"sesame\" does not exist")
        };
        assert_eq!(hide("postgresql://sesame@h/d"), "role \"…\" does not exist");
        assert_eq!(hide("postgresql://h?user=sesame"), "role \"…\" does not exist");
        assert_eq!(hide("postgresql://sesame:x@h/d"), "role \"sesame\" does not exist");
        assert_eq!(hide("postgresql://oes@h/d"), "role \"sesame\" does not exist");
        assert_eq!(hide("postgresql://h/d"), "role \"sesame\" does not exist");
    }

    #[test]
    fn a_url_that_may_have_been_cut_off_in_the_password_is_located_by_its_host() {
        for (url, location) in [
            ("postgresql://u:123", "u"),
            ("postgresql://u:123/d", "u:123/d"),
            ("postgresql://u:123@h1,h2:6000", "h1:5432,h2:6000"),
            ("postgresql://secret@h", "h:5432"),
            ("postgresql://:123@%2Frun/d", "/run:5432/d"),
            ("postgresql://", "localhost"),
        ] {
            assert_eq!(Address::parse("databaseUrl", url).unwrap().location(), location);
        }
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
