// Peers that behave badly, as far as that takes the real cryptography.
//   node rude.js dial --addr A --shs K --times N     dials N times; a line {"dial":i,"error":"..."|null} each
//   node rude.js frame --addr A --shs K --hex BYTES  proves a fresh identity, then sends BYTES where a packet should be;
//                                                    prints {"sent":true}, then {"closed":true} when the server hangs up
//   node rude.js hello --addr A --shs K --hex KEY    sends a client hello with KEY as ephemeral key, correctly
//                                                    authenticated; prints {"received":n,"closed":true} at the end
'use strict'
const crypto = require('crypto')
const net = require('net')
const common = require('./common')

const mode = process.argv[2]
const a = common.args(process.argv.slice(3), {})
const req = common.within('ssb-client')
const pull = common.req('pull-stream')
const { print } = common

const modes = {
  dial () {
    const next = (i) => i < Number(a.times) && connect((error, stream) => {
      print({ dial: i, error: error ? error.message || String(error) : null })
      if (stream) stream.source(true, () => {})
      next(i + 1)
    })
    next(0)
  },
  frame () {
    connect((error, stream) => {
      if (error) throw error
      let sent = false
      pull((end, cb) => {
        if (end || sent) return end && cb(end) // stays open: the server has to hang up
        sent = true
        cb(null, Buffer.from(a.hex, 'hex'))
        print({ sent: true })
      }, stream.sink)
      pull(stream.source, pull.onEnd(() => {
        print({ closed: true })
        process.exit(0)
      }))
    })
  },
  hello () {
    const ephemeral = Buffer.from(a.hex, 'hex')
    const tag = crypto.createHmac('sha512', Buffer.from(a.shs, 'base64')).update(ephemeral).digest().slice(0, 32)
    const [, host, port] = /^net:(.*):(\d+)~/.exec(a.addr)
    let received = 0
    net.connect(Number(port), host)
      .on('connect', function () { this.write(Buffer.concat([tag, ephemeral])) })
      .on('data', (data) => { received += data.length })
      .on('error', () => {})
      .on('close', () => print({ received, closed: true }))
  }
}

function connect (cb) {
  const keys = common.req('ssb-keys').generate()
  const bytes = (key) => Buffer.from(key.replace('.ed25519', ''), 'base64')
  const shs = req('multiserver/plugins/shs')({
    keys: { publicKey: bytes(keys.public), secretKey: bytes(keys.private) },
    appKey: a.shs,
    auth: (_, cb) => cb(null, false),
    timeout: 10000
  })
  req('multiserver')([[req('multiserver/plugins/net')({}), shs]]).client(a.addr, cb)
}

modes[mode]()
