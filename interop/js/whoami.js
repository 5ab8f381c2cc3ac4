// How long many calls of `whoami` take with the real ssb-client, as the owner of a node.
//   node whoami.js --addr <multiserver address> --shs <base64> --keys <secret file> [--no-delay]
// In, a line each: COUNT IN_FLIGHT      Out: {"connected":true}, then for each line its seconds
'use strict'
const readline = require('readline')
const common = require('./common')

const a = common.args(process.argv.slice(2), {})
if (!a.addr || !a.shs || !a.keys) {
  console.error('need --addr --shs --keys')
  process.exit(2)
}
process.argv.length = 2 // ssb-config would read the rest as configuration
if (a['no-delay']) common.noDelay()
const keys = common.req('ssb-keys').loadSync(a.keys)
const options = { remote: a.addr, manifest: { whoami: 'sync' }, caps: { shs: a.shs }, timers: { handshake: 10000 } }

common.req('ssb-client')(keys, options, (error, rpc) => {
  if (error) throw error
  const call = () => new Promise((resolve, reject) => rpc.whoami(error => error ? reject(error) : resolve()))
  async function measure (count, inFlight) {
    let made = 0
    const lane = async () => { while (made++ < count) await call() }
    const start = process.hrtime.bigint()
    await Promise.all(Array.from({ length: inFlight }, lane))
    return Number(process.hrtime.bigint() - start) / 1e9
  }
  let turn = Promise.resolve()
  readline.createInterface({ input: process.stdin })
    .on('line', line => {
      const [count, inFlight] = line.split(' ').map(Number)
      turn = turn.then(() => measure(count, inFlight)).then(common.print)
    })
    .on('close', () => process.exit(0))
  common.print({ connected: true })
})
