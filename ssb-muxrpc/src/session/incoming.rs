//! What a packet means is decided by its header, before any of its body is kept.

use alloc::string::String;

use super::Event;
use super::Session;
use super::Them;
use super::Us;
use super::call::Call;
use super::json::check_json;
use super::requests::Hearing;
use super::requests::Open;
use super::requests::RequestId;
use super::requests::Speaking;
use crate::body::Body;
use crate::body::BodyType;
use crate::decode::Progress;
use crate::error::ProtocolError;
use crate::error::RemoteError;
use crate::header::Header;
use crate::limits::END_LEN_MAX;
use crate::method::MethodId;

/// A packet whose body is still arriving.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incoming {
    header: Header,
    meaning: Meaning,
    /// A longer body is skipped.
    len_max: u32,
}

impl Incoming {
    fn is_too_long(&self) -> bool {
        self.header.body_len.get() > self.len_max
    }

    fn too_long(&self) -> RemoteError {
        RemoteError::too_long(self.header.body_len.get(), self.len_max)
    }
}

#[derive(Clone, Copy, Debug)]
enum Meaning {
    /// Nothing we know of, or care about any more.
    Noise,
    Call(RequestId),
    Answer(RequestId),
    Item(RequestId),
    End(RequestId),
}

impl Session {
    pub(super) fn take_in(&mut self, input: &[u8]) -> Result<(usize, Option<Event>), ProtocolError> {
        let mut taken = 0;
        while self.them == Them::Open && !self.is_congested() {
            let rest = input.get(taken..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            let (count, progress) = self.decoder.decode(rest)?;
            taken += count;
            let event = match progress {
                Progress::Partial => None,
                Progress::Header(header) => {
                    self.incoming = Some(self.classify(header));
                    None
                }
                Progress::Piece(piece) => {
                    self.keep(piece);
                    None
                }
                Progress::Last(piece) => {
                    self.keep(piece);
                    self.complete()?
                }
                Progress::Goodbye => {
                    self.them = Them::Goodbye;
                    self.abort();
                    self.next_parting()
                }
            };
            if event.is_some() {
                return Ok((taken, event));
            }
        }
        Ok((taken, None))
    }

    /// What a packet of theirs is about. Positive numbers are requests of theirs, negative ones of ours; calls and
    /// streams do not mix.
    fn classify(&mut self, header: Header) -> Incoming {
        let noise = Incoming { header, meaning: Meaning::Noise, len_max: 0 };
        let Some(request) = RequestId::of_packet(header.number).filter(|_| self.us != Us::Gone) else {
            return noise;
        };
        if self.requests.is_muted(request) {
            if header.stream && header.end {
                self.requests.unmute(request);
            }
            return noise;
        }
        let (meaning, len_max) = match self.requests.get(request) {
            Some(open) if open.kind.is_stream() != header.stream => return noise,
            Some(_) if header.stream && header.end => (Meaning::End(request), END_LEN_MAX),
            Some(open) if header.stream && open.hearing == Hearing::Items => {
                (Meaning::Item(request), open.item_len_max)
            }
            Some(_) if request.is_ours() && !header.stream && header.end => {
                (Meaning::Answer(request), END_LEN_MAX)
            }
            Some(open) if request.is_ours() && !header.stream => {
                (Meaning::Answer(request), open.item_len_max)
            }
            // A number that is still open; the caller can use only one answer.
            Some(_) => return noise,
            None if request.is_ours() || header.stream && header.end => return noise,
            None => (Meaning::Call(request), self.call_len_max),
        };
        Incoming { header, meaning, len_max }
    }

    /// Keeps a piece of a body, if the body is kept. The buffer grows with what came, never by what was announced.
    fn keep(&mut self, piece: &[u8]) {
        let Some(incoming) = self.incoming.filter(|incoming| !incoming.is_too_long()) else { return };
        let whole = usize::try_from(incoming.header.body_len.get()).expect("8 MiB fit into memory");
        if self.body.capacity() - self.body.len() < piece.len() {
            let missing = whole.saturating_sub(self.body.len());
            self.body.reserve_exact(missing.min(piece.len().max(self.body.len())));
        }
        self.body.extend_from_slice(piece);
    }

    /// Acts on a packet whose body is complete.
    fn complete(&mut self) -> Result<Option<Event>, ProtocolError> {
        let Some(incoming) = self.incoming.take() else { return Ok(None) };
        let event = match incoming.meaning {
            Meaning::Noise => Ok(None),
            Meaning::Call(request) => self.called(request, &incoming),
            Meaning::Answer(request) => self.answered(request, &incoming),
            Meaning::Item(request) => Ok(self.item_came(request, &incoming)),
            Meaning::End(request) => self.ended(request, &incoming),
        };
        let has_body =
            matches!(event, Ok(Some(Event::Called { .. } | Event::Answered { .. } | Event::Item { .. })));
        self.delivered = true;
        if !has_body {
            self.forget_body();
        }
        event
    }

    fn called(&mut self, request: RequestId, incoming: &Incoming) -> Result<Option<Event>, ProtocolError> {
        let header = incoming.header;
        let admitted = match self.us {
            _ if incoming.is_too_long() => Err(incoming.too_long()),
            Us::Open => match Call::parse(&self.body, header.body_type, header.stream)? {
                Ok(call) => self.admit(call, header),
                Err(error) => Err(error),
            },
            Us::Closing => Err(RemoteError::closing()),
            Us::Gone => return Ok(None),
        };
        match admitted {
            Ok((method, open)) => {
                self.requests.insert(request, open);
                Ok(Some(Event::Called { request, method, kind: open.kind }))
            }
            Err(error) => {
                self.refuse(request, header.stream, &error);
                Ok(None)
            }
        }
    }

    /// Looks the method up. If the call goes through, `body` is its arguments afterwards.
    fn admit(&mut self, call: Call, header: Header) -> Result<(MethodId, Open), RemoteError> {
        let id = self.methods.admit(self.caller, &call.name, call.kind)?;
        let method = self.methods.get(id).expect("the id is from this table");
        if header.body_len.get() > method.call_len_max {
            return Err(RemoteError::too_long(header.body_len.get(), method.call_len_max));
        }
        if self.requests.theirs_are_full() {
            return Err(RemoteError::too_many_open());
        }
        let open = Open::theirs(method.kind(), method.item_len_max);
        self.body = call.args.into_bytes();
        Ok((id, open))
    }

    fn refuse(&mut self, request: RequestId, stream: bool, error: &RemoteError) {
        if !stream {
            return self.send(request, false, true, Body::Json(&error.to_json()));
        }
        self.send_end(request, Some(error));
        if !self.requests.theirs_are_full() {
            self.requests.mute(request);
        }
    }

    fn answered(&mut self, request: RequestId, incoming: &Incoming) -> Result<Option<Event>, ProtocolError> {
        let event = if incoming.is_too_long() {
            Event::Failed { request, error: incoming.too_long() }
        } else if incoming.header.end {
            let error = self.read_error(incoming.header.body_type)?;
            Event::Failed { request, error: error.unwrap_or_else(|| RemoteError::new("true")) }
        } else {
            Event::Answered { request, body: incoming.header.body_type }
        };
        // After our goodbye it is told of as a parting.
        if self.us == Us::Gone || self.requests.remove(request).is_none() {
            return Ok(None);
        }
        self.say_goodbye_if_done();
        Ok(Some(event))
    }

    fn item_came(&mut self, request: RequestId, incoming: &Incoming) -> Option<Event> {
        let open = self.requests.get(request).filter(|open| open.hearing == Hearing::Items)?;
        if self.us == Us::Gone {
            return None;
        }
        if !incoming.is_too_long() {
            return Some(Event::Item { request, body: incoming.header.body_type });
        }
        let error = incoming.too_long();
        let speaking = open.speaking;
        self.requests.mute(request);
        if speaking == Speaking::Open {
            self.send_end(request, Some(&error));
        }
        self.say_goodbye_if_done();
        Some(Event::Ended { request, error: Some(error) })
    }

    fn ended(&mut self, request: RequestId, incoming: &Incoming) -> Result<Option<Event>, ProtocolError> {
        let error = if incoming.is_too_long() {
            Some(incoming.too_long())
        } else {
            self.read_error(incoming.header.body_type)?
        };
        let Some(open) = self.requests.get_mut(request) else { return Ok(None) };
        if self.us == Us::Gone || open.hearing == Hearing::Ended {
            return Ok(None);
        }
        let told = open.expects_end();
        open.hearing = Hearing::Ended;
        let echo =
            open.speaking == Speaking::Open && (error.is_some() || open.is_ended_by_their_end(request));
        if echo {
            open.speaking = Speaking::Ended;
        }
        let over = open.speaking == Speaking::Ended;
        if echo {
            self.send_end(request, error.as_ref());
        }
        if over {
            self.requests.remove(request);
            self.say_goodbye_if_done();
        }
        Ok(told.then_some(Event::Ended { request, error }))
    }

    /// The error in `body`, or nothing if it only says that all is well.
    fn read_error(&self, body_type: BodyType) -> Result<Option<RemoteError>, ProtocolError> {
        let text = String::from_utf8_lossy(&self.body);
        if body_type != BodyType::Json {
            return Ok(Some(RemoteError::new(text)));
        }
        let json = check_json(&text)?;
        Ok(match json.get() {
            "true" | "false" | "null" => None,
            _ => Some(RemoteError::from_json(json)),
        })
    }
}
