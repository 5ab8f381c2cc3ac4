// The real ssb-client, told what to do line by line.
//   node client.js --addr <multiserver address> --shs <base64> [--keys <secret file>] [--manifest <JSON>] [--names]
// Without --keys it is a stranger; without --manifest it asks the server for one, as applications do. With --names errors
// begin with their names.
//
// In, a JSON line each:                           Out:
//                                                 {"connected":"<id of the server>"} or {"failed":"<message>"}
//   {"id":1,"call":"whoami","args":[]}            {"id":1,"value":"<JSON text>"} or {"id":1,"error":"<message>"}
//   {"id":2,"source":"createLogStream","args":[]} {"id":2,"item":"<JSON text>"} ..., {"id":2,"end":null or "<message>"}
//   {"id":3,"sink":"createWriteStream","args":[],"items":[..]}
//                                                 {"id":3,"value":"undefined"} once all was sent, or {"id":3,"error":"<message>"}
//   {"abort":2}                                   the same end
// Values are JSON *text* inside JSON, so that the order of their keys reaches the test. End of input closes cleanly
// and prints {"closed":true}; a connection that breaks prints {"hungup":true}.
'use strict'
const readline = require('readline')
const common = require('./common')

const a = common.args(process.argv.slice(2), {})
if (!a.addr || !a.shs) {
  console.error('need --addr --shs')
  process.exit(2)
}
process.argv.length = 2 // ssb-config would read the rest as configuration
const keysLib = common.req('ssb-keys')
const pull = common.req('pull-stream')
const { print } = common

const keys = a.keys ? keysLib.loadSync(a.keys) : keysLib.generate()
const manifest = a.manifest ? JSON.parse(a.manifest) : null
const options = { remote: a.addr, manifest, caps: { shs: a.shs }, timers: { handshake: 10000 } }
const text = (value) => value === undefined ? 'undefined' : JSON.stringify(value)
const message = (error) => (a.names ? `${error.name}: ` : '') + (error.message || String(error))

common.req('ssb-client')(keys, options, (error, rpc) => {
  if (error) {
    print({ failed: message(error) })
    return process.exit(0)
  }
  const aborts = new Map()
  const open = {
    call ({ id, call, args }) {
      find(call)(...args, (error, value) => print(error ? { id, error: message(error) } : { id, value: text(value) }))
    },
    source ({ id, source, args }) {
      const reader = pull.drain(
        // Braces: a full pipe makes `print` return false, which would abort the source.
        (item) => { print({ id, item: text(item) }) },
        (error) => {
          aborts.delete(id)
          print({ id, end: error && error !== true ? message(error) : null })
        })
      aborts.set(id, reader)
      pull(find(source)(...args), reader)
    },
    sink ({ id, sink, args, items }) {
      const done = (error) => print(error && error !== true ? { id, error: message(error) } : { id, value: text(undefined) })
      pull(pull.values(items), find(sink)(...args, done))
    },
    abort ({ abort }) {
      if (aborts.has(abort)) aborts.get(abort).abort(() => print({ id: abort, end: null }))
    }
  }
  function find (name) {
    const method = name.split('.').reduce((object, key) => object && object[key], rpc)
    if (typeof method !== 'function') throw new Error('not in the manifest: ' + name)
    return method
  }
  let closing = false
  rpc.on('closed', () => { if (!closing) print({ hungup: true }) })
  print({ connected: rpc.id })
  readline.createInterface({ input: process.stdin })
    .on('line', (line) => {
      const request = JSON.parse(line)
      try {
        open[Object.keys(open).find((kind) => kind in request)](request)
      } catch (error) {
        print({ id: request.id, error: message(error), end: message(error) })
      }
    })
    .on('close', () => {
      closing = true
      rpc.close(() => {
        print({ closed: true })
        process.exit(0)
      })
    })
})
