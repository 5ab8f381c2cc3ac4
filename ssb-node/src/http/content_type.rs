//! What a blob is, by how it begins.
//!
//! What could run in a browser as a page is called text: nobody knows who wrote it.

/// How many bytes of a blob are looked at.
pub(crate) const SNIFFED_LEN: usize = 4 * 1024;

/// The content type of a blob that begins so.
pub(crate) fn of(beginning: &[u8]) -> &'static str {
    match infer::get(beginning).map(|kind| kind.mime_type()) {
        _ if is_svg(beginning) => "image/svg+xml",
        Some("text/html" | "text/xml" | "text/x-shellscript") => TEXT,
        Some(known) => known,
        None if is_text(beginning) => TEXT,
        None => "application/octet-stream",
    }
}

/// Images may be drawn with text. Nothing in them runs where they are shown as images, nor alone: no script is allowed.
fn is_svg(beginning: &[u8]) -> bool {
    let text = String::from_utf8_lossy(beginning);
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    while let Some(end) = PROLOGUE
        .iter()
        .find_map(|(from, to)| rest.strip_prefix(from)?.find(to).map(|at| from.len() + at + to.len()))
    {
        rest = rest.get(end..).unwrap_or_default().trim_start();
    }
    rest.strip_prefix("<svg").is_some_and(|rest| rest.starts_with([' ', '\t', '\r', '\n', '>']))
}

/// What may stand in front of the first element.
const PROLOGUE: [(&str, &str); 3] = [("<?", "?>"), ("<!--", "-->"), ("<!DOCTYPE svg", ">")];

fn is_text(beginning: &[u8]) -> bool {
    let is_whole = match std::str::from_utf8(beginning) {
        Ok(_) => true,
        // It may be cut in the middle of a character.
        Err(error) => error.error_len().is_none() && beginning.len() >= SNIFFED_LEN,
    };
    is_whole && !beginning.iter().any(|byte| *byte < b' ' && !b"\t\n\r\x0c\x1b".contains(byte))
}

const TEXT: &str = "text/plain; charset=utf-8";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_people_send_each_other_is_known() {
        for (beginning, expected) in [
            (&b"\xff\xd8\xff\xe0\0\x10JFIF"[..], "image/jpeg"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
            (b"GIF89a\x01\0", "image/gif"),
            (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
            (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "video/mp4"),
            (b"ID3\x03\0\0", "audio/mpeg"),
            (b"OggS\0\x02", "audio/ogg"),
            (b"%PDF-1.5", "application/pdf"),
            (b"hello, w\xc3\xb6rld\n", TEXT),
            (b"", TEXT),
            (b"\x00\x01\x02\x03", "application/octet-stream"),
            (b"\xc3", "application/octet-stream"),
        ] {
            assert_eq!(of(beginning), expected, "{:?}", String::from_utf8_lossy(beginning));
        }
    }

    #[test]
    fn a_film_for_the_web_is_one() {
        let mut film =
            b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm".to_vec();
        film.resize(SNIFFED_LEN, 0);

        assert_eq!(of(&film), "video/webm");
    }

    proptest! {
        #[test]
        fn every_beginning_has_a_type(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "[ -~\n]{0,300}") {
            let _ = of(&bytes);
            // Nothing but text and drawings begins like a page.
            let kind = of(["<", &text].concat().as_bytes());
            prop_assert!(kind == TEXT || kind == "image/svg+xml");
        }
    }

    #[test]
    fn what_could_run_as_a_page_is_text() {
        for page in [
            "<html><script>alert(1)</script>",
            "<!DOCTYPE html><html>",
            "  \n<!doctype html>",
            "<script>alert(1)</script>",
            "<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\">",
            "<body onload=x>",
            "<svgx>",
            "#!/bin/sh\n",
        ] {
            assert_eq!(of(page.as_bytes()), TEXT, "{page}");
        }
    }

    #[test]
    fn an_image_of_text_is_one() {
        for image in [
            "<svg xmlns=\"http://www.w3.org/2000/svg\">",
            "<svg>",
            "<?xml version=\"1.0\"?>\n<!-- by hand -->\n<!DOCTYPE svg PUBLIC \"x\">\n<svg\nwidth=\"1\">",
        ] {
            assert_eq!(of(image.as_bytes()), "image/svg+xml", "{image}");
        }
    }

    #[test]
    fn text_that_is_cut_in_the_middle_of_a_character_is_text() {
        let mut text = "x".repeat(SNIFFED_LEN - 1).into_bytes();
        text.push(0xc3);

        assert_eq!(of(&text), TEXT);
    }
}
