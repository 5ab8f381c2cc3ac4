//! What every test needs: to feed a session and to read what it sends.

use ssb_muxrpc::BodyType;
use ssb_muxrpc::Event;
use ssb_muxrpc::Session;
use ssb_muxrpc::decode::Decoder;
use ssb_muxrpc::decode::Progress;

/// What came of some input, bodies included.
pub(crate) type Happened = Vec<(Event, Vec<u8>)>;

/// One packet on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Packet { number: i32, stream: bool, end: bool, body_type: BodyType, body: Vec<u8> },
    Goodbye,
}

/// Feeds all of `input` and collects all events. Panics if the session leaves some of it.
pub(crate) fn feed(session: &mut Session, mut input: &[u8]) -> Happened {
    let mut happened = Vec::new();
    loop {
        let (count, event) = session.receive(input).unwrap();
        input = &input[count..];
        match event {
            Some(event) => happened.push((event, session.body().to_vec())),
            None if input.is_empty() || session.is_finished() => return happened,
            None => assert!(count > 0, "input was left"),
        }
    }
}

/// Takes all that waits to be sent.
pub(crate) fn take(session: &mut Session) -> Vec<u8> {
    let bytes = session.outgoing().to_vec();
    session.sent(bytes.len());
    bytes
}

/// Reads complete packets.
pub(crate) fn frames(mut wire: &[u8]) -> Vec<Frame> {
    let mut decoder = Decoder::new();
    let mut frames = Vec::new();
    let mut header = None;
    while !wire.is_empty() {
        let (count, progress) = decoder.decode(wire).unwrap();
        wire = &wire[count..];
        match progress {
            Progress::Header(read) => header = Some(read),
            Progress::Last(body) => {
                let header = header.take().unwrap();
                frames.push(Frame::Packet {
                    number: header.number,
                    stream: header.stream,
                    end: header.end,
                    body_type: header.body_type,
                    body: body.to_vec(),
                });
            }
            Progress::Goodbye => {
                frames.push(Frame::Goodbye);
                break;
            }
            Progress::Piece(_) | Progress::Partial => panic!("cut packet"),
        }
    }
    frames
}
