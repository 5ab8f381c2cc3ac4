//! The grammar of multiserver addresses, whatever protocols they name.
//!
//! Alternatives are joined by `;`, the protocols of one by `~`, a protocol's name and data by `:`. In data, `!` escapes
//! `! ~ : ;`. Rule: multiserver-address 1.0.1.

/// One protocol of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// Its name: a lower-case letter, then at least one of lower-case letters, digits and `-`.
    pub name: String,
    /// Its data, unescaped.
    pub data: Vec<String>,
}

/// The most bytes of an address list: longer than any real one, and short enough to parse at once.
pub const ADDRESS_LEN_MAX: usize = 4096;

/// Takes an address list apart: alternatives, each a list of protocols. `None` if it does not follow the grammar.
pub fn decode(text: &str) -> Option<Vec<Vec<Protocol>>> {
    if text.len() > ADDRESS_LEN_MAX {
        return None;
    }
    split(text, b';').map(|alternative| split(alternative, b'~').map(protocol).collect()).collect()
}

fn protocol(text: &str) -> Option<Protocol> {
    let mut parts = split(text, b':');
    let name = parts.next()?;
    let valid =
        matches!(name.as_bytes(), [b'a'..=b'z', rest @ ..] if !rest.is_empty() && rest.iter().all(in_name));
    valid.then_some(())?;
    let data: Option<Vec<String>> = parts.map(unescape).collect();
    Some(Protocol { name: name.to_owned(), data: data? })
}

fn in_name(byte: &u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')
}

/// Splits at separators that no `!` escapes.
fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let current = rest?;
        let mut escaped = false;
        let at = current.bytes().position(|byte| {
            let cuts = byte == separator && !escaped;
            escaped = byte == b'!' && !escaped;
            cuts
        });
        match at.and_then(|at| current.split_at_checked(at)) {
            Some((part, tail)) => {
                rest = tail.get(1..);
                Some(part)
            }
            None => rest.take(),
        }
    })
}

fn unescape(text: &str) -> Option<String> {
    let mut data = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '!' => data.push(characters.next().filter(|escaped| "!~:;".contains(*escaped))?),
            '"'..='9' | '<'..='}' => data.push(character),
            _ => return None,
        }
    }
    Some(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_list_has_a_longest() {
        let list = |len: usize| format!("net:{}", "h".repeat(len - 4));

        assert_eq!(decode(&list(ADDRESS_LEN_MAX)).map(|all| all.len()), Some(1));
        assert_eq!(decode(&list(ADDRESS_LEN_MAX + 1)), None);
    }
}
