// A real ssb-db2 8 under secret-stack 6, on loopback, without anything that talks to peers.
//   node db2.js --dir D --port P --shs <base64 of 32 bytes> [--host 127.0.0.1] [--log info]
// Prints one JSON line {"ready":true,id,address,...} when it listens; stops on SIGTERM.
'use strict'
const fs = require('fs')
const path = require('path')
const common = require('./common')

const a = common.args(process.argv.slice(2), { host: '127.0.0.1', log: 'error' })
if (!a.dir || !a.port || !a.shs) {
  console.error('need --dir --port --shs')
  process.exit(2)
}
process.argv.length = 2 // ssb-config would read the rest as configuration
const { req } = common

const dir = path.resolve(a.dir)
fs.mkdirSync(dir, { recursive: true })
const config = {
  path: dir,
  keys: req('ssb-keys').loadOrCreateSync(path.join(dir, 'secret')),
  caps: { shs: a.shs },
  // Without groups.
  box2: { legacyMode: true },
  logging: { level: a.log },
  connections: {
    incoming: { net: [{ scope: 'device', transform: 'shs', host: a.host, port: Number(a.port) }] },
    outgoing: { net: [{ transform: 'shs' }] }
  }
}
const server = req('secret-stack')({ caps: config.caps })
  .use(req('ssb-master'))
  .use(req('ssb-db2'))
  .use(req('ssb-db2/compat'))
  // How far each feed goes, which ssb-db2 tells its plugins only.
  .use({ name: 'heads', manifest: { clock: 'async' }, init: (ssb) => ({ clock: (cb) => ssb.getVectorClock(cb) }) })(config)

server.once('multiserver:listening', () => common.print({
  ready: true,
  id: server.id,
  address: `net:${a.host}:${a.port}~shs:${server.id.slice(1, -8)}`
}))
const stop = () => {
  server.close(() => setTimeout(() => process.exit(0), 300))
  setTimeout(() => process.exit(0), 2500).unref()
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
