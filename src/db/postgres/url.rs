//! The parts of a database URL.
//!
//! Readers of such URLs disagree about characters that are not encoded. libpq ends the user and the password at the first `@`,
//! and finds none if a `/` precedes it. Prisma ends them at the last `@`, and finds none if `/`, `?` or `#` precedes it. What
//! one reader takes for the password, another takes for a host, a database or a parameter: it is sent to name servers and
//! named in messages. So a URL whose password they could read differently is rejected.

use percent_encoding::percent_decode_str;

/// The port of a host without one.
const DEFAULT_PORT: u16 = 5432;

/// The parameters whose values may contain an unencoded `@`.
const TEXT_PARAMETERS: [&str; 5] =
    ["application_name", "options", "password", "sslrootcert", "user"];

/// The parts of a database URL, decoded.
pub(super) struct UrlParts<'a> {
    /// The user; `None` if it is empty.
    pub user: Option<String>,
    /// The password; `None` if it is empty.
    pub password: Option<Vec<u8>>,
    /// Names, addresses or socket folders, each with its port; empty if the URL names none.
    pub hosts: Vec<(String, u16)>,
    /// The database; `None` if it is empty.
    pub database: Option<String>,
    /// The parameters, not decoded.
    pub query: &'a str,
}

impl<'a> UrlParts<'a> {
    /// Splits a URL.
    ///
    /// # Errors
    /// Says what is wrong. The texts are constants, so they contain no part of the URL.
    pub fn split(url: &'a str) -> Result<Self, &'static str> {
        let rest = without_scheme(url).ok_or("it does not begin with postgresql://")?;
        if rest.chars().any(char::is_control) {
            return Err("it contains a line break or another control character");
        }
        if rest.contains("%00") {
            return Err("it contains %00, which PostgreSQL does not accept");
        }
        let (base, query) = match rest.split_once('?') {
            Some((base, query)) if is_query(query) => (base, query),
            _ => (rest, ""),
        };
        let (credentials, place) = match base.split_once('@') {
            Some((credentials, place)) => (Some(credentials), place),
            None => (None, base),
        };
        if place.contains('@') {
            return Err("it contains more than one @");
        }
        let (user, password) = credentials.map_or(Ok((None, None)), user_and_password)?;
        let (hosts, database) = place.split_once('/').unwrap_or((place, ""));
        Ok(Self {
            user,
            password,
            hosts: if hosts.is_empty() {
                Vec::new()
            } else {
                hosts.split(',').map(host_and_port).collect::<Result<_, _>>()?
            },
            database: non_empty(decode(database).ok_or("the database is not encoded UTF-8")?),
            query,
        })
    }
}

fn without_scheme(url: &str) -> Option<&str> {
    ["postgresql://", "postgres://"].into_iter().find_map(|scheme| url.strip_prefix(scheme))
}

/// Returns whether the text after the first `?` consists of parameters. Otherwise an `@` shows that the `?` is in the password.
fn is_query(text: &str) -> bool {
    text.split('&')
        .filter(|pair| pair.contains('@'))
        .all(|pair| pair.split_once('=').is_some_and(|(name, _)| TEXT_PARAMETERS.contains(&name)))
}

/// Splits the text in front of the `@`.
fn user_and_password(credentials: &str) -> Result<(Option<String>, Option<Vec<u8>>), &'static str> {
    if credentials.contains(['/', '?', '#']) {
        return Err("a /, ? or # precedes the @");
    }
    let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
    let user = String::from_utf8(decode_login(user)?).or(Err("the user is not encoded UTF-8"))?;
    if password.is_empty() && user.contains(':') {
        // Messages of the server name the user.
        return Err("the : between the user and the password must not be encoded");
    }
    let password = decode_login(password)?;
    Ok((non_empty(user), Some(password).filter(|password| !password.is_empty())))
}

/// Percent-decodes a user or a password. A password need not be UTF-8.
///
/// # Errors
/// Says that a `%` does not begin a code: a `%` that is not encoded.
pub(super) fn decode_login(text: &str) -> Result<Vec<u8>, &'static str> {
    if has_stray_percent(text) {
        return Err("a % in the user or the password does not begin a code such as %40");
    }
    Ok(percent_decode_str(text).collect())
}

/// Splits a host and its port. What cannot be a host is rejected: it may be a password whose `@` was encoded.
fn host_and_port(text: &str) -> Result<(String, u16), &'static str> {
    const INVALID: &str =
        "a host is not a name, an IP address (IPv6 in brackets) or an encoded socket folder";
    let (host, port) = if let Some(bracketed) = text.strip_prefix('[') {
        let (address, rest) = bracketed.split_once(']').ok_or(INVALID)?;
        let address = decode(address).filter(|address| is_ipv6(address)).ok_or(INVALID)?;
        let port = if rest.is_empty() { Some("") } else { rest.strip_prefix(':') };
        (address, port.ok_or(INVALID)?)
    } else {
        let (host, port) = text.split_once(':').unwrap_or((text, ""));
        (decode(host).filter(|host| is_name_or_folder(host)).ok_or(INVALID)?, port)
    };
    let host = if host.is_empty() { "localhost".to_owned() } else { host };
    if port.is_empty() {
        return Ok((host, DEFAULT_PORT));
    }
    let number = port.parse().ok().filter(|number| *number > 0 && !port.starts_with('+'));
    Ok((host, number.ok_or("a port is not an integer between 1 and 65535")?))
}

/// Returns whether a text is an IPv6 address, with or without a zone.
fn is_ipv6(text: &str) -> bool {
    let (address, zone) = text.split_once('%').unwrap_or((text, ""));
    address.parse::<std::net::Ipv6Addr>().is_ok() && is_name(zone)
}

fn is_name_or_folder(host: &str) -> bool {
    host.starts_with('/') || is_name(host)
}

fn is_name(text: &str) -> bool {
    text.chars().all(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '.' | '_'))
}

/// Returns whether a `%` is not followed by two hexadecimal digits.
fn has_stray_percent(text: &str) -> bool {
    text.split('%').skip(1).any(|after| {
        !matches!(after.as_bytes(), [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
    })
}

/// Percent-decodes a text; `None` if the result is not UTF-8.
fn decode(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

fn non_empty(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(url: &str) -> &'static str {
        UrlParts::split(url).err().unwrap_or_else(|| panic!("{url} should be rejected"))
    }

    #[test]
    fn parts_are_decoded() {
        let parts = UrlParts::split("postgresql://m%65:p%40%2F%FF@db.example:6000/shop%23?a=b/c?d")
            .unwrap();
        assert_eq!(parts.user.as_deref(), Some("me"));
        assert_eq!(parts.password.as_deref(), Some(&b"p@/\xff"[..]));
        assert_eq!(parts.hosts, [("db.example".to_owned(), 6000)]);
        assert_eq!((parts.database.as_deref(), parts.query), (Some("shop#"), "a=b/c?d"));
    }

    #[test]
    fn every_part_is_optional() {
        for url in ["postgresql://", "postgres:///", "postgresql://@/?", "postgresql://:@"] {
            let parts = UrlParts::split(url).unwrap();
            assert_eq!((parts.user, parts.password, parts.database), (None, None, None), "{url}");
            assert_eq!((parts.hosts, parts.query), (vec![], ""), "{url}");
        }
    }

    #[test]
    fn hosts_are_names_addresses_or_folders() {
        for (text, host, port) in [
            ("h", "h", 5432),
            ("db-1.x_y.example:6000", "db-1.x_y.example", 6000),
            ("127.0.0.1:", "127.0.0.1", 5432),
            (":6000", "localhost", 6000),
            ("[::1]", "::1", 5432),
            ("[fe80::1%25eth0]:6000", "fe80::1%eth0", 6000),
            ("%2Fvar%2Frun%2Fpostgresql", "/var/run/postgresql", 5432),
            ("%2Ftmp%2Fa b:6000", "/tmp/a b", 6000),
            ("bücher.example", "bücher.example", 5432),
        ] {
            assert_eq!(host_and_port(text), Ok((host.to_owned(), port)), "{text}");
        }
        let several = UrlParts::split("postgresql://a,[::1]:6000,c:6001?x").unwrap();
        let hosts = [("a".to_owned(), 5432), ("::1".to_owned(), 6000), ("c".to_owned(), 6001)];
        assert_eq!(several.hosts, hosts);
        for text in ["a b", "u%3Asecret%40h", "a%", "#", "[::1", "[x]", "[::1]6000", "a\\b"] {
            assert!(host_and_port(text).unwrap_err().starts_with("a host"), "{text}");
        }
        for text in ["h:x", "h:0", "h:+1", "h:65536", "h:1:2", "::1", "h:%31"] {
            assert!(host_and_port(text).unwrap_err().starts_with("a port"), "{text}");
        }
    }

    #[test]
    fn a_password_may_contain_characters_that_libpq_and_prisma_read_alike() {
        let parts = UrlParts::split("postgresql://u: a:b&c=d[e]\"'ü,;+$!\\|{}<>^`~*()@h").unwrap();
        let password = parts.password.unwrap();
        assert_eq!(str::from_utf8(&password), Ok(" a:b&c=d[e]\"'ü,;+$!\\|{}<>^`~*()"));
        assert_eq!(parts.hosts, [("h".to_owned(), 5432)]);
    }

    #[test]
    fn texts_of_parameters_may_contain_an_at_sign() {
        for name in TEXT_PARAMETERS {
            let query = format!("sslmode=disable&{name}=a@b&foo=1");
            for base in ["u:p@h/d", "h/d", ""] {
                let url = format!("postgresql://{base}?{query}");
                let parts = UrlParts::split(&url).unwrap();
                assert_eq!(parts.query, query);
                assert_eq!(parts.user.as_deref(), base.contains('@').then_some("u"));
            }
        }
    }

    #[test]
    fn other_passwords_must_be_encoded() {
        for (url, expected) in [
            ("postgresql://u:a@b@h/d", "more than one @"),
            ("postgresql://u:a@b?application_name=c&d@h/d", "more than one @"),
            ("postgresql://u:a@h/d?foo=b@c", "more than one @"),
            ("postgresql://u:a/b@h/d", "precedes the @"),
            ("postgresql://u:12/b@h/d", "precedes the @"),
            ("postgresql://u:a?b@h/d", "precedes the @"),
            ("postgresql://u:a#b@h/d", "precedes the @"),
            ("postgresql://u:a?options&b@h/d", "precedes the @"),
            ("postgresql://u:a?options=b@h/d", "a port"),
            ("postgresql://u:a%@h/d", "a % in"),
            ("postgresql://u:100%!@h/d", "a % in"),
            ("postgresql://u:%4@h/d", "a % in"),
            ("postgresql://u:%é@h/d", "a % in"),
            ("postgresql://u%:a@h/d", "a % in"),
            ("postgresql://u:a%00@h/d", "%00"),
            ("postgresql://u:a\n@h/d", "line break"),
            ("postgresql://u:a@h/d\nOTHER=b", "line break"),
            ("postgresql://u%3Asecret@h/d", "the : between"),
            ("postgresql://u:secret%40h/d", "a port"),
            ("postgresql://u%3Asecret%40h/d", "a host"),
            ("postgresql://u:secret/d", "a port"),
            ("postgresql://%ff:a@h/d", "the user is"),
            ("postgresql://u:a@h/%ff", "the database is"),
            ("mysql://u:a@h/d", "does not begin"),
            (" postgresql://u:a@h/d", "does not begin"),
            ("host=h user=u password=a", "does not begin"),
        ] {
            assert!(error(url).contains(expected), "{url}: {}", error(url));
        }
    }
}
