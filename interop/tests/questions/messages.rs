//! Messages to ask about: always the same, and odd enough.

use ssb_keys::BlobId;
use ssb_keys::Keypair;
use ssb_keys::MessageId;
use ssb_msg::Signing;
use ssb_msg::ValidationState;
use ssb_msg::draft;
use ssb_msg::json;

/// How many messages there are.
pub(crate) const COUNT: usize = 10_000;

/// How many feeds they are of.
pub(crate) const FEEDS: usize = 20;

/// Messages, and the log that ssb-db would have made of them.
pub(crate) struct Messages {
    pub(crate) ids: Vec<String>,
    pub(crate) feeds: Vec<String>,
    pub(crate) blobs: Vec<String>,
    /// When each was received.
    pub(crate) received: Vec<f64>,
    /// `flume/log.offset`.
    pub(crate) log: Vec<u8>,
    /// Messages that come later, as JSON.
    pub(crate) later: Vec<String>,
}

impl Messages {
    pub(crate) fn make() -> Self {
        let keys: Vec<Keypair> = (1..).take(FEEDS).map(|n: u8| Keypair::from_seed(&[n; 32])).collect();
        let mut states: Vec<ValidationState> =
            keys.iter().map(|key| ValidationState::new(key.id())).collect();
        let mut made = Self {
            ids: Vec::new(),
            feeds: keys.iter().map(|key| key.id().to_string()).collect(),
            blobs: (1..9).map(|n: u8| BlobId::from_bytes([n; 32]).to_string()).collect(),
            received: Vec::new(),
            log: Vec::new(),
            later: Vec::new(),
        };
        let mut dice = Dice(7);
        let mut received = 1.6e12_f64;
        for n in 0..COUNT + LATER {
            // Some write more than others.
            let feed = dice.up_to(FEEDS).min(dice.up_to(FEEDS));
            received += [1.0, 7.0, 0.25, 1000.5][dice.up_to(4)];
            let fraction = f64::from(u32::try_from(n).unwrap()) / 1e3;
            let claimed = match (n, dice.up_to(20)) {
                (500, _) => 0.0,
                (TWIN | OTHER_TWIN, _) => TWINS_TIME,
                (_, 0) => -5.5 - fraction,
                (_, 1) => received + 3.6e6,
                (_, 2) => 1e300 * (1.0 + fraction),
                // Not in the order of receipt.
                _ => (received / 20_000.0).floor() * 20_000.0 - fraction,
            };
            let content = made.content(&mut dice, n);
            let state = &mut states[feed];
            let message = draft::sign(&content, state, claimed, &keys[feed], &Signing::plain())
                .unwrap_or_else(|error| panic!("{content}: {error}"));
            let next = state.check(&message).unwrap();
            state.advance(next);
            if n < COUNT {
                made.store(message.id(), message.json(), received);
            } else {
                made.later.push(message.json().to_owned());
            }
        }
        made
    }

    fn store(&mut self, id: MessageId, message: &str, received: f64) {
        let time = json::compact(&json::Value::Number(received));
        let record = format!("{{\"key\":\"{id}\",\"value\":{message},\"timestamp\":{time}}}");
        let len = u32::try_from(record.len()).unwrap().to_be_bytes();
        self.log.extend(len);
        self.log.extend(record.as_bytes());
        self.log.extend(len);
        let end = u32::try_from(self.log.len() + 4).unwrap().to_be_bytes();
        self.log.extend(end);
        self.ids.push(id.to_string());
        self.received.push(received);
    }

    fn content(&self, dice: &mut Dice, n: usize) -> String {
        if matches!(n, TWIN | OTHER_TWIN) {
            return "{\"type\":\"twin\"}".to_owned();
        }
        let feed = |dice: &mut Dice| self.feeds[dice.up_to(FEEDS)].clone();
        let blob = |dice: &mut Dice| self.blobs[dice.up_to(self.blobs.len())].clone();
        // A few are pointed at often.
        let message = |dice: &mut Dice| match self.ids.len() {
            0 => self.feeds[0].clone(),
            len if dice.up_to(3) > 0 => self.ids[dice.up_to(len.min(40))].clone(),
            len => self.ids[dice.up_to(len)].clone(),
        };
        match dice.up_to(16) {
            0..5 => {
                let mut fields = vec![format!("\"type\":\"post\",\"text\":\"number {n} é 🦀\"")];
                if dice.up_to(3) == 0 {
                    fields.push(format!("\"channel\":{}", CHANNELS[dice.up_to(CHANNELS.len())]));
                }
                match dice.up_to(5) {
                    0 => fields.push("\"root\":null".to_owned()),
                    1 | 2 => {
                        let (root, branch) = (message(dice), message(dice));
                        fields.push(format!("\"root\":\"{root}\",\"branch\":[\"{branch}\",\"{root}\"]"));
                    }
                    _ => {}
                }
                if dice.up_to(4) == 0 {
                    let (who, what, which) = (feed(dice), blob(dice), message(dice));
                    fields.push(format!(
                        "\"mentions\":[{{\"link\":\"{who}\",\"name\":\"Bob É\"}},{{\"link\":\"{what}\",\"name\":\"a.png\",\"size\":12}},\
                         {{\"link\":\"{which}\"}},{{\"link\":\"#rust\"}},\"{who}\",5,true,{{\"link\":7}},[\"{who}\"]]"
                    ));
                }
                format!("{{{}}}", fields.join(","))
            }
            5..8 => {
                let value = [1, 0, -1][dice.up_to(3)];
                format!(
                    "{{\"type\":\"vote\",\"vote\":{{\"link\":\"{}\",\"value\":{value},\"expression\":\"Like\"}}}}",
                    message(dice)
                )
            }
            8 | 9 => {
                let says = [
                    "\"following\":true",
                    "\"following\":false",
                    "\"following\":true,\"blocking\":false",
                    "\"blocking\":true",
                    "\"following\":{\"a\":1}",
                ];
                format!(
                    "{{\"type\":\"contact\",\"contact\":\"{}\",{}}}",
                    feed(dice),
                    says[dice.up_to(says.len())]
                )
            }
            10 => format!(
                "{{\"type\":\"about\",\"about\":\"{}\",\"name\":\"name {}\"}}",
                feed(dice),
                dice.up_to(5)
            ),
            11 => {
                let image = blob(dice);
                let image = [
                    format!("\"{image}\""),
                    format!("{{\"link\":\"{image}\",\"size\":{n},\"type\":\"image/png\",\"extra\":[1]}}"),
                    format!("{{\"link\":\"{image}?unbox=x\",\"type\":{{\"a\":[1]}}}}"),
                ];
                format!(
                    "{{\"type\":\"about\",\"about\":\"{}\",\"image\":{}}}",
                    message(dice),
                    image[dice.up_to(3)]
                )
            }
            12 => format!(
                "{{\"type\":\"flag\",\"flag\":{{\"link\":\"{}\",\"reason\":\"spam\"}}}}",
                message(dice)
            ),
            13 => format!("\"{BOXED}\""),
            _ => self.odd(dice, n),
        }
    }

    fn odd(&self, dice: &mut Dice, n: usize) -> String {
        let feed = self.feeds[dice.up_to(FEEDS)].clone();
        let blob = self.blobs[dice.up_to(self.blobs.len())].clone();
        let id =
            self.ids[dice.up_to(self.ids.len().clamp(1, 40)).min(self.ids.len().saturating_sub(1))..].first();
        let id = id.cloned().unwrap_or_else(|| feed.clone());
        let other = feed.replace(".ed25519", ".sha256");
        let cloaked = id.replace(".sha256", ".cloaked");
        let fields = match dice.up_to(9) {
            0 => format!("\"a key!\":\"{id}\",\"a \\\"key\":\"{id}\",\"a\":\"{id}\",\"a b\":\"{id}\""),
            1 => format!("\"list\":[[\"{id}\"],{{\"link\":\"{id}?unbox=x&y=~\"}},\"{id}\",\"{id}\"]"),
            2 => format!(
                "\"object\":{{\"0\":\"{id}\",\"1\":{{\"link\":\"{blob}\"}},\"3\":\"{feed}\",\"x\":1}}"
            ),
            3 => format!("\"deep\":{{\"x\":{{\"y\":[{{\"z\":\"{id}\"}},\"#Deep\",\"see {feed}\"]}}}}"),
            4 => format!(
                "\"tags\":[\"#Some,Thing\",\"#,\",\"#a b\",\"#\",\"#{}\"],\"more\":\"#rust\"",
                "x".repeat(28)
            ),
            5 => format!("\"feed\":\"{other}\",\"cloaked\":\"{cloaked}\",\"channel\":\"#JS, the good\""),
            6 => format!("\"content\":{{\"type\":\"inner\",\"link\":\"{id}\"}},\"outer\":\"{feed}\""),
            7 => format!(
                "\"value\":{{\"content\":{{\"type\":\"inner\",\"deep\":\"{blob}\"}}}},\"outer\":\"{feed}\""
            ),
            _ => format!(
                "\"vote\":[{{\"link\":\"{id}\",\"value\":\"up\"}}],\"sync\":true,\"n\":{n},\"10\":\"ten\",\"{id}\":1"
            ),
        };
        let kind = ["odd", "odd name!", "a type that is longer than 32 characters", "post"][dice.up_to(4)];
        format!("{{\"type\":\"{kind}\",{fields}}}")
    }
}

const LATER: usize = 30;

/// Two messages of one type that claim one time.
const TWIN: usize = 600;
const OTHER_TWIN: usize = 700;
const TWINS_TIME: f64 = 1.5e12;

/// To nobody: a shorter text would keep ssb-server making its indexes for ever.
const BOXED: &str = "jVTTqFST/HqOEk1QpJN/l/RQoYeuWoq88Sk3s6mpk7H7stiwK0J/SVFkkNOcyJ+h33LzOB3ZYFugqAs2FSUKy5ugtPZQX6F/0O0gY/WCpNp3IZoWH65UodLXYd1ThUiJfvlvuGBCtCY7gHDZk0wDOY17hNddB+ZUfV4vCYjmA68Ypt2PnS2Zen5ek/xI92nJuqk+33P2qw==.box";

const CHANNELS: [&str; 8] =
    ["\"rust\"", "\"Rust\"", "\"#js\"", "5", "\"two words\"", "null", "true", "\"a ! and a \\\" in it\""];

/// Chance that repeats: splitmix64.
struct Dice(u64);

impl Dice {
    fn up_to(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        usize::try_from(bits % end as u64).unwrap()
    }
}
