//! Random passwords in URLs: either the password is read exactly, or the URL is rejected and no part of it is shown.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::address::Address;
use crate::error::Code;

/// URLs around a password: all kinds of hosts, databases and parameters.
const URLS: [(&str, &str); 8] = [
    ("postgresql://u:", "@h:6000/d"),
    ("postgres://u:", "@h"),
    ("postgresql://:", "@/d"),
    ("postgresql://u:", "@h1,h2:6000/d?schema=s&foo=1"),
    ("postgresql://u:", "@[::1]:6000/d?pgbouncer=true"),
    ("postgresql://u:", "@%2Frun%2Fpg/d"),
    ("postgresql://u:", "@127.0.0.1:6000/?sslmode=disable"),
    ("postgresql://u%40corp:", "@h/d?options=-c%20a%3Db"),
];

/// A generator of random numbers that is the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % end as u64).unwrap()
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// A password of words that occur neither in URLS nor in any message, digits that could be a port, and delimiters.
    fn password(&mut self) -> String {
        const WORDS: [&str; 6] = ["Zqj", "xWv", "8731", "4k", "Öß", "J"];
        const DELIMITERS: [&str; 26] = [
            "@", "@", ":", ":", "/", "/", "#", "?", "%", "&", "=", " ", "[", "]", "'", "\"", "\\",
            "+", ",", ";", "$", "%4", "%zz", "%41", "://", "é",
        ];
        (0..=self.below(7)).flat_map(|_| [self.pick(&WORDS), self.pick(&DELIMITERS)]).collect()
    }
}

/// Panics if a text contains three successive characters of a password that its URL does not contain elsewhere.
fn assert_hides(text: &str, password: &str, around: (&str, &str), fixed: &str) {
    let letters: Vec<char> = password.chars().collect();
    for part in letters.windows(3).map(|part| part.iter().collect::<String>()) {
        let is_public = [around.0, around.1, fixed].iter().any(|text| text.contains(&part));
        assert!(is_public || !text.contains(&part), "{part:?} of {password:?} is in {text}");
    }
}

#[test]
fn a_password_is_read_exactly_or_rejected_without_being_shown() {
    let example = Address::parse("databaseUrl", "postgresql://u:a@b@h").unwrap_err().message;
    let mut random = Random(1);
    let (mut accepted, mut rejected) = (0, 0);
    for _ in 0..20_000 {
        let password = random.password();
        let around = random.pick(&URLS);
        let expected =
            Address::parse("databaseUrl", &format!("{}x{}", around.0, around.1)).unwrap();
        let is_same_place = |address: &Address| {
            address.location() == expected.location()
                && address.config.get_user() == expected.config.get_user()
                && address.config.get_hosts() == expected.config.get_hosts()
                && address.ignored_parameters == expected.ignored_parameters
        };

        let raw = format!("{}{password}{}", around.0, around.1);
        match Address::parse("databaseUrl", &raw) {
            Ok(address) => {
                let decoded: Vec<u8> = percent_decode_str(&password).collect();
                assert_eq!(address.config.get_password(), Some(decoded.as_slice()), "{raw}");
                assert!(is_same_place(&address), "{raw}: {address:?}");
                assert_hides(&format!("{address:?} {:?}", address.config), &password, around, "");
                accepted += 1;
            }
            Err(error) => {
                assert_eq!((error.code, error.retryable), (Code::InvalidArgument, false));
                assert_hides(&format!("{error:?}"), &password, around, &example);
                assert!(error.message.contains("encodeURIComponent(password): @ is %40"));
                rejected += 1;
            }
        }

        let encoded = utf8_percent_encode(&password, NON_ALPHANUMERIC);
        let address =
            Address::parse("databaseUrl", &format!("{}{encoded}{}", around.0, around.1)).unwrap();
        assert_eq!(address.config.get_password(), Some(password.as_bytes()), "{password}");
        assert!(is_same_place(&address), "{password}: {address:?}");
    }
    assert!(accepted > 1_000 && rejected > 10_000, "{accepted} accepted, {rejected} rejected");
}
