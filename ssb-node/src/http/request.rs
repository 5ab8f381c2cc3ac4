//! The head of a request, as far as it means something here.

use httparse::Header;

/// The longest head of a request, in bytes. Browsers send about 700.
pub(crate) const HEAD_LEN_MAX: usize = 8 * 1024;

/// The most fields of a head.
pub(crate) const FIELDS_MAX: usize = 64;

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Percent-decoded.
    pub(crate) path: String,
    /// What stands behind the `?`, as it came.
    pub(crate) query: String,
    /// The host that was asked for, without its port.
    pub(crate) host: Option<String>,
    pub(crate) range: Option<String>,
    pub(crate) if_range: Option<String>,
    pub(crate) if_none_match: Option<String>,
    /// Whether there may be another request on the connection.
    pub(crate) goes_on: bool,
    /// Whether an answer may come in chunks.
    pub(crate) takes_chunks: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// Send it.
    Get,
    /// Say what would be sent.
    Head,
}

/// Why a request is none that is answered. The connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is not HTTP, or has a body.
    Malformed,
    /// It is of another method.
    Method,
    /// Its head is too long, or has too many fields.
    TooLong,
}

/// Reads the head at the front of `bytes`, and says how long it is. `None` if it is not all there.
///
/// # Errors
///
/// [`Refusal`].
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<(usize, Request)>, Refusal> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
    let mut head = httparse::Request::new(&mut fields);
    let len = match head.parse(bytes) {
        Ok(httparse::Status::Complete(len)) if len <= HEAD_LEN_MAX => len,
        Ok(httparse::Status::Partial) if bytes.len() < HEAD_LEN_MAX => return Ok(None),
        Ok(_) | Err(httparse::Error::TooManyHeaders) => return Err(Refusal::TooLong),
        Err(_) => return Err(Refusal::Malformed),
    };
    let fields = Fields(head.headers);
    if fields.has_body() {
        return Err(Refusal::Malformed);
    }
    let method = match head.method {
        Some("GET") => Method::Get,
        Some("HEAD") => Method::Head,
        _ => return Err(Refusal::Method),
    };
    let target = head.path.filter(|target| target.starts_with('/')).ok_or(Refusal::Malformed)?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let is_newer = head.version == Some(1);
    let host = fields.only("host").map_err(|Ambiguous| Refusal::Malformed)?;
    if host.is_none() && is_newer {
        return Err(Refusal::Malformed);
    }
    let says = |word| {
        fields
            .all("connection")
            .any(|text| text.split(',').any(|said| said.trim().eq_ignore_ascii_case(word)))
    };
    let text = |name| fields.all(name).next().map(str::to_owned);
    let request = Request {
        method,
        path: percent_decode(path).ok_or(Refusal::Malformed)?,
        query: query.to_owned(),
        host: host.map(|host| without_port(host).to_owned()),
        range: text("range"),
        if_range: text("if-range"),
        if_none_match: text("if-none-match"),
        takes_chunks: is_newer,
        goes_on: if is_newer { !says("close") } else { says("keep-alive") },
    };
    Ok(Some((len, request)))
}

/// Several fields of a name of which there may be one.
struct Ambiguous;

struct Fields<'a>(&'a [Header<'a>]);

impl<'a> Fields<'a> {
    /// The values of a name. What is not text is none.
    fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |field| field.name.eq_ignore_ascii_case(name));
        named.filter_map(|field| std::str::from_utf8(field.value).ok()).map(str::trim)
    }

    fn only(&self, name: &str) -> Result<Option<&'a str>, Ambiguous> {
        let mut all = self.all(name);
        match (all.next(), all.next()) {
            (_, Some(_)) => Err(Ambiguous),
            (first, None) => Ok(first),
        }
    }

    /// What is asked for here has none, and where one ends nobody looks.
    fn has_body(&self) -> bool {
        self.all("transfer-encoding").next().is_some() || self.all("content-length").any(|len| len != "0")
    }
}

/// The host in front of a port: a name, or an address, which has brackets if it has colons.
fn without_port(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split_once(':').map_or(host, |(name, _)| name),
    }
}

/// `None` if it is not UTF-8. A percent sign that means nothing stays.
pub(crate) fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let (byte, tail) = match (first, tail) {
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (first, tail),
            },
            _ => (first, tail),
        };
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8(bytes).ok()
}

fn digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request(head: &str) -> Result<Option<(usize, Request)>, Refusal> {
        parse(head.replace('\n', "\r\n").as_bytes())
    }

    fn of(head: &str) -> Request {
        request(head).unwrap().unwrap().1
    }

    #[test]
    fn what_means_something_is_read() {
        let asked =
            of("GET /blobs/get/%26a%2Fb+c/d?x=%20&y HTTP/1.1\nHOST: localhost:8989\nRange: bytes=0-1\n\
                        if-none-match: \"x\"\nIf-Range:  \"y\" \nAccept: */*\n\n");

        assert_eq!(
            asked,
            Request {
                method: Method::Get,
                path: "/blobs/get/&a/b+c/d".to_owned(),
                query: "x=%20&y".to_owned(),
                host: Some("localhost".to_owned()),
                range: Some("bytes=0-1".to_owned()),
                if_range: Some("\"y\"".to_owned()),
                if_none_match: Some("\"x\"".to_owned()),
                goes_on: true,
                takes_chunks: true,
            }
        );
        assert_eq!(of("HEAD / HTTP/1.1\nHost: a\n\n").method, Method::Head);
    }

    #[test]
    fn a_host_is_told_from_its_port() {
        let host = |field: &str| of(&format!("GET / HTTP/1.1\nHost: {field}\n\n")).host.unwrap();

        assert_eq!(host("127.0.0.1:8989"), "127.0.0.1");
        assert_eq!(host("[::1]:8989"), "::1");
        assert_eq!(host("a.example"), "a.example");
    }

    #[test]
    fn a_connection_goes_on_as_its_version_and_its_fields_say() {
        let goes_on = |head: &str| of(head).goes_on;

        assert!(goes_on("GET / HTTP/1.1\nHost: a\n\n"));
        assert!(!goes_on("GET / HTTP/1.1\nHost: a\nConnection: x, Close\n\n"));
        assert!(!goes_on("GET / HTTP/1.0\n\n"));
        assert!(goes_on("GET / HTTP/1.0\nConnection: keep-alive\n\n"));
    }

    #[test]
    fn what_is_not_answered_is_refused() {
        for (head, refusal) in [
            ("POST / HTTP/1.1\nHost: a\n\n", Refusal::Method),
            ("get / HTTP/1.1\nHost: a\n\n", Refusal::Method),
            ("GET / HTTP/1.1\n\n", Refusal::Malformed),
            ("GET / HTTP/1.1\nHost: a\nHost: b\n\n", Refusal::Malformed),
            ("GET http://a/ HTTP/1.1\nHost: a\n\n", Refusal::Malformed),
            ("GET /%ff HTTP/1.1\nHost: a\n\n", Refusal::Malformed),
            ("GET / HTTP/1.1\nHost: a\nContent-Length: 5\n\n", Refusal::Malformed),
            ("GET / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n", Refusal::Malformed),
            ("GET / HTTP/2.0\nHost: a\n\n", Refusal::Malformed),
            ("\u{1}\n", Refusal::Malformed),
        ] {
            assert_eq!(request(head), Err(refusal), "{head}");
        }
        assert_eq!(
            request("GET / HTTP/1.1\nHost: a\nContent-Length: 0\n\n").map(|parsed| parsed.is_some()),
            Ok(true)
        );
    }

    #[test]
    fn a_head_may_be_so_long_and_no_longer() {
        let head = |len: usize| {
            let bare = "GET / HTTP/1.1\nHost: a\nX: \n\n".replace('\n', "\r\n").len();
            format!("GET / HTTP/1.1\nHost: a\nX: {}\n\n", "x".repeat(len - bare))
        };

        assert_eq!(request(&head(HEAD_LEN_MAX)).unwrap().map(|parsed| parsed.0), Some(HEAD_LEN_MAX));
        assert_eq!(request(&head(HEAD_LEN_MAX + 1)), Err(Refusal::TooLong));
        let endless = "GET / HTTP/1.1\r\nX: ".to_owned() + &"x".repeat(HEAD_LEN_MAX);
        assert_eq!(parse(&endless.as_bytes()[..HEAD_LEN_MAX - 1]), Ok(None));
        assert_eq!(parse(endless.as_bytes()), Err(Refusal::TooLong));
    }

    #[test]
    fn a_head_may_have_so_many_fields_and_no_more() {
        let head = |count: usize| format!("GET / HTTP/1.1\nHost: a\n{}\n", "x: y\n".repeat(count - 1));

        assert!(request(&head(FIELDS_MAX)).unwrap().is_some());
        assert_eq!(request(&head(FIELDS_MAX + 1)), Err(Refusal::TooLong));
    }

    proptest! {
        #[test]
        fn however_a_head_is_cut_it_is_the_same_one(at in 0..90_usize) {
            let head = "GET /blobs/get/%26x HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-\r\nConnection: close\r\n\r\nmore";
            let front = &head.as_bytes()[..at.min(head.len())];

            match parse(front).unwrap() {
                None => prop_assert!(front.len() < head.len() - 4),
                Some((len, parsed)) => {
                    prop_assert_eq!(len, head.len() - 4);
                    prop_assert_eq!(parsed.path, "/blobs/get/&x");
                }
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "GET /[ -~]{0,40} HTTP/1.1\r\n[ -~\r\n]{0,80}\r\n\r\n") {
            let _ = parse(&bytes);
            let _ = parse(text.as_bytes());
        }
    }
}
