// Feeds for tests, always the same, made by what ssb-server itself makes messages with.
//   node feeds.js
// Prints one JSON object of names and texts: `A` is the id of a feed, `a1` its first message as JSON text, `a1.id` that
// message's id; `bad.*` are messages that something is wrong with.
'use strict'
const common = require('./common')
const keysLib = common.req('ssb-keys')
const validate = common.within('ssb-db')('ssb-validate')

const names = {}
const feeds = {}
for (const [n, name] of ['A', 'B', 'C', 'D', 'E', 'F', 'G'].entries()) {
  const keys = keysLib.generate('ed25519', Buffer.alloc(32, n + 1))
  feeds[name] = { keys, state: null, count: 0 }
  names[name] = keys.id
  names[name + '.key'] = keys.id.slice(1, -'.ed25519'.length)
}

const note = (name, message) => {
  names[name] = JSON.stringify(message)
  names[name + '.id'] = validate.id(message)
  return message
}
// A message with other fields than its own, signed again by its feed.
const sign = (feed, message, fields) => {
  const unsigned = Object.assign({}, message, fields)
  delete unsigned.signature
  return keysLib.signObj(feeds[feed].keys, unsigned)
}
const next = (feed, timestamp, content) => {
  const it = feeds[feed]
  const message = validate.create(it.state, it.keys, null, content, timestamp)
  it.state = { id: validate.id(message), sequence: message.sequence, timestamp, queue: [] }
  return note(feed.toLowerCase() + ++it.count, message)
}

// To nobody in particular: the key of its one recipient is thrown away here.
const boxed = 'jVTTqFST/HqOEk1QpJN/l/RQoYeuWoq88Sk3s6mpk7H7stiwK0J/SVFkkNOcyJ+h33LzOB3ZYFugqAs2FSUKy5ugtPZQX6F/0O0gY/WC' +
  'pNp3IZoWH65UodLXYd1ThUiJfvlvuGBCtCY7gHDZk0wDOY17hNddB+ZUfV4vCYjmA68Ypt2PnS2Zen5ek/xI92nJuqk+33P2qw==.box'

const a1 = next('A', 1000, { type: 'post', text: 'one' })
const a2 = next('A', 1001.5, { type: 'post', zebra: 1, apple: { y: [], x: {} }, text: 'keys are not sorted' })
const a3 = next('A', 1002, { type: 'post', text: '🦀 é \u0000 \u001f \u2028 " \\ / \ud83d', 'a\nb': '\b\f\n\r\t' })
next('A', 999, { type: 'contact', contact: names.B, following: true })
next('A', 1004, { type: 'vote', vote: { link: names['a1.id'], value: 1, expression: '⛵' } })
const b1 = next('B', 1003, { type: 'post', numbers: [0, -0, 0.1, 1e21, 1e-7, 123456789012345680000, 5e-324, 1.7976931348623157e308] })
next('B', 1003.25, boxed)
next('B', 1795379198436.002, { type: 'about', about: names.B, name: 'bee', 10: 'ten', 9: 'nine', '': null })
next('C', 1e300, { type: 'post', text: 'a text that takes several boxes '.repeat(200) })
next('C', -1, { type: 'pub', address: null, yes: true, no: false })
next('C', 1005, { type: 'x'.repeat(52), private: true, meta: { original: 'x' }, cyphertext: 'y', unbox: 'z' })
// The other order of author and sequence.
const d1 = sign('D', { previous: null, author: names.D, sequence: 1, timestamp: 7, hash: 'sha256', content: { type: 'post' } })
note('d1', d1)
note('d2', sign('D', { previous: validate.id(d1), author: names.D, sequence: 2, timestamp: 8, hash: 'sha256', content: { type: 'abc' } }))
const last = feeds.A.state
// For live streams.
next('A', 1006, { type: 'post', text: 'late' })
next('F', 2000, { type: 'post', text: 'live' })
next('G', 2000, { type: 'post', text: 'live' })
next('E', 2000, { type: 'post', text: 'live' })
next('E', 2001, { type: 'post', text: 'lively' })

const bad = (name, message) => note('bad.' + name, message)
const fields = { previous: last.id, sequence: last.sequence + 1 }
bad('sequence-text', Object.assign({}, a1, { sequence: '1' }))
bad('sequence-two', Object.assign({}, a1, { sequence: 2 }))
bad('sequence-zero', Object.assign({}, a1, { sequence: 0 }))
bad('sequence-half', sign('A', a3, { sequence: 3.5 }))
bad('sequence-huge', sign('A', a3, { sequence: 1e10 }))
bad('sequence-negative', sign('A', a3, { sequence: -1 }))
bad('previous-text', Object.assign({}, a2, { previous: 'x' }))
bad('previous-null', Object.assign({}, a2, { previous: null }))
bad('previous-empty', Object.assign({}, a1, { previous: '' }))
bad('author-text', Object.assign({}, a1, { author: 'x' }))
bad('author-other', Object.assign({}, a1, { author: names.E }))
bad('timestamp-text', Object.assign({}, a1, { timestamp: '1' }))
bad('timestamp-null', Object.assign({}, a1, { timestamp: null }))
bad('hash', Object.assign({}, a1, { hash: 'sha512' }))
bad('signature-number', Object.assign({}, a1, { signature: 5 }))
bad('signature-text', Object.assign({}, a1, { signature: 'x' }))
bad('signature-of-other', Object.assign({}, a1, { signature: a2.signature }))
bad('signature-longer', Object.assign({}, a1, { signature: a1.signature + 'x' }))
bad('signature-curve', Object.assign({}, a1, { signature: a1.signature.replace('.ed25519', '.sha256') }))
bad('extra-key', Object.assign({}, a1, { extra: 5 }))
bad('extra-key-first', Object.assign({ extra: 5 }, a1))
bad('order', sign('A', { previous: null, author: names.A, timestamp: 1, sequence: 1, hash: 'sha256', content: { type: 'post' } }))
bad('no-content', Object.assign({}, a1, { content: undefined }))
bad('content-number', Object.assign({}, a1, { content: 5 }))
bad('content-true', Object.assign({}, a1, { content: true }))
bad('content-empty', Object.assign({}, a1, { content: '' }))
bad('content-array', sign('A', a1, { content: [] }))
bad('content-clear', sign('A', a1, { content: 'not boxed' }))
bad('content-no-type', sign('A', a1, { content: {} }))
bad('content-type-number', sign('A', a1, { content: { type: 5 } }))
bad('content-type-short', sign('A', a1, { content: { type: 'ab' } }))
bad('content-type-long', sign('A', a1, { content: { type: 'x'.repeat(53) } }))
bad('long', sign('A', a1, { content: { type: 'post', text: 'x'.repeat(8192) } }))
bad('long-unicode', sign('A', a1, { content: { type: 'post', text: 'ü'.repeat(7900) } }))
bad('altered', Object.assign({}, a1, { content: { type: 'post', text: 'two' } }))
bad('fork-first', sign('A', a1, { content: { type: 'fork' } }))
bad('fork-middle', sign('A', a3, { content: { type: 'fork' } }))
bad('fork-next', sign('A', a3, { sequence: fields.sequence, content: { type: 'fork' } }))
bad('gap', sign('A', a3, { sequence: fields.sequence + 3, previous: names['b1.id'] }))
bad('next-long', sign('A', a3, Object.assign({ content: { type: 'post', text: 'y'.repeat(8192) } }, fields)))
bad('next-unsigned', Object.assign({}, a3, fields))
bad('next-of-other', Object.assign({}, b1, { author: names.A }, fields))
bad('stored', { key: names['a1.id'], value: a1, timestamp: 5 })

process.stdout.write(JSON.stringify(names))
