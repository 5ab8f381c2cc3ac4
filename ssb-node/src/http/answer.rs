//! What is answered: the head, and which bytes follow it. Sends nothing and reads nothing.

use std::net::IpAddr;
use std::ops::Range;

use ssb_keys::BlobId;
use ssb_keys::bfe::Id;
use ssb_keys::link::Link;

use super::content_type;
use super::range;
use super::range::Part;
use super::request::Method;
use super::request::Refusal;
use super::request::Request;
use super::unboxing::Unboxing;

/// Where blobs are: that of ssb-ws 6.2.3, and that of ssb-serve-blobs 3.
const PLACES: [&str; 2] = ["/blobs/get/", "/get/"];

/// What holds for all answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Names by which the node may be asked, beside `localhost` and all addresses.
    pub(crate) hosts: Vec<String>,
    /// Whether pages of others may read what they get.
    pub(crate) cors: bool,
}

/// What an answer is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Ok,
    Part,
    NotModified,
    Malformed,
    OtherHost,
    NotFound,
    Method,
    NoSuchPart,
    TooLong,
    Failed,
}

/// A blob that is asked for.
pub(crate) struct Asked {
    pub(crate) id: BlobId,
    /// How it is opened, if it was sealed.
    pub(crate) unboxing: Option<Unboxing>,
    /// What a browser would call it.
    name: Option<String>,
}

/// A blob that is here: what is seen of it, opened if it was sealed.
#[derive(Debug)]
pub(crate) struct Seen {
    /// How many bytes it has; nobody knows before they are opened.
    pub(crate) len: Option<u64>,
    /// How it begins.
    pub(crate) beginning: Vec<u8>,
}

/// An answer: its head, and which bytes of the blob follow.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) head: Vec<u8>,
    pub(crate) body: Body,
}

/// What follows a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    /// Nothing more.
    Nothing,
    /// These bytes of the blob.
    Bytes(Range<u64>),
    /// All of it, opened: in chunks, or until the connection ends.
    Opened(Framing),
}

/// How the end of a body is told whose length nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// Each piece behind its length.
    Chunks,
    /// By the end of the connection.
    Close,
}

impl Asked {
    /// The blob that a request asks for.
    ///
    /// # Errors
    ///
    /// What is answered instead.
    pub(crate) fn of(request: &Request, rules: &Rules) -> Result<Self, Status> {
        if !request.host.as_deref().is_none_or(|host| rules.knows(host)) {
            return Err(Status::OtherHost);
        }
        let id = PLACES.iter().find_map(|place| request.path.strip_prefix(place)).ok_or(Status::NotFound)?;
        let link = format!("{id}?{}", request.query);
        let link = Link::parse(&link).ok_or(Status::Malformed)?;
        let Id::Blob(id) = link.id() else { return Err(Status::Malformed) };
        let unboxing = link.unbox().map(|key| Unboxing::new(&key).ok_or(Status::Malformed)).transpose()?;
        let mut query = link.query().into_iter();
        let name =
            query.find_map(|(name, value)| matches!(name.as_str(), "filename" | "name").then_some(value));
        Ok(Self { id, unboxing, name })
    }
}

impl Rules {
    /// Whether the node may be asked by this name. Any other may be that of a page which has it point here, to read what its
    /// visitors can.
    fn knows(&self, host: &str) -> bool {
        host.parse::<IpAddr>().is_ok()
            || host.eq_ignore_ascii_case("localhost")
            || self.hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
    }
}

/// Whether whoever asks has the blob already. It never changes.
pub(crate) fn is_known(request: &Request, id: &BlobId) -> bool {
    let known = request.if_none_match.as_deref().unwrap_or_default();
    known
        .split(',')
        .map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"'))
        .any(|tag| tag == id.to_string() || tag == "*")
}

/// The answer to a request for a blob that is here.
pub(crate) fn found(request: &Request, asked: &Asked, seen: &Seen, rules: &Rules) -> Answer {
    let etag = format!("\"{}\"", asked.id);
    let is_sealed = asked.unboxing.is_some();
    let mut head = Head::new(Status::Ok, request.goes_on, rules);
    if is_known(request, &asked.id) {
        head.status = Status::NotModified;
        return head.with("ETag", &etag).cached(is_sealed).without_body();
    }
    head = head.with("ETag", &etag).cached(is_sealed);
    head = head.with("Content-Type", content_type::of(&seen.beginning));
    if let Some(name) = asked.name.as_deref().filter(|name| !name.is_empty()) {
        head =
            head.with("Content-Disposition", &format!("inline; filename*=UTF-8''{}", percent_encode(name)));
    }
    let Some(len) = seen.len else {
        let framing = if request.takes_chunks { Framing::Chunks } else { Framing::Close };
        head = match framing {
            Framing::Chunks => head.with("Transfer-Encoding", "chunked"),
            Framing::Close => head.closing(),
        };
        return head.answer(request.method, Body::Opened(framing));
    };
    head = head.with("Accept-Ranges", "bytes");
    let is_of_this = request.if_range.as_deref().is_none_or(|tag| tag == etag);
    let range = request.range.as_deref().filter(|_| is_of_this && request.method == Method::Get);
    match range::part(range, len) {
        Part::All => {
            head.with("Content-Length", &len.to_string()).answer(request.method, Body::Bytes(0..len))
        }
        Part::Of(part) => {
            head.status = Status::Part;
            let (from, to) = (part.start, part.end - 1);
            head.with("Content-Range", &format!("bytes {from}-{to}/{len}"))
                .with("Content-Length", &(part.end - part.start).to_string())
                .answer(request.method, Body::Bytes(part))
        }
        Part::None => {
            head.status = Status::NoSuchPart;
            head.with("Content-Range", &format!("bytes */{len}")).with("Content-Length", "0").without_body()
        }
    }
}

/// An answer without a blob. `goes_on` says whether there may be another request on the connection.
pub(crate) fn refused(status: Status, goes_on: bool, method: Method, rules: &Rules) -> Answer {
    let text = format!("{}\n", status.line());
    let mut head = Head::new(status, goes_on, rules).with("Content-Type", "text/plain; charset=utf-8");
    if status == Status::Method {
        head = head.with("Allow", "GET, HEAD");
    }
    let mut answer = head.with("Content-Length", &text.len().to_string()).without_body();
    if method == Method::Get {
        answer.head.extend_from_slice(text.as_bytes());
    }
    answer
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Malformed => Self::Malformed,
            Refusal::Method => Self::Method,
            Refusal::TooLong => Self::TooLong,
        }
    }
}

impl Status {
    const fn line(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::Part => "206 Partial Content",
            Self::NotModified => "304 Not Modified",
            Self::Malformed => "400 Bad Request",
            Self::OtherHost => "403 Forbidden",
            Self::NotFound => "404 Not Found",
            Self::Method => "405 Method Not Allowed",
            Self::NoSuchPart => "416 Range Not Satisfiable",
            Self::TooLong => "431 Request Header Fields Too Large",
            Self::Failed => "500 Internal Server Error",
        }
    }
}

/// A head in the making.
struct Head {
    status: Status,
    fields: String,
}

impl Head {
    /// With what all answers have: nothing of what follows may run, whatever a browser takes it for.
    fn new(status: Status, goes_on: bool, rules: &Rules) -> Self {
        let head = Self { status, fields: String::new() }
            .with("X-Content-Type-Options", "nosniff")
            .with("Content-Security-Policy", POLICY)
            .with("Referrer-Policy", "no-referrer");
        let head = if rules.cors { head.with("Access-Control-Allow-Origin", "*") } else { head };
        if goes_on { head.with("Connection", "keep-alive") } else { head.closing() }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        for part in [name, ": ", value, "\r\n"] {
            self.fields.push_str(part);
        }
        self
    }

    /// A blob never changes. What was sealed is not for caches that several share.
    fn cached(self, is_sealed: bool) -> Self {
        let who = if is_sealed { "private" } else { "public" };
        self.with("Cache-Control", &format!("{who}, max-age=31536000, immutable"))
    }

    fn closing(mut self) -> Self {
        self.fields = self.fields.replace("Connection: keep-alive\r\n", "");
        self.with("Connection", "close")
    }

    fn without_body(self) -> Answer {
        self.answer(Method::Head, Body::Nothing)
    }

    fn answer(self, method: Method, body: Body) -> Answer {
        let head = format!("HTTP/1.1 {}\r\n{}\r\n", self.status.line(), self.fields).into_bytes();
        let body = if method == Method::Get { body } else { Body::Nothing };
        Answer { head, body }
    }
}

/// Everything but letters and digits, which no grammar takes for something else.
fn percent_encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// No script, no request to anybody, and the origin of nobody; images, sound and film may be shown, and drawn with styles of their own.
const POLICY: &str =
    "default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'; sandbox";

#[cfg(test)]
mod tests {
    use super::*;
    use ssb_keys::base64;

    const ID: BlobId = BlobId::from_bytes([0xfb; 32]);

    fn request(path: &str, query: &str) -> Request {
        Request {
            method: Method::Get,
            path: path.to_owned(),
            query: query.to_owned(),
            host: Some("localhost".to_owned()),
            range: None,
            if_range: None,
            if_none_match: None,
            goes_on: true,
            takes_chunks: true,
        }
    }

    fn blob() -> Request {
        request(&format!("/blobs/get/{ID}"), "")
    }

    fn asked(request: &Request) -> Result<BlobId, Status> {
        Asked::of(request, &Rules::default()).map(|asked| asked.id)
    }

    /// Status, fields, and which bytes follow.
    fn answer(request: &Request, rules: &Rules) -> (String, Vec<String>, Body) {
        let Ok(asked) = Asked::of(request, rules) else { panic!("it is a blob") };
        let len = asked.unboxing.is_none().then_some(10);
        let seen = Seen { len, beginning: b"GIF89a".to_vec() };
        let Answer { head, body } = found(request, &asked, &seen, rules);
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.strip_suffix("\r\n\r\n").unwrap().split("\r\n").map(str::to_owned);
        (lines.next().unwrap(), lines.collect(), body)
    }

    fn field(fields: &[String], name: &str) -> Option<String> {
        let mut values = fields.iter().filter_map(|field| field.strip_prefix(name)?.strip_prefix(": "));
        let value = values.next().map(str::to_owned);
        assert_eq!(values.next(), None);
        value
    }

    #[test]
    fn a_blob_is_asked_for_at_the_places_of_both_javascript_servers() {
        for path in [format!("/blobs/get/{ID}"), format!("/get/{ID}")] {
            assert_eq!(asked(&request(&path, "x=y")), Ok(ID), "{path}");
        }
        for path in ["/", "/blobs/get", "/msg/%25x", "/blobs/add", "//blobs/get/x", &format!("/{ID}")] {
            assert_eq!(asked(&request(path, "")), Err(Status::NotFound), "{path}");
        }
        for id in
            ["", "x", "../../secret", &format!("{ID}/.."), &format!("%{}.sha256", base64::encode(&[1; 32]))]
        {
            assert_eq!(asked(&request(&format!("/blobs/get/{id}"), "")), Err(Status::Malformed), "{id}");
        }
        assert_eq!(asked(&request(&format!("/blobs/get/{ID}"), "unbox=x.boxs")), Err(Status::Malformed));
    }

    #[test]
    fn a_name_that_is_not_the_node_s_is_refused() {
        let rules = Rules { hosts: vec!["blobs.example".to_owned()], cors: false };
        let knows =
            |host: &str| Asked::of(&Request { host: Some(host.to_owned()), ..blob() }, &rules).is_ok();

        for host in ["localhost", "LOCALHOST", "127.0.0.1", "10.1.2.3", "::1", "Blobs.example"] {
            assert!(knows(host), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", ""] {
            assert!(!knows(host), "{host}");
        }
    }

    #[test]
    fn all_of_a_blob_is_answered_with_its_type_and_for_ever() {
        let (status, fields, body) = answer(&blob(), &Rules::default());

        assert_eq!((status.as_str(), body), ("HTTP/1.1 200 OK", Body::Bytes(0..10)));
        for (name, value) in [
            ("Content-Type", "image/gif"),
            ("Content-Length", "10"),
            ("ETag", &format!("\"{ID}\"")),
            ("Cache-Control", "public, max-age=31536000, immutable"),
            ("X-Content-Type-Options", "nosniff"),
            ("Content-Security-Policy", POLICY),
            ("Accept-Ranges", "bytes"),
            ("Connection", "keep-alive"),
        ] {
            assert_eq!(field(&fields, name).as_deref(), Some(value), "{name}");
        }
        assert_eq!(field(&fields, "Access-Control-Allow-Origin"), None);
        assert!(POLICY.contains("sandbox") && !POLICY.contains("script"));
    }

    #[test]
    fn who_asks_for_the_head_gets_no_more() {
        let (status, fields, body) = answer(&Request { method: Method::Head, ..blob() }, &Rules::default());

        assert_eq!((status.as_str(), body), ("HTTP/1.1 200 OK", Body::Nothing));
        assert_eq!(field(&fields, "Content-Length").as_deref(), Some("10"));
    }

    #[test]
    fn a_part_is_answered_or_that_there_is_none() {
        let with =
            |range: &str| answer(&Request { range: Some(range.to_owned()), ..blob() }, &Rules::default());

        let (status, fields, body) = with("bytes=2-4");
        assert_eq!((status.as_str(), body), ("HTTP/1.1 206 Partial Content", Body::Bytes(2..5)));
        assert_eq!(field(&fields, "Content-Range").as_deref(), Some("bytes 2-4/10"));
        assert_eq!(field(&fields, "Content-Length").as_deref(), Some("3"));
        let (status, fields, body) = with("bytes=10-");
        assert_eq!((status.as_str(), body), ("HTTP/1.1 416 Range Not Satisfiable", Body::Nothing));
        assert_eq!(field(&fields, "Content-Range").as_deref(), Some("bytes */10"));
        let of_another =
            Request { range: Some("bytes=2-4".to_owned()), if_range: Some("\"x\"".to_owned()), ..blob() };
        assert_eq!(answer(&of_another, &Rules::default()).2, Body::Bytes(0..10));
    }

    #[test]
    fn who_has_it_already_is_told_so() {
        for tag in [format!("\"{ID}\""), ID.to_string(), format!("\"x\", W/\"{ID}\""), "*".to_owned()] {
            let (status, fields, body) =
                answer(&Request { if_none_match: Some(tag.clone()), ..blob() }, &Rules::default());

            assert_eq!((status.as_str(), body), ("HTTP/1.1 304 Not Modified", Body::Nothing), "{tag}");
            assert_eq!(field(&fields, "ETag"), Some(format!("\"{ID}\"")));
        }
        let other = Request { if_none_match: Some("\"x\"".to_owned()), ..blob() };
        assert_eq!(answer(&other, &Rules::default()).0, "HTTP/1.1 200 OK");
    }

    #[test]
    fn what_is_opened_has_no_length_and_is_in_no_cache_of_others() {
        let key = base64::encode(&[7; 32]).replace('+', "%2B");
        let sealed = request(&format!("/blobs/get/{ID}"), &format!("unbox={key}.boxs"));

        let (_, fields, body) = answer(&sealed, &Rules::default());
        assert_eq!(body, Body::Opened(Framing::Chunks));
        assert_eq!(field(&fields, "Transfer-Encoding").as_deref(), Some("chunked"));
        assert_eq!(field(&fields, "Content-Length"), None);
        assert_eq!(field(&fields, "Cache-Control").as_deref(), Some("private, max-age=31536000, immutable"));
        let (_, fields, body) = answer(&Request { takes_chunks: false, ..sealed }, &Rules::default());
        assert_eq!(body, Body::Opened(Framing::Close));
        assert_eq!(field(&fields, "Connection").as_deref(), Some("close"));
    }

    #[test]
    fn a_name_goes_no_further_than_its_field() {
        let named = request(&format!("/get/{ID}"), "filename=a%0d%0aX-Evil:%201%22.png");

        let (_, fields, _) = answer(&named, &Rules { cors: true, ..Rules::default() });

        let expected = "inline; filename*=UTF-8''a%0D%0AX-Evil%3A%201%22.png";
        assert_eq!(field(&fields, "Content-Disposition").as_deref(), Some(expected));
        assert_eq!(field(&fields, "X-Evil"), None);
        assert_eq!(field(&fields, "Access-Control-Allow-Origin").as_deref(), Some("*"));
    }

    #[test]
    fn a_refusal_says_why_in_a_line() {
        let text = |status, method| {
            String::from_utf8(refused(status, false, method, &Rules::default()).head).unwrap()
        };

        let refusal = text(Status::Method, Method::Get);
        assert!(refusal.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"), "{refusal}");
        assert!(
            refusal.contains("\r\nAllow: GET, HEAD\r\n") && refusal.contains("\r\nConnection: close\r\n")
        );
        assert!(refusal.ends_with("\r\n\r\n405 Method Not Allowed\n"));
        assert!(text(Status::NotFound, Method::Head).ends_with("\r\n\r\n"));
    }
}
