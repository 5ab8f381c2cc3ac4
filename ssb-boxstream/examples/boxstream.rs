//! A box stream over standard input and output, for black-box suites.
//!
//! `boxstream box KEY NONCE` seals standard input; `boxstream unbox KEY NONCE` opens it. Key (32 bytes) and nonce (24
//! bytes) are hex. `unbox` writes all complete frames; then, on a forged frame or an end without goodbye, it says so
//! and exits with 1.

use std::error::Error;
use std::io::Read;
use std::io::Write;

use ssb_boxstream::Opener;
use ssb_boxstream::Progress;
use ssb_boxstream::Sealer;
use ssb_boxstream::limits::SENT_BODY_LEN_MAX;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [mode, key, nonce] = arguments.as_slice() else { return Err(USAGE.into()) };
    let key: [u8; 32] = unhex(key).and_then(|key| key.try_into().ok()).ok_or(USAGE)?;
    let nonce: [u8; 24] = unhex(nonce).and_then(|nonce| nonce.try_into().ok()).ok_or(USAGE)?;
    let (input, output) = (std::io::stdin().lock(), std::io::stdout().lock());
    match mode.as_str() {
        "box" => seal(input, output, Sealer::new(&key, &nonce)),
        "unbox" => open(input, output, Opener::new(&key, &nonce)),
        _ => Err(USAGE.into()),
    }
}

fn seal(mut input: impl Read, mut output: impl Write, mut sealer: Sealer) -> Result<(), Box<dyn Error>> {
    let (mut plain, mut sealed) = (Vec::new(), Vec::new());
    while input.by_ref().take(u64::try_from(SENT_BODY_LEN_MAX)?).read_to_end(&mut plain)? > 0 {
        sealer.seal(&plain, &mut sealed);
        output.write_all(&sealed)?;
        plain.clear();
        sealed.clear();
    }
    sealer.goodbye(&mut sealed);
    output.write_all(&sealed)?;
    Ok(output.flush()?)
}

fn open(mut input: impl Read, mut output: impl Write, mut opener: Opener) -> Result<(), Box<dyn Error>> {
    let (mut buffer, mut chunk) = (Vec::new(), [0; 4096]);
    while !opener.is_finished() {
        match opener.open(&mut buffer) {
            Ok((0, Progress::Partial)) => match input.read(&mut chunk)? {
                0 => return Err("the stream ends without goodbye".into()),
                count => buffer.extend(chunk.iter().take(count)),
            },
            Ok((count, progress)) => {
                if let Progress::Plain(plain) = progress {
                    output.write_all(plain)?;
                    output.flush()?;
                }
                buffer.drain(..count);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn unhex(hex: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    rest.is_empty().then_some(())?;
    pairs.iter().map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}

const USAGE: &str = "usage: boxstream box|unbox KEY NONCE (32 and 24 bytes of hex)";
