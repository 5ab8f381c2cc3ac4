// How long a blob takes to be read with the real ssb-client, as the owner of a node.
//   node blobs.js --addr <multiserver address> --shs <base64> --keys <secret file>
// In, a line each: the id of a blob     Out: {"connected":true}, then for each line {"bytes":N,"seconds":S}
'use strict'
const readline = require('readline')
const common = require('./common')

const a = common.args(process.argv.slice(2), {})
if (!a.addr || !a.shs || !a.keys) {
  console.error('need --addr --shs --keys')
  process.exit(2)
}
process.argv.length = 2 // ssb-config would read the rest as configuration
const pull = common.req('pull-stream')
const keys = common.req('ssb-keys').loadSync(a.keys)
const options = { remote: a.addr, manifest: { blobs: { get: 'source' } }, caps: { shs: a.shs }, timers: { handshake: 10000 } }

common.req('ssb-client')(keys, options, (error, rpc) => {
  if (error) throw error
  const read = (id) => new Promise((resolve, reject) => {
    const start = process.hrtime.bigint()
    let bytes = 0
    pull(rpc.blobs.get(id), pull.drain(piece => { bytes += piece.length }, error => {
      if (error) return reject(error)
      resolve({ bytes, seconds: Number(process.hrtime.bigint() - start) / 1e9 })
    }))
  })
  let turn = Promise.resolve()
  readline.createInterface({ input: process.stdin })
    .on('line', id => { turn = turn.then(() => read(id)).then(common.print) })
    .on('close', () => process.exit(0))
  common.print({ connected: true })
})
